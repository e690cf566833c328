package store

import (
	"context"

	"github.com/coreshed/coreshed"
)

// ExternalOf returns the data sets of other systems of a run, as texts: what it
// does with them, their names and their versions.
func ExternalOf(ctx context.Context, db *DB, run int64) ([]string, error) {
	return all(ctx, db, value[string], `SELECT jd.direction || ' ' || d.name || ' ' || d.version FROM job_datasets jd JOIN datasets d ON d.id = jd.dataset_id
		WHERE jd.job_id = $1 ORDER BY 1`, run)
}

// LineageStatements returns the text of what Lineage asks.
func (db *DB) LineageStatements(ctx context.Context, view coreshed.View, version int64, want LineageWant) ([]string, error) {
	var texts []string
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		r, w := recorder{t, &texts}, newWalk(db.dialect, view, want)
		err := w.start(ctx, r, version)
		if err == nil {
			err = w.follow(ctx, r)
		}
		if err == nil {
			_, err = w.name(ctx, r)
		}
		return err
	})
	return texts, err
}
