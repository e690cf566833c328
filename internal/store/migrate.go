package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrations returns the text of the schema, one folder of steps for each
// database.
func Migrations() fs.FS { return migrations }

// migrate brings the schema up to date. Replicas that start together take
// turns by a lock in PostgreSQL; SQLite has one server a folder.
func migrate(ctx context.Context, db *DB) error {
	dialect, dir := goose.DialectSQLite3, "migrations/sqlite"
	options := []goose.ProviderOption{goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true)}
	if db.dialect.name == "postgres" {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("migration lock: %w", err)
		}
		dialect, dir = goose.DialectPostgres, "migrations/postgres"
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	provider, err := goose.NewProvider(dialect, db.read, files, options...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if err := checkNewer(ctx, provider); err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", withCure(err))
	}
	return nil
}

// withCure says what helps when PostgreSQL refuses an extension.
func withCure(err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, "extension") {
		return err
	}
	switch refused.Code {
	case "0A000", "58P01": // feature_not_supported, undefined_file
		return fmt.Errorf("%w: install PostGIS and PostgreSQL's contrib modules, of which pg_trgm is one, where PostgreSQL runs; on Debian: apt install postgis postgresql-17-postgis-3, with PostgreSQL's own version", err)
	case "42501": // insufficient_privilege
		return fmt.Errorf("%w: a superuser must run this in the database once: CREATE EXTENSION postgis; CREATE EXTENSION pg_trgm", err)
	}
	return err
}

// checkNewer refuses a database that a newer program has migrated: this one
// would not know what it overwrites.
func checkNewer(ctx context.Context, provider *goose.Provider) error {
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if current > target {
		return fmt.Errorf("the database has schema %d, this program knows %d: use the newer program, or restore a backup", current, target)
	}
	return nil
}
