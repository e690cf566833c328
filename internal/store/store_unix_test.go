//go:build unix

package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/coreshed/coreshed/internal/store"
)

// The database holds keys and password hashes, and its folder may have been
// made by others.
func TestDatabaseIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "coreshed.db")
	db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("coreshed.db%s has mode %o", suffix, mode)
		}
	}
}
