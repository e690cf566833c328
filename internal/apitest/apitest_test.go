package apitest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// recordingTB is a test that may fail.
type recordingTB struct {
	testing.TB
	mu     sync.Mutex
	errors []string
}

func (t *recordingTB) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}

const (
	workspaceURL = "/file/v2/orgs/6f1a4f0c-54b1-4b53-93a8-9d4b2f6f2b11/workspaces/0b6c2f8e-0c4b-4e8a-a3a4-0fb8f7c1f5d2"
	fileID       = "7d0f5c52-3df1-4b0c-8a53-60a0f3a0e1c4"
	byID         = workspaceURL + "/files/" + fileID
	byPath       = workspaceURL + "/files/path/"
	blobURL      = "/0b6c2f8e-0c4b-4e8a-a3a4-0fb8f7c1f5d2/" + fileID + "/1772359200123456789"

	upload   = `{"file_id":"` + fileID + `","version_id":"1772359200123456789","upload":"https://h/x"}`
	notFound = `{"type":"https://seequent.com/error-codes/file-api/files/not-found","title":"File Not Found.","status":404,"detail":null}`
	listed   = `{"file_id":"` + fileID + `","name":"a b.csv","path":"/x/","version_id":"7","size":3,"etag":"\"0x8D\"",` +
		`"created_at":"2026-03-01T10:00:00.000001Z","created_by":{"id":"` + fileID + `","name":null,"email":null},` +
		`"modified_at":"2026-03-01T10:00:00.000001Z","modified_by":null,"deleted_at":null,"deleted_by":null,"links":{"self":"https://h/y"}}`
	list   = `{"count":1,"total":1,"limit":5000,"offset":0,"links":{"self":"https://h/z","next":null,"prev":null},"files":[` + listed + `]}`
	noBlob = `<?xml version="1.0" encoding="utf-8"?><Error><Code>BlobNotFound</Code><Message>There is none.</Message></Error>`
	blocks = `<?xml version="1.0" encoding="utf-8"?><BlockList><CommittedBlocks><Block><Name>AAAA</Name><Size>4</Size></Block>` +
		`<Block><Name>AAAB</Name><Size>5</Size></Block></CommittedBlocks></BlockList>`
)

const requestID = "X-Ms-Request-Id: " + fileID

var (
	blobFound = []string{"Content-Type: text/csv", "Content-Length: 3", "Accept-Ranges: bytes", `ETag: "0x8D"`,
		"Last-Modified: Sun, 01 Mar 2026 10:00:00 GMT", "X-Ms-Blob-Type: BlockBlob", requestID, "X-Ms-Version: 2023-08-03"}
	blobDone = []string{"Content-Length: 0", `ETag: "0x8D"`, "Last-Modified: Sun, 01 Mar 2026 10:00:00 GMT",
		requestID, "X-Ms-Version: 2023-08-03"}
	blobMissing = []string{"Content-Type: application/xml", "X-Ms-Error-Code: BlobNotFound", requestID}
)

func media(t string) []string { return []string{"Content-Type: " + t} }

var answers = []struct {
	name           string
	method, target string
	status         int
	header         []string
	body           string
	want           string // what the report says; empty for none
}{
	{"upload", "PUT", byPath + "a/b%20c.csv", 200, media("application/json"), upload, ""},
	{"parameters of the media type", "PUT", byPath + "a.csv", 200, media("application/json; charset=utf-8"), upload, ""},
	{"two slashes", "PUT", byPath + "/a//b.csv", 200, media("application/json"), upload, ""},
	{"escaped line feed", "GET", byPath + "a%0Ab", 404, media("application/problem+json"), notFound, ""},
	{"any host", "PUT", "https://other.example:8443" + byID, 200, media("application/json"), upload, ""},
	{"restored", "PUT", byID + "?deleted=False", 204, nil, "", ""},
	{"malformed id", "DELETE", workspaceURL + "/files/x", 404, media("application/problem+json"), notFound, ""},
	{"list", "GET", workspaceURL + "/files?limit=5", 200, media("application/json"), list, ""},
	{"health word", "GET", "/file/health_check", 200, media("text/plain; charset=utf-8"), "pass", ""},
	{"head of a get", "HEAD", "/healthz", 200, nil, "", ""},
	{"summary is not an id", "GET", "/workspace/orgs/o/workspaces/summary", 200, media("application/json"),
		`{"results":[],"links":{"first":"https://h/a","last":"https://h/a","next":null,"previous":null,"count":0,"total":0}}`, ""},
	{"bytes", "GET", blobURL + "?sp=rt", 200, blobFound, "1,2", ""},
	{"bytes that are XML", "GET", blobURL, 200, append(media("application/xml"), blobFound[1:]...), "<a>", ""},
	{"head of a blob", "HEAD", blobURL, 200, append(blobFound, "X-Ms-Access-Tier: Hot"), "", ""},
	{"commit", "PUT", blobURL + "?comp=blocklist", 201, blobDone, "", ""},
	{"block", "PUT", blobURL + "?comp=block", 201, []string{"Content-Length: 0", requestID, "X-Ms-Version: 2023-08-03"}, "", ""},
	{"block list", "GET", blobURL + "?comp=blocklist", 200,
		append(media("application/xml"), requestID, "X-Ms-Version: 2023-08-03", "X-Ms-Blob-Content-Length: 9"), blocks, ""},
	{"no blob", "GET", blobURL, 404, blobMissing, noBlob, ""},
	{"refused, undescribed", "DELETE", workspaceURL + "/files/", 405, media("text/plain"), "no", ""},

	{"undocumented status", "GET", byID, 202, media("application/json"), upload, "no such status"},
	{"undocumented conflict", "PUT", byID, 409, media("application/problem+json"), notFound, "no such status"},
	{"undescribed success", "POST", byID, 200, media("application/json"), upload, "no such operation"},
	{"redirect for a clean path", "GET", "/file/v2//x", 307, nil, "", "no such operation"},
	{"content type", "PUT", byID, 200, media("text/plain"), upload, `no content type "text/plain"`},
	{"no content type", "PUT", byID, 200, nil, upload, `no content type ""`},
	{"not JSON", "PUT", byID, 200, media("application/json"), "pass", "invalid character"},
	{"two values", "PUT", byID, 200, media("application/json"), upload + upload, "more than one JSON value"},
	{"missing field", "PUT", byID, 200, media("application/json"), `{"file_id":"` + fileID + `","upload":"https://h/x"}`, "version_id"},
	{"number for a string", "PUT", byID, 200, media("application/json"),
		strings.Replace(upload, `"1772359200123456789"`, "1772359200123456789", 1), "/version_id: value must be a string"},
	{"string for a number", "GET", workspaceURL + "/files", 200, media("application/json"),
		strings.Replace(list, `"size":3`, `"size":"3"`, 1), "/files/0/size: value must be an integer"},
	{"extra field", "PUT", byID, 200, media("application/json"), strings.Replace(upload, "{", `{"path":"/",`, 1), "path"},
	{"extra field inside", "GET", workspaceURL + "/files", 200, media("application/json"),
		strings.Replace(list, `"size":3`, `"size":3,"sha256":"x"`, 1), "sha256"},
	{"extra field of an error", "GET", byID, 404, media("application/problem+json"),
		strings.Replace(notFound, "{", `{"path":"/",`, 1), "path"},
	{"time without zone", "GET", workspaceURL + "/files", 200, media("application/json"),
		strings.Replace(list, "000001Z", "000001", 1), "created_at"},
	{"etag without quotes", "GET", workspaceURL + "/files", 200, media("application/json"),
		strings.Replace(list, `"\"0x8D\""`, `"0x8D"`, 1), "etag"},
	{"another title", "GET", byID, 404, media("application/problem+json"),
		strings.Replace(notFound, "File Not Found.", "Not Found", 1), "title"},
	{"another error", "GET", byID, 404, media("application/problem+json"),
		strings.Replace(notFound, "files/not-found", "files/gone", 1), "type"},
	{"health word with a line feed", "GET", "/file/health_check", 200, media("text/plain"), "pass\n", "value must be one of"},
	{"no ETag", "PUT", blobURL, 201, []string{"Content-Length: 0", blobDone[2], requestID, blobDone[4]}, "", "ETag is missing"},
	{"header value", "GET", blobURL, 200, append([]string{"X-Content-Type-Options: sniff"}, blobFound...), "1,2", "X-Content-Type-Options"},
	{"no error code", "GET", blobURL, 404, []string{blobMissing[0], requestID}, noBlob, "x-ms-error-code is missing"},
	{"another code", "GET", blobURL, 404, []string{blobMissing[0], requestID, "X-Ms-Error-Code: BlobGone"}, noBlob, "but Code is BlobNotFound"},
	{"code of another status", "GET", blobURL, 412, blobMissing, noBlob, "Code"},
	{"not XML", "GET", blobURL, 404, blobMissing, "gone", "EOF"},
	{"root element", "GET", blobURL, 404, blobMissing, "<Err/>", "root element is Err"},
	{"second root", "GET", blobURL, 404, blobMissing, noBlob + "<Error/>", "follows the root"},
	{"size of a block", "GET", blobURL + "?comp=blocklist", 200,
		append(media("application/xml"), requestID, "X-Ms-Version: 2023-08-03", "X-Ms-Blob-Content-Length: 9"),
		strings.Replace(blocks, "<Size>5", "<Size>five", 1), "/CommittedBlocks/Block/1/Size: value must be an integer"},
	{"private key", "GET", "/.well-known/jwks.json", 200, media("application/json"),
		`{"keys":[{"kty":"EC","kid":"k","use":"sig","alg":"ES256","crv":"P-256","x":"x","y":"y","d":"d"}]}`, "'d'"},
	{"another prefix", "GET", "/api/v7/version/", 200, append(media("application/json"), "Allow: GET"), `{"version":"1"}`, ""},
	{"wrong under another prefix", "GET", "/api/v7/version/", 200, append(media("application/json"), "Allow: GET"), `{"version":1}`, "/version: "},
	{"no Allow", "GET", "/v6/version/", 200, media("application/json"), `{"version":"1"}`, "Allow is missing"},
	{"no slash", "GET", "/v6/files/5", 301, []string{"Location: /v6/files/5/"}, "", ""},
	{"no slash, redirected otherwise", "POST", "/v6/workspaces", 301, []string{"Location: /v6/workspaces/"}, "", "no such status"},
	{"options", "OPTIONS", "/v7/files/", 200, append(media("application/json"), "Allow: GET"), `{"name":"files"}`, "missing properties"},
}

// TestTransport sends every answer over a real connection.
func TestTransport(t *testing.T) {
	for _, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			rec := &recordingTB{TB: t}
			if body := send(t, rec, a.method, a.target, answering(a.status, a.header, a.body)); body != a.body {
				t.Errorf("body handed on is %q, want %q", body, a.body)
			}
			compare(t, rec, a.want)
		})
	}
}

func TestHandler(t *testing.T) {
	for _, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			rec, w := &recordingTB{TB: t}, httptest.NewRecorder()
			h := Handler(rec, answering(a.status, a.header, a.body))
			h.ServeHTTP(w, httptest.NewRequest(a.method, a.target, nil))
			if w.Code != a.status {
				t.Errorf("status handed on is %d, want %d", w.Code, a.status)
			}
			compare(t, rec, a.want)
		})
	}
}

// TestBodyOfNoContent needs no connection, since net/http would drop the body.
func TestBodyOfNoContent(t *testing.T) {
	rec := &recordingTB{TB: t}
	h := Handler(rec, answering(http.StatusNoContent, nil, "{}"))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("DELETE", byID, nil))
	compare(t, rec, "must be empty")
}

// TestBlobBytesFlow reads the first bytes of a blob whose last ones are not
// there yet, which a checker that reads the whole body could not do.
func TestBlobBytesFlow(t *testing.T) {
	more := make(chan struct{})
	srv := httptest.NewServer(Handler(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		setHeaders(w, blobFound)
		_, _ = io.WriteString(w, "1")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-more
		_, _ = io.WriteString(w, ",2")
	})))
	defer srv.Close()
	client := &http.Client{Transport: Transport(t, srv.Client().Transport)}
	resp, err := client.Get(srv.URL + blobURL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	close(more)
	rest, err := io.ReadAll(resp.Body)
	if got := string(first) + string(rest); err != nil || got != "1,2" {
		t.Errorf("read %q, %v", got, err)
	}
}

// TestBrokenBody keeps a connection that breaks a matter of the caller.
func TestBrokenBody(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		setHeaders(w, []string{"Content-Type: application/json", "Content-Length: 1000"})
		_, _ = io.WriteString(w, upload)
	}))
	defer srv.Close()
	resp, err := (&http.Client{Transport: Transport(t, nil)}).Get(srv.URL + byID)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != upload {
		t.Errorf("read %q, %v, want what came and %v", body, err, io.ErrUnexpectedEOF)
	}
}

// answering writes one fixed answer. Content types are set even when there are
// none to write, since net/http would guess one.
func answering(status int, header []string, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		setHeaders(w, header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func setHeaders(w http.ResponseWriter, lines []string) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		w.Header().Set(name, value)
	}
}

// send puts one request through a checked client, whatever host it names.
func send(t *testing.T, checked testing.TB, method, target string, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	r := httptest.NewRequest(method, target, nil)
	r.RequestURI = ""
	resp, err := Transport(checked, redirected(srv.Listener.Addr().String())).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// redirected is a transport that takes every request to one address.
type redirected string

func (addr redirected) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", string(addr)
	return http.DefaultTransport.RoundTrip(r)
}

func compare(t *testing.T, rec *recordingTB, want string) {
	t.Helper()
	switch {
	case want == "" && len(rec.errors) > 0:
		t.Errorf("reported: %s", rec.errors)
	case want != "" && (len(rec.errors) != 1 || !strings.Contains(rec.errors[0], want)):
		t.Errorf("reported %q, want one report with %q", rec.errors, want)
	}
}

// BenchmarkList checks a full page, the largest body there is.
func BenchmarkList(b *testing.B) {
	page := strings.Replace(list, listed, strings.Repeat(listed+",", 4999)+listed, 1)
	h := Handler(b, answering(http.StatusOK, media("application/json"), page))
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", workspaceURL+"/files", nil))
	}
}

// TestSchemasCompile: every body that is described is checked by a schema that is
// compiled once.
func TestSchemasCompile(t *testing.T) {
	n := 0
	for _, r := range load(t) {
		for _, op := range r.item.Operations() {
			for status, ref := range op.Responses.Map() {
				for media, content := range ref.Value.Content {
					n++
					if _, err := r.bodies.compile(content.Schema.Value); err != nil {
						t.Errorf("%s, %s, %s: %v", op.OperationID, status, media, err)
					}
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("%d bodies are described", n)
	}
}
