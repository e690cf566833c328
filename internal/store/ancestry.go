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

// relinkOne replaces the links of one run, and reports whether its sources or
// outputs are others than before.
func relinkOne(ctx context.Context, t tx, job int64) (bool, error) {
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
	return all(ctx, db, scanEntry, `SELECT `+entryColumns+` FROM versions v `+c.entryJoins(db.dialect, view)+` WHERE `+c.text()+` ORDER BY v.id`, c.args...)
}
