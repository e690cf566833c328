package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/coreshed/coreshed"
)

// ErrUnhashed says that the SHA-256 of what lies at a place is needed.
var ErrUnhashed = errors.New("the hash is needed")

// Barred fails with Gone when what lies at a place has been purged: it is not
// taken again until it changes, or the barrier is lifted. ErrUnhashed when it was
// written anew, and could be the same all the same.
func (db *DB) Barred(ctx context.Context, workspace int64, p Place) error {
	return barred(ctx, db, workspace, p)
}

func barred(ctx context.Context, q querier, workspace int64, p Place) error {
	type barrier struct {
		was   placed
		purge coreshed.UUID
	}
	list, err := all(ctx, q, func(rows *sql.Rows) (barrier, error) {
		var b barrier
		return b, rows.Scan(&b.was.size, &b.was.modified, &b.was.etag, &b.was.sha256, &b.purge)
	}, `SELECT b.size, b.modified, b.etag, b.sha256, u.uuid FROM barriers b JOIN purges u ON u.id = b.purge_id
		WHERE b.workspace_id = $1 AND b.place = $2 AND b.lifted_at IS NULL`, workspace, placeKey(p.Path))
	for _, b := range list {
		switch {
		case p.same(b.was):
			return coreshed.Errorf(coreshed.Gone, "The file was purged (purge %s). It is not taken again until it changes, or the barrier is lifted.", b.purge)
		case p.Size == b.was.size && p.SHA256 == nil && b.was.sha256 != nil:
			err = ErrUnhashed
		}
	}
	return err
}

// Barrier is a place at which what was purged lay, and may still lie. The path
// is not known any more: only whoever knows it can ask for it.
type Barrier struct {
	ID        int64
	Purge     coreshed.UUID
	Size      int64
	SHA256    []byte // nil when it was not known
	CreatedAt time.Time
}

// Barriers returns a page of the barriers of a workspace that are not lifted, the
// newest first, and how many there are: those at a path, or all for "". NotFound
// when the workspace is not in the view.
func (db *DB) Barriers(ctx context.Context, view coreshed.View, workspace int64, path string, page coreshed.Page) ([]Barrier, int64, error) {
	if !view.Sees(workspace) {
		return nil, 0, coreshed.Errorf(coreshed.NotFound, "There is no such workspace.")
	}
	c := &conditions{}
	c.add(`b.workspace_id = ?`, workspace)
	if path != "" {
		c.add(`b.place = ?`, placeKey(path))
	}
	c.terms = append(c.terms, `b.lifted_at IS NULL`)
	return pageOf(ctx, db, func(rows *sql.Rows) (Barrier, error) {
		var b Barrier
		var created int64
		err := rows.Scan(&b.ID, &b.Purge, &b.Size, &b.SHA256, &created)
		b.CreatedAt = timeOf(created)
		return b, err
	}, `b.id, u.uuid, b.size, b.sha256, b.created_at`, `FROM barriers b JOIN purges u ON u.id = b.purge_id`, c, ` ORDER BY b.id DESC`, page)
}

// LiftBarriers lets what was purged at a path be taken again, and returns how
// many barriers there were. Invalid without a reason, Forbidden unless the caller
// owns the workspace.
func (db *DB) LiftBarriers(ctx context.Context, view coreshed.View, workspace int64, path, reason string) (int64, error) {
	if !view.Sees(workspace) {
		return 0, coreshed.Errorf(coreshed.NotFound, "There is no such workspace.")
	}
	if err := (coreshed.Access{Actor: view.Actor, Role: view.Roles[workspace]}).Require(coreshed.Owner); err != nil {
		return 0, err
	}
	if err := checkReason(reason); err != nil {
		return 0, err
	}
	var n int64
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		person, err := actorRow(ctx, t, view.Actor)
		if err != nil {
			return err
		}
		n, err = t.exec(ctx, `UPDATE barriers SET lifted_at = $3, lifted_by = $4 WHERE workspace_id = $1 AND place = $2 AND lifted_at IS NULL`,
			workspace, placeKey(path), t.db().micros(), person)
		if err != nil || n == 0 {
			return err
		}
		return audit(ctx, t, act{
			by: view.Actor, action: coreshed.ActBarrierLift, kind: coreshed.AuditBarrier, workspace: workspace,
			details: details{"reason": reason, "barriers": n},
		})
	})
	return n, err
}
