// Package store is the metadata: SQL over SQLite (embedded) and PostgreSQL,
// one text for both. It holds no bytes of files and knows no HTTP.
//
// An exported method is one transaction; a lower-case function takes the
// transaction and can be used inside another's. Methods that touch files take
// a [coreshed.Access], and its workspace is a condition of each query. What a
// caller may do is decided before: a method does not look at the role.
//
// Failures that a caller can act on are [coreshed.Error]; when the database
// itself fails, the error's kind is [coreshed.StoreFailed].
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreshed/coreshed"
)

// DB is the metadata store. Its methods may be called from many goroutines.
type DB struct {
	dialect      dialect
	read         *sql.DB
	writer       *writer       // SQLite only; nil means that read takes writes too
	checkpointer *checkpointer // of SQLite in a file
	now          func() time.Time
	log          *slog.Logger
	stmts        statements // on read
	marks        marks
	names        names
	tail         atomic.Int64 // entries whose names are not yet in the index of names, or more
}

// dialect is what differs between the two databases.
type dialect struct {
	name  string
	lock  string // ends a SELECT whose rows this transaction will change
	claim string // the same, passing over those that another has locked
	// Statements that wait until no transaction marks what is to be removed, and
	// until none adds a link; "" where transactions take turns anyway.
	links, linksAlone string
	unique            func(error) bool
	retry             func(error) bool // the transaction lost a race; again may do
	snapshot          *sql.TxOptions
	member            func(column, name string) string // of a JSON object, as text
	// list is a SELECT of the values of a JSON array, which is a placeholder; of
	// is their type, "" for text.
	list func(placeholder, of string) string
	// bytes is a table of the values of a JSON array, which is a placeholder, of
	// texts in hexadecimal: their places n, from 0, and their bytes b.
	bytes func(placeholder string) string
	// indexed follows a table that is to be read by an index; "" is none.
	indexed func(index string) string
	// contains adds that a folded key contains a text.
	contains func(c *conditions, key, text string)
	// emptyLog moves all of the write-ahead log into the database, and empties it.
	emptyLog string
	searches bool   // has the table entry_names
	indexes  string // a query for what a bulk load puts off: name and statement
}

// Config says which database to open.
type Config struct {
	// URL is "sqlite:PATH", "memory:" or "postgres://…".
	URL string
	Log *slog.Logger     // nil discards
	Now func() time.Time // nil is time.Now; for tests of what time does
}

// Open connects, brings the schema up to date, and returns the store. The
// caller closes it. It fails when the schema is newer than this program.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	db := &DB{now: c.Now, log: c.Log}
	if err := db.open(ctx, c.URL); err != nil {
		return nil, err
	}
	if err := db.makeIndexes(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, url string) error {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "sqlite":
		return openSQLite(ctx, db, rest)
	case "memory":
		return openMemory(ctx, db)
	case "postgres", "postgresql":
		return openPostgres(ctx, db, url)
	}
	return fmt.Errorf("the database URL begins with %q; it must be sqlite:PATH, memory: or postgres://…", scheme)
}

// Close waits for what is being written and closes the connections.
func (db *DB) Close() error {
	if db.writer != nil {
		db.writer.close()
		if db.checkpointer != nil {
			db.checkpointer.close()
		}
		if err := db.EmptyLog(context.Background()); err != nil {
			db.log.Warn("the write-ahead log is not emptied", "error", err)
		}
	}
	return db.read.Close()
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	return failed("ping database", db.read.PingContext(ctx))
}

// GroupsWrites reports whether transactions that wait are committed together:
// many at a time then cost little more than one.
func (db *DB) GroupsWrites() bool { return db.writer != nil }

// micros is the store's clock: microseconds since the epoch.
func (db *DB) micros() int64 { return db.now().UnixMicro() }

// querier reads: from the pool, or inside a transaction.
type querier interface {
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// tx is a transaction in which an exported method does its work. exec returns
// the number of rows that it changed.
type tx interface {
	querier
	exec(ctx context.Context, query string, args ...any) (int64, error)
	db() *DB
}

// update runs fn in a transaction that is durable when update returns nil.
// fn may run more than once and must use the transaction it is given alone.
func (db *DB) update(ctx context.Context, fn func(context.Context, tx) error) error {
	if db.writer != nil {
		return db.writer.do(ctx, fn)
	}
	return db.updatePostgres(ctx, fn)
}

// view runs fn over one unchanging state of the database.
func (db *DB) view(ctx context.Context, fn func(context.Context, tx) error) error {
	t, err := db.read.BeginTx(ctx, db.dialect.snapshot)
	if err != nil {
		return failed("begin", err)
	}
	if db.writer == nil {
		defer t.Rollback() //nolint:errcheck // nothing was written
		return fn(ctx, sqlTx{t, db})
	}
	v := &viewTx{sqlTx: sqlTx{t, db}}
	defer v.end()
	return fn(ctx, v)
}

// query reads outside a transaction, with a prepared statement.
func (db *DB) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if db.writer != nil {
		// What SQLite reads outside a transaction is read in less time than it
		// takes to cancel; that it could be costs the driver two goroutines.
		ctx = context.WithoutCancel(ctx)
	}
	stmt, err := db.stmts.prepare(ctx, db.read, query)
	if err != nil {
		return nil, failed("prepare", err)
	}
	if stmt == nil {
		rows, err := db.read.QueryContext(ctx, query, args...)
		return rows, failed("query", err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	return rows, failed("query", err)
}

// sqlTx is a tx of database/sql.
type sqlTx struct {
	t     *sql.Tx
	owner *DB
}

func (t sqlTx) db() *DB { return t.owner }

func (t sqlTx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := t.t.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, failed("exec", err)
	}
	n, err := res.RowsAffected()
	return n, failed("exec", err)
}

func (t sqlTx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := t.t.QueryContext(ctx, query, args...)
	return rows, failed("query", err)
}

// failed gives a database's error its kind. Errors that have one, and the
// caller's own cancellation, pass as they are.
func failed(what string, err error) error {
	if err == nil || coreshed.KindOf(err) != coreshed.Internal ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return coreshed.Errorf(coreshed.StoreFailed, "%s", what).Because(err)
}

// all returns the rows of a query, each read by scan.
func all[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	return atMost(ctx, q, 0, scan, query, args...)
}

// atMost is all, with room for n rows from the start.
func atMost[T any](ctx context.Context, q querier, n int64, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := make([]T, 0, n)
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, failed("scan", err)
		}
		list = append(list, v)
	}
	return list, failed("read rows", rows.Err())
}

// one returns the only row of a query, and NotFound when there is none.
func one[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), query string, args ...any) (T, error) {
	list, err := all(ctx, q, scan, query, args...)
	if err == nil && len(list) == 0 {
		err = coreshed.NotFound
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return list[0], nil
}

// value reads a row of one column.
func value[T any](rows *sql.Rows) (T, error) {
	var v T
	return v, rows.Scan(&v)
}

// insert runs an INSERT … RETURNING id.
func insert(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	return one(ctx, q, value[int64], query, args...)
}

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func timeOrZero(micros sql.NullInt64) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return timeOf(micros.Int64)
}
