package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strconv"
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
	err := db.sumPurge(ctx, view, p, &plan)
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

// purgeSummed is how many things of a set one statement sums up: SQLite sorts them
// in memory.
var purgeSummed = 50_000

// sumPurge sums up the set of a purge.
func (db *DB) sumPurge(ctx context.Context, view coreshed.View, p coreshed.Purge, plan *coreshed.PurgePlan) error {
	sums := map[coreshed.PurgeSum]coreshed.PurgeSum{}
	for kind := range purgeKinds {
		for last := int64(0); ; {
			upto, err := one(ctx, db, value[sql.NullInt64], `SELECT max(item_id) FROM (SELECT item_id FROM purge_items
				WHERE purge_id = $1 AND kind = $2 AND item_id > $3 ORDER BY item_id LIMIT `+strconv.Itoa(purgeSummed)+`) x`, p.ID, kind, last)
			if err != nil {
				return err
			}
			if !upto.Valid {
				break
			}
			if err := db.sumSome(ctx, p.ID, int64(kind), last, upto.Int64, sums); err != nil {
				return err
			}
			last = upto.Int64
		}
	}
	for _, s := range sums {
		if view.Sees(s.Workspace.ID) {
			plan.Sums = append(plan.Sums, s)
		} else {
			hide(&plan.Hidden, s)
		}
	}
	slices.SortFunc(plan.Sums, func(a, b coreshed.PurgeSum) int {
		return cmp.Or(cmp.Compare(rowOf(a.Kind), rowOf(b.Kind)), cmp.Compare(b.Type, a.Type), cmp.Compare(a.Workspace.Name, b.Workspace.Name),
			cmp.Compare(a.JobType, b.JobType), cmp.Compare(a.JobTypeVersion, b.JobTypeVersion), cmp.Compare(a.Bytes, b.Bytes))
	})
	return nil
}

// sumSome adds to the sums, which are by what they are sums of, the things of a kind
// whose ids are after one and up to another.
func (db *DB) sumSome(ctx context.Context, purge, kind, after, upto int64, sums map[coreshed.PurgeSum]coreshed.PurgeSum) error {
	return each(ctx, db, func(rows *sql.Rows) error {
		s, err := scanPurgeSum(rows)
		of := s
		of.Count, of.Size = 0, 0
		s.Count += sums[of].Count
		s.Size += sums[of].Size
		sums[of] = s
		return err
	}, `SELECT i.kind, COALESCE(i.file_type, ''), w.id, w.uuid, w.name, COALESCE(t.name, ''), COALESCE(t.version, ''), i.bytes,
			i.number, i.size
		FROM (SELECT kind, file_type, workspace_id, job_type_id, bytes, count(*) AS number, CAST(sum(size) AS BIGINT) AS size FROM purge_items
			WHERE purge_id = $1 AND kind = $2 AND item_id > $3 AND item_id <= $4
			GROUP BY kind, file_type, workspace_id, job_type_id, bytes) i
		JOIN workspaces w ON w.id = i.workspace_id LEFT JOIN job_types t ON t.id = i.job_type_id`, purge, kind, after, upto)
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
		// CROSS keeps SQLite from looking for the links of all there is. What is in
		// the set is left out here: databases keep what they have found in memory.
		found[i] = `SELECT ` + w.version + ` AS id FROM purge_items p CROSS JOIN ` + w.table + ` WHERE ` + w.where + ` AND ` + c.text() +
			` AND NOT EXISTS (SELECT 1 FROM purge_items q WHERE q.purge_id = p.purge_id AND q.kind = 0 AND q.item_id = ` + w.version + `)`
	}
	seen := &conditions{args: c.args}
	seen.add(`v.id IN (` + strings.Join(found, ` UNION `) + `)`)
	seen.seen(db.dialect, view)
	which, args := seen.text(), seen.args
	err := each(ctx, db, func(rows *sql.Rows) error {
		var v coreshed.LineageVersion
		err := rows.Scan(&v.ID, &v.File, &v.VersionID, &v.Workspace.ID, &v.Workspace.UUID, &v.Workspace.Name, &v.Path, &v.Name, &v.Type, &v.Size,
			&v.Superseded, &v.Deleted)
		out.Versions = append(out.Versions, v)
		return err
	}, `SELECT v.id, f.uuid, v.version_id, w.id, w.uuid, w.name, f.path, v.file_name, v.file_type, v.size, v.superseded_at IS NOT NULL, f.deleted_at IS NOT NULL
		FROM versions v JOIN files f ON f.id = v.file_id JOIN workspaces w ON w.id = v.workspace_id
		WHERE `+which+` ORDER BY v.id LIMIT `+strconv.Itoa(maxNeighbours), args...)
	if out.Total = int64(len(out.Versions)); err == nil && out.Total == maxNeighbours {
		out.Total, err = one(ctx, db, value[int64], `SELECT count(*) FROM versions v WHERE `+which, args...)
	}
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
