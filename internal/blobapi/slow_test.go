package blobapi_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed/internal/blobapi"
)

// wire is a connection on which a test sends what it likes.
type wire struct {
	*net.TCPConn
	in *bufio.Reader
}

func (p *plane) dial(t testing.TB) wire {
	t.Helper()
	c, err := net.Dial("tcp", p.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return wire{c.(*net.TCPConn), bufio.NewReader(c)}
}

func (w wire) send(t testing.TB, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		t.Fatal(err)
	}
}

// head sends the head of a request.
func (w wire) head(t testing.TB, method, raw string, headers ...string) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	w.send(t, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, u.RequestURI(), u.Host, strings.Join(append(headers, ""), "\r\n"))
}

func (w wire) answer(t testing.TB) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(w.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func (w wire) wantCode(t testing.TB, status int, code string) *http.Response {
	t.Helper()
	resp := w.answer(t)
	if resp.StatusCode != status || resp.Header.Get("x-ms-error-code") != code {
		t.Fatalf("answer %d %s, want %d %s", resp.StatusCode, resp.Header.Get("x-ms-error-code"), status, code)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp
}

// uploads are the operations with a body.
var uploads = map[string]string{"put blob": "", "put block": "&comp=block&blockid=AAAA", "put block list": "&comp=blocklist"}

func (p *plane) wantNoObjects(t testing.TB) {
	t.Helper()
	for object, err := range p.blobs.List(t.Context(), "") {
		t.Errorf("an object was left: %v %v", object, err)
	}
}

func TestBodyEndsEarly(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	b := p.reserve(t, "a.csv")
	for _, query := range uploads {
		w := p.dial(t)
		w.head(t, "PUT", p.up(t, b)+query, blockBlob, "Content-Length: 1000")
		w.send(t, "<BlockList>")
		if err := w.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		w.wantCode(t, 400, "InvalidInput")
	}
	if s := p.slot(t, b); s.Blocks != 0 || s.Committed {
		t.Errorf("the slot became %+v", s)
	}
	p.wantNothing(t, b)
	p.wantNoObjects(t)
}

func TestConnectionReset(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	b := p.reserve(t, "a.csv")
	for _, query := range uploads {
		w := p.dial(t)
		w.head(t, "PUT", p.up(t, b)+query, blockBlob, "Content-Length: 100000")
		w.send(t, "%s", some(5000))
		if err := w.SetLinger(0); err != nil {
			t.Fatal(err)
		}
		w.Close()
	}
	p.server.Close() // waits for what is running
	if s := p.slot(t, b); s.Blocks != 0 || s.Committed {
		t.Errorf("the slot became %+v", s)
	}
	p.wantNoObjects(t)
}

func TestBodyStalls(t *testing.T) {
	t.Parallel()
	p := onDisk(t, blobapi.Config{Patience: 200 * time.Millisecond})
	b := p.reserve(t, "a.csv")
	for _, query := range uploads {
		w := p.dial(t)
		w.head(t, "PUT", p.up(t, b)+query, blockBlob, "Content-Length: 1000")
		w.send(t, "<BlockList>")
		w.wantCode(t, 408, "RequestTimeout")
	}
	p.wantNothing(t, b)
	p.wantNoObjects(t)
}

// TestBodyIsSlow sends for much longer than the server waits for one byte.
func TestBodyIsSlow(t *testing.T) {
	t.Parallel()
	p := onDisk(t, blobapi.Config{Patience: 3 * time.Second})
	b := p.reserve(t, "a.csv")
	w := p.dial(t)
	w.head(t, "PUT", p.up(t, b), blockBlob, "Content-Length: 20")
	for range 20 {
		time.Sleep(250 * time.Millisecond)
		w.send(t, "x")
	}
	w.wantCode(t, 201, "")
	// Nor does a deadline outlive its request.
	time.Sleep(3200 * time.Millisecond)
	w.head(t, "GET", p.down(t, b))
	w.wantCode(t, 200, "")
	time.Sleep(3200 * time.Millisecond)
	w.head(t, "GET", p.down(t, b))
	w.wantCode(t, 200, "")
}

// TestReaderStalls takes no more of an answer: the server gives up.
func TestReaderStalls(t *testing.T) {
	t.Parallel()
	p := onDisk(t, blobapi.Config{Patience: 2 * time.Second})
	data := some(32 << 20)
	b := p.uploaded(t, "a.bin", data)
	w := p.dial(t)
	if err := w.SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	w.head(t, "GET", p.down(t, b))
	resp := w.answer(t)
	time.Sleep(5 * time.Second)
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("a reader that stopped for seconds got all %d bytes", n)
	}
}

// TestReaderIsSlow takes an answer for longer than the server waits for a
// reader that takes nothing, and gets it all.
func TestReaderIsSlow(t *testing.T) {
	t.Parallel()
	p := onDisk(t, blobapi.Config{Patience: 5 * time.Second})
	data := some(32 << 20)
	b := p.uploaded(t, "a.bin", data)
	w := p.dial(t)
	if err := w.SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	w.head(t, "GET", p.down(t, b))
	resp := w.answer(t)
	var got bytes.Buffer
	for range 16 {
		time.Sleep(400 * time.Millisecond)
		if _, err := io.CopyN(&got, resp.Body, 2<<20); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got.Bytes(), data) {
		t.Error("other bytes")
	}
}

func TestLimits(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	b := p.reserve(t, "a.csv")
	for _, tt := range []struct {
		query  string
		length int64
		status int
	}{
		{"", 5000<<20 + 1, 413}, {"&comp=block&blockid=AAAA", 4000<<20 + 1, 413},
	} {
		w := p.dial(t)
		w.head(t, "PUT", p.up(t, b)+tt.query, blockBlob, fmt.Sprintf("Content-Length: %d", tt.length))
		w.wantCode(t, tt.status, "RequestBodyTooLarge")
	}
	for _, query := range uploads {
		w := p.dial(t)
		w.head(t, "PUT", p.up(t, b)+query, blockBlob)
		w.wantCode(t, 411, "MissingContentLengthHeader")
	}
	p.wantNothing(t, b)
}

// TestBodyTooLong sends more than was declared: what follows is no request.
func TestBodyTooLong(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	b := p.reserve(t, "a.csv")
	w := p.dial(t)
	w.head(t, "PUT", p.up(t, b), blockBlob, "Content-Length: 5")
	w.send(t, "12345and more\r\n\r\n")
	w.wantCode(t, 201, "")
	if resp := w.answer(t); resp.StatusCode != 400 {
		t.Errorf("what follows the body is answered with %d", resp.StatusCode)
	}
	p.wantContent(t, b, []byte("12345"))
}

// TestRefusedBeforeBody: a caller that waits is told before it sends, and one
// that sends is told after; then the connection is good for more.
func TestRefusedBeforeBody(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	b := p.reserve(t, "a.csv")
	w := p.dial(t)
	w.head(t, "PUT", p.down(t, b), blockBlob, "Content-Length: 1000000", "Expect: 100-continue")
	w.wantCode(t, 403, "AuthorizationPermissionMismatch")

	w = p.dial(t)
	w.head(t, "PUT", p.up(t, b), blockBlob, "Content-Length: 5", "Expect: 100-continue")
	if resp := w.answer(t); resp.StatusCode != 100 {
		t.Fatalf("answer %d, want 100", resp.StatusCode)
	}
	w.send(t, "12345")
	w.wantCode(t, 201, "")

	block := some(4 << 20)
	w = p.dial(t)
	for range 2 {
		w.head(t, "PUT", p.down(t, b), blockBlob, fmt.Sprintf("Content-Length: %d", len(block)))
		if _, err := w.Write(block); err != nil {
			t.Fatal(err)
		}
		w.wantCode(t, 403, "AuthorizationPermissionMismatch")
	}
}

// TestSendfile checks that net/http is given files in the one shape in which
// it has the kernel send them.
func TestSendfile(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	data := some(3 << 20)
	b := p.uploaded(t, "a.bin", data)
	spy := &spy{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		spy.ResponseWriter = w
		p.server.Config.Handler.ServeHTTP(spy, r)
	}))
	defer server.Close()
	r := p.get(t, strings.Replace(p.down(t, b), p.server.URL, server.URL, 1), "Range: bytes=1000-")
	if !bytes.Equal(r.body, data[1000:]) {
		t.Error("other bytes")
	}
	server.Close() // waits for the handler
	if spy.sent != int64(len(data)-1000) {
		t.Errorf("%d bytes came as a file", spy.sent)
	}
}

// spy is a ResponseWriter that counts the bytes which it could send as a file.
type spy struct {
	http.ResponseWriter
	sent int64
}

func (s *spy) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *spy) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(s.ResponseWriter, r)
	if limited, ok := r.(*io.LimitedReader); ok {
		if _, ok := limited.R.(*os.File); ok {
			s.sent += n
		}
	}
	return n, err
}
