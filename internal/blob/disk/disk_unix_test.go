//go:build unix

package disk_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/internal/blob"
)

func TestSymlinkOutside(t *testing.T) {
	s, dir := open(t)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := blob.NewKey(blob.NewPrefix())
	if err := os.Mkdir(filepath.Join(dir, key[:2]), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, key[:2], strings.Replace(key, "/", ".", 1))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), key, 0, -1); err == nil {
		t.Error("Open followed a symlink out of the store")
	}
	if err := s.Put(t.Context(), key, strings.NewReader("x"), 1); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Put over a symlink = %v, want fs.ErrExist", err)
	}
}

// TestFolderVanishes takes the folder away under a Put, so that its last
// steps fail.
func TestFolderVanishes(t *testing.T) {
	s, dir := open(t)
	key := blob.NewKey(blob.NewPrefix())
	vanish := readerFunc(func([]byte) (int, error) {
		return 0, errors.Join(io.EOF, os.RemoveAll(filepath.Join(dir, key[:2])))
	})
	r := io.MultiReader(strings.NewReader("core"), vanish)
	if err := s.Put(t.Context(), key, r, 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Put = %v, want fs.ErrNotExist", err)
	}
	if o, err := s.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat = %+v, %v; want fs.ErrNotExist", o, err)
	}
	if err := reopen(t, dir).Put(t.Context(), key, strings.NewReader("core"), 4); err != nil {
		t.Errorf("Put after reopening: %v", err)
	}
}
