package blobapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coreshed/coreshed/internal/blobapi"
)

// sink is a ResponseWriter that sends nowhere.
type sink struct {
	header http.Header
	status int
	n      int64
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }

func (s *sink) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	return len(p), nil
}

func (s *sink) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(struct{ io.Writer }{s}, r)
	return n, err
}

// BenchmarkGet4KiB is Get Blob without net/http's part.
func BenchmarkGet4KiB(b *testing.B) {
	p := onDisk(b, blobapi.Config{})
	data := some(4096)
	blob := p.uploaded(b, "a.csv", data)
	handler := p.server.Config.Handler
	url := p.down(b, blob)
	b.ReportAllocs()
	for b.Loop() {
		w := &sink{header: http.Header{}}
		handler.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, url, nil))
		if w.status != http.StatusOK || w.n != int64(len(data)) {
			b.Fatal(w.status, w.n)
		}
	}
}
