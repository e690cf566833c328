package blobapi_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed/internal/blobapi"
	"github.com/coreshed/coreshed/internal/signedurl"
)

func TestGetHeaders(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		b := p.reserve(t, "a.html")
		put := p.want(t, 201, "", p.put(t, p.up(t, b), some(5000), blockBlob, "Content-Type: text/html", "Content-Encoding: gzip",
			"Cache-Control: max-age=5", "x-ms-blob-content-disposition: inline"))
		want := map[string]string{
			"Content-Length": "5000", "Content-Type": "text/html", "Accept-Ranges": "bytes", "ETag": put.Header.Get("ETag"),
			"Last-Modified": put.Header.Get("Last-Modified"), "x-ms-creation-time": put.Header.Get("Last-Modified"),
			"Content-Disposition": "attachment; filename*=UTF-8''file.csv", "x-ms-blob-type": "BlockBlob",
			"x-ms-lease-status": "unlocked", "x-ms-lease-state": "available", "x-ms-server-encrypted": "true",
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox", "Cache-Control": "max-age=5",
			"Content-Encoding": "", "Vary": "Accept-Encoding", "Content-Range": "", "Content-MD5": "", "x-ms-access-tier": "",
		}
		check := func(r response) {
			t.Helper()
			for name, value := range want {
				if got := r.Header.Get(name); got != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
		}
		check(p.want(t, 200, "", p.get(t, p.down(t, b))))
		want["x-ms-access-tier"] = "Hot"
		check(p.want(t, 200, "", p.do(t, http.MethodHead, p.down(t, b), nil, "Range: bytes=0-9")))
		want["Content-Encoding"] = "gzip"
		check(p.want(t, 200, "", p.do(t, http.MethodHead, p.down(t, b), nil, "Accept-Encoding: gzip")))
		delete(want, "x-ms-access-tier")
		want["Content-Range"], want["Content-Length"] = "bytes 1-2/5000", "2"
		check(p.want(t, 206, "", p.get(t, p.down(t, b), "Range: bytes=1-2", "Accept-Encoding: gzip")))

		want = map[string]string{"Vary": "Accept-Encoding", "ETag": put.Header.Get("ETag")}
		check(p.want(t, 304, "ConditionNotMet", p.get(t, p.down(t, b), "If-None-Match: "+put.Header.Get("ETag"))))
		want = map[string]string{"Vary": ""}
		check(p.want(t, 200, "", p.get(t, p.down(t, p.uploaded(t, "plain", some(10))))))
	})
}

// What nobody has allowed caches to keep is not kept by those that others
// share, nor used without asking: the URL expires, and files are deleted.
func TestCaches(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		b := p.uploaded(t, "a", some(10))
		etag := ""
		for _, tt := range []struct {
			r    response
			want string
		}{
			{p.want(t, 200, "", p.get(t, p.down(t, b))), "private, no-cache"},
			{p.want(t, 206, "", p.get(t, p.down(t, b), "Range: bytes=1-2")), "private, no-cache"},
			{p.want(t, 200, "", p.get(t, p.down(t, b)+"&comp=blocklist")), "no-store"},
			{p.want(t, 403, "AuthorizationPermissionMismatch", p.get(t, p.up(t, b))), "no-store"},
			{p.want(t, 404, "BlobNotFound", p.get(t, p.down(t, p.reserve(t, "b")))), "no-store"},
		} {
			if got := tt.r.Header.Get("Cache-Control"); got != tt.want {
				t.Errorf("%s: Cache-Control %q, want %q", tt.r.Status, got, tt.want)
			}
			if etag == "" {
				etag = tt.r.Header.Get("ETag")
			}
		}
		if r := p.want(t, 304, "ConditionNotMet", p.get(t, p.down(t, b), "If-None-Match: "+etag)); r.Header.Get("Cache-Control") != "" {
			t.Errorf("304 has Cache-Control %q", r.Header.Get("Cache-Control"))
		}
	})
}

// TestRanges reads ranges of content of one and of many extents.
func TestRanges(t *testing.T) {
	data := some(5000)
	onEach(t, func(t *testing.T, p *plane) {
		one := p.uploaded(t, "one", data)
		many := p.reserve(t, "many")
		var ids []string
		for i := 0; i < len(data); i += 700 {
			ids = append(ids, blockID(i))
			p.want(t, 201, "", p.put(t, blockURL(p.up(t, many), blockID(i)), data[i:min(i+700, len(data))]))
		}
		p.want(t, 201, "", p.put(t, p.up(t, many)+"&comp=blocklist", listOf(ids...)))
		for _, tt := range []struct {
			text          string
			status        int
			first, length int
		}{
			{"", 200, 0, 5000},
			{"bytes=0-0", 206, 0, 1},
			{"bytes=0-4999", 206, 0, 5000},
			{"bytes=0-", 206, 0, 5000},
			{"bytes=0-99999", 206, 0, 5000},
			{"bytes=0-99999999999999999999", 206, 0, 5000},
			{"bytes=650-1450", 206, 650, 801},
			{"bytes=700-1399", 206, 700, 700},
			{"bytes=4999-4999", 206, 4999, 1},
			{"bytes=4999-", 206, 4999, 1},
			{"bytes=-10", 206, 4990, 10},
			{"bytes=-99999", 206, 0, 5000},
			{"Bytes= 1-2 ", 206, 1, 2},
			{"bytes=5000-", 416, 0, 0},
			{"bytes=5000-5001", 416, 0, 0},
			{"bytes=99999999999999999999-", 416, 0, 0},
			{"bytes=-0", 416, 0, 0},
			{"bytes=2-1", 200, 0, 5000},
			{"bytes=0-1,3-4", 200, 0, 5000},
			{"bytes=", 200, 0, 5000},
			{"bytes=-", 200, 0, 5000},
			{"bytes", 200, 0, 5000},
			{"bytes=a-b", 200, 0, 5000},
			{"bytes=+1-2", 200, 0, 5000},
			{"items=0-1", 200, 0, 5000},
		} {
			for _, header := range []string{"Range: ", "x-ms-range: "} {
				for _, b := range []signedurl.Blob{one, many} {
					r := p.get(t, p.down(t, b), header+tt.text)
					if tt.status == 416 {
						p.want(t, 416, "InvalidRange", r)
						if got := r.Header.Get("Content-Range"); got != "bytes */5000" {
							t.Errorf("%q: Content-Range %q", tt.text, got)
						}
						continue
					}
					p.want(t, tt.status, "", r)
					if !bytes.Equal(r.body, data[tt.first:tt.first+tt.length]) {
						t.Errorf("%q: %d bytes", tt.text, len(r.body))
					}
				}
			}
		}
		r := p.want(t, 206, "", p.get(t, p.down(t, one), "Range: bytes=0-0", "x-ms-range: bytes=7-8"))
		if got := r.Header.Get("Content-Range"); got != "bytes 7-8/5000" {
			t.Errorf("x-ms-range gives Content-Range %q", got)
		}
		empty := p.uploaded(t, "empty", nil)
		for _, text := range []string{"bytes=0-", "bytes=0-0", "bytes=-1"} {
			r := p.want(t, 416, "InvalidRange", p.get(t, p.down(t, empty), "Range: "+text))
			if got := r.Header.Get("Content-Range"); got != "bytes */0" {
				t.Errorf("empty: Content-Range %q", got)
			}
		}
	})
}

func TestRangeMD5(t *testing.T) {
	p := inMemory(t, blobapi.Config{})
	data := some(5 << 20)
	b := p.reserve(t, "a.csv")
	p.want(t, 201, "", p.put(t, p.up(t, b), data, blockBlob, "Content-MD5: "+md5Of(data)))
	r := p.want(t, 206, "", p.get(t, p.down(t, b), "x-ms-range: bytes=3-4194306", "x-ms-range-get-content-md5: true"))
	if got := r.Header.Get("Content-MD5"); got != md5Of(r.body) || len(r.body) != 4<<20 {
		t.Errorf("Content-MD5 %q of %d bytes", got, len(r.body))
	}
	if got := r.Header.Get("x-ms-blob-content-md5"); got != md5Of(data) {
		t.Errorf("x-ms-blob-content-md5 %q", got)
	}
	for _, headers := range [][]string{
		{"x-ms-range: bytes=3-4194307", "x-ms-range-get-content-md5: true"},
		{"x-ms-range-get-content-md5: true"},
		{"x-ms-range: bytes=0-0", "x-ms-range-get-content-md5: maybe"},
	} {
		p.want(t, 400, "InvalidHeaderValue", p.get(t, p.down(t, b), headers...))
	}
	p.want(t, 206, "", p.get(t, p.down(t, b), "x-ms-range: bytes=0-", "x-ms-range-get-content-md5: False"))
}

func TestConditions(t *testing.T) {
	p := inMemory(t, blobapi.Config{})
	b := p.uploaded(t, "a.csv", some(100))
	head := p.want(t, 200, "", p.do(t, http.MethodHead, p.down(t, b), nil))
	etag, changed := head.Header.Get("ETag"), head.Header.Get("Last-Modified")
	at, err := http.ParseTime(changed)
	if err != nil {
		t.Fatal(err)
	}
	before, after := at.Add(-time.Second).Format(http.TimeFormat), at.Add(time.Second).Format(http.TimeFormat)
	for _, tt := range []struct {
		status  int
		headers []string
	}{
		{200, []string{"If-Match: " + etag}},
		{200, []string{"If-Match: *"}},
		{200, []string{`If-Match: "a", ` + etag}},
		{200, []string{"If-Match: " + strings.Trim(etag, `"`)}},
		{412, []string{`If-Match: "a"`}},
		{412, []string{"If-Match: W/" + etag}},
		{304, []string{"If-None-Match: " + etag}},
		{304, []string{"If-None-Match: W/" + etag}},
		{304, []string{"If-None-Match: *"}},
		{200, []string{`If-None-Match: "a"`}},
		{200, []string{"If-Modified-Since: " + before}},
		{304, []string{"If-Modified-Since: " + changed}},
		{304, []string{"If-Modified-Since: " + after}},
		{200, []string{"If-Unmodified-Since: " + changed}},
		{200, []string{"If-Unmodified-Since: " + after}},
		{412, []string{"If-Unmodified-Since: " + before}},
		// And, and or.
		{412, []string{"If-Match: " + etag, "If-Unmodified-Since: " + before}},
		{412, []string{`If-Match: "a"`, "If-None-Match: " + etag}},
		{304, []string{"If-Match: " + etag, "If-None-Match: " + etag}},
		{200, []string{`If-None-Match: "a"`, "If-Modified-Since: " + after}},
		{200, []string{"If-None-Match: " + etag, "If-Modified-Since: " + before}},
		{304, []string{"If-None-Match: " + etag, "If-Modified-Since: " + after}},
		{400, []string{"If-Modified-Since: 2026"}},
	} {
		code := map[int]string{200: "", 304: "ConditionNotMet", 412: "ConditionNotMet", 400: "InvalidHeaderValue"}[tt.status]
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r := p.do(t, method, p.down(t, b), nil, tt.headers...)
			if r.StatusCode != tt.status {
				t.Errorf("%s %v: %d", method, tt.headers, r.StatusCode)
				continue
			}
			p.want(t, tt.status, code, r)
			if tt.status == 304 && (len(r.body) > 0 || r.Header.Get("ETag") != etag) {
				t.Errorf("304 with ETag %q and %d bytes", r.Header.Get("ETag"), len(r.body))
			}
		}
		if tt.status == 304 {
			list := p.want(t, 304, code, p.get(t, p.down(t, b)+"&comp=blocklist", tt.headers...))
			if len(list.body) > 0 {
				t.Error("304 with a block list")
			}
			want := p.put(t, p.up(t, b), some(100), append(tt.headers, blockBlob)...)
			if want.StatusCode != 412 && want.StatusCode != 409 {
				t.Errorf("Put Blob with %v: %d", tt.headers, want.StatusCode)
			}
		}
	}
	// A range that cannot be satisfied comes after the conditions.
	p.want(t, 304, "ConditionNotMet", p.get(t, p.down(t, b), "If-None-Match: *", "Range: bytes=100-"))
}

func TestGetBlockList(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		b := p.reserve(t, "a.csv")
		down := p.down(t, b) + "&comp=blocklist"
		p.want(t, 404, "BlobNotFound", p.get(t, down))
		p.want(t, 201, "", p.put(t, blockURL(p.up(t, b), "AAA+"), some(3)))
		p.want(t, 201, "", p.put(t, blockURL(p.up(t, b), "AAA/"), some(4)))
		p.want(t, 403, "AuthorizationPermissionMismatch", p.get(t, p.up(t, b)+"&comp=blocklist"))
		const declaration, committed = `<?xml version="1.0" encoding="utf-8"?>`, `<CommittedBlocks></CommittedBlocks>`
		check := func(list, want, length string, exists bool) {
			t.Helper()
			r := p.want(t, 200, "", p.get(t, down+"&blocklisttype="+list))
			if diff := cmp.Diff(declaration+"<BlockList>"+want+"</BlockList>", string(r.body)); diff != "" {
				t.Errorf("%s: %s", list, diff)
			}
			if r.Header.Get("x-ms-blob-content-length") != length || (r.Header.Get("ETag") != "") != exists || r.Header.Get("Content-Type") != "application/xml" {
				t.Errorf("%s: headers %v", list, r.Header)
			}
		}
		const blocks = `<Block><Name>AAA+</Name><Size>3</Size></Block><Block><Name>AAA/</Name><Size>4</Size></Block>`
		check("", committed, "0", false)
		check("uncommitted", "<UncommittedBlocks>"+blocks+"</UncommittedBlocks>", "0", false)
		check("all", committed+"<UncommittedBlocks>"+blocks+"</UncommittedBlocks>", "0", false)
		p.want(t, 400, "InvalidQueryParameterValue", p.get(t, down+"&blocklisttype=some"))
		p.want(t, 201, "", p.put(t, p.up(t, b)+"&comp=blocklist", listOf("AAA+", "AAA/")))
		check("committed", "<CommittedBlocks>"+blocks+"</CommittedBlocks>", "7", true)
		check("all", "<CommittedBlocks>"+blocks+"</CommittedBlocks><UncommittedBlocks></UncommittedBlocks>", "7", true)

		down = p.down(t, p.uploaded(t, "b.csv", some(9))) + "&comp=blocklist"
		check("committed", committed, "9", true)
	})
}

func TestDeleted(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		b := p.uploaded(t, "a.csv", some(100))
		if err := p.db.DeleteFile(t.Context(), p.access, b.File); err != nil {
			t.Fatal(err)
		}
		p.wantNothing(t, b)
		p.want(t, 404, "BlobNotFound", p.do(t, http.MethodHead, p.down(t, b), nil))
		p.want(t, 404, "BlobNotFound", p.get(t, p.down(t, b)+"&comp=blocklist"))
		also, err := p.signer.Download(t.Context(), p.server.URL, b, "a.csv", true)
		if err != nil {
			t.Fatal(err)
		}
		if r := p.want(t, 200, "", p.get(t, also)); !bytes.Equal(r.body, some(100)) {
			t.Error("other bytes")
		}
		if _, err := p.db.RestoreFile(t.Context(), p.access, b.File); err != nil {
			t.Fatal(err)
		}
		p.wantContent(t, b, some(100))
	})
}

func TestUnknown(t *testing.T) {
	p := inMemory(t, blobapi.Config{})
	b := p.uploaded(t, "a.csv", some(100))
	for _, other := range []signedurl.Blob{
		{Workspace: uuid.New(), File: b.File, VersionID: b.VersionID},
		{Workspace: b.Workspace, File: uuid.New(), VersionID: b.VersionID},
		{Workspace: b.Workspace, File: b.File, VersionID: b.VersionID + 1},
	} {
		p.wantNothing(t, other)
		p.want(t, 404, "BlobNotFound", p.put(t, p.up(t, other), some(10), blockBlob))
		p.want(t, 404, "BlobNotFound", p.put(t, p.up(t, other), some(10), blockBlob, "If-None-Match: *"))
		p.want(t, 404, "BlobNotFound", p.put(t, p.up(t, other)+"&comp=blocklist", listOf()))
		p.want(t, 404, "BlobNotFound", p.put(t, blockURL(p.up(t, other), blockID(0)), some(10)))
	}
}

func TestMissingBytes(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	b := p.uploaded(t, "a.csv", some(100))
	if err := p.blobs.Delete(t.Context(), p.slot(t, b).First.Key); err != nil {
		t.Fatal(err)
	}
	p.want(t, 404, "BlobNotFound", p.get(t, p.down(t, b)))
	p.want(t, 404, "BlobNotFound", p.do(t, http.MethodHead, p.down(t, b), nil))
}

// TestTruncated cuts an object shorter on disk: the answer must not look
// whole.
func TestTruncated(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	var ids []string
	b := p.reserve(t, "a.csv")
	for i := range 2 {
		ids = append(ids, blockID(i))
		p.want(t, 201, "", p.put(t, blockURL(p.up(t, b), blockID(i)), some(100_000)))
	}
	p.want(t, 201, "", p.put(t, p.up(t, b)+"&comp=blocklist", listOf(ids...)))
	extents, err := p.db.Extents(t.Context(), p.slot(t, b).Version.ID, 100_000, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.blobs.Delete(t.Context(), extents[0].Key); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.down(t, b), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := new(bytes.Buffer).ReadFrom(resp.Body); err == nil {
		t.Errorf("%d of 200000 bytes ended without an error", n)
	}
}

func TestCORS(t *testing.T) {
	p := inMemory(t, blobapi.Config{CORS: []string{"https://map.example.org"}})
	b := p.uploaded(t, "a.csv", some(100))
	const page, other = "Origin: https://map.example.org", "Origin: https://evil.example.org"
	ask := func(headers ...string) response { return p.do(t, http.MethodOptions, p.up(t, b), nil, headers...) }
	r := p.want(t, 200, "", ask(page, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type, x-ms-blob-type,x-ms-meta-a"))
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://map.example.org", "Access-Control-Allow-Methods": "GET, HEAD, PUT, OPTIONS",
		"Access-Control-Allow-Headers": "content-type, x-ms-blob-type,x-ms-meta-a", "Vary": "Origin",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	p.want(t, 403, "CorsPreflightFailure", ask(other, "Access-Control-Request-Method: PUT"))
	p.want(t, 403, "CorsPreflightFailure", ask(page, "Access-Control-Request-Method: DELETE"))
	p.want(t, 403, "CorsPreflightFailure", ask(page, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: cookie"))
	p.want(t, 400, "MissingRequiredHeader", ask(page))
	p.want(t, 400, "MissingRequiredHeader", ask("Access-Control-Request-Method: PUT"))

	for origin, want := range map[string]string{page: "https://map.example.org", other: ""} {
		for _, u := range []string{p.down(t, b), p.up(t, b)} {
			r := p.get(t, u, origin)
			if got := r.Header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%d to %s: Access-Control-Allow-Origin %q", r.StatusCode, origin, got)
			}
			if exposed := r.Header.Get("Access-Control-Expose-Headers"); strings.Contains(exposed, "ETag") != (want != "") {
				t.Errorf("%s may read %q", origin, exposed)
			}
		}
	}
	off := inMemory(t, blobapi.Config{})
	off.want(t, 403, "CorsPreflightFailure", off.do(t, http.MethodOptions, off.up(t, b), nil, page, "Access-Control-Request-Method: GET"))
	all := inMemory(t, blobapi.Config{CORS: []string{"*"}})
	all.want(t, 200, "", all.do(t, http.MethodOptions, all.up(t, b), nil, other, "Access-Control-Request-Method: GET"))
}

func TestClientRequestID(t *testing.T) {
	p := inMemory(t, blobapi.Config{})
	b := p.uploaded(t, "a.csv", some(100))
	for sent, want := range map[string]string{
		"abc-123": "abc-123", strings.Repeat("x", 1024): strings.Repeat("x", 1024), strings.Repeat("x", 1025): "", "a\tb": "", "é": "",
	} {
		r := p.get(t, p.down(t, b), "x-ms-client-request-id: "+sent)
		if got := r.Header.Get("x-ms-client-request-id"); got != want {
			t.Errorf("%.20q comes back as %.20q", sent, got)
		}
	}
}

// TestLogNamesNothing looks for what must not be in the log.
func TestLogNamesNothing(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	b := p.uploaded(t, "secret/name.csv", some(100))
	p.get(t, p.down(t, b))
	p.get(t, p.down(t, b)+"&sp=w")
	log := p.log.String()
	for _, secret := range []string{"name.csv", "secret", "sig=", "skoid"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	for _, want := range []string{b.File.String(), `"route":"GetBlob"`, `"route":"PutBlob"`, `"in":100`, `"out":100`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s:\n%s", want, log)
		}
	}
}

func TestNothingLeftOver(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	b := p.reserve(t, "a.csv")
	p.want(t, 400, "Md5Mismatch", p.put(t, p.up(t, b), some(100_000), blockBlob, "Content-MD5: "+md5Of(nil)))
	for object, err := range p.blobs.List(t.Context(), "") {
		t.Errorf("left over: %v %v", object, err)
	}
}
