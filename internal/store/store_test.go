package store_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/coreshed/coreshed/internal/store"
)

func TestOpenTwiceKeepsSchema(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "coreshed.db")
	for range 2 {
		db, err := store.Open(context.Background(), store.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(context.Background()); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The database holds keys and password hashes, and its folder may have been
// made by others.
func TestDatabaseIsItsOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes there")
	}
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

// TestFileIsPrivate, whatever its folder is: it holds the keys that sign.
func TestFileIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes here")
	}
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(dir, "coreshed.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 2 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

func TestOpenRefusesUnknownScheme(t *testing.T) {
	if db, err := store.Open(context.Background(), store.Config{URL: "mysql://x"}); err == nil {
		db.Close()
		t.Error("opened a database of an unknown kind")
	}
}
