// Package pgtest gives each test a PostgreSQL database of its own.
//
// The server is named by CORESHED_TEST_PG; scripts/with-postgres starts one.
// The schema is built once into a template database, which all packages of a
// test run share, and every test gets a copy of it. The package knows nothing
// of the schema.
package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
)

// Variable is the environment variable that holds the server's URL. Its user
// must be allowed to create databases and the extensions of the schema.
const Variable = "CORESHED_TEST_PG"

// templateLock is the advisory lock under which a template is built, so that
// packages tested at the same time build it once.
const templateLock = 0x636f7265 // "core"

// Open returns the URL of a new database with the schema that migrate builds,
// dropped when the test ends. The schema's text names the template: two calls
// with equal text share one, and migrate is called only for the first.
//
// ok is false if no server is configured, and the test should then use SQLite
// alone. Under the build tag ring2 a missing server fails the test instead.
func Open(t testing.TB, schema string, migrate func(ctx context.Context, url string) error) (dsn string, ok bool) {
	t.Helper()
	server := os.Getenv(Variable)
	if server == "" {
		if required {
			t.Fatalf("%s is not set: run scripts/setup once, then scripts/with-postgres go test -tags ring2 …", Variable)
		}
		return "", false
	}
	dsn, err := clone(t, server, schema, migrate)
	if err != nil {
		t.Fatal(err)
	}
	return dsn, true
}

func clone(t testing.TB, server, schema string, migrate func(context.Context, string) error) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	db, err := sql.Open("pgx", server)
	if err != nil {
		return "", fmt.Errorf("open test server: %w", err)
	}
	t.Cleanup(func() { db.Close() })

	template := fmt.Sprintf("coreshed_template_%.12x", sha256.Sum256([]byte(schema)))
	if err := ensureTemplate(ctx, db, server, template, migrate); err != nil {
		return "", err
	}
	name := "coreshed_test_" + strings.ToLower(rand.Text())
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return "", fmt.Errorf("clone test database: %w", err)
	}
	t.Cleanup(func() { drop(t, db, name) })
	return withDatabase(server, name)
}

// drop removes a database although the test may have left connections open.
func drop(t testing.TB, db *sql.DB, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if _, err := db.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
		t.Errorf("drop test database: %v", err)
	}
}

func ensureTemplate(ctx context.Context, db *sql.DB, server, template string, migrate func(context.Context, string) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to test server: %w", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return fmt.Errorf("lock test template: %w", err)
	}
	// The lock belongs to the session, which outlives this call in the pool. If
	// unlocking fails, the session is gone and the lock with it.
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", templateLock)
	}()
	return buildTemplate(ctx, conn, server, template, migrate)
}

// buildTemplate makes the template under another name and renames it when it is
// whole, so that one that a killed run left half built is never used.
func buildTemplate(ctx context.Context, conn *sql.Conn, server, template string, migrate func(context.Context, string) error) error {
	var exists bool
	err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", template).Scan(&exists)
	if err != nil {
		return fmt.Errorf("look for test template: %w", err)
	}
	if exists {
		return nil
	}
	unfinished := template + "_unfinished"
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + unfinished, "CREATE DATABASE " + unfinished} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("create test template: %w", err)
		}
	}
	dsn, err := withDatabase(server, unfinished)
	if err != nil {
		return err
	}
	if err := migrate(ctx, dsn); err != nil {
		return fmt.Errorf("migrate test template: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "ALTER DATABASE "+unfinished+" RENAME TO "+template); err != nil {
		return fmt.Errorf("finish test template: %w", err)
	}
	return nil
}

func withDatabase(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", Variable, err)
	}
	u.Path = "/" + name
	return u.String(), nil
}
