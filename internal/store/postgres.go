package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

var postgresDialect = dialect{
	name:  "postgres",
	lock:  " FOR UPDATE",
	claim: " FOR UPDATE SKIP LOCKED",
	// The number is of this program's locks alone.
	links:      `SELECT pg_advisory_xact_lock_shared(7310450971)`,
	linksAlone: `SELECT pg_advisory_xact_lock(7310450971)`,
	unique:     func(err error) bool { return pgCode(err) == "23505" },
	retry: func(err error) bool {
		switch pgCode(err) {
		case "40001", "40P01": // serialization failure, deadlock
			return true
		case "23505": // another took the name that was free; now that is seen
			return true
		}
		return false
	},
	snapshot: &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
	member: func(column, name string) string {
		return `((CAST(` + column + ` AS jsonb) ->> '` + name + `') COLLATE "C")`
	},
	list: func(placeholder, of string) string {
		if of == "" {
			return `SELECT x.value COLLATE "C" FROM jsonb_array_elements_text(` + placeholder + `::jsonb) x`
		}
		return `SELECT x.value::` + of + ` FROM jsonb_array_elements_text(` + placeholder + `::jsonb) x`
	},
	bytes: func(placeholder string) string {
		return `(SELECT e.n - 1 AS n, decode(e.h, 'hex') AS b FROM jsonb_array_elements_text(` + placeholder + `::jsonb) WITH ORDINALITY AS e (h, n)) x`
	},
	indexed:  func(string) string { return "" }, // the planner has statistics
	contains: func(c *conditions, key, text string) { c.like(key, containing(text)) },
	indexes: `SELECT indexname, indexdef FROM pg_indexes i WHERE schemaname = current_schema()
			AND tablename IN ('versions', 'version_countries', 'jobs', 'job_exes', 'recipes')
			AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)`,
}

func pgCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func openPostgres(ctx context.Context, db *DB, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("database URL: %w", err)
	}
	// Cached generic plans choose badly on skewed workspaces.
	config.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	config.RuntimeParams["application_name"] = "coreshed"
	db.dialect = postgresDialect
	db.read = stdlib.OpenDB(*config)
	db.read.SetMaxOpenConns(32)
	db.read.SetMaxIdleConns(16)
	db.read.SetConnMaxIdleTime(5 * time.Minute)
	if err := migrate(ctx, db); err != nil {
		return errors.Join(err, db.read.Close())
	}
	return nil
}

// maxRetries bounds how often a transaction that lost a race is run again.
const maxRetries = 5

func (db *DB) updatePostgres(ctx context.Context, fn func(context.Context, tx) error) error {
	for try := 1; ; try++ {
		err := db.tryUpdate(ctx, fn)
		if err == nil || try == maxRetries || !db.dialect.retry(err) {
			return err
		}
	}
}

func (db *DB) tryUpdate(ctx context.Context, fn func(context.Context, tx) error) error {
	t, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return failed("begin", err)
	}
	defer t.Rollback() //nolint:errcheck // no effect after Commit
	if err := fn(ctx, sqlTx{t, db}); err != nil {
		return err
	}
	return failed("commit", t.Commit())
}
