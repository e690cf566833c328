package client

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// TestStall meets a peer that stops answering, in the middle of a download and
// of an upload, and goes on with the next connection.
func TestStall(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		first := asked.Add(1) == 1
		switch {
		case r.Method == http.MethodPut && !first:
			w.WriteHeader(http.StatusCreated)
			return
		case r.Method == http.MethodGet && !first:
			w.Header().Set("Content-Range", "bytes 4-9/10")
			w.WriteHeader(http.StatusPartialContent)
			io.WriteString(w, "456789")
			return
		case r.Method == http.MethodGet:
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "0123")
			http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}))
	defer s.Close()
	c, err := New(Config{Hub: s.URL, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.stall = 100 * time.Millisecond

	d := &download{files: &Files{c: c}, file: File{Size: 10}, link: newLink(s.URL+"/?sig=x", nil)}
	var got bytes.Buffer
	if err := d.get(t.Context(), 0, 10, &got); err != nil || got.String() != "0123456789" {
		t.Errorf("downloaded %q, %v", got.String(), err)
	}
	asked.Store(0)
	p, err := newPiece(bytes.NewReader(make([]byte, 10)), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.put(t.Context(), newLink(s.URL+"/?sig=x", nil), p, nil); err != nil || asked.Load() != 2 {
		t.Errorf("asked %d times, %v", asked.Load(), err)
	}
}
