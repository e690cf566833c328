//go:build ring2

package pgtest_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coreshed/coreshed/internal/pgtest"
)

// schema is new in each run of the tests, so that each builds its template.
func schema(t *testing.T) string { return fmt.Sprintf("%s %p", t.Name(), t) }

func TestTestsDoNotShareDatabases(t *testing.T) {
	t.Parallel()
	text, migrations := schema(t), new(atomic.Int32)
	migrate := func(ctx context.Context, dsn string) error {
		migrations.Add(1)
		return exec(ctx, dsn, "CREATE EXTENSION postgis", "CREATE TABLE core (id bigint PRIMARY KEY)")
	}

	var names sync.Map
	t.Run("group", func(t *testing.T) {
		for i := range 4 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				dsn, ok := pgtest.Open(t, text, migrate)
				if !ok {
					t.Fatal("no database")
				}
				names.Store(dsn, i)
				if err := exec(t.Context(), dsn, "INSERT INTO core VALUES (1)"); err != nil {
					t.Error(err)
				}
			})
		}
	})

	if n := migrations.Load(); n != 1 {
		t.Errorf("the template was migrated %d times, want once", n)
	}
	var clones int
	names.Range(func(dsn, _ any) bool {
		clones++
		if err := exec(t.Context(), dsn.(string), "SELECT 1"); err == nil {
			t.Errorf("%s is still there after its test", dsn)
		}
		return true
	})
	if clones != 4 {
		t.Errorf("%d databases for 4 tests", clones)
	}
}

func TestTemplateLeftHalfBuiltIsBuiltAgain(t *testing.T) {
	t.Parallel()
	text := schema(t)
	half := func(ctx context.Context, dsn string) error {
		if err := exec(ctx, dsn, "CREATE TABLE half ()"); err != nil {
			return err
		}
		panic("killed")
	}
	func() {
		defer func() { _ = recover() }()
		pgtest.Open(t, text, half)
	}()

	dsn, _ := pgtest.Open(t, text, func(ctx context.Context, dsn string) error {
		return exec(ctx, dsn, "CREATE TABLE whole ()")
	})
	if err := exec(t.Context(), dsn, "SELECT FROM whole"); err != nil {
		t.Error(err)
	}
	if err := exec(t.Context(), dsn, "SELECT FROM half"); err == nil {
		t.Error("the half-built template was used")
	}
}

func exec(ctx context.Context, dsn string, statements ...string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
