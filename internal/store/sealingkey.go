package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/coreshed/coreshed"
)

// SealingKey is a secret that seals secrets of others. The newest that is not
// retired seals; the others only open.
type SealingKey struct {
	ID        string // sealed things name their key
	Material  []byte // never logged
	CreatedAt time.Time
	RetiredAt time.Time // zero while it may seal
}

// SealingKeys returns the keys, those that may seal before the retired ones, and
// the newest first.
func (db *DB) SealingKeys(ctx context.Context) ([]SealingKey, error) {
	return sealingKeys(ctx, db)
}

func sealingKeys(ctx context.Context, q querier) ([]SealingKey, error) {
	return all(ctx, q, func(rows *sql.Rows) (SealingKey, error) {
		var k SealingKey
		var created int64
		var retired sql.NullInt64
		err := rows.Scan(&k.ID, &k.Material, &created, &retired)
		k.CreatedAt, k.RetiredAt = timeOf(created), timeOrZero(retired)
		return k, err
	}, `SELECT id, material, created_at, retired_at FROM sealing_keys
		ORDER BY CASE WHEN retired_at IS NULL THEN 0 ELSE 1 END, created_at DESC, id`)
}

// AddSealingKey stores a first key, unless there is one that may seal. Replicas
// that start together may each add one; all of them are then good.
func (db *DB) AddSealingKey(ctx context.Context, id string, material []byte) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		n, err := t.exec(ctx, `
			INSERT INTO sealing_keys (id, material, created_at)
			SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM sealing_keys WHERE retired_at IS NULL)`,
			id, material, db.micros())
		if err != nil || n == 0 {
			return err
		}
		return auditKey(ctx, t, coreshed.ActKeyMake, details{"purpose": "secret", "id": id})
	})
}

// sealed are the columns that hold sealed secrets.
var sealed = []struct{ table, column string }{
	{"workspaces", "configuration"},
	{"strikes", "configuration"},
	{"scans", "configuration"},
}

// RotateSealingKey makes a new key seal and everything sealed by it anew, all in
// one transaction, and retires the keys before. Whoever seals with one of those
// meanwhile is still understood. reseal gives a document its new seals.
func (db *DB) RotateSealingKey(ctx context.Context, id string, material []byte, reseal func([]SealingKey, string) (string, error)) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		now := db.micros()
		if _, err := t.exec(ctx, `UPDATE sealing_keys SET retired_at = $1 WHERE retired_at IS NULL`, now); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `INSERT INTO sealing_keys (id, material, created_at) VALUES ($1, $2, $3)`, id, material, now); err != nil {
			return err
		}
		keys, err := sealingKeys(ctx, t)
		if err != nil {
			return err
		}
		for _, s := range sealed {
			if err := resealColumn(ctx, t, s.table, s.column, func(old string) (string, error) { return reseal(keys, old) }); err != nil {
				return err
			}
		}
		return auditKey(ctx, t, coreshed.ActKeyMake, details{"purpose": "secret", "id": id})
	})
}

func resealColumn(ctx context.Context, t tx, table, column string, reseal func(string) (string, error)) error {
	type document struct {
		id   int64
		text string
	}
	documents, err := all(ctx, t, func(rows *sql.Rows) (document, error) {
		var d document
		return d, rows.Scan(&d.id, &d.text)
	}, `SELECT id, `+column+` FROM `+table+` WHERE `+column+` IS NOT NULL ORDER BY id`+t.db().dialect.lock)
	if err != nil {
		return err
	}
	for _, d := range documents {
		text, err := reseal(d.text)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE `+table+` SET `+column+` = $2 WHERE id = $1`, d.id, text); err != nil {
			return err
		}
	}
	return nil
}

// DeleteRetiredSealingKeys deletes the keys that were retired at or before a
// time, and returns how many. What they sealed is lost.
func (db *DB) DeleteRetiredSealingKeys(ctx context.Context, until time.Time) (int64, error) {
	var n int64
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		n, err = t.exec(ctx, `DELETE FROM sealing_keys WHERE retired_at <= $1`, until.UnixMicro())
		if err != nil || n == 0 {
			return err
		}
		return auditKey(ctx, t, coreshed.ActKeyDelete, details{"purpose": "secret", "keys": n})
	})
	return n, err
}
