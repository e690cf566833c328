package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/internal/blob"
)

// TestClear removes all objects of some prefixes and no other, says of which it
// could not, and does what was left when it is repeated.
func TestClear(t *testing.T) {
	s, dir := open(t)
	put := func(prefix string) string {
		key := blob.NewKey(prefix)
		if err := s.Put(t.Context(), key, strings.NewReader("core"), 4); err != nil {
			t.Fatal(err)
		}
		return key
	}
	one := blob.NewPrefix()
	stuck, near := "zz"+one[2:], one[:len(one)-1]+string(blob.Alphabet[(strings.IndexByte(blob.Alphabet, one[len(one)-1])+1)%len(blob.Alphabet)])
	gone := []string{put(one), put(one)}
	stays, last := put(near), put(stuck)
	// A folder in its place cannot be removed.
	path := filepath.Join(dir, last[:2], strings.Replace(last, "/", ".", 1))
	if err := errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	want := []string{one, stuck, "x", "aa" + one[2:]} // the last has no objects
	if failed := s.Clear(t.Context(), want); len(failed) != 2 || failed[stuck] == nil || !errors.Is(failed["x"], blob.ErrInvalidKey) {
		t.Errorf("failed are %v", failed)
	}
	for _, key := range gone {
		if _, err := s.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := s.Stat(t.Context(), stays); err != nil {
		t.Errorf("another's object: %v", err)
	}
	if err := os.Remove(filepath.Join(path, "x")); err != nil {
		t.Fatal(err)
	}
	if failed := s.Clear(t.Context(), want[:2]); len(failed) != 0 {
		t.Errorf("repeated, failed are %v", failed)
	}
}
