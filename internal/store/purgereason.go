package store

import (
	"context"
	"database/sql"

	"github.com/coreshed/coreshed"
)

// maxReasons is how many links of the way from a thing to a source are told.
const maxReasons = 100

// PurgeReasons returns for each of some things of a purge's set the way from it
// to a source, the nearest first. Steps in workspaces that the caller does not
// see have no id. A recipe that goes because nothing is left of it has no way.
func (db *DB) PurgeReasons(ctx context.Context, view coreshed.View, p coreshed.Purge, items []coreshed.PurgeItem) ([][]coreshed.PurgeVia, error) {
	w := reasons{steps: map[coreshed.PurgeVia]reason{}}
	from := map[int64][]int64{}
	for _, i := range items {
		kind := rowOf(i.Kind)
		from[kind] = append(from[kind], i.ID)
	}
	for kind, ids := range from {
		if err := w.read(ctx, db, view, p, kind, ids); err != nil {
			return nil, err
		}
	}
	ways := make([][]coreshed.PurgeVia, len(items))
	for n, i := range items {
		ways[n] = w.way(i.Via)
	}
	return ways, nil
}

// reason is what a thing was reached from, and whether the thing may be named.
type reason struct {
	via  *coreshed.PurgeVia
	seen bool
}

type reasons struct{ steps map[coreshed.PurgeVia]reason }

// read reads the ways of things of one kind.
func (w reasons) read(ctx context.Context, db *DB, view coreshed.View, p coreshed.Purge, kind int64, ids []int64) error {
	c := &conditions{}
	c.add(`purge_id = ?`, p.ID)
	c.add(`kind = ?`, kind)
	c.anyID(db.dialect, `item_id`, ids)
	return each(ctx, db, func(rows *sql.Rows) error {
		var kind, id, workspace int64
		var viaKind, via sql.NullInt64
		if err := rows.Scan(&kind, &id, &viaKind, &via, &workspace); err != nil {
			return err
		}
		r := reason{seen: view.Sees(workspace)}
		if via.Valid {
			r.via = &coreshed.PurgeVia{Kind: purgeKinds[viaKind.Int64], ID: via.Int64}
		}
		w.steps[coreshed.PurgeVia{Kind: purgeKinds[kind], ID: id}] = r
		return nil
	}, `WITH RECURSIVE way (kind, item_id, via_kind, via_id, workspace_id) AS (
			SELECT kind, item_id, via_kind, via_id, workspace_id FROM purge_items WHERE `+c.text()+`
			UNION SELECT i.kind, i.item_id, i.via_kind, i.via_id, i.workspace_id
				FROM way w JOIN purge_items i ON i.purge_id = `+c.arg(p.ID)+` AND i.kind = w.via_kind AND i.item_id = w.via_id)
		SELECT kind, item_id, via_kind, via_id, workspace_id FROM way`, c.args...)
}

// way goes from what a thing was reached from to a source.
func (w reasons) way(via *coreshed.PurgeVia) []coreshed.PurgeVia {
	var way []coreshed.PurgeVia
	for via != nil && len(way) < maxReasons {
		r, known := w.steps[*via]
		step := *via
		if !known || !r.seen {
			step.ID = 0
		}
		way = append(way, step)
		via = r.via
	}
	return way
}
