package store_test

import (
	"context"
	"path/filepath"
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

func TestOpenRefusesUnknownScheme(t *testing.T) {
	if db, err := store.Open(context.Background(), store.Config{URL: "mysql://x"}); err == nil {
		db.Close()
		t.Error("opened a database of an unknown kind")
	}
}

// A database that is closed is closed: once more changes nothing.
func TestCloseTwice(t *testing.T) {
	db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "coreshed.db")})
	must(t, err)
	must(t, db.Close())
	must(t, db.Close())
}
