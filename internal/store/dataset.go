package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/coreshed/coreshed/internal/openlineage"
)

// external is a data set of another system that a run reads or writes.
type external struct {
	direction string // input or output
	dataset   int64
}

// datasetName is a data set of another system, or one version of it.
type datasetName struct {
	openlineage.Name
	version string
}

func (n datasetName) identity() [sha256.Size]byte {
	return sha256.Sum256([]byte(n.Namespace + "\x00" + n.Name.Name + "\x00" + n.version))
}

// datasetRows is how many data sets one statement looks for or adds: see
// extentRows.
const datasetRows = 25

// ensureDatasets returns the rows of data sets of other systems.
func ensureDatasets(ctx context.Context, t tx, org int64, names map[datasetName]bool) (map[datasetName]int64, error) {
	// Whoever adds the same ones waits for the others in the same order.
	sorted := slices.SortedFunc(maps.Keys(names), func(a, b datasetName) int {
		x, y := a.identity(), b.identity()
		return bytes.Compare(x[:], y[:])
	})
	rows := make(map[datasetName]int64, len(sorted))
	for chunk := range slices.Chunk(sorted, datasetRows) {
		if err := findDatasets(ctx, t, org, chunk, rows); err != nil {
			return nil, err
		}
		chunk = slices.DeleteFunc(chunk, func(n datasetName) bool { return rows[n] != 0 })
		if len(chunk) == 0 {
			continue
		}
		c, now := &conditions{}, t.db().micros()
		lines := make([]string, len(chunk))
		for i, n := range chunk {
			identity := n.identity()
			lines[i] = c.row(org, identity[:], n.Namespace, n.Name.Name, n.version, now)
		}
		if _, err := t.exec(ctx, `INSERT INTO datasets (org_id, identity, namespace, name, version, created_at) VALUES `+strings.Join(lines, ", ")+
			` ON CONFLICT DO NOTHING`, c.args...); err != nil {
			return nil, err
		}
		if err := findDatasets(ctx, t, org, chunk, rows); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// findDatasets adds the rows of those that are there.
func findDatasets(ctx context.Context, t tx, org int64, names []datasetName, rows map[datasetName]int64) error {
	c := &conditions{}
	c.add(`org_id = ?`, org)
	list, by := make([]string, len(names)), map[string]datasetName{}
	for i, n := range names {
		identity := n.identity()
		list[i], by[string(identity[:])] = c.arg(identity[:]), n
	}
	return each(ctx, t, func(r *sql.Rows) error {
		var id int64
		var identity []byte
		err := r.Scan(&id, &identity)
		rows[by[string(identity)]] = id
		return err
	}, `SELECT id, identity FROM datasets WHERE `+c.text()+` AND identity IN (`+strings.Join(list, ", ")+`)`, c.args...)
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
	names := map[datasetName]bool{}
	for _, u := range uses {
		names[u.dataset()] = true
	}
	ids, err := ensureDatasets(ctx, t, r.view.Org, names)
	if err != nil {
		return err
	}
	want := map[external]string{}
	for _, u := range uses {
		if want[external{u.direction, ids[u.dataset()]}], err = u.facets(); err != nil {
			return err
		}
	}
	have := map[external]string{}
	if err := each(ctx, t, func(rows *sql.Rows) error {
		var e external
		var text string
		err := rows.Scan(&e.direction, &e.dataset, &text)
		have[e] = text
		return err
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
	return r.tellDatasets(ctx, t, have, want)
}

// tellDatasets writes those of which something else is said than before.
func (r *lineageRun) tellDatasets(ctx context.Context, t tx, have, want map[external]string) error {
	maps.DeleteFunc(want, func(e external, text string) bool {
		was, ok := have[e]
		return ok && was == text
	})
	sorted := slices.SortedFunc(maps.Keys(want), func(a, b external) int { return int(a.dataset - b.dataset) })
	for chunk := range slices.Chunk(sorted, datasetRows) {
		c, lines := &conditions{}, make([]string, len(chunk))
		for i, e := range chunk {
			lines[i] = c.row(r.job, e.direction, e.dataset, want[e])
		}
		if _, err := t.exec(ctx, `INSERT INTO job_datasets (job_id, direction, dataset_id, facets) VALUES `+strings.Join(lines, ", ")+
			` ON CONFLICT (job_id, direction, dataset_id) DO UPDATE SET facets = excluded.facets`, c.args...); err != nil {
			return err
		}
	}
	return nil
}

func (u use) dataset() datasetName { return datasetName{u.mention.Name, u.version} }

// facets is what was said of a data set and of its use.
func (u use) facets() (string, error) {
	text, err := json.Marshal(map[string]openlineage.Facets{
		"facets": u.mention.Facets.Facets(), u.direction + "Facets": u.mention.Use.Facets(),
	})
	return string(text), err
}
