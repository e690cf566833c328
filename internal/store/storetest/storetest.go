// Package storetest opens metadata stores for tests, on every database, and
// fills them.
package storetest

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed/internal/pgtest"
	"github.com/coreshed/coreshed/internal/store"
)

// Each runs test as a subtest on SQLite in memory and in a file, and on
// PostgreSQL when a server is configured. Each store is new and closed for the
// test.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachAt(t, time.Now, test)
}

// EachAt is Each with stores whose clock is now.
func EachAt(t *testing.T, now func() time.Time, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "coreshed.db"), now))
	})
	EachUnsynced(t, now, test)
}

// EachUnsynced is EachAt without the file, whose syncs take a test of many
// thousand writes long, and which is what memory is but for them.
func EachUnsynced(t *testing.T, now func() time.Time, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, open(t, "memory:", now)) })
	if url, ok := Postgres(t); ok {
		t.Run("postgres", func(t *testing.T) { test(t, open(t, url, now)) })
	}
}

// Postgres returns the URL of a new database with the store's schema, gone when
// the test ends; false when no server is configured.
func Postgres(t testing.TB) (url string, ok bool) {
	t.Helper()
	return pgtest.Open(t, schema(t), migrate)
}

// MustPostgres is Postgres for tests of what PostgreSQL alone has, which are of ring
// 2: without a server they fail.
func MustPostgres(t testing.TB) (url string) {
	t.Helper()
	url, ok := Postgres(t)
	if !ok {
		t.Fatal("no PostgreSQL server is configured: scripts/with-postgres starts one")
	}
	return url
}

// Memory opens a store in memory that is closed when the test ends.
func Memory(t testing.TB) *store.DB {
	t.Helper()
	return open(t, "memory:", time.Now)
}

func open(t testing.TB, url string, now func() time.Time) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: url, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func migrate(ctx context.Context, url string) error {
	db, err := store.Open(ctx, store.Config{URL: url})
	if err != nil {
		return err
	}
	return db.Close()
}

// schema is the text that names the template database.
func schema(t testing.TB) string {
	t.Helper()
	var text strings.Builder
	err := fs.WalkDir(store.Migrations(), "migrations/postgres", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(store.Migrations(), path)
		text.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}
