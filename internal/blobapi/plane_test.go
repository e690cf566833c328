package blobapi_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/apitest"
	blobs "github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/blob/disk"
	"github.com/coreshed/coreshed/internal/blob/mem"
	"github.com/coreshed/coreshed/internal/blobapi"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

// plane is a data plane over HTTP with all that is below it.
type plane struct {
	db      *store.DB
	blobs   blobs.Store
	catalog *catalog.Catalog
	signer  *signedurl.Signer
	server  *httptest.Server
	client  *http.Client
	access  coreshed.Access
	folder  string // where the workspace's files in place lie
	clock   *clock
	log     *lines
}

// lines is a log that a test can read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// clock is the signer's time: the real one, moved by a test.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// onDisk and inMemory are the two embedded defaults.
func onDisk(t testing.TB, c blobapi.Config) *plane {
	t.Helper()
	return start(t, c, "sqlite:"+filepath.Join(t.TempDir(), "coreshed.db"), folder(t))
}

func folder(t testing.TB) blobs.Store {
	t.Helper()
	objects, err := disk.Open(filepath.Join(t.TempDir(), "objects"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { objects.Close() })
	return objects
}

func inMemory(t testing.TB, c blobapi.Config) *plane {
	t.Helper()
	return start(t, c, "memory:", mem.New())
}

// onEach runs a test on both, and on PostgreSQL when a server is configured.
func onEach(t *testing.T, test func(t *testing.T, p *plane)) {
	t.Helper()
	t.Run("disk", func(t *testing.T) { test(t, onDisk(t, blobapi.Config{})) })
	t.Run("memory", func(t *testing.T) { test(t, inMemory(t, blobapi.Config{})) })
	if url, ok := storetest.Postgres(t); ok {
		t.Run("postgres", func(t *testing.T) { test(t, start(t, blobapi.Config{}, url, folder(t))) })
	}
}

func start(t testing.TB, c blobapi.Config, database string, objects blobs.Store) *plane {
	t.Helper()
	p := &plane{blobs: objects, clock: &clock{}, log: &lines{}}
	ctx := t.Context()
	var err error
	if p.db, err = store.Open(ctx, store.Config{URL: database}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.db.Close() })
	if err := signedurl.EnsureKey(ctx, p.db); err != nil {
		t.Fatal(err)
	}
	p.addWorkspace(t)
	p.signer = signedurl.New(signedurl.Config{Now: p.clock.Now, Keys: func(ctx context.Context) ([]store.Key, error) {
		return p.db.Keys(ctx, store.URLKey)
	}})
	p.folder = t.TempDir()
	opener, err := broker.NewOpener(broker.Bounds{Roots: []string{p.folder}})
	if err != nil {
		t.Fatal(err)
	}
	p.catalog = catalog.New(catalog.Config{DB: p.db, Blobs: objects, Opener: opener})
	c.Catalog, c.DB, c.Signer = p.catalog, p.db, p.signer
	p.server = httptest.NewServer(web.Log{
		Log: slog.New(slog.NewJSONHandler(p.log, nil)), Metrics: web.NewMetrics(prometheus.NewRegistry()), Next: blobapi.New(c),
	})
	t.Cleanup(p.server.Close)
	// Answers must come as they are sent.
	p.client = &http.Client{
		Transport:     apitest.Transport(t, &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(p.client.CloseIdleConnections)
	return p
}

func (p *plane) addWorkspace(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	org, err := p.db.AddOrganisation(ctx, "Test")
	if err != nil {
		t.Fatal(err)
	}
	person, err := p.db.AddUser(ctx, org.ID, store.NewUser{Email: "geologist@example.org", Name: "G", Admin: true})
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.db.AddWorkspace(ctx, org.ID, person.ID, "Test", coreshed.WorkspaceEdit{})
	if err != nil {
		t.Fatal(err)
	}
	if p.access, err = p.db.Access(ctx, coreshed.Actor{ID: person.ID}, org.ID, w.UUID); err != nil {
		t.Fatal(err)
	}
}

// reserve begins an upload.
func (p *plane) reserve(t testing.TB, path string) signedurl.Blob {
	t.Helper()
	r, err := p.db.Reserve(t.Context(), p.access, path, blobs.NewPrefix())
	if err != nil {
		t.Fatal(err)
	}
	return signedurl.Blob{Workspace: p.access.Workspace.UUID, File: r.FileUUID, VersionID: r.VersionID}
}

func (p *plane) up(t testing.TB, b signedurl.Blob) string {
	t.Helper()
	u, err := p.signer.Upload(t.Context(), p.server.URL, b)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (p *plane) down(t testing.TB, b signedurl.Blob) string {
	t.Helper()
	u, err := p.signer.Download(t.Context(), p.server.URL, b, "file.csv", false)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// uploaded commits bytes in one piece.
func (p *plane) uploaded(t testing.TB, path string, data []byte) signedurl.Blob {
	t.Helper()
	b := p.reserve(t, path)
	p.want(t, 201, "", p.put(t, p.up(t, b), data, "x-ms-blob-type: BlockBlob"))
	return b
}

// response is an answer with its body.
type response struct {
	*http.Response
	body []byte
}

func (r response) code() string { return r.Header.Get("x-ms-error-code") }

// do sends a request with headers "name: value".
func (p *plane) do(t testing.TB, method, url string, body io.Reader, headers ...string) response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{resp, data}
}

func (p *plane) get(t testing.TB, url string, headers ...string) response {
	t.Helper()
	return p.do(t, http.MethodGet, url, nil, headers...)
}

func (p *plane) put(t testing.TB, url string, body []byte, headers ...string) response {
	t.Helper()
	return p.do(t, http.MethodPut, url, bytes.NewReader(body), headers...)
}

// want checks a status and an error code, and what every answer has.
func (p *plane) want(t testing.TB, status int, code string, r response) response {
	t.Helper()
	if r.StatusCode != status || r.code() != code {
		t.Fatalf("%s %s: %d %s, want %d %s\n%s", r.Request.Method, r.Request.URL.Query().Get("comp"), r.StatusCode, r.code(), status, code, r.body)
	}
	for _, name := range []string{"Date", "Server", "x-ms-request-id", "x-ms-version"} {
		if r.Header.Get(name) == "" {
			t.Errorf("the answer %d has no %s", status, name)
		}
	}
	if len(r.TransferEncoding) > 0 {
		t.Errorf("the answer %d has transfer encoding %v", status, r.TransferEncoding)
	}
	if status == 201 && (len(r.body) > 0 || r.Header.Get("Content-Length") != "0") {
		t.Errorf("a 201 has a body of %d bytes, Content-Length %q", len(r.body), r.Header.Get("Content-Length"))
	}
	if code != "" && r.Request.Method != http.MethodHead && status != http.StatusNotModified {
		wantErrorBody(t, r)
	}
	return r
}

func wantErrorBody(t testing.TB, r response) {
	t.Helper()
	var e struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}
	if err := xml.Unmarshal(r.body, &e); err != nil {
		t.Fatalf("error body: %v\n%s", err, r.body)
	}
	if e.Code != r.code() || !strings.Contains(e.Message, "\nRequestId:"+r.Header.Get("x-ms-request-id")+"\nTime:2") {
		t.Errorf("error body %s", r.body)
	}
}

// wantContent checks that a blob has been committed with these bytes.
func (p *plane) wantContent(t testing.TB, b signedurl.Blob, data []byte) response {
	t.Helper()
	r := p.want(t, 200, "", p.get(t, p.down(t, b)))
	if !bytes.Equal(r.body, data) {
		t.Fatalf("content of %d bytes, want %d", len(r.body), len(data))
	}
	return r
}

// wantNothing checks that nothing has been committed.
func (p *plane) wantNothing(t testing.TB, b signedurl.Blob) {
	t.Helper()
	p.want(t, 404, "BlobNotFound", p.get(t, p.down(t, b)))
}

func (p *plane) slot(t testing.TB, b signedurl.Blob) store.Slot {
	t.Helper()
	s, err := p.catalog.Slot(t.Context(), catalog.Target(b))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func blockID(n int) string { return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%032d", n)) }

func blockURL(url, id string) string {
	return url + "&comp=block&blockid=" + strings.NewReplacer("+", "%2B", "=", "%3D").Replace(id)
}

// listOf is a block list as the Evo client writes it.
func listOf(ids ...string) []byte {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<BlockList>\n")
	for _, id := range ids {
		b.WriteString("  <Latest>" + id + "</Latest>\n")
	}
	return []byte(b.String() + "</BlockList>\n")
}

func md5Of(data []byte) string {
	sum := md5.Sum(data)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// some returns n bytes that no shift of them equals.
func some(n int) []byte {
	data := make([]byte, n)
	x := uint32(cmp.Or(n, 1))
	for i := range data {
		x = x*1664525 + 1013904223
		data[i] = byte(x >> 24)
	}
	return data
}
