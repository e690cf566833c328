package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// How many pages SQLite's write-ahead log has before they are moved into the
// database, and before it is begun anew.
const (
	logMoved = 100
	logBegun = 4000
)

// readersWait is how many milliseconds the writer waits for readers to leave the
// log that is to be begun anew.
const readersWait = 5

// checkpointer keeps the write-ahead log short. It moves pages into the database
// beside the writer: a commit would wait for thousands of them to be written and
// synced. The writer waits only for the last, so that the log can begin anew.
type checkpointer struct {
	owner   *DB
	conn    *sql.Conn
	stop    chan struct{}
	shut    sync.Once
	done    sync.WaitGroup
	handled int64 // length of the log when pages were last moved
}

func newCheckpointer(ctx context.Context, owner *DB) (*checkpointer, error) {
	conn, err := owner.read.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open checkpointer: %w", err)
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA busy_timeout = %d`, readersWait)); err != nil {
		return nil, errors.Join(fmt.Errorf("open checkpointer: %w", err), conn.Close())
	}
	c := &checkpointer{owner: owner, conn: conn, stop: make(chan struct{})}
	c.done.Go(c.run)
	return c, nil
}

func (c *checkpointer) close() {
	c.shut.Do(func() { close(c.stop) })
	c.done.Wait()
}

func (c *checkpointer) run() {
	defer c.conn.Close()
	for {
		select {
		case <-c.stop:
			return
		case <-c.owner.writer.committed:
		}
		if err := c.shorten(context.Background()); err != nil {
			c.owner.log.Error("the write-ahead log is not moved into the database", "error", err)
		}
	}
}

// shorten moves pages of the log into the database when it has grown enough. What
// readers keep in it is tried again when it has grown as much again.
func (c *checkpointer) shorten(ctx context.Context) error {
	length, err := c.checkpoint(ctx, "NOOP")
	if length < c.handled {
		c.handled = 0 // it has begun anew
	}
	if err != nil || length-c.handled < logMoved {
		return err
	}
	if c.handled, err = c.checkpoint(ctx, "PASSIVE"); err != nil || c.handled < logBegun {
		return err
	}
	turn := &c.owner.writer.turn
	turn.Lock()
	defer turn.Unlock()
	c.handled, err = c.checkpoint(ctx, "RESTART")
	return err
}

// checkpoint returns the length of the log.
func (c *checkpointer) checkpoint(ctx context.Context, mode string) (length int64, err error) {
	var busy bool
	var moved int64
	err = c.conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &length, &moved)
	return length, err
}
