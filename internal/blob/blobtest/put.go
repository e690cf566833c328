package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/coreshed/coreshed/internal/blob"
)

func testRoundTrip(t *testing.T, s blob.Store) {
	for _, size := range []int{0, 1, 4096, 256<<10 - 1, 256 << 10, 256<<10 + 1, 9<<20 + 7} {
		key, body := blob.NewKey(blob.NewPrefix()), random(size)
		before := time.Now()
		if err := s.Put(t.Context(), key, bytes.NewReader(body), int64(size)); err != nil {
			t.Fatalf("Put of %d bytes: %v", size, err)
		}
		if got := read(t, s, key, 0, -1); !bytes.Equal(got, body) {
			t.Errorf("Open returned %d other bytes than the %d put", len(got), size)
		}
		o, err := s.Stat(t.Context(), key)
		if err != nil || o.Key != key || o.Size != int64(size) {
			t.Errorf("Stat = %+v, %v; want %s of %d bytes", o, err, key, size)
		}
		// File systems round times, and clocks of theirs lag a little.
		if age := o.ModTime.Sub(before); age < -3*time.Second || age > time.Minute {
			t.Errorf("ModTime is %v after the Put began", age)
		}
	}
}

// testBadBody also puts a good body afterwards: a failed Put gives the key free.
func testBadBody(t *testing.T, s blob.Store) {
	broken := errors.New("broken connection")
	body := random(300 << 10)
	size := int64(len(body))
	tests := []struct {
		name string
		r    io.Reader
		size int64
		want error
	}{
		{"short", bytes.NewReader(body[:size-1]), size, io.ErrUnexpectedEOF},
		{"empty", strings.NewReader(""), 1, io.ErrUnexpectedEOF},
		{"long", bytes.NewReader(body), size - 1, blob.ErrTooLong},
		{"not empty", strings.NewReader("x"), 0, blob.ErrTooLong},
		{"breaks", io.MultiReader(bytes.NewReader(body[:size-1]), iotest.ErrReader(broken)), size, broken},
		{"breaks at the end", io.MultiReader(bytes.NewReader(body), iotest.ErrReader(broken)), size, broken},
		{"breaks at once", iotest.ErrReader(broken), 0, broken},
	}
	for _, tt := range tests {
		key := blob.NewKey(blob.NewPrefix())
		if err := s.Put(t.Context(), key, tt.r, tt.size); !errors.Is(err, tt.want) {
			t.Errorf("%s body: Put = %v, want %v", tt.name, err, tt.want)
		}
		wantAbsent(t, s, key)
		put(t, s, key, body)
	}
	key := blob.NewKey(blob.NewPrefix())
	if err := s.Put(t.Context(), key, strings.NewReader(""), -1); err == nil {
		t.Error("Put took a negative size")
	}
	wantAbsent(t, s, key)
}

func testCancel(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	key := blob.NewKey(blob.NewPrefix())
	r := &hookReader{r: bytes.NewReader(random(4 << 20)), after: 1 << 20, hook: cancel}
	if err := s.Put(ctx, key, r, 4<<20); !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v, want context.Canceled", err)
	}
	wantAbsent(t, s, key)

	put(t, s, key, []byte("core"))
	_, openErr := s.Open(ctx, key, 0, -1)
	_, statErr := s.Stat(ctx, key)
	errs := map[string]error{
		"Put":    s.Put(ctx, blob.NewKey(blob.NewPrefix()), strings.NewReader(""), 0),
		"Open":   openErr,
		"Stat":   statErr,
		"Delete": s.Delete(ctx, key),
	}
	for _, err := range s.List(ctx, "") {
		errs["List"] = err
	}
	for name, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a done context = %v, want context.Canceled", name, err)
		}
	}
	if got := list(t, s, ""); len(got) != 1 || got[0].Key != key {
		t.Errorf("objects after calls with a done context: %v, want only %s", got, key)
	}
}

func testNoOverwrite(t *testing.T, s blob.Store) {
	key := blob.NewKey(blob.NewPrefix())
	put(t, s, key, []byte("first"))
	r := strings.NewReader("other")
	if err := s.Put(t.Context(), key, r, 5); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second Put = %v, want fs.ErrExist", err)
	}
	if r.Len() != 5 {
		t.Error("the refused Put read its body")
	}
	if got := read(t, s, key, 0, -1); string(got) != "first" {
		t.Errorf("after a refused Put the object is %q", got)
	}
}

// testOneWriter looks at a key from within its Put.
func testOneWriter(t *testing.T, s blob.Store) {
	key := blob.NewKey(blob.NewPrefix())
	body := random(1 << 20)
	hook := func() {
		wantAbsent(t, s, key)
		if err := s.Put(t.Context(), key, strings.NewReader("other"), 5); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Put during a Put = %v, want fs.ErrExist", err)
		}
	}
	r := &hookReader{r: bytes.NewReader(body), after: 512 << 10, hook: hook}
	if err := s.Put(t.Context(), key, r, int64(len(body))); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, key, 0, -1); !bytes.Equal(got, body) {
		t.Error("the object is not what its one writer put")
	}
}

func testConcurrent(t *testing.T, s blob.Store) {
	prefix := blob.NewPrefix() // one folder, to share its syncs
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 8 {
				key, body := blob.NewKey(prefix), random(rand.IntN(20_000))
				if err := s.Put(t.Context(), key, bytes.NewReader(body), int64(len(body))); err != nil {
					t.Error(err)
					return
				}
				checkObject(t, s, key, body)
				if err := s.Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left := list(t, s, ""); len(left) > 0 {
		t.Errorf("%d objects are left, want none", len(left))
	}
}

// testSameKey lets many put one key: exactly one may win, and its bytes stay.
func testSameKey(t *testing.T, s blob.Store) {
	key := blob.NewKey(blob.NewPrefix())
	var won atomic.Int32
	var winner atomic.Value
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			body := random(10_000)
			switch err := s.Put(t.Context(), key, bytes.NewReader(body), int64(len(body))); {
			case err == nil:
				won.Add(1)
				winner.Store(body)
			case !errors.Is(err, fs.ErrExist):
				t.Errorf("Put = %v, want nil or fs.ErrExist", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d Puts of one key succeeded, want 1", won.Load())
	}
	checkObject(t, s, key, winner.Load().([]byte))
}

// hookReader calls hook once, when more than after bytes have been read.
type hookReader struct {
	r     io.Reader
	after int
	hook  func()
}

func (h *hookReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.after -= n
	if h.after < 0 && h.hook != nil {
		h.hook()
		h.hook = nil
	}
	return n, err
}
