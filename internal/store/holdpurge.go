package store

import (
	"context"

	"github.com/coreshed/coreshed"
)

// markHeld says of each version of a purge's set which hold in force protects
// it, and of the purge how many are protected. What it goes through is in rows
// alone, so that memory does not grow with it.
func markHeld(ctx context.Context, t tx, purge int64) error {
	if _, err := t.exec(ctx, `UPDATE purge_items SET hold_id = NULL WHERE purge_id = $1 AND hold_id IS NOT NULL`, purge); err != nil {
		return err
	}
	some, err := one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM holds h WHERE `+inForce(`h`, `$1`)+`)`, t.db().micros())
	if err == nil && some {
		err = markDirectlyHeld(ctx, t, purge)
	}
	for _, d := range []coreshed.Direction{coreshed.Down, coreshed.Up} {
		if err == nil && some {
			err = markByLineage(ctx, t, purge, d)
		}
	}
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE purges SET held = (SELECT count(*) FROM purge_items i WHERE i.purge_id = $1 AND i.hold_id IS NOT NULL) WHERE id = $1`, purge)
	return err
}

// markDirectlyHeld marks by the holds of versions, files and workspaces.
func markDirectlyHeld(ctx context.Context, t tx, purge int64) error {
	for _, from := range []string{
		`holds h JOIN purge_items i ON i.item_id = h.version_row WHERE TRUE`,
		`holds h JOIN versions v ON v.file_id = h.file_id JOIN purge_items i ON i.item_id = v.id WHERE h.version_row IS NULL`,
		`holds h JOIN purge_items i ON i.workspace_id = h.workspace_id WHERE h.file_id IS NULL`,
	} {
		if err := protect(ctx, t, `SELECT i.item_id, min(h.id) AS hold FROM `+from+` AND i.purge_id = $1 AND i.kind = 0 AND `+
			inForce(`h`, `$2`)+` GROUP BY i.item_id`, purge, t.db().micros()); err != nil {
			return err
		}
	}
	return nil
}

// protect marks the versions of a set, $1, that a query names with their holds.
func protect(ctx context.Context, t tx, query string, args ...any) error {
	_, err := t.exec(ctx, `UPDATE purge_items SET hold_id = m.hold FROM (`+query+`) m
		WHERE purge_items.purge_id = $1 AND purge_items.kind = 0 AND purge_items.item_id = m.item_id AND purge_items.hold_id IS NULL`, args...)
	return err
}

// markByLineage marks what the holds of a direction reach, level by level. A
// version is reached once, whatever number of holds reach it.
func markByLineage(ctx context.Context, t tx, purge int64, d coreshed.Direction) error {
	datasets, err := one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM job_datasets)`)
	if err != nil {
		return err
	}
	r := holdWalk{purge: purge, direction: d, datasets: datasets}
	found, err := r.begin(ctx, t)
	for err == nil && found > 0 {
		found, err = r.step(ctx, t)
	}
	if err == nil {
		err = protect(ctx, t, `SELECT r.item_id, r.hold_id AS hold FROM hold_reach r WHERE r.purge_id = $1 AND r.kind = 0`, purge)
	}
	if err == nil {
		_, err = t.exec(ctx, `DELETE FROM hold_reach WHERE purge_id = $1`, purge)
	}
	return err
}

// holdWalk is what the lineage holds of a direction reach, in rows of hold_reach.
type holdWalk struct {
	purge, depth int64
	direction    coreshed.Direction
	datasets     bool // there are some, through which lineage goes on
}

// inSet is the condition that a thing belongs to the purge's set, $1.
func inSet(kind, column string) string {
	return ` AND EXISTS (SELECT 1 FROM purge_items i WHERE i.purge_id = $1 AND i.kind = ` + kind + ` AND i.item_id = ` + column + `)`
}

// upInSet reports whether upwards nothing outside the set matters. All that was
// made from what is in the set is in it, but for what was made from data sets of
// other systems: so whatever leads up to something in the set is in it.
func (r *holdWalk) upInSet() bool { return r.direction == coreshed.Up && !r.datasets }

func (r *holdWalk) begin(ctx context.Context, t tx) (int64, error) {
	where := ``
	if r.upInSet() {
		where = inSet(`0`, `h.version_row`)
	}
	return t.exec(ctx, `INSERT INTO hold_reach (purge_id, kind, item_id, depth, hold_id)
		SELECT u.id, 0, h.version_row, 0, min(h.id) FROM purges u JOIN workspaces w ON w.org_id = u.org_id JOIN holds h ON h.workspace_id = w.id
		WHERE u.id = $1 AND h.direction IN ('both', $3) AND `+inForce(`h`, `$2`)+where+` GROUP BY u.id, h.version_row`,
		r.purge, t.db().micros(), string(r.direction))
}

// step adds what the things that were reached last lead to.
func (r *holdWalk) step(ctx context.Context, t tx) (found int64, err error) {
	for _, l := range r.links() {
		where := l.where
		if l.to == `1` && r.upInSet() {
			where += inSet(`1`, l.id)
		}
		// CROSS keeps SQLite from looking for the links of all there is.
		n, err := t.exec(ctx, `INSERT INTO hold_reach (purge_id, kind, item_id, depth, hold_id)
			SELECT r.purge_id, `+l.to+`, `+l.id+`, r.depth + 1, min(r.hold_id) FROM hold_reach r CROSS JOIN `+l.table+`
			WHERE r.purge_id = $1 AND r.depth = $2 AND r.kind = `+l.from+` AND `+where+` GROUP BY r.purge_id, r.depth, `+l.id+` ON CONFLICT DO NOTHING`,
			r.purge, r.depth)
		if err != nil {
			return 0, err
		}
		found += n
	}
	r.depth++
	return found, nil
}

// reachLink is a way from a thing r that was reached to others; kinds are those
// of hold_reach.
type reachLink struct{ from, to, table, where, id string }

func (r *holdWalk) links() []reachLink {
	links := []reachLink{
		{`0`, `1`, `job_inputs i`, `i.version_row = r.item_id`, `i.job_id`},
		{`1`, `0`, `versions v`, `v.job_id = r.item_id`, `v.id`},
		{`1`, `0`, `job_outputs o`, `o.job_id = r.item_id`, `o.version_row`},
		{`1`, `2`, `job_datasets d`, `d.direction = 'output' AND d.job_id = r.item_id`, `d.dataset_id`},
		{`2`, `1`, `job_datasets d`, `d.direction = 'input' AND d.dataset_id = r.item_id`, `d.job_id`},
	}
	if r.direction == coreshed.Up {
		links = []reachLink{
			{`0`, `1`, `versions v`, `v.id = r.item_id AND v.job_id IS NOT NULL`, `v.job_id`},
			{`0`, `1`, `job_outputs o`, `o.version_row = r.item_id`, `o.job_id`},
			{`1`, `0`, `job_inputs i`, `i.job_id = r.item_id`, `i.version_row`},
			{`1`, `2`, `job_datasets d`, `d.direction = 'input' AND d.job_id = r.item_id`, `d.dataset_id`},
			{`2`, `1`, `job_datasets d`, `d.direction = 'output' AND d.dataset_id = r.item_id`, `d.job_id`},
		}
	}
	if !r.datasets {
		links = links[:3]
	}
	return links
}
