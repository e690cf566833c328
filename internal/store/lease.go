package store

import (
	"context"
	"time"

	"github.com/coreshed/coreshed"
)

// Lease takes, or prolongs, the right to do the job called name for a time,
// and reports whether holder has it. The holder is unique to a process. One
// process has it at a time, as far as their clocks agree to within ttl; it stops
// before the time is over, or prolongs it. A lease that ends later than that was
// taken before the clock was set back, and is over.
func (db *DB) Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	var n int64
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		now := db.now()
		n, err = t.exec(ctx, `
			INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
			WHERE leases.holder = excluded.holder OR leases.expires_at <= $4 OR leases.expires_at > $5`,
			name, holder, now.Add(ttl).UnixMicro(), now.UnixMicro(), now.Add(2*ttl).UnixMicro())
		return err
	})
	return n == 1, err
}

// Release gives a lease up before its time. One that holder does not have is
// left alone.
func (db *DB) Release(ctx context.Context, name, holder string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `DELETE FROM leases WHERE name = $1 AND holder = $2`, name, holder)
		return err
	})
}

// Lease is a job that a holder has the right to do, for the methods that record
// what it has done: they change nothing once another may be doing it.
type Lease struct{ Name, Holder string }

// holds fails with Conflict when the lease is over.
func (l Lease) holds(ctx context.Context, t tx) error {
	mine, err := all(ctx, t, value[string], `SELECT name FROM leases WHERE name = $1 AND holder = $2 AND expires_at > $3`+t.db().dialect.lock,
		l.Name, l.Holder, t.db().micros())
	if err == nil && len(mine) == 0 {
		err = coreshed.Errorf(coreshed.Conflict, "Another process has taken over.")
	}
	return err
}
