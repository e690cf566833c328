package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/coreshed/coreshed"
)

// ScrubPlace is how far a round has come: it goes on in a version, or with the next
// that there is, from an offset in bytes.
type ScrubPlace struct{ Version, Offset int64 }

// Scrubs returns a page of the rounds, the newest first, and how many there were.
// Forbidden for all but admins of the organisation.
func (db *DB) Scrubs(ctx context.Context, view coreshed.View, page coreshed.Page) ([]coreshed.Scrub, int64, error) {
	if err := mayScrub(view); err != nil {
		return nil, 0, err
	}
	return pageOf(ctx, db, scrubOf, scrubColumns, `FROM scrubs`, &conditions{}, ` ORDER BY id DESC`, page)
}

func mayScrub(view coreshed.View) error {
	if view.Admin {
		return nil
	}
	return coreshed.Errorf(coreshed.Forbidden, "What is read again and again is for admins of the organisation.")
}

const scrubColumns = `id, began_at, ended_at, versions, bytes, damaged, unread,
	CASE WHEN ended_at IS NULL THEN (SELECT CAST(COALESCE(sum(used_bytes), 0) AS BIGINT) FROM workspaces) ELSE bytes END`

func scanScrub(rows *sql.Rows, more ...any) (coreshed.Scrub, error) {
	var s coreshed.Scrub
	var began int64
	var ended sql.NullInt64
	err := rows.Scan(append([]any{&s.ID, &began, &ended, &s.Versions, &s.Bytes, &s.Damaged, &s.Unread, &s.Of}, more...)...)
	s.BeganAt, s.EndedAt = timeOf(began), timeOrZero(ended)
	return s, err
}

// AskScrub begins a round, unless one is open; whichever it is looks first at what
// was damaged before. Forbidden for all but admins of the organisation.
func (db *DB) AskScrub(ctx context.Context, view coreshed.View) (coreshed.Scrub, error) {
	var s coreshed.Scrub
	if err := mayScrub(view); err != nil {
		return s, err
	}
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		s, err = currentScrub(ctx, t)
		if errors.Is(err, coreshed.NotFound) {
			s, err = beginScrub(ctx, t, view)
		}
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE scrubs SET look_again = 1 WHERE id = $1`, s.ID)
		return err
	})
	return s, err
}

// DueScrub returns the open round, or begins one if the last began longer ago than
// every; never, for none. NotFound when there is nothing to do.
func (db *DB) DueScrub(ctx context.Context, every time.Duration) (coreshed.Scrub, error) {
	s, err := currentScrub(ctx, db)
	if !errors.Is(err, coreshed.NotFound) || every <= 0 {
		return s, err
	}
	since := db.now().Add(-every).UnixMicro()
	const fresh = `SELECT EXISTS (SELECT 1 FROM scrubs WHERE ended_at IS NULL OR began_at > $1)`
	if done, err := one(ctx, db, value[bool], fresh, since); err != nil || done {
		return s, errors.Join(err, coreshed.NotFound)
	}
	err = db.update(ctx, func(ctx context.Context, t tx) error {
		done, err := one(ctx, t, value[bool], fresh, since)
		if err == nil && done {
			err = coreshed.NotFound
		}
		if err == nil {
			s, err = beginScrub(ctx, t, coreshed.View{})
		}
		return err
	})
	return s, err
}

func scrubOf(rows *sql.Rows) (coreshed.Scrub, error) { return scanScrub(rows) }

func currentScrub(ctx context.Context, q querier) (coreshed.Scrub, error) {
	return one(ctx, q, scrubOf, `SELECT `+scrubColumns+` FROM scrubs WHERE ended_at IS NULL`)
}

func beginScrub(ctx context.Context, t tx, by coreshed.View) (coreshed.Scrub, error) {
	s, err := one(ctx, t, scrubOf, `INSERT INTO scrubs (began_at) VALUES ($1) RETURNING `+scrubColumns, t.db().micros())
	if err != nil {
		return s, err
	}
	return s, audit(ctx, t, act{by: by.Actor, action: coreshed.ActScrubBegin, kind: coreshed.AuditScrub, id: s.ID})
}

// OpenScrub returns an open round with where it goes on. NotFound when it has ended.
func (db *DB) OpenScrub(ctx context.Context, id int64) (coreshed.Scrub, ScrubPlace, error) {
	var at ScrubPlace
	s, err := one(ctx, db, func(rows *sql.Rows) (coreshed.Scrub, error) {
		return scanScrub(rows, &at.Version, &at.Offset)
	}, `SELECT `+scrubColumns+`, version_row, offset_bytes FROM scrubs WHERE id = $1 AND ended_at IS NULL`, id)
	return s, at, err
}

// SaveScrub records how far a round has come, with all that it has counted, and
// reports whether somebody has asked it, since this was last called, to look again
// at what was damaged before.
func (db *DB) SaveScrub(ctx context.Context, l Lease, s coreshed.Scrub, at ScrubPlace) (again bool, err error) {
	err = db.update(ctx, func(ctx context.Context, t tx) error {
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		if again, err = one(ctx, t, value[bool], `SELECT look_again <> 0 FROM scrubs WHERE id = $1`+t.db().dialect.lock, s.ID); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE scrubs SET version_row = $2, offset_bytes = $3, versions = $4, bytes = $5, damaged = $6, unread = $7, look_again = 0 WHERE id = $1`,
			s.ID, at.Version, at.Offset, s.Versions, s.Bytes, s.Damaged, s.Unread)
		return err
	})
	return again, err
}

// EndScrub ends a round that has come to the end.
func (db *DB) EndScrub(ctx context.Context, l Lease, s coreshed.Scrub) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE scrubs SET ended_at = $2, versions = $3, bytes = $4, damaged = $5, unread = $6 WHERE id = $1 AND ended_at IS NULL`,
			s.ID, t.db().micros(), s.Versions, s.Bytes, s.Damaged, s.Unread)
		if err != nil || n == 0 {
			return err
		}
		return audit(ctx, t, act{action: coreshed.ActScrubEnd, kind: coreshed.AuditScrub, id: s.ID, details: details{
			"versions": s.Versions, "bytes": s.Bytes, "damaged": s.Damaged, "unread": s.Unread,
		}})
	})
}

// LastScrub is when a round last came to its end; zero when none has.
func (db *DB) LastScrub(ctx context.Context) (time.Time, error) {
	at, err := one(ctx, db, value[sql.NullInt64], `SELECT max(ended_at) FROM scrubs`)
	return timeOrZero(at), err
}

// The own bytes that are there, or ought to be.
const (
	ownBytes = `v.place IS NULL AND v.state <> 'removed'`
	damaged  = `v.place IS NULL AND v.state IN ('missing', 'changed outside')`
)

// NextOwn returns the first version from the row id whose bytes lie in Coreshed's
// own store; also one that is damaged, or only those. NotFound when there is none.
func (db *DB) NextOwn(ctx context.Context, from int64, onlyDamaged bool) (coreshed.Version, error) {
	which := ownBytes
	if onlyDamaged {
		which = damaged
	}
	return one(ctx, db, func(rows *sql.Rows) (v coreshed.Version, err error) {
		return v, rows.Scan(&v.ID, &v.Size, &v.State)
	}, `SELECT v.id, v.size, v.state FROM versions v WHERE v.id >= $1 AND `+which+` ORDER BY v.id LIMIT 1`, from)
}

// Damage stops the serving of a version whose bytes, in Coreshed's own store, are
// not what was recorded, or not there, and reports whether that is new. Nothing is
// removed. It does nothing to what a purge removes.
func (db *DB) Damage(ctx context.Context, version int64, state coreshed.ByteState) (bool, error) {
	return db.setOwn(ctx, version, state, coreshed.ActVersionDamage)
}

// Heal serves a version again whose bytes are what was recorded, and reports whether
// it was damaged.
func (db *DB) Heal(ctx context.Context, version int64) (bool, error) {
	return db.setOwn(ctx, version, coreshed.Kept, coreshed.ActVersionHeal)
}

func (db *DB) setOwn(ctx context.Context, version int64, state coreshed.ByteState, action coreshed.AuditAction) (bool, error) {
	var changed bool
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		workspaces, err := all(ctx, t, value[int64], `UPDATE versions SET state = $2 WHERE id = $1 AND place IS NULL AND state NOT IN ($2, 'removed') RETURNING workspace_id`, version, state)
		if changed = len(workspaces) > 0; err != nil || !changed {
			return err
		}
		return auditVersion(ctx, t, coreshed.Actor{}, action, version, workspaces[0], details{"state": string(state)})
	})
	return changed, err
}

// CountDamaged is how many versions have bytes in Coreshed's own store that are not
// what was recorded, and are not served.
func (db *DB) CountDamaged(ctx context.Context) (int64, error) {
	return one(ctx, db, value[int64], `SELECT count(*) FROM versions v WHERE `+damaged)
}

// DamagedVersion is a version whose bytes are not served, as they are not what was
// recorded.
type DamagedVersion struct {
	Version       coreshed.Version // its ids, size, state and hash
	File          coreshed.UUID
	Workspace     coreshed.UUID
	WorkspaceName string
	Path          string
}

// Damaged returns a page of the versions of a view that are damaged, the oldest
// first, and how many there are.
func (db *DB) Damaged(ctx context.Context, view coreshed.View, page coreshed.Page) ([]DamagedVersion, int64, error) {
	c := &conditions{}
	c.terms = append(c.terms, damaged)
	c.add(`w.org_id = ?`, view.Org)
	c.seen(db.dialect, view)
	return pageOf(ctx, db, func(rows *sql.Rows) (DamagedVersion, error) {
		var d DamagedVersion
		v := &d.Version
		return d, rows.Scan(&v.ID, &v.VersionID, &v.Size, &v.State, &v.SHA256, &d.File, &d.Path, &d.Workspace, &d.WorkspaceName)
	}, `v.id, v.version_id, v.size, v.state, v.sha256, f.uuid, f.path, w.uuid, w.title`,
		`FROM versions v JOIN files f ON f.id = v.file_id JOIN workspaces w ON w.id = v.workspace_id`, c, ` ORDER BY v.id`, page)
}
