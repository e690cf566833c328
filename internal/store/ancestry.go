package store

import (
	"context"
	"slices"

	"github.com/coreshed/coreshed"
)

// outputsOf selects, as id and exe, what a run with the id of $1 has put out.
const outputsOf = `SELECT v.id AS id, v.job_exe_id AS exe FROM versions v WHERE v.job_id = $1
	UNION SELECT o.version_row, NULL FROM job_outputs o JOIN versions v ON v.id = o.version_row
		WHERE o.job_id = $1 AND (v.job_id IS NULL OR v.job_id <> $1)`

// sourcesOf selects, as id, the sources that a run with the id of $1 reads, and
// those that its other inputs come from.
const sourcesOf = `SELECT i.version_row AS id FROM job_inputs i JOIN versions v ON v.id = i.version_row
		WHERE i.job_id = $1 AND v.file_type = 'SOURCE'
	UNION SELECT a.ancestor_id FROM job_inputs i JOIN ancestry a ON a.descendant_id = i.version_row WHERE i.job_id = $1`

// relink writes the links between a run's outputs and the sources they come
// from, and then those of all runs behind it whose sources have changed by that:
// anew says that an output has been a source itself until now. Contract: Scale v6
// §6.8.
func relink(ctx context.Context, t tx, job int64, anew bool) error {
	for pending := []int64{job}; len(pending) > 0; pending = pending[1:] {
		changed, err := relinkOne(ctx, t, pending[0])
		if err != nil {
			return err
		}
		if !changed && !anew {
			continue
		}
		anew = false
		next, err := all(ctx, t, value[int64], `SELECT DISTINCT i.job_id FROM (`+outputsOf+`) o JOIN job_inputs i ON i.version_row = o.id`, pending[0])
		if err != nil {
			return err
		}
		for _, id := range next {
			if !slices.Contains(pending[1:], id) {
				pending = append(pending, id)
			}
		}
	}
	return nil
}

// lockLinks locks a run and what it has put out. Whoever names an output as what
// is read waits for it, or is waited for: so no reader is missed, and none sees
// links that are about to change.
func lockLinks(ctx context.Context, t tx, job int64) error {
	lock := t.db().dialect.lock
	if lock == "" {
		return nil // it writes one after the other
	}
	if _, err := all(ctx, t, value[int64], `SELECT id FROM jobs WHERE id = $1`+lock, job); err != nil {
		return err
	}
	_, err := all(ctx, t, value[int64], `SELECT v.id FROM versions v WHERE v.id IN (SELECT o.id FROM (`+outputsOf+`) o) ORDER BY v.id`+lock, job)
	return err
}

// maxLinks bounds what changing a run's inputs or outputs writes.
const maxLinks = 500_000

// checkLinks refuses more links of a run than that, counting what it has
// announced and not uploaded.
func checkLinks(ctx context.Context, t tx, job int64) error {
	links, err := one(ctx, t, value[int64], `SELECT (SELECT count(*) FROM (`+sourcesOf+`) s) * ((SELECT count(*) FROM (`+outputsOf+`) o)
		+ (SELECT count(*) FROM uploads u JOIN job_exes x ON x.id = u.job_exe_id WHERE x.job_id = $1))`, job)
	if err == nil && links > maxLinks {
		err = coreshed.Errorf(coreshed.Invalid, "The sources of a run times its outputs are at most %d: these would be %d.", maxLinks, links)
	}
	return err
}

// linkOutput writes the links of an output that nobody has read yet. Those of the
// run's others stay as they are.
func linkOutput(ctx context.Context, t tx, job, version int64) error {
	if _, err := t.exec(ctx, `DELETE FROM ancestry WHERE job_id = $1 AND descendant_id IS NULL`, job); err != nil {
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO ancestry (ancestor_id, descendant_id, job_id, job_exe_id, recipe_id, batch_id)
		SELECT s.id, v.id, j.id, v.job_exe_id, j.recipe_id, j.batch_id FROM jobs j, versions v, (`+sourcesOf+`) s
		WHERE j.id = $1 AND v.id = $2`, job, version)
	return err
}

// relinkOne replaces the links of one run, and reports whether its sources or
// outputs are others than before.
func relinkOne(ctx context.Context, t tx, job int64) (bool, error) {
	if err := lockLinks(ctx, t, job); err != nil {
		return false, err
	}
	before, err := linksOf(ctx, t, job)
	if err != nil {
		return false, err
	}
	if _, err := t.exec(ctx, `DELETE FROM ancestry WHERE job_id = $1`, job); err != nil {
		return false, err
	}
	// The try of an output is its own; while there is none, neither is a try.
	if _, err := t.exec(ctx, `INSERT INTO ancestry (ancestor_id, descendant_id, job_id, job_exe_id, recipe_id, batch_id)
		SELECT s.id, o.id, j.id, o.exe, j.recipe_id, j.batch_id FROM jobs j, (`+sourcesOf+`) s LEFT JOIN (`+outputsOf+`) o ON 1 = 1
		WHERE j.id = $1`, job); err != nil {
		return false, err
	}
	after, err := linksOf(ctx, t, job)
	return !slices.Equal(before, after), err
}

// linksOf returns the ancestors and descendants of a run's links.
func linksOf(ctx context.Context, t tx, job int64) ([]int64, error) {
	return all(ctx, t, value[int64], `SELECT DISTINCT ancestor_id FROM ancestry WHERE job_id = $1
		UNION ALL SELECT DISTINCT -descendant_id FROM ancestry WHERE job_id = $1 AND descendant_id IS NOT NULL ORDER BY 1`, job)
}

// Ancestors returns the sources that a version comes from, of the view, in order
// of their ids.
func (db *DB) Ancestors(ctx context.Context, view coreshed.View, version int64) ([]coreshed.Entry, error) {
	c := &conditions{}
	c.add(`v.id IN (SELECT a.ancestor_id FROM ancestry a WHERE a.descendant_id = ?)`, version)
	c.seen(db.dialect, view)
	return showing(ctx, db, db.dialect, view, c, ` ORDER BY v.id`)
}
