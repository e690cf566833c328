package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"
)

// HeldFile returns the hold that protects a file, or 0.
func HeldFile(ctx context.Context, db *DB, file int64) (int64, error) {
	var h hold
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		h, err = heldFile(ctx, t, file)
		return err
	})
	return h.id, err
}

// HeldWorkspace returns a hold that protects a workspace or something in it, or 0.
func HeldWorkspace(ctx context.Context, db *DB, workspace int64) (int64, error) {
	var h hold
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		h, err = heldWorkspace(ctx, t, workspace)
		return err
	})
	return h.id, err
}

var errUndo = errors.New("undo")

// MarkHeld marks a set of versions and runs as a purge's and returns the holds
// of those that are held, and how many the purge says there are.
func MarkHeld(ctx context.Context, db *DB, org int64, versions, runs []int64) (held map[int64]int64, count int64, err error) {
	err = db.update(ctx, func(ctx context.Context, t tx) error {
		purge, err := insert(ctx, t, `INSERT INTO purges (uuid, org_id, scope, status, planned_at) VALUES ($1, $2, 'lineage', 'planned', 0) RETURNING id`, uuid.New(), org)
		if err != nil {
			return err
		}
		for kind, ids := range [][]int64{versions, runs} {
			for _, id := range ids {
				from := map[int]string{0: `versions`, 1: `jobs`}[kind]
				if _, err := t.exec(ctx, `INSERT INTO purge_items (purge_id, kind, item_id, depth, workspace_id) SELECT $1, $2, id, 0, workspace_id FROM `+from+` WHERE id = $3`, purge, kind, id); err != nil {
					return err
				}
			}
		}
		// Twice is once.
		if err := errors.Join(markHeld(ctx, t, purge), markHeld(ctx, t, purge)); err != nil {
			return err
		}
		held = map[int64]int64{}
		if err := each(ctx, t, func(rows *sql.Rows) error {
			var kind, id, hold int64
			err := rows.Scan(&kind, &id, &hold)
			if kind != 0 {
				return errors.New("what is no version is held")
			}
			held[id] = hold
			return err
		}, `SELECT kind, item_id, hold_id FROM purge_items WHERE purge_id = $1 AND hold_id IS NOT NULL`, purge); err != nil {
			return err
		}
		if count, err = one(ctx, t, value[int64], `SELECT held FROM purges WHERE id = $1`, purge); err != nil {
			return err
		}
		left, err := one(ctx, t, value[int64], `SELECT count(*) FROM hold_reach`)
		if err == nil && left > 0 {
			err = errors.New("something is left of the walk")
		}
		return errors.Join(err, errUndo)
	})
	if errors.Is(err, errUndo) && err.Error() == errUndo.Error() {
		err = nil
	}
	return held, count, err
}

// Purging marks a version as one that a purge removes.
func Purging(ctx context.Context, db *DB, org, version int64) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		purge, err := insert(ctx, t, `INSERT INTO purges (uuid, org_id, scope, status, planned_at) VALUES ($1, $2, 'lineage', 'purging', 0) RETURNING id`, uuid.New(), org)
		if err == nil {
			_, err = t.exec(ctx, `INSERT INTO purging (kind, item_id, purge_id) VALUES (0, $1, $2)`, version, purge)
		}
		return err
	})
}

// FileOf returns the row id of a version's file.
func FileOf(ctx context.Context, db *DB, version int64) (int64, error) {
	return one(ctx, db, value[int64], `SELECT file_id FROM versions WHERE id = $1`, version)
}
