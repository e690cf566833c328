package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var sqliteDialect = dialect{
	emptyLog: `PRAGMA wal_checkpoint(TRUNCATE)`,
	name:     "sqlite3",
	unique: func(err error) bool {
		var e *sqlite.Error
		return errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
	},
	snapshot: &sql.TxOptions{ReadOnly: true},
	member:   func(column, name string) string { return `CAST(` + column + ` ->> '` + name + `' AS TEXT)` },
	list:     func(placeholder, _ string) string { return `SELECT value FROM json_each(` + placeholder + `)` },
	bytes: func(placeholder string) string {
		return `(SELECT key AS n, unhex(value) AS b FROM json_each(` + placeholder + `)) x`
	},
	indexed: func(index string) string {
		if index == "" {
			return ` NOT INDEXED`
		}
		return ` INDEXED BY ` + index
	},
	contains: func(c *conditions, key, text string) { c.add(`instr(`+key+`, ?) > 0`, text) },
	searches: true,
	indexes: `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND name NOT LIKE 'files\_%' ESCAPE '\'
		AND tbl_name IN ('versions', 'version_countries', 'jobs', 'job_exes', 'recipes')`,
}

// cacheSize is how much of the database a connection keeps in memory, in KiB.
const cacheSize = 16000

// openSQLite opens the database file at path, made when absent.
func openSQLite(ctx context.Context, db *DB, path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("database path: %w", err)
	}
	if err := makePrivate(abs); err != nil {
		return fmt.Errorf("make database: %w", err)
	}
	// A commit must survive a power cut, hence FULL; what is deleted must be
	// gone from the file, hence secure_delete. The checkpointer moves the log.
	if err := openSQLiteDSN(ctx, db, sqliteDSN(abs, url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)",
		"foreign_keys(ON)", fmt.Sprintf("cache_size(-%d)", cacheSize), "temp_store(MEMORY)", "wal_autocheckpoint(0)",
	}})); err != nil {
		return err
	}
	db.checkpointer, err = newCheckpointer(ctx, db)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return nil
}

// makePrivate makes the file that is not there yet, for its owner alone: it
// will hold keys and password hashes. SQLite gives the files beside it the same
// mode. One that is there is not opened, since to close it would take SQLite's
// locks away from this process.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// memories counts the databases in memory, each of which needs a name.
var memories atomic.Int64

// openMemory opens a database that is gone when it is closed.
func openMemory(ctx context.Context, db *DB) error {
	name := fmt.Sprintf("/coreshed-%d", memories.Add(1))
	return openSQLiteDSN(ctx, db, sqliteDSN(name, url.Values{"vfs": {"memdb"}, "_pragma": {
		"busy_timeout(10000)", "foreign_keys(ON)", "temp_store(MEMORY)",
	}}))
}

func sqliteDSN(path string, query url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: query.Encode()}).String()
}

func openSQLiteDSN(ctx context.Context, db *DB, dsn string) error {
	db.dialect = sqliteDialect
	read, err := sql.Open("sqlite", dsn)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	db.read = read
	conns := max(4, runtime.GOMAXPROCS(0)) + 2 // the writer, and the checkpointer
	read.SetMaxOpenConns(conns)
	read.SetMaxIdleConns(conns)
	if err := migrate(ctx, db); err != nil {
		return errors.Join(err, read.Close())
	}
	conn, err := read.Conn(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("open writer: %w", err), read.Close())
	}
	db.writer = newWriter(db, conn)
	return db.countTail(ctx)
}
