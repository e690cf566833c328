package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/coreshed/coreshed/internal/openlineage"
)

// external is a data set of another system that a run reads or writes.
type external struct {
	direction string // input or output
	dataset   int64
}

// ensureDataset returns the row of a data set of another system.
func ensureDataset(ctx context.Context, t tx, org int64, n openlineage.Name, version string) (int64, error) {
	identity := sha256.Sum256([]byte(n.Namespace + "\x00" + n.Name + "\x00" + version))
	if _, err := t.exec(ctx, `INSERT INTO datasets (org_id, identity, namespace, name, version, created_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT DO NOTHING`, org, identity[:], n.Namespace, n.Name, version, t.db().micros()); err != nil {
		return 0, err
	}
	return one(ctx, t, value[int64], `SELECT id FROM datasets WHERE org_id = $1 AND identity = $2`, org, identity[:])
}

// addDatasetFacets adds what an event says of a data set by itself: of each
// facet the latest.
func addDatasetFacets(ctx context.Context, t tx, dataset int64, e openlineage.Event) error {
	text, err := one(ctx, t, value[string], `SELECT facets FROM datasets WHERE id = $1`+t.db().dialect.lock, dataset)
	if err != nil {
		return err
	}
	var facets openlineage.Latest
	if err := json.Unmarshal([]byte(text), &facets); err != nil {
		return fmt.Errorf("facets of data set %d: %w", dataset, err)
	}
	facets.Merge(e.Dataset.Facets, e.Stamp())
	merged, err := json.Marshal(facets)
	if err != nil {
		return fmt.Errorf("encode facets of data set %d: %w", dataset, err)
	}
	_, err = t.exec(ctx, `UPDATE datasets SET facets = $2 WHERE id = $1`, dataset, string(merged))
	return err
}

// setDatasets makes these the data sets of other systems that the run reads and
// writes, with what its events say of them.
func (r *lineageRun) setDatasets(ctx context.Context, t tx, uses []use) error {
	want := map[external]string{}
	for _, u := range uses {
		id, err := ensureDataset(ctx, t, r.view.Org, u.mention.Name, u.version)
		if err != nil {
			return err
		}
		text, err := u.facets()
		if err != nil {
			return err
		}
		want[external{u.direction, id}] = text
	}
	have := map[external]string{}
	if _, err := all(ctx, t, func(rows *sql.Rows) (bool, error) {
		var e external
		var text string
		err := rows.Scan(&e.direction, &e.dataset, &text)
		have[e] = text
		return true, err
	}, `SELECT direction, dataset_id, facets FROM job_datasets WHERE job_id = $1`, r.job); err != nil {
		return err
	}
	for e := range have {
		if _, ok := want[e]; ok {
			continue
		}
		if _, err := t.exec(ctx, `DELETE FROM job_datasets WHERE job_id = $1 AND direction = $2 AND dataset_id = $3`, r.job, e.direction, e.dataset); err != nil {
			return err
		}
	}
	for _, e := range slices.SortedFunc(maps.Keys(want), func(a, b external) int { return int(a.dataset - b.dataset) }) {
		if text, ok := have[e]; ok && text == want[e] {
			continue
		}
		if _, err := t.exec(ctx, `INSERT INTO job_datasets (job_id, direction, dataset_id, facets) VALUES ($1, $2, $3, $4)
			ON CONFLICT (job_id, direction, dataset_id) DO UPDATE SET facets = excluded.facets`, r.job, e.direction, e.dataset, want[e]); err != nil {
			return err
		}
	}
	return nil
}

// facets is what was said of a data set and of its use.
func (u use) facets() (string, error) {
	text, err := json.Marshal(map[string]openlineage.Facets{
		"facets": u.mention.Facets.Facets(), u.direction + "Facets": u.mention.Use.Facets(),
	})
	return string(text), err
}
