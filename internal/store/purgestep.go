package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/killpoint"
)

// maxPutOff is how long a purge is put off at most. A time that is further away is
// of a clock that was set back since.
const maxPutOff = 10 * time.Minute

// OpenPurges returns the purges on which there is something to do now.
func (db *DB) OpenPurges(ctx context.Context) ([]int64, error) {
	now := db.now()
	return all(ctx, db, value[int64], `SELECT id FROM purges WHERE status IN ('queued', 'purging') AND (next_at <= $1 OR next_at > $2) ORDER BY id`,
		now.UnixMicro(), now.Add(maxPutOff).UnixMicro())
}

// ErrPurgeStopped ends the work on a purge that is to do nothing more.
var ErrPurgeStopped = errors.New("the purge does not run")

// BeginPurge executes a purge that waits in the queue, as it is found now. What
// it was asked for may be gone by then: that ends it.
func (db *DB) BeginPurge(ctx context.Context, l Lease, id int64) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		status, err := one(ctx, t, value[coreshed.PurgeStatus], `SELECT status FROM purges WHERE id = $1`+t.db().dialect.lock, id)
		if err != nil || status != coreshed.PurgeQueued {
			return err
		}
		if err := t.db().dialect.take(ctx, t, t.db().dialect.linksAlone); err != nil {
			return err
		}
		org, err := one(ctx, t, value[int64], `SELECT org_id FROM purges WHERE id = $1`, id)
		if err != nil {
			return err
		}
		server := coreshed.View{Org: org, Admin: true, Everything: true}
		p, err := plan(ctx, t, server, id)
		if err != nil {
			return err
		}
		if err := removable(p); err != nil {
			return err
		}
		return begin(ctx, t, server, &p)
	})
}

// PutOffPurge lets nobody work on a purge for a time, which depends on how often
// it was put off, and says why.
func (db *DB) PutOffPurge(ctx context.Context, l Lease, id int64, wait func(attempts int64) time.Duration, reason string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		attempts, err := one(ctx, t, value[int64], `UPDATE purges SET attempts = attempts + 1, last_error = $2 WHERE id = $1 RETURNING attempts`, id, reason)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE purges SET next_at = $2 WHERE id = $1`, id, t.db().now().Add(min(wait(attempts), maxPutOff)).UnixMicro())
		return err
	})
}

// PurgedVersion is a version whose bytes are to be removed, and then its row.
type PurgedVersion struct {
	ID, Depth int64
	Fate      coreshed.BytesFate
	Prefix    string // of its objects' keys
	Workspace int64
	Place     *Place // of bytes in place
}

// PurgeVersions returns up to limit versions of a purge after one of them, the
// deepest first, whose rows are still there. From then on none of their bytes
// are served. ErrPurgeStopped when the purge is to do nothing more.
func (db *DB) PurgeVersions(ctx context.Context, l Lease, id int64, after *PurgedVersion, limit int) ([]PurgedVersion, error) {
	var list []PurgedVersion
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		if err := runs(ctx, t, l, id); err != nil {
			return err
		}
		c := &conditions{}
		c.add(`p.purge_id = ?`, id)
		c.terms = append(c.terms, `p.kind = 0 AND p.state = 0`)
		if after != nil {
			c.add(`(p.depth, p.item_id) < (?, ?)`, after.Depth, after.ID)
		}
		var err error
		if list, err = all(ctx, t, scanPurged, `SELECT v.id, p.depth, p.bytes, v.prefix, v.size, `+placeColumns+`
			FROM (SELECT * FROM purge_items p WHERE `+c.text()+` ORDER BY p.depth DESC, p.item_id DESC LIMIT `+c.arg(limit)+`) p
			JOIN versions v ON v.id = p.item_id ORDER BY p.depth DESC, p.item_id DESC`, c.args...); err != nil || len(list) == 0 {
			return err
		}
		c = &conditions{}
		c.add(`purge_id = ?`, id)
		c.anyID(t.db().dialect, `item_id`, idsOf(list))
		_, err = t.exec(ctx, `UPDATE versions SET state = 'removed' WHERE state <> 'removed' AND id IN (
			SELECT item_id FROM purge_items WHERE kind = 0 AND bytes = 'remove' AND `+c.text()+`)`, c.args...)
		return err
	})
	return list, err
}

// runs fails unless the purge runs and the lease is held.
func runs(ctx context.Context, t tx, l Lease, id int64) error {
	if err := l.holds(ctx, t); err != nil {
		return err
	}
	status, err := one(ctx, t, value[coreshed.PurgeStatus], `SELECT status FROM purges WHERE id = $1`+t.db().dialect.lock, id)
	if err == nil && status != coreshed.PurgeRunning {
		err = ErrPurgeStopped
	}
	return err
}

func scanPurged(rows *sql.Rows) (PurgedVersion, error) {
	var v PurgedVersion
	var s Slot
	var place scannedPlace
	if err := rows.Scan(append([]any{&v.ID, &v.Depth, &v.Fate, &v.Prefix, &s.Version.Size}, place.dest()...)...); err != nil {
		return v, err
	}
	if place.into(&s); place.path.Valid {
		v.Workspace, v.Place = s.Workspace, &s.Place
	}
	return v, nil
}

func idsOf(list []PurgedVersion) []int64 {
	ids := make([]int64, len(list))
	for i, v := range list {
		ids[i] = v.ID
	}
	return ids
}

// FailPurged records why the bytes of versions could not be removed. Their rows
// stay.
func (db *DB) FailPurged(ctx context.Context, l Lease, id int64, reasons map[int64]string) error {
	if len(reasons) == 0 {
		return nil
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		for version, reason := range reasons {
			if _, err := t.exec(ctx, `UPDATE purge_items SET attempts = attempts + 1, error = $3 WHERE purge_id = $1 AND kind = 0 AND item_id = $2`, id, version, reason); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemovePurged removes the rows of versions whose bytes are gone, or stay, and
// of all that is only there because of them. Tombstones remain.
func (db *DB) RemovePurged(ctx context.Context, l Lease, id int64, versions []int64) error {
	if len(versions) == 0 {
		return nil
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		r, err := removalOf(ctx, t, id)
		if err != nil {
			return err
		}
		return r.versions(ctx, t, versions)
	})
}

// RemovePurgedRuns removes up to limit runs of a purge, the deepest first, and
// returns how many. It is called when no version is left.
func (db *DB) RemovePurgedRuns(ctx context.Context, l Lease, id int64, limit int) (int, error) {
	return db.removeNext(ctx, l, id, rowRun, limit, (*removal).runs)
}

// RemovePurgedRecipes is RemovePurgedRuns for recipes, when no run is left.
func (db *DB) RemovePurgedRecipes(ctx context.Context, l Lease, id int64, limit int) (int, error) {
	return db.removeNext(ctx, l, id, rowRecipe, limit, (*removal).recipes)
}

func (db *DB) removeNext(ctx context.Context, l Lease, id, kind int64, limit int, remove func(*removal, context.Context, tx, []int64) error) (int, error) {
	var n int
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		n = 0
		if err := runs(ctx, t, l, id); err != nil {
			return err
		}
		ids, err := all(ctx, t, value[int64], `SELECT item_id FROM purge_items WHERE purge_id = $1 AND kind = $2 AND state = 0 ORDER BY depth DESC, item_id DESC LIMIT $3`, id, kind, limit)
		if err != nil || len(ids) == 0 {
			return err
		}
		n = len(ids)
		r, err := removalOf(ctx, t, id)
		if err != nil {
			return err
		}
		return remove(r, ctx, t, ids)
	})
	return n, err
}

// EndPurge ends a purge of whose set nothing is left, and reports whether it
// has.
func (db *DB) EndPurge(ctx context.Context, l Lease, id int64) (bool, error) {
	var ended bool
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		if err := runs(ctx, t, l, id); err != nil {
			return err
		}
		left, err := one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM purge_items WHERE purge_id = $1 AND state = 0)`, id)
		if ended = err == nil && !left; !ended {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM purging WHERE purge_id = $1`, id); err != nil {
			return err
		}
		killpoint.Reach("purge.unmarked")
		r, err := removalOf(ctx, t, id)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE purges SET status = 'purged', ended_at = $2, last_error = '', request = '[]' WHERE id = $1`, id, r.now); err != nil {
			return err
		}
		if err := eraseFilter(ctx, t, id); err != nil {
			return err
		}
		org, said, err := purgeEnd(ctx, t, id)
		if err != nil {
			return err
		}
		return auditPurge(ctx, t, coreshed.View{Org: org}, coreshed.ActPurgeEnd, id, said)
	})
	return ended, err
}

// purgeEnd is what the audit log tells of the end of a purge: what it was to remove,
// by the fingerprint, and how much of what it has removed.
func purgeEnd(ctx context.Context, t tx, id int64) (org int64, said details, err error) {
	var fingerprint []byte
	var sources, products, runs, recipes, size int64
	_, err = one(ctx, t, func(rows *sql.Rows) (int64, error) {
		return 0, rows.Scan(&org, &fingerprint, &sources, &products, &runs, &recipes, &size)
	}, `SELECT org_id, fingerprint, sources_gone, products_gone, runs_gone, recipes_gone, bytes_gone FROM purges WHERE id = $1`, id)
	return org, details{
		"fingerprint": hex.EncodeToString(fingerprint),
		"sources":     sources, "products": products, "runs": runs, "recipes": recipes, "bytes": size,
	}, err
}

// EmptyLog takes what has been removed out of the write-ahead log too, as far as
// that is a file of ours. It waits for who reads; ErrLogInUse when that takes too
// long.
func (db *DB) EmptyLog(ctx context.Context) error {
	if db.dialect.emptyLog == "" {
		return nil
	}
	busy, err := one(ctx, db, func(rows *sql.Rows) (busy bool, err error) {
		var pages, moved int64
		return busy, rows.Scan(&busy, &pages, &moved)
	}, db.dialect.emptyLog)
	if err == nil && busy {
		err = ErrLogInUse
	}
	return err
}

// ErrLogInUse says that readers keep what is in the write-ahead log.
var ErrLogInUse = errors.New("the write-ahead log is in use")

// ForgetPlans removes plans that nobody has executed since a time.
func (db *DB) ForgetPlans(ctx context.Context, before time.Time) error {
	ids, err := all(ctx, db, value[int64], `SELECT id FROM purges WHERE status = 'planned' AND planned_at < $1 ORDER BY id`, before.UnixMicro())
	for _, id := range ids {
		// A transaction each: a plan may have a million rows.
		if err := db.update(ctx, func(ctx context.Context, t tx) error { return forgetPlan(ctx, t, id) }); err != nil {
			return err
		}
	}
	return err
}

// forgetPlan removes a plan, unless it is executed meanwhile.
func forgetPlan(ctx context.Context, t tx, id int64) error {
	status, err := one(ctx, t, value[coreshed.PurgeStatus], `SELECT status FROM purges WHERE id = $1`+t.db().dialect.lock, id)
	if err != nil || status != coreshed.PurgePlanned {
		return err
	}
	if _, err := t.exec(ctx, `DELETE FROM purge_items WHERE purge_id = $1`, id); err != nil {
		return err
	}
	_, err = t.exec(ctx, `DELETE FROM purges WHERE id = $1`, id)
	return err
}
