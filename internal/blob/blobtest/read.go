package blobtest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/blob"
)

func testRanges(t *testing.T, s blob.Store) {
	const size = 300_000
	key, body := blob.NewKey(blob.NewPrefix()), random(size)
	put(t, s, key, body)
	for _, r := range [][2]int64{
		{0, -1}, {0, 0}, {0, 1}, {0, size}, {1, -1}, {1, size - 1}, {123_456, 7},
		{size - 1, 1}, {size - 1, -1}, {size, 0}, {size, -1},
	} {
		offset, length := r[0], r[1]
		want := body[offset:]
		if length >= 0 {
			want = want[:length]
		}
		if got := read(t, s, key, offset, length); !bytes.Equal(got, want) {
			t.Errorf("Open(%d, %d): %d other bytes than the %d wanted", offset, length, len(got), len(want))
		}
		if got := readInPieces(t, s, key, offset, length); !bytes.Equal(got, want) {
			t.Errorf("Open(%d, %d) read in pieces: %d other bytes than the %d wanted", offset, length, len(got), len(want))
		}
	}
}

func testBadRanges(t *testing.T, s blob.Store) {
	const big = 1<<63 - 1
	key := blob.NewKey(blob.NewPrefix())
	put(t, s, key, random(100))
	for _, r := range [][2]int64{
		{-1, -1}, {-1, 1}, {0, -2}, {0, 101}, {1, 100}, {100, 1}, {101, 0}, {101, -1},
		{big, -1}, {big, 1}, {1, big}, {-big - 1, -1}, {0, -big - 1},
	} {
		rc, err := s.Open(t.Context(), key, r[0], r[1])
		if !errors.Is(err, blob.ErrRange) {
			t.Errorf("Open(%d, %d) = %v, %v; want ErrRange", r[0], r[1], rc, err)
		}
	}
}

func testAbsent(t *testing.T, s blob.Store) {
	wantAbsent(t, s, blob.NewKey(blob.NewPrefix()))
}

func testDelete(t *testing.T, s blob.Store) {
	prefix := blob.NewPrefix()
	key, other := blob.NewKey(prefix), blob.NewKey(prefix)
	put(t, s, key, []byte("gone"))
	put(t, s, other, []byte("stays"))
	for range 2 {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		wantAbsent(t, s, key)
	}
	checkObject(t, s, other, []byte("stays"))
}

func testDeleteWhileReading(t *testing.T, s blob.Store) {
	key, body := blob.NewKey(blob.NewPrefix()), random(1<<20)
	put(t, s, key, body)
	rc, err := s.Open(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(rc, head); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	tail, err := io.ReadAll(rc)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(append(head, tail...), body) {
		t.Error("the reader of a deleted object returned other bytes")
	}
}

func testList(t *testing.T, s blob.Store) {
	a, b := blob.NewPrefix(), blob.NewPrefix()
	sizes := make(map[string]int64)
	for i := range 20 {
		key := blob.NewKey([]string{a, b, blob.NewPrefix()}[i%3])
		put(t, s, key, random(i))
		sizes[key] = int64(i)
	}
	one := slices.Collect(keysOf(list(t, s, a)))[0]
	for _, prefix := range []string{"", a, a + "/", a[:1], a[:2], a[:9], b, one, one + "x", blob.NewPrefix(), "/", "../", "A"} {
		var want []string
		for key := range sizes {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		slices.Sort(want)
		got := list(t, s, prefix)
		if diff := cmp.Diff(want, slices.Collect(keysOf(got))); diff != "" {
			t.Errorf("List(%q) (-want +got):\n%s", prefix, diff)
		}
		for _, o := range got {
			if o.Size != sizes[o.Key] || o.ModTime.IsZero() {
				t.Errorf("List(%q) yields %+v, want %d bytes and a time", prefix, o, sizes[o.Key])
			}
		}
	}
}

// testListStops also changes the store from within the loop.
func testListStops(t *testing.T, s blob.Store) {
	prefix := blob.NewPrefix()
	for range 5 {
		put(t, s, blob.NewKey(prefix), nil)
	}
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), o.Key); err != nil {
			t.Fatal(err)
		}
		break
	}
	if got := list(t, s, prefix); len(got) != 4 {
		t.Errorf("%d objects after deleting the first of 5", len(got))
	}
}

func testInvalidKeys(t *testing.T, s blob.Store) {
	good := blob.NewPrefix()
	for _, key := range []string{
		"", "/", good, good + "/", "/" + good, good + "//" + good, good + "/" + good + "/" + good,
		"../" + good, good + "/../" + good, good + "/..", good + "\\" + good, good + "." + good,
		good + "/" + strings.ToUpper(good), good + "/" + good[:25], good + "/" + good + "a",
		good + "/" + good[:25] + "\x00", good + "/" + good[:25] + ".", good + "/" + good[:25] + "1",
		good + "/" + good + ".tmp", "/etc/passwd",
	} {
		_, openErr := s.Open(t.Context(), key, 0, -1)
		_, statErr := s.Stat(t.Context(), key)
		for name, err := range map[string]error{
			"Put":    s.Put(t.Context(), key, strings.NewReader("x"), 1),
			"Open":   openErr,
			"Stat":   statErr,
			"Delete": s.Delete(t.Context(), key),
		} {
			if !errors.Is(err, blob.ErrInvalidKey) {
				t.Errorf("%s(%q) = %v, want ErrInvalidKey", name, key, err)
			}
		}
	}
	if got := list(t, s, ""); len(got) > 0 {
		t.Errorf("refused keys left %v", got)
	}
}

func put(t *testing.T, s blob.Store, key string, body []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
}

// read reads a range as a server does: io.Copy through the reader's WriteTo.
func read(t *testing.T, s blob.Store, key string, offset, length int64) []byte {
	t.Helper()
	rc, err := s.Open(t.Context(), key, offset, length)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := rc.(io.WriterTo); !ok {
		t.Error("the reader is no io.WriterTo")
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, rc); err != nil {
		t.Error(err)
	}
	if err := rc.Close(); err != nil {
		t.Error(err)
	}
	return b.Bytes()
}

func readInPieces(t *testing.T, s blob.Store, key string, offset, length int64) []byte {
	t.Helper()
	rc, err := s.Open(t.Context(), key, offset, length)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	body, err := io.ReadAll(struct{ io.Reader }{rc})
	if err != nil {
		t.Error(err)
	}
	return body
}

// checkObject may be called from any goroutine.
func checkObject(t *testing.T, s blob.Store, key string, want []byte) {
	rc, err := s.Open(t.Context(), key, 0, -1)
	if err != nil {
		t.Error(err)
		return
	}
	defer rc.Close()
	if got, err := io.ReadAll(rc); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d other bytes than the %d put, %v", key, len(got), len(want), err)
	}
}

func wantAbsent(t *testing.T, s blob.Store, key string) {
	t.Helper()
	if _, err := s.Open(t.Context(), key, 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of an absent object = %v, want fs.ErrNotExist", err)
	}
	if _, err := s.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat of an absent object = %v, want fs.ErrNotExist", err)
	}
	if got := list(t, s, key); len(got) > 0 {
		t.Errorf("List shows an absent object: %v", got)
	}
}

func list(t *testing.T, s blob.Store, prefix string) []blob.Object {
	t.Helper()
	var list []blob.Object
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

func keysOf(list []blob.Object) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, o := range list {
			if !yield(o.Key) {
				return
			}
		}
	}
}

func random(size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(rand.Uint32()), byte(rand.Uint32()), byte(rand.Uint32())})
	_, _ = r.Read(b)
	return b
}
