package store

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/debug"
	"sync"
)

// writer is SQLite's one writing connection. Transactions that wait while
// another is being synced are grouped into one, each under a savepoint, and
// share its sync: durability costs a group, not a caller.
type writer struct {
	owner *DB
	conn  *sql.Conn
	queue chan *write
	stmts map[string]*sql.Stmt // only the writing goroutine reads and writes it
	done  sync.WaitGroup
	mu    sync.RWMutex // guards closed against sends
	shut  bool

	turn      sync.Mutex    // of who changes the database, or begins its log anew
	committed chan struct{} // has one when something was, which the checkpointer takes
}

type write struct {
	ctx  context.Context
	fn   func(context.Context, tx) error
	err  error
	done chan struct{}
}

// maxGroup bounds how long the first of a group waits for the last.
const maxGroup = 128

func newWriter(owner *DB, conn *sql.Conn) *writer {
	w := &writer{
		owner: owner, conn: conn, queue: make(chan *write, maxGroup), stmts: map[string]*sql.Stmt{},
		committed: make(chan struct{}, 1),
	}
	w.done.Add(1)
	go w.run()
	return w
}

// do runs fn in a transaction. When ctx ends before fn has begun, nothing is
// done; once begun, it is finished.
func (w *writer) do(ctx context.Context, fn func(context.Context, tx) error) error {
	job := &write{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := w.send(job); err != nil {
		return err
	}
	<-job.done
	return job.err
}

func (w *writer) send(job *write) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.shut {
		return failed("write", sql.ErrConnDone)
	}
	select {
	case w.queue <- job:
		return nil
	case <-job.ctx.Done():
		return job.ctx.Err()
	}
}

func (w *writer) close() {
	w.mu.Lock()
	if !w.shut {
		w.shut = true
		close(w.queue)
	}
	w.mu.Unlock()
	w.done.Wait()
}

func (w *writer) run() {
	defer w.done.Done()
	defer w.conn.Close()
	for job := range w.queue {
		group := []*write{job}
		for len(group) < maxGroup {
			next, ok := w.waiting()
			if !ok {
				break
			}
			group = append(group, next)
		}
		w.turn.Lock()
		w.commit(group)
		for _, j := range group {
			close(j.done)
		}
		w.indexNames()
		w.turn.Unlock()
		select {
		case w.committed <- struct{}{}:
		default: // it will see this too
		}
	}
}

// indexNames keeps up with the index of names, between what callers ask for.
func (w *writer) indexNames() {
	if w.owner.tail.Load() < nameGroup {
		return
	}
	j := &write{ctx: context.Background(), fn: func(ctx context.Context, t tx) error { return indexNames(ctx, t, nameGroup) }}
	if w.single(j); j.err != nil {
		w.owner.log.Error("names are not indexed", "error", j.err)
		w.owner.tail.Store(0) // until more are added
	}
}

func (w *writer) waiting() (*write, bool) {
	select {
	case job, ok := <-w.queue:
		return job, ok
	default:
		return nil, false
	}
}

// commit runs the group in one transaction. A job that fails is undone alone;
// when the transaction fails, so do all of its jobs.
func (w *writer) commit(group []*write) {
	if len(group) == 1 {
		w.single(group[0])
		return
	}
	// A caller's cancellation must not tear a transaction that others share.
	ctx := context.Background()
	if err := w.command(ctx, "BEGIN IMMEDIATE"); err != nil {
		fail(group, err)
		return
	}
	for _, j := range group {
		if j.err = j.ctx.Err(); j.err == nil {
			j.err = w.savepoint(ctx, j)
		}
	}
	if err := w.command(ctx, "COMMIT"); err != nil {
		fail(group, err)
		w.command(ctx, "ROLLBACK") //nolint:errcheck // COMMIT has told why
	}
}

// single commits a job without a savepoint, of which SQLite keeps every page
// that it changes, in a list that it walks after each statement.
func (w *writer) single(j *write) {
	ctx := context.Background()
	if j.err = j.ctx.Err(); j.err != nil {
		return
	}
	if j.err = w.command(ctx, "BEGIN IMMEDIATE"); j.err != nil {
		return
	}
	if j.err = w.protect(ctx, j); j.err == nil {
		j.err = w.command(ctx, "COMMIT")
	}
	if j.err != nil {
		w.command(ctx, "ROLLBACK") //nolint:errcheck // the error has been told
	}
}

func fail(group []*write, err error) {
	for _, j := range group {
		if j.err == nil {
			j.err = err
		}
	}
}

func (w *writer) savepoint(ctx context.Context, j *write) error {
	if err := w.command(ctx, "SAVEPOINT job"); err != nil {
		return err
	}
	err := w.protect(ctx, j)
	if err != nil {
		if back := w.command(ctx, "ROLLBACK TO job"); back != nil {
			return back
		}
	}
	if release := w.command(ctx, "RELEASE job"); release != nil {
		return release
	}
	return err
}

// protect keeps one caller's panic from ending the writer for everyone.
func (w *writer) protect(ctx context.Context, j *write) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return j.fn(ctx, w)
}

func (w *writer) db() *DB { return w.owner }

func (w *writer) command(ctx context.Context, sql string) error {
	_, err := w.exec(ctx, sql)
	return err
}

func (w *writer) exec(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, err := w.prepared(ctx, query)
	if err != nil {
		return 0, failed("prepare", err)
	}
	res, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, failed("exec", err)
	}
	n, err := res.RowsAffected()
	return n, failed("exec", err)
}

func (w *writer) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := w.prepared(ctx, query)
	if err != nil {
		return nil, failed("prepare", err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	return rows, failed("query", err)
}

func (w *writer) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := w.stmts[query]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(ctx, query)
	if err == nil {
		w.stmts[query] = s
	}
	return s, err
}
