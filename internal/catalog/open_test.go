package catalog_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"testing"

	"github.com/coreshed/coreshed"
)

func TestBadRange(t *testing.T) {
	s := inMemory(t)
	at := s.reserve(t)
	s.put(t, at, []byte("core"))
	for _, r := range [][2]int64{{-1, 1}, {0, -1}, {0, 5}, {4, 1}, {5, 0}, {math.MaxInt64, math.MaxInt64}} {
		if _, err := s.Open(t.Context(), s.slot(t, at), r[0], r[1]); err == nil {
			t.Errorf("Open took the range %d+%d of 4 bytes", r[0], r[1])
		}
	}
}

// fileWriter is what a TCP connection is to the kernel: it can take a file,
// or a bounded part of one, without copying it through the process.
type fileWriter struct {
	bytes.Buffer
	fast, other int
}

func (w *fileWriter) ReadFrom(r io.Reader) (int64, error) {
	file := r
	if l, ok := r.(*io.LimitedReader); ok {
		file = l.R
	}
	if _, ok := file.(*os.File); ok {
		w.fast++
	} else {
		w.other++
	}
	return w.Buffer.ReadFrom(r)
}

// TestSendfile wants each extent to reach the writer in the shape that
// net/http hands on to sendfile.
func TestSendfile(t *testing.T) {
	s := onDisk(t)
	at := s.reserve(t)
	for _, id := range []string{"a", "b", "c"} {
		s.stage(t, at, id, []byte("block "+id))
	}
	s.list(t, at, "a", "b", "c")
	r, err := s.Open(t.Context(), s.slot(t, at), 3, 15)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var w fileWriter
	n, err := io.Copy(&w, r)
	if err != nil || n != 15 || w.String() != "ck ablock bbloc" {
		t.Errorf("wrote %q, %d, %v", w.String(), n, err)
	}
	if w.fast != 3 || w.other != 0 {
		t.Errorf("%d extents could be sent by the kernel and %d not, want all 3", w.fast, w.other)
	}
}

// TestDownloadOutlivesDelete begins a download before the file is deleted.
func TestDownloadOutlivesDelete(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at, body := s.reserve(t), random(100_000)
		s.put(t, at, body)
		r, err := s.Open(t.Context(), s.slot(t, at), 0, int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := s.db.DeleteFile(t.Context(), s.access, at.File); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body) {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		s.want(t, at, body) // whether a deleted file may be read is for the URL to say
	})
}

// lose removes the object of a version's extent.
func (s *shed) lose(t *testing.T, version, offset int64) {
	t.Helper()
	extents, err := s.db.Extents(t.Context(), version, offset, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.blobs.Delete(t.Context(), extents[0].Key); err != nil {
		t.Fatal(err)
	}
}

func (s *shed) wantState(t *testing.T, version int64, state coreshed.ByteState) {
	t.Helper()
	files, _, err := s.db.Files(t.Context(), s.access, coreshed.Filter{}, nil, coreshed.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Version.ID == version && f.Version.State != state {
			t.Errorf("the version is %q, want %q", f.Version.State, state)
		}
	}
}

func TestMissing(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at, other := s.reserve(t), s.reserve(t)
		v := s.put(t, at, []byte("core"))
		s.put(t, other, []byte("other"))
		s.lose(t, v.ID, 0)
		for range 2 { // by the object, then by the state
			if _, err := s.Open(t.Context(), s.slot(t, at), 0, 4); !errors.Is(err, coreshed.Gone) {
				t.Errorf("Open of missing bytes = %v, want Gone", err)
			}
			s.wantState(t, v.ID, coreshed.Missing)
		}
		s.want(t, other, []byte("other"))
	})
}

// TestMissingLater loses an object behind the first.
func TestMissingLater(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		s.stage(t, at, "a", []byte("first "))
		s.stage(t, at, "b", []byte("second"))
		v := s.list(t, at, "a", "b")
		s.lose(t, v.ID, 6)
		r, err := s.Open(t.Context(), s.slot(t, at), 0, 12)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		got, err := io.ReadAll(r)
		if !errors.Is(err, coreshed.Gone) || string(got) != "first " {
			t.Errorf("read %q, %v; want the first block and Gone", got, err)
		}
		s.wantState(t, v.ID, coreshed.Missing)
	})
}

// TestTruncated cuts an object on the disk.
func TestTruncated(t *testing.T) {
	s := onDisk(t)
	at := s.reserve(t)
	v := s.put(t, at, []byte("core"))
	for key := range s.keys(t) {
		if err := os.Truncate(s.file(key), 3); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Open(t.Context(), s.slot(t, at), 0, 4); !errors.Is(err, coreshed.Gone) {
		t.Errorf("Open of a truncated object = %v, want Gone", err)
	}
	s.wantState(t, v.ID, coreshed.Missing)
}

// TestUncommitted wants staged bytes to be read by nobody.
func TestUncommitted(t *testing.T) {
	s := inMemory(t)
	at := s.reserve(t)
	s.stage(t, at, "a", []byte("core"))
	if _, err := s.Open(t.Context(), s.slot(t, at), 0, 0); err == nil {
		t.Error("Open took an upload in progress")
	}
}
