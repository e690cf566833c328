package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/coreshed/coreshed"
)

// ExpiredFile is a deleted file whose workspace does not keep it any longer.
type ExpiredFile struct {
	ID, Workspace, Org int64 // row ids
	UUID               coreshed.UUID
	DeletedAt          time.Time
}

// ExpiredFiles returns up to limit deleted files whose retention was over at a
// time, and which no hold protects: by workspace, the oldest first. A file of
// which nothing was ever committed is none of them, nor is one that a purge is
// removing, or in which a run may still publish what it makes.
func (db *DB) ExpiredFiles(ctx context.Context, at time.Time, limit int) ([]ExpiredFile, error) {
	var expired []ExpiredFile
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		var last ExpiredFile
		for len(expired) < limit {
			page, err := expiredAfter(ctx, t, at, last)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, f := range page {
				h, err := heldFile(ctx, t, f.ID)
				if err != nil {
					return err
				}
				if h.id == 0 && len(expired) < limit {
					expired = append(expired, f)
				}
			}
			last = page[len(page)-1]
		}
		return nil
	})
	return expired, err
}

// expiredReason is the reason of purges that the server begins.
const expiredReason = "deleted for longer than the workspace keeps deleted files"

// PurgeExpired begins a purge of up to limit deleted files of one organisation whose
// retention is over now and which no hold protects, and returns how many they are.
// They are marked at once, so that none is restored or held any more; what was made
// from them stays. The steps of the purge are those of any other.
func (db *DB) PurgeExpired(ctx context.Context, l Lease, limit int) (int, error) {
	expired, err := db.ExpiredFiles(ctx, db.now(), limit)
	if err != nil || len(expired) == 0 {
		return 0, err
	}
	var files []int64
	for _, f := range expired {
		if f.Org == expired[0].Org {
			files = append(files, f.ID)
		}
	}
	var n int
	err = db.update(ctx, func(ctx context.Context, t tx) error {
		n = 0
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		// Nobody sets a hold or adds a link until they are marked.
		if err := t.db().dialect.take(ctx, t, t.db().dialect.linksAlone); err != nil {
			return err
		}
		still, err := stillExpired(ctx, t, files)
		if err != nil || len(still) == 0 {
			return err
		}
		n = len(still)
		return beginDeleted(ctx, t, expired[0].Org, still)
	})
	return n, err
}

// stillExpired locks those of the files that are still to be removed. One that
// somebody is changing just now is passed over: to wait for who restores it, and
// waits for the links, would be for ever.
func stillExpired(ctx context.Context, t tx, files []int64) ([]int64, error) {
	c := &conditions{}
	c.anyID(t.db().dialect, `f.id`, files)
	c.add(`f.deleted_at <= ? - (SELECT w.retention * 1000000 FROM workspaces w WHERE w.id = f.workspace_id)`, t.db().micros())
	locked, err := all(ctx, t, value[int64], `SELECT f.id FROM files f WHERE `+c.text()+` AND `+notTaken+` ORDER BY f.id`+t.db().dialect.claim, c.args...)
	if err != nil {
		return nil, err
	}
	var still []int64
	for _, f := range locked {
		h, err := heldFile(ctx, t, f)
		if err != nil {
			return nil, err
		}
		if h.id == 0 {
			still = append(still, f)
		}
	}
	return still, nil
}

// beginDeleted begins to remove all versions of files.
func beginDeleted(ctx context.Context, t tx, org int64, files []int64) error {
	c := &conditions{}
	c.anyID(t.db().dialect, `file_id`, files)
	versions, err := all(ctx, t, value[int64], `SELECT id FROM versions WHERE `+c.text()+` ORDER BY id`, c.args...)
	if err != nil {
		return err
	}
	server := coreshed.View{Org: org, Admin: true, Everything: true}
	id, err := addPurge(ctx, t, server, NewPurge{Scope: coreshed.PurgeDeleted, Reason: expiredReason}, versions)
	if err != nil {
		return err
	}
	p, err := plan(ctx, t, server, id)
	if err == nil {
		err = removable(p)
	}
	if err != nil {
		return err
	}
	return begin(ctx, t, server, &p)
}

// notTaken is the condition that no purge removes versions of a file f, and no run
// may publish one.
const notTaken = `NOT EXISTS (SELECT 1 FROM versions v WHERE v.file_id = f.id AND (v.held <> 0 OR EXISTS (SELECT 1 FROM purging p WHERE p.kind = 0 AND p.item_id = v.id)))`

// expiredPage is how many files are looked at at once.
const expiredPage = 500

// expiredAfter returns some of the files whose retention is over, those after
// one of them. Those of workspaces that are held whole are not worth a look.
func expiredAfter(ctx context.Context, t tx, at time.Time, last ExpiredFile) ([]ExpiredFile, error) {
	return all(ctx, t, func(rows *sql.Rows) (ExpiredFile, error) {
		var f ExpiredFile
		var deleted int64
		err := rows.Scan(&f.ID, &f.UUID, &f.Workspace, &f.Org, &deleted)
		f.DeletedAt = timeOf(deleted)
		return f, err
	}, `SELECT f.id, f.uuid, w.id, w.org_id, f.deleted_at FROM workspaces w JOIN files f ON f.workspace_id = w.id
		WHERE w.retention IS NOT NULL AND f.deleted_at IS NOT NULL AND f.current_id IS NOT NULL AND f.deleted_at <= $1 - w.retention * 1000000
			AND (w.id > $2 OR w.id = $2 AND (f.deleted_at > $3 OR f.deleted_at = $3 AND f.id > $4))
			AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.workspace_id = w.id AND h.file_id IS NULL AND `+inForce(`h`, `$5`)+`)
			AND `+notTaken+`
		ORDER BY w.id, f.deleted_at, f.id LIMIT $6`,
		at.UnixMicro(), last.Workspace, last.DeletedAt.UnixMicro(), last.ID, t.db().micros(), expiredPage)
}
