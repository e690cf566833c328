package store

import (
	"context"
	"database/sql"
	"strings"

	"github.com/coreshed/coreshed"
)

// maxNeighbours is how many of what is beside a purge's set are named.
const maxNeighbours = 100

// PurgePlan sums up the set of a purge for a caller, and finds what is beside it.
// Once runs have been removed, it is not known any more which data sets they
// have put out.
func (db *DB) PurgePlan(ctx context.Context, view coreshed.View, p coreshed.Purge) (coreshed.PurgePlan, error) {
	var plan coreshed.PurgePlan
	err := each(ctx, db, func(rows *sql.Rows) error {
		s, err := scanPurgeSum(rows)
		switch {
		case err != nil:
		case view.Sees(s.Workspace.ID):
			plan.Sums = append(plan.Sums, s)
		default:
			hide(&plan.Hidden, s)
		}
		return err
	}, `SELECT i.kind, COALESCE(i.file_type, ''), w.id, w.uuid, w.name, COALESCE(t.name, ''), COALESCE(t.version, ''), i.bytes,
			count(*), CAST(sum(i.size) AS BIGINT)
		FROM purge_items i JOIN workspaces w ON w.id = i.workspace_id LEFT JOIN job_types t ON t.id = i.job_type_id WHERE i.purge_id = $1
		GROUP BY i.kind, COALESCE(i.file_type, ''), w.id, w.uuid, w.name, COALESCE(t.name, ''), COALESCE(t.version, ''), i.bytes
		ORDER BY 1, 2 DESC, 5, 6, 7, 8`, p.ID)
	if err != nil {
		return plan, err
	}
	if plan.Twins, err = db.neighbours(ctx, view, p, twins); err != nil {
		return plan, err
	}
	if plan.AlsoFrom, err = db.neighbours(ctx, view, p, readByRuns, readBefore); err != nil {
		return plan, err
	}
	plan.Datasets, err = db.putOut(ctx, view, p)
	return plan, err
}

// beside is a way from a thing p of a set to a version, by its row id, that may
// be outside.
type beside struct{ version, table, where string }

var (
	twins      = beside{`n.id`, `versions n`, `p.kind = 0 AND p.size > 0 AND n.sha256 = p.sha256 AND n.id <> p.item_id`}
	readByRuns = beside{`n.version_row`, `job_inputs n`, `p.kind = 1 AND n.job_id = p.item_id`}
	readBefore = beside{`n.version_id`, `tombstone_edges n`, `p.kind = 1 AND n.run_id = p.item_id AND n.output = 0`}
)

func scanPurgeSum(rows *sql.Rows) (coreshed.PurgeSum, error) {
	var s coreshed.PurgeSum
	var kind int64
	err := rows.Scan(&kind, &s.Type, &s.Workspace.ID, &s.Workspace.UUID, &s.Workspace.Name, &s.JobType, &s.JobTypeVersion, &s.Bytes, &s.Count, &s.Size)
	s.Kind = purgeKinds[kind]
	return s, err
}

// hide adds to the totals of what is not named.
func hide(t *coreshed.PurgeTotals, s coreshed.PurgeSum) {
	switch s.Kind {
	case coreshed.PurgeRun:
		t.Runs += s.Count
	case coreshed.PurgeRecipeRow:
		t.Recipes += s.Count
	case coreshed.PurgeVersion:
		t.Versions += s.Count
		if s.Type == coreshed.Source {
			t.Sources += s.Count
		} else {
			t.Products += s.Count
		}
		if s.Bytes == coreshed.BytesGo {
			t.Bytes += s.Size
		}
	}
}

// neighbours finds versions outside of a set, by ways from the things in it.
// Things and versions that the caller does not see are passed over.
func (db *DB) neighbours(ctx context.Context, view coreshed.View, p coreshed.Purge, ways ...beside) (coreshed.PurgeNeighbours, error) {
	var out coreshed.PurgeNeighbours
	c := &conditions{}
	c.add(`p.purge_id = ?`, p.ID)
	c.seenIn(db.dialect, view, `p.workspace_id`)
	found := make([]string, len(ways))
	for i, w := range ways {
		// CROSS keeps SQLite from looking for the links of all there is.
		found[i] = `SELECT ` + w.version + ` AS id FROM purge_items p CROSS JOIN ` + w.table + ` WHERE ` + w.where + ` AND ` + c.text()
	}
	outside := &conditions{args: c.args}
	outside.add(`NOT EXISTS (SELECT 1 FROM purge_items q WHERE q.purge_id = ? AND q.kind = 0 AND q.item_id = v.id)`, p.ID)
	outside.seen(db.dialect, view)
	err := each(ctx, db, func(rows *sql.Rows) error {
		var v coreshed.LineageVersion
		err := rows.Scan(&v.ID, &v.File, &v.VersionID, &v.Workspace.ID, &v.Workspace.UUID, &v.Workspace.Name, &v.Path, &v.Name, &v.Type, &v.Size,
			&v.Superseded, &v.Deleted, &out.Total)
		out.Versions = append(out.Versions, v)
		return err
	}, `SELECT v.id, f.uuid, v.version_id, w.id, w.uuid, w.name, f.path, v.file_name, v.file_type, v.size, v.superseded_at IS NOT NULL, f.deleted_at IS NOT NULL,
			count(*) OVER ()
		FROM versions v JOIN files f ON f.id = v.file_id JOIN workspaces w ON w.id = v.workspace_id
		WHERE v.id IN (`+strings.Join(found, ` UNION `)+`) AND `+outside.text()+` ORDER BY v.id LIMIT `+outside.arg(maxNeighbours), outside.args...)
	return out, err
}

// putOut finds the data sets of other systems that runs of a set have put out.
func (db *DB) putOut(ctx context.Context, view coreshed.View, p coreshed.Purge) (coreshed.PurgeDatasets, error) {
	var out coreshed.PurgeDatasets
	c := &conditions{}
	c.add(`p.purge_id = ?`, p.ID)
	c.seenIn(db.dialect, view, `p.workspace_id`)
	err := each(ctx, db, func(rows *sql.Rows) error {
		var d coreshed.LineageDataset
		err := rows.Scan(&d.ID, &d.Namespace, &d.Name, &d.Version, &out.Total)
		out.Datasets = append(out.Datasets, d)
		return err
	}, `SELECT d.id, d.namespace, d.name, d.version, count(*) OVER () FROM datasets d WHERE d.id IN (
			SELECT o.dataset_id FROM purge_items p JOIN job_datasets o ON o.job_id = p.item_id AND o.direction = 'output' WHERE p.kind = 1 AND `+c.text()+`)
		ORDER BY d.id LIMIT `+c.arg(maxNeighbours), c.args...)
	return out, err
}
