package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

	"github.com/coreshed/coreshed"
)

// inForce is the condition of holds that protect something at a time.
func inForce(alias, now string) string {
	return alias + `.lifted_at IS NULL AND (` + alias + `.until_at IS NULL OR ` + alias + `.until_at > ` + now + `)`
}

// hold is a hold in force, as whoever is refused needs it. The zero hold is none.
type hold struct {
	id, workspace int64
	reason        string
}

func scanHoldInForce(rows *sql.Rows) (hold, error) {
	var h hold
	return h, rows.Scan(&h.id, &h.workspace, &h.reason)
}

// holdInForce returns the oldest hold in force that a condition on h is true of;
// $1 is the time.
func holdInForce(ctx context.Context, q querier, where string, args ...any) (hold, error) {
	h, err := one(ctx, q, scanHoldInForce, `SELECT h.id, h.workspace_id, h.reason FROM holds h
		WHERE `+inForce(`h`, `$1`)+` AND `+where+` ORDER BY h.id LIMIT 1`, args...)
	if errors.Is(err, coreshed.NotFound) {
		err = nil
	}
	return h, err
}

// heldFile returns the hold that protects a version of a file: the file's own,
// the workspace's, or one that the file inherits by lineage.
func heldFile(ctx context.Context, t tx, file int64) (hold, error) {
	if some, err := one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM holds)`); err != nil || !some {
		return hold{}, err
	}
	h, err := holdInForce(ctx, t, `(h.file_id = $2 OR h.file_id IS NULL AND h.workspace_id = (SELECT workspace_id FROM files WHERE id = $2)
		AND EXISTS (SELECT 1 FROM versions WHERE file_id = $2))`, t.db().micros(), file)
	if err != nil || h.id != 0 {
		return h, err
	}
	l, err := lineageHolds(ctx, t)
	if err != nil || l.none() {
		return h, err
	}
	versions, err := all(ctx, t, value[int64], `SELECT id FROM versions WHERE file_id = $1`, file)
	if err != nil {
		return h, err
	}
	return l.over(ctx, t, versions)
}

// HeldBy returns the hold that keeps the file of a version from being removed, as
// the view may know it; nil for none.
func (db *DB) HeldBy(ctx context.Context, view coreshed.View, version int64) (*coreshed.HeldBy, error) {
	var by *coreshed.HeldBy
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		file, err := one(ctx, t, value[int64], `SELECT file_id FROM versions WHERE id = $1`, version)
		if err != nil {
			return notFound(err, "There is no such version.")
		}
		h, err := heldFile(ctx, t, file)
		switch {
		case errors.Is(err, errTooLarge):
			by = &coreshed.HeldBy{Reason: errTooLarge.Msg}
			return nil
		case err != nil || h.id == 0:
			return err
		}
		if by = (&coreshed.HeldBy{}); view.Sees(h.workspace) {
			*by = coreshed.HeldBy{Hold: h.id, Reason: h.reason}
		}
		return nil
	})
	return by, err
}

// heldWorkspace returns a hold that protects the workspace, or anything in it.
func heldWorkspace(ctx context.Context, t tx, workspace int64) (hold, error) {
	h, err := holdInForce(ctx, t, `h.workspace_id = $2`, t.db().micros(), workspace)
	if err != nil || h.id != 0 {
		return h, err
	}
	l, err := lineageHolds(ctx, t)
	if err != nil {
		return h, err
	}
	for _, way := range []struct {
		direction coreshed.Direction
		holds     map[int64]int64
	}{{coreshed.Up, l.up}, {coreshed.Down, l.down}} {
		for _, version := range slices.Sorted(maps.Keys(way.holds)) {
			inside, err := reachesInto(ctx, t, version, way.direction, workspace)
			if err != nil {
				return hold{}, err
			}
			if inside {
				return holdInForce(ctx, t, `h.id = $2`, t.db().micros(), way.holds[version])
			}
		}
	}
	return hold{}, nil
}

// reachesInto reports whether something of a version's lineage is in a workspace.
func reachesInto(ctx context.Context, t tx, version int64, d coreshed.Direction, workspace int64) (inside bool, err error) {
	versions, err := reachedBy(ctx, t, version, d)
	if err != nil {
		return false, err
	}
	err = eachOf(ctx, t, t.db().dialect, `v.id`, versions, `SELECT DISTINCT v.workspace_id FROM versions v WHERE `, ``, func(rows *sql.Rows) error {
		var w int64
		err := rows.Scan(&w)
		inside = inside || w == workspace
		return err
	})
	return inside, err
}

// holdsByVersion are the holds in force that a lineage inherits: the oldest on
// each version, for what it was made from and for what was made from it.
type holdsByVersion struct{ up, down map[int64]int64 }

func lineageHolds(ctx context.Context, t tx) (holdsByVersion, error) {
	l := holdsByVersion{map[int64]int64{}, map[int64]int64{}}
	err := each(ctx, t, func(rows *sql.Rows) error {
		var id, version int64
		var d coreshed.Direction
		err := rows.Scan(&id, &version, &d)
		if d != coreshed.Down {
			l.up[version] = id
		}
		if d != coreshed.Up {
			l.down[version] = id
		}
		return err
	}, `SELECT h.id, h.version_row, h.direction FROM holds h WHERE h.direction <> '' AND `+inForce(`h`, `$1`)+` ORDER BY h.id DESC`, t.db().micros())
	return l, err
}

func (l holdsByVersion) none() bool { return len(l.up) == 0 && len(l.down) == 0 }

// over returns the hold that the versions inherit: what was made from them holds
// them up, what they were made from holds them down.
func (l holdsByVersion) over(ctx context.Context, t tx, versions []int64) (hold, error) {
	for _, way := range []struct {
		direction coreshed.Direction
		holds     map[int64]int64
	}{{coreshed.Up, l.down}, {coreshed.Down, l.up}} {
		if len(way.holds) == 0 {
			continue
		}
		w := newWalk(t.db().dialect, everything, LineageWant{Direction: way.direction})
		if err := w.begin(ctx, t, versions); err != nil {
			return hold{}, err
		}
		for more := true; more; {
			for _, v := range w.nextVersions {
				if id, held := way.holds[v]; held {
					return holdInForce(ctx, t, `h.id = $2`, t.db().micros(), id)
				}
			}
			var err error
			if more, err = w.step(ctx, t); err != nil {
				return hold{}, err
			}
		}
		if !w.complete {
			return hold{}, errTooLarge
		}
	}
	return hold{}, nil
}

// errTooLarge is the safe answer where not everything can be followed.
var errTooLarge = coreshed.Errorf(coreshed.Held, "There is too much lineage to know that no hold protects this. Lift the holds that follow lineage first.")

// everything is the view of rules that hold whoever sees what.
var everything = coreshed.View{Everything: true}

// reachedBy returns the versions of a version's lineage in a direction, sorted.
func reachedBy(ctx context.Context, t tx, version int64, d coreshed.Direction) ([]int64, error) {
	w := newWalk(t.db().dialect, everything, LineageWant{Direction: d})
	err := w.begin(ctx, t, []int64{version})
	if err == nil {
		err = w.follow(ctx, t)
	}
	if err == nil && !w.complete {
		err = errTooLarge
	}
	return slices.Sorted(slices.Values(w.versions.ids)), err
}

// notBeingRemoved refuses a hold that comes too late: a purge that runs is
// removing some of what it would protect.
func notBeingRemoved(ctx context.Context, t tx, h heldThing, d coreshed.Direction) error {
	// None begins to until the transaction ends.
	if err := t.db().dialect.take(ctx, t, t.db().dialect.links); err != nil {
		return err
	}
	late, err := beingRemoved(ctx, t, h)
	for _, way := range []coreshed.Direction{coreshed.Up, coreshed.Down} {
		if err != nil || late || (d != way && d != coreshed.Both) {
			continue
		}
		versions, walked := reachedBy(ctx, t, h.version.Int64, way)
		if err = walked; err == nil {
			err = eachOf(ctx, t, t.db().dialect, `p.item_id`, versions, `SELECT p.item_id FROM purging p WHERE p.kind = 0 AND `, ``,
				func(*sql.Rows) error { late = true; return nil })
		}
	}
	if err == nil && late {
		err = coreshed.Errorf(coreshed.Conflict, "A purge is removing some of this already: a hold comes too late.")
	}
	return err
}

// beingRemoved reports whether a purge that runs has something that is held by
// itself.
func beingRemoved(ctx context.Context, t tx, h heldThing) (bool, error) {
	where, arg := `v.workspace_id = $1`, h.workspace
	if h.version.Valid {
		where, arg = `v.id = $1`, h.version.Int64
	} else if h.file.Valid {
		where, arg = `v.file_id = $1`, h.file.Int64
	}
	return one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM purging p JOIN versions v ON v.id = p.item_id WHERE p.kind = 0 AND `+where+`)`, arg)
}

// refuse is what somebody is told whom a hold keeps from removing something. Its
// name and its reason are for those who see its workspace.
func (h hold) refuse(ctx context.Context, t tx, actor coreshed.Actor, what string) error {
	if h.id == 0 {
		return nil
	}
	seen, err := one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM people p JOIN workspaces w ON w.id = $1
		LEFT JOIN grants g ON g.workspace_id = w.id AND g.person_id = p.id
		LEFT JOIN members m ON m.org_id = w.org_id AND m.person_id = p.id
		WHERE p.uuid = $2 AND (COALESCE(m.admin, 0) > 0 OR g.role IS NOT NULL AND w.deleted_at IS NULL))`, h.workspace, actor.ID)
	switch {
	case err != nil:
		return err
	case seen:
		return coreshed.Errorf(coreshed.Held, "Hold %d protects %s: %s", h.id, what, h.reason)
	}
	return coreshed.Errorf(coreshed.Held, "A hold protects %s.", what)
}
