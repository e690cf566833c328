// Package fsnames tells tests which names the file system takes: macOS and
// Windows refuse some that Linux keeps, or hold two for one.
package fsnames

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Kept returns those names, in their order, under which files are kept as they
// are and apart from those before. It logs what is left out.
func Kept(t testing.TB, names ...string) []string {
	t.Helper()
	dir := t.TempDir()
	var kept []string
	for _, name := range names {
		if keeps(t, dir, name) {
			kept = append(kept, name)
		} else {
			t.Logf("this file system does not take %q: left out", name)
		}
	}
	return kept
}

func keeps(t testing.TB, dir, name string) bool {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	parent, base := filepath.Split(path)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return false
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(list, func(e os.DirEntry) bool { return e.Name() == base })
}
