package disk_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/blob/blobtest"
	"github.com/coreshed/coreshed/internal/blob/disk"
)

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store {
		s, _ := open(t)
		return s
	})
}

func open(t testing.TB) (*disk.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "objects")
	return reopen(t, dir), dir
}

func reopen(t testing.TB, dir string) *disk.Store {
	t.Helper()
	s, err := disk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestReopen(t *testing.T) {
	s, dir := open(t)
	key := blob.NewKey(blob.NewPrefix())
	if err := s.Put(t.Context(), key, strings.NewReader("core"), 4); err != nil {
		t.Fatal(err)
	}
	rc, err := reopen(t, dir).Open(t.Context(), key, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if got, err := io.ReadAll(rc); err != nil || string(got) != "or" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestOpenNeedsParent(t *testing.T) {
	if s, err := disk.Open(filepath.Join(t.TempDir(), "no", "objects")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open = %v, %v; want fs.ErrNotExist", s, err)
	}
}

// TestLayout pins the format on disk, which later releases must read.
func TestLayout(t *testing.T) {
	s, dir := open(t)
	prefix := blob.NewPrefix()
	key := blob.NewKey(prefix)
	if err := s.Put(t.Context(), key, strings.NewReader("core"), 4); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, prefix[:2], prefix+"."+strings.TrimPrefix(key, prefix+"/"))
	if got, err := os.ReadFile(name); err != nil || string(got) != "core" {
		t.Errorf("file %s holds %q, %v", name, got, err)
	}
	if runtime.GOOS == "windows" {
		return // has no such permissions
	}
	for path, want := range map[string]fs.FileMode{dir: 0o700, filepath.Dir(name): 0o700, name: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v; want %v", path, info.Mode().Perm(), err, want)
		}
	}
}

// TestSweep plays a crash: a temporary file that nobody writes any more.
func TestSweep(t *testing.T) {
	s, dir := open(t)
	key := blob.NewKey(blob.NewPrefix())
	temp := filepath.Join(dir, key[:2], strings.Replace(key, "/", ".", 1)+".tmp")
	foreign := filepath.Join(dir, key[:2], "notes.tmp")
	if err := os.Mkdir(filepath.Dir(temp), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{temp, foreign} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made := time.Now().Add(-time.Hour)
	if err := os.Chtimes(temp, made, made); err != nil {
		t.Fatal(err)
	}
	for o, err := range s.List(t.Context(), "") {
		t.Errorf("List shows %v, %v after a crash", o, err)
	}
	// It blocks its key, which is random and so never comes again.
	if err := s.Put(t.Context(), key, strings.NewReader("x"), 1); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Put on an abandoned key = %v, want fs.ErrExist", err)
	}
	wantSwept(t, s, made, 0)
	wantSwept(t, s, made.Add(time.Minute), 1)
	wantSwept(t, s, made.Add(time.Minute), 0)
	if _, err := os.Stat(temp); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Sweep left %s: %v", temp, err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("Sweep took a file that is not ours: %v", err)
	}
	if err := s.Put(t.Context(), key, strings.NewReader("x"), 1); err != nil {
		t.Errorf("Put after the Sweep: %v", err)
	}
}

// TestSweepLeavesWriter sweeps while a Put is stalled in the middle.
func TestSweepLeavesWriter(t *testing.T) {
	s, _ := open(t)
	key := blob.NewKey(blob.NewPrefix())
	body := bytes.Repeat([]byte("x"), 1<<20)
	stall := readerFunc(func([]byte) (int, error) {
		wantSwept(t, s, time.Now().Add(time.Hour), 0)
		return 0, io.EOF
	})
	r := io.MultiReader(bytes.NewReader(body), stall)
	if err := s.Put(t.Context(), key, r, int64(len(body))); err != nil {
		t.Fatal(err)
	}
	wantSwept(t, s, time.Now().Add(time.Hour), 0)
	if o, err := s.Stat(t.Context(), key); err != nil || o.Size != int64(len(body)) {
		t.Errorf("Stat = %+v, %v", o, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func wantSwept(t *testing.T, s *disk.Store, olderThan time.Time, want int) {
	t.Helper()
	if n, err := s.Sweep(t.Context(), olderThan); err != nil || n != want {
		t.Errorf("Sweep = %d, %v; want %d", n, err, want)
	}
}

// TestNoResidue looks below the store: failed Puts leave no file of any kind.
func TestNoResidue(t *testing.T) {
	s, dir := open(t)
	for range 3 {
		if err := s.Put(t.Context(), blob.NewKey(blob.NewPrefix()), strings.NewReader("abc"), 4); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("Put = %v, want io.ErrUnexpectedEOF", err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSendfile wants the one shape of source that net/http passes on to
// sendfile: an *io.LimitedReader over an *os.File.
func TestSendfile(t *testing.T) {
	s, _ := open(t)
	key := blob.NewKey(blob.NewPrefix())
	if err := s.Put(t.Context(), key, strings.NewReader("core sample"), 11); err != nil {
		t.Fatal(err)
	}
	rc, err := s.Open(t.Context(), key, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	var w readerFrom
	if n, err := io.Copy(&w, rc); err != nil || n != 3 || w.String() != "sam" {
		t.Errorf("io.Copy = %d, %v, wrote %q", n, err, w.String())
	}
	l, ok := w.src.(*io.LimitedReader)
	if !ok {
		t.Fatalf("the writer was given a %T", w.src)
	}
	if _, ok := l.R.(*os.File); !ok {
		t.Errorf("the writer was given a %T of a %T", w.src, l.R)
	}
}

type readerFrom struct {
	bytes.Buffer
	src io.Reader
}

func (w *readerFrom) ReadFrom(r io.Reader) (int64, error) {
	w.src = r
	return w.Buffer.ReadFrom(r)
}

func TestFree(t *testing.T) {
	s, _ := open(t)
	var spacer blob.Spacer = s
	free, total, err := spacer.Free(t.Context())
	if err != nil || free == 0 || free > total {
		t.Errorf("Free = %d of %d, %v", free, total, err)
	}
}
