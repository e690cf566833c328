package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/coreshed/coreshed"
)

// AttemptWindow is how long failed sign-ins are remembered, from the first.
const AttemptWindow = 15 * time.Minute

// Failures returns how many sign-ins have failed under a key in the present
// window, and when that window ends.
func (db *DB) Failures(ctx context.Context, key string) (int64, time.Time, error) {
	type row struct{ failures, first int64 }
	r, err := one(ctx, db, func(rows *sql.Rows) (row, error) {
		var r row
		return r, rows.Scan(&r.failures, &r.first)
	}, `SELECT failures, first_at FROM attempts WHERE key = $1`, key)
	if errors.Is(err, coreshed.NotFound) {
		return 0, time.Time{}, nil
	}
	end := timeOf(r.first).Add(AttemptWindow)
	if err != nil || !end.After(db.now()) {
		return 0, time.Time{}, err
	}
	return r.failures, end, nil
}

// AddFailure counts a failed sign-in under each of the keys.
func (db *DB) AddFailure(ctx context.Context, keys ...string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		now := db.now()
		for _, key := range keys {
			if _, err := t.exec(ctx, `
				INSERT INTO attempts (key, failures, first_at) VALUES ($1, 1, $2)
				ON CONFLICT (key) DO UPDATE SET
					failures = CASE WHEN attempts.first_at <= $3 THEN 1 ELSE attempts.failures + 1 END,
					first_at = CASE WHEN attempts.first_at <= $3 THEN excluded.first_at ELSE attempts.first_at END`,
				key, now.UnixMicro(), now.Add(-AttemptWindow).UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
}

// ForgetFailures begins the count of a key anew.
func (db *DB) ForgetFailures(ctx context.Context, key string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `DELETE FROM attempts WHERE key = $1`, key)
		return err
	})
}
