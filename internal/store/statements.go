package store

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

// maxStatements is how many statements are kept prepared, on each connection: those
// that are asked for first. Lists have as many texts as filters can be combined.
const maxStatements = 500

// statements are prepared, by their texts.
type statements struct {
	kept  sync.Map // query text → *sql.Stmt
	count atomic.Int64
}

// prepare returns the statement of a text, and nil when there are too many to keep
// it.
func (s *statements) prepare(ctx context.Context, on *sql.DB, query string) (*sql.Stmt, error) {
	if stmt := s.get(query); stmt != nil || s.count.Load() >= maxStatements {
		return stmt, nil
	}
	stmt, err := on.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if old, loaded := s.kept.LoadOrStore(query, stmt); loaded {
		stmt.Close() //nolint:sqlclosecheck // else it is kept
		return old.(*sql.Stmt), nil
	}
	s.count.Add(1)
	return stmt, nil
}

// get returns a statement that has been prepared, or nil.
func (s *statements) get(query string) *sql.Stmt {
	if stmt, ok := s.kept.Load(query); ok {
		return stmt.(*sql.Stmt)
	}
	return nil
}

// viewTx is a transaction of SQLite that reads, with prepared statements. Those
// that it lacks are prepared when it has ended: a second connection, taken while it
// has its own, could be one that another transaction waits for likewise.
type viewTx struct {
	sqlTx
	lacks []string
}

func (v *viewTx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt := v.owner.stmts.get(query)
	if stmt == nil {
		v.lacks = append(v.lacks, query)
		return v.sqlTx.query(ctx, query, args...)
	}
	rows, err := v.t.StmtContext(ctx, stmt).QueryContext(ctx, args...) //nolint:sqlclosecheck // the caller closes rows, the transaction its statement
	return rows, failed("query", err)
}

func (v *viewTx) end() {
	v.t.Rollback() //nolint:errcheck // nothing was written
	for _, query := range v.lacks {
		v.owner.stmts.prepare(context.Background(), v.owner.read, query) //nolint:errcheck // it will be tried again
	}
}
