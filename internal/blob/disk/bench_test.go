package disk_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coreshed/coreshed/internal/blob"
)

// BenchmarkPut compares uploads over loopback HTTP, hashed on the way: "store"
// through the store, "plain" what a plain Go server does without one, with
// the sync of the file but none of the folder. The 4 MiB objects are blocks of
// one version, the small ones versions of their own.
func BenchmarkPut(b *testing.B) {
	for _, c := range []struct {
		size, objects, clients int
	}{
		{256 << 20, 1, 1},
		{4 << 20, 64, 8},
		{4 << 10, 512, 16},
	} {
		body := make([]byte, c.size)
		_, _ = rand.Read(body)
		for _, name := range []string{"plain", "store"} {
			b.Run(fmt.Sprintf("%s/%dKiB/x%d/c%d", name, c.size>>10, c.objects, c.clients), func(b *testing.B) {
				url := servePut(b, name == "plain", c.size == 4<<20)
				b.SetBytes(int64(c.size * c.objects))
				for b.Loop() {
					upload(b, url, body, c.objects, c.clients)
				}
				b.ReportMetric(float64(b.N*c.objects)/b.Elapsed().Seconds(), "objects/s")
			})
		}
	}
}

func servePut(b *testing.B, plain, blocks bool) string {
	put := plainPut(b.TempDir())
	if !plain {
		s, _ := open(b)
		version := blob.NewPrefix()
		put = func(r *http.Request) error {
			prefix := version
			if !blocks {
				prefix = blob.NewPrefix()
			}
			return s.Put(r.Context(), blob.NewKey(prefix), io.TeeReader(r.Body, sha256.New()), r.ContentLength)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := put(r); err != nil {
			b.Error(err)
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	b.Cleanup(server.Close)
	return server.URL
}

func plainPut(dir string) func(r *http.Request) error {
	var n atomic.Int64
	return func(r *http.Request) error {
		name := filepath.Join(dir, fmt.Sprint(n.Add(1)))
		f, err := os.Create(name + ".tmp")
		if err != nil {
			return err
		}
		defer f.Close()
		w := io.MultiWriter(f, sha256.New())
		if _, err := io.CopyBuffer(struct{ io.Writer }{w}, r.Body, make([]byte, 256<<10)); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		return os.Rename(name+".tmp", name)
	}
}

func upload(b *testing.B, url string, body []byte, objects, clients int) {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: clients, WriteBufferSize: 256 << 10}
	defer transport.CloseIdleConnections()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for next.Add(1) <= int64(objects) {
				req, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				resp, err := transport.RoundTrip(req)
				if err != nil {
					b.Error(err)
					return
				}
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
}

// BenchmarkGet downloads over loopback HTTP; "file" is http.ServeContent of an
// *os.File.
func BenchmarkGet(b *testing.B) {
	for _, size := range []int{256 << 20, 4 << 10} {
		s, dir := open(b)
		key := blob.NewKey(blob.NewPrefix())
		if err := s.Put(b.Context(), key, io.LimitReader(rand.Reader, int64(size)), int64(size)); err != nil {
			b.Fatal(err)
		}
		get := map[string]http.HandlerFunc{
			"file": func(w http.ResponseWriter, r *http.Request) {
				http.ServeFile(w, r, filepath.Join(dir, key[:2], key[:26]+"."+key[27:]))
			},
			"store": func(w http.ResponseWriter, r *http.Request) {
				rc, err := s.Open(r.Context(), key, 0, -1)
				if err != nil {
					b.Error(err)
					return
				}
				defer rc.Close()
				w.Header().Set("Content-Type", "application/octet-stream")
				w.Header().Set("Content-Length", fmt.Sprint(size))
				if _, err := io.Copy(w, rc); err != nil {
					b.Error(err)
				}
			},
		}
		for _, name := range []string{"file", "store"} {
			b.Run(fmt.Sprintf("%s/%dKiB", name, size>>10), func(b *testing.B) {
				server := httptest.NewServer(get[name])
				defer server.Close()
				b.SetBytes(int64(size))
				for b.Loop() {
					download(b, server.URL, int64(size))
				}
			})
		}
	}
}

func download(b *testing.B, url string, size int64) {
	b.Helper()
	resp, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != size {
		b.Fatalf("downloaded %d of %d bytes, %v", n, size, err)
	}
}
