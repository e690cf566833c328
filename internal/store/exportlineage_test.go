package store

import "context"

// ExternalOf returns the data sets of other systems of a run, as texts: what it
// does with them, their names and their versions.
func ExternalOf(ctx context.Context, db *DB, run int64) ([]string, error) {
	return all(ctx, db, value[string], `SELECT jd.direction || ' ' || d.name || ' ' || d.version FROM job_datasets jd JOIN datasets d ON d.id = jd.dataset_id
		WHERE jd.job_id = $1 ORDER BY 1`, run)
}
