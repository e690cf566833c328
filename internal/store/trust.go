package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/coreshed/coreshed"
)

// Distrust marks a version as one that must not be relied on: what comes from it
// reads as stale from then on. Marking it again changes the reason. NotFound when
// it is not in the view, Forbidden to those who may not change its workspace.
func (db *DB) Distrust(ctx context.Context, view coreshed.View, version int64, reason string) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := markable(ctx, t, view, version); err != nil {
			return err
		}
		person, err := personRow(ctx, t, view.Actor.ID)
		if err != nil {
			return err
		}
		if _, err = t.exec(ctx, `INSERT INTO distrust (version_row, reason, marked_at, marked_by) VALUES ($1, $2, $3, $4)
			ON CONFLICT (version_row) DO UPDATE SET reason = excluded.reason, marked_at = excluded.marked_at, marked_by = excluded.marked_by`,
			version, reason, db.micros(), person); err != nil {
			return err
		}
		return auditTrust(ctx, t, view, coreshed.ActVersionDistrust, version, details{"reason": reason})
	})
}

func auditTrust(ctx context.Context, t tx, view coreshed.View, action coreshed.AuditAction, version int64, said details) error {
	workspace, err := one(ctx, t, value[int64], `SELECT workspace_id FROM versions WHERE id = $1`, version)
	if err != nil {
		return err
	}
	return auditVersion(ctx, t, view.Actor, action, version, workspace, said)
}

// ClearDistrust takes the mark of a version away. Without one, nothing changes.
func (db *DB) ClearDistrust(ctx context.Context, view coreshed.View, version int64) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := markable(ctx, t, view, version); err != nil {
			return err
		}
		n, err := t.exec(ctx, `DELETE FROM distrust WHERE version_row = $1`, version)
		if err != nil || n == 0 {
			return err
		}
		return auditTrust(ctx, t, view, coreshed.ActVersionTrust, version, nil)
	})
}

// markable fails unless the caller may say whether a version is to be relied on.
func markable(ctx context.Context, t tx, view coreshed.View, version int64) error {
	c := &conditions{}
	c.add(`v.id = ?`, version)
	c.seen(t.db().dialect, view)
	workspace, err := one(ctx, t, value[int64], `SELECT v.workspace_id FROM versions v WHERE `+c.text(), c.args...)
	if err != nil {
		return notFound(err, "There is no such version.")
	}
	return mayChange(view, workspace)
}

// distrustMark is a mark, and where its version is.
type distrustMark struct {
	coreshed.Trust
	version, workspace int64
}

func scanMark(rows *sql.Rows) (distrustMark, error) {
	m := distrustMark{Trust: coreshed.Trust{State: coreshed.Bad}}
	var at int64
	var by nullPerson
	err := rows.Scan(&m.version, &m.workspace, &m.Reason, &at, &by.id, &by.name, &by.email)
	m.MarkedAt, m.MarkedBy = timeOf(at), by.person()
	return m, err
}

// Trust says which of the versions, which the caller sees, are bad or stale; the
// others are not in the answer. It costs what their lineage upwards does, and
// next to nothing while no version at all is marked.
func (db *DB) Trust(ctx context.Context, view coreshed.View, versions ...int64) (map[int64]coreshed.Trust, error) {
	trust := map[int64]coreshed.Trust{}
	marked, err := one(ctx, db, value[bool], `SELECT EXISTS (SELECT 1 FROM distrust)`)
	if err != nil || !marked {
		return trust, err
	}
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		marks, err := all(ctx, t, scanMark, `SELECT d.version_row, v.workspace_id, d.reason, d.marked_at, p.uuid, p.name, p.email
			FROM distrust d JOIN versions v ON v.id = d.version_row LEFT JOIN people p ON p.id = d.marked_by ORDER BY d.version_row`)
		if err != nil {
			return err
		}
		w := newWalk(db.dialect, everything, LineageWant{Direction: coreshed.Up})
		if err := w.begin(ctx, t, versions); err != nil {
			return err
		}
		if err := w.follow(ctx, t); err != nil {
			return err
		}
		spread(trust, marks, w, view, versions)
		return nil
	})
	return trust, err
}

// spread carries each mark down through what was found on the way up.
func spread(trust map[int64]coreshed.Trust, marks []distrustMark, w *walk, view coreshed.View, versions []int64) {
	next := w.downwards()
	for _, m := range marks {
		if _, above := w.versions.distance[m.version]; !above {
			continue
		}
		reached := reachable(next, node{'v', m.version})
		for _, v := range slices.Compact(slices.Sorted(slices.Values(versions))) {
			switch s := trust[v]; {
			case v == m.version:
				m.From, m.Hidden = s.From, s.Hidden
				trust[v] = m.Trust
			case reached[node{'v', v}]:
				if s.State == coreshed.Trusted {
					s.State = coreshed.Stale
				}
				if view.Sees(m.workspace) {
					s.From = append(s.From, m.version)
				} else {
					s.Hidden++
				}
				trust[v] = s
			}
		}
	}
}

// node is a version, a run or a data set of a walk: v, r, d.
type node struct {
	kind byte
	id   int64
}

// downwards are the links of a walk, whichever way it went, from what was read to
// what read it and on to what that put out.
func (w *walk) downwards() map[node][]node {
	next := map[node][]node{}
	for _, e := range w.edges {
		thing, run := node{'v', e.Version}, node{'r', e.Run}
		if e.Dataset != 0 {
			thing = node{'d', e.Dataset}
		}
		if e.Output {
			next[run] = append(next[run], thing)
		} else {
			next[thing] = append(next[thing], run)
		}
	}
	return next
}

func reachable(next map[node][]node, from node) map[node]bool {
	reached := map[node]bool{from: true}
	for queue := []node{from}; len(queue) > 0; queue = queue[1:] {
		for _, n := range next[queue[0]] {
			if !reached[n] {
				reached[n] = true
				queue = append(queue, n)
			}
		}
	}
	return reached
}
