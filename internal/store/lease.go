package store

import (
	"context"
	"time"
)

// Lease takes, or prolongs, the right to do the job called name for a time,
// and reports whether holder has it. The holder is unique to a process. One
// process has it at a time, as far as their clocks agree; it stops before the
// time is over, or prolongs it.
func (db *DB) Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	var n int64
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		now := db.now()
		n, err = t.exec(ctx, `
			INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
			WHERE leases.holder = excluded.holder OR leases.expires_at <= $4`,
			name, holder, now.Add(ttl).UnixMicro(), now.UnixMicro())
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
