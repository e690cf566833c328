package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/coreshed/coreshed"
)

// The purposes of keys.
const (
	URLKey   = "url"   // signs the URLs of the blob plane
	TokenKey = "token" // signs the built-in issuer's tokens
	AuditKey = "audit" // signs checkpoints of the audit log
)

// Key is a secret that signs. The newest key of a purpose that is not retired
// signs; the others only verify, until they are deleted.
type Key struct {
	ID        string // a UUID; public, since signed things name their key
	Purpose   string // URLKey, TokenKey or AuditKey
	Material  []byte // in a form that the purpose decides; never logged
	CreatedAt time.Time
	RetiredAt time.Time // zero while it may sign
}

// Active reports whether the key may sign.
func (k Key) Active() bool { return k.RetiredAt.IsZero() }

// Keys returns the keys of a purpose, those that may sign before the retired
// ones, and the newest first.
func (db *DB) Keys(ctx context.Context, purpose string) ([]Key, error) {
	return all(ctx, db, scanKey, `
		SELECT id, purpose, material, created_at, retired_at FROM signing_keys
		WHERE purpose = $1
		ORDER BY CASE WHEN retired_at IS NULL THEN 0 ELSE 1 END, created_at DESC, id`, purpose)
}

func scanKey(rows *sql.Rows) (Key, error) {
	var k Key
	var created int64
	var retired sql.NullInt64
	err := rows.Scan(&k.ID, &k.Purpose, &k.Material, &created, &retired)
	k.CreatedAt, k.RetiredAt = timeOf(created), timeOrZero(retired)
	return k, err
}

// AddKey stores a first key, unless the purpose has one that may sign.
// Replicas that start together may each add one; all of them are then good.
func (db *DB) AddKey(ctx context.Context, purpose, id string, material []byte) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		n, err := t.exec(ctx, `
			INSERT INTO signing_keys (id, purpose, material, created_at)
			SELECT $1, $2, $3, $4 WHERE NOT EXISTS (
				SELECT 1 FROM signing_keys WHERE purpose = $2 AND retired_at IS NULL)`,
			id, purpose, material, db.micros())
		if err != nil || n == 0 {
			return err
		}
		return auditKey(ctx, t, coreshed.ActKeyMake, details{"purpose": purpose, "id": id})
	})
}

// RotateKey makes a new key sign and retires the ones that did. What they have
// signed stays good until [DB.DeleteRetiredKeys].
func (db *DB) RotateKey(ctx context.Context, purpose, id string, material []byte) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		now := db.micros()
		if _, err := t.exec(ctx, `
			UPDATE signing_keys SET retired_at = $2 WHERE purpose = $1 AND retired_at IS NULL`,
			purpose, now); err != nil {
			return err
		}
		_, err := t.exec(ctx, `
			INSERT INTO signing_keys (id, purpose, material, created_at) VALUES ($1, $2, $3, $4)`,
			id, purpose, material, now)
		if err != nil {
			return err
		}
		return auditKey(ctx, t, coreshed.ActKeyMake, details{"purpose": purpose, "id": id})
	})
}

func auditKey(ctx context.Context, t tx, action coreshed.AuditAction, said details) error {
	return audit(ctx, t, act{by: coreshed.Operator, action: action, kind: coreshed.AuditKey, details: said})
}

// DeleteRetiredKeys deletes the keys of a purpose that were retired at or
// before a time and returns how many. What they have signed is good no more,
// so the time is chosen earlier than the longest-lived of it.
func (db *DB) DeleteRetiredKeys(ctx context.Context, purpose string, until time.Time) (int64, error) {
	var n int64
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		n, err = t.exec(ctx, `DELETE FROM signing_keys WHERE purpose = $1 AND retired_at <= $2`,
			purpose, until.UnixMicro())
		if err != nil || n == 0 {
			return err
		}
		return auditKey(ctx, t, coreshed.ActKeyDelete, details{"purpose": purpose, "keys": n})
	})
	return n, err
}
