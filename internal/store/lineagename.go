package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/coreshed/coreshed"
)

// name reads what the nodes are called, up to the limit, of those in the view.
func (w *walk) name(ctx context.Context, t tx) (coreshed.Lineage, error) {
	l := coreshed.Lineage{Root: w.versions.ids[0], Direction: w.direction, Complete: w.complete}
	l.Found = coreshed.LineageCounts{Versions: int64(len(w.versions.ids)), Runs: int64(len(w.runs.ids)), Datasets: int64(len(w.datasets.ids))}
	if err := w.place(ctx, t); err != nil {
		return l, err
	}
	w.hideDatasets(&l)
	versions, hidden := w.seen(&w.versions)
	l.Hidden.Versions = hidden
	runs, hidden := w.seen(&w.runs)
	l.Hidden.Runs = hidden
	workspaces, err := workspacesByID(ctx, t)
	if err != nil {
		return l, err
	}
	// Nearer nodes are named first, and a run before what lies behind it.
	versions, runs = w.nearest(versions, runs)
	if l.Versions, err = w.nameVersions(ctx, t, versions, workspaces); err != nil {
		return l, err
	}
	if l.Runs, err = w.nameRuns(ctx, t, runs, workspaces); err != nil {
		return l, err
	}
	if l.Datasets, err = w.nameDatasets(ctx, t, w.datasets.ids); err != nil {
		return l, err
	}
	l.Edges = w.named(&l)
	return l, nil
}

// place finds the workspaces of the nodes, unless the caller sees all.
func (w *walk) place(ctx context.Context, t tx) error {
	if w.view.Everything {
		return nil
	}
	for _, kind := range []struct {
		table string
		nodes *nodes
	}{{"versions", &w.versions}, {"jobs", &w.runs}} {
		if err := eachOf(ctx, t, w.d, `x.id`, slices.Sorted(slices.Values(kind.nodes.ids)), `SELECT x.id, x.workspace_id FROM `+kind.table+` x WHERE `, ``,
			func(rows *sql.Rows) error {
				var id, workspace int64
				err := rows.Scan(&id, &workspace)
				kind.nodes.workspace[id] = workspace
				return err
			}); err != nil {
			return err
		}
	}
	return nil
}

// seen returns the nodes of the view, and how many are not in it.
func (w *walk) seen(n *nodes) (ids []int64, hidden int64) {
	if w.view.Everything {
		return n.ids, 0
	}
	for _, id := range n.ids {
		if w.view.Sees(n.workspace[id]) {
			ids = append(ids, id)
		}
	}
	return ids, int64(len(n.ids) - len(ids))
}

// hideDatasets hides data sets that no run of the view has read or put out.
func (w *walk) hideDatasets(l *coreshed.Lineage) {
	if w.view.Everything {
		return
	}
	seen := map[int64]bool{}
	for _, e := range w.edges {
		if e.Dataset != 0 && w.view.Sees(w.runs.workspace[e.Run]) {
			seen[e.Dataset] = true
		}
	}
	w.datasets.ids = slices.DeleteFunc(w.datasets.ids, func(id int64) bool { return !seen[id] })
	l.Hidden.Datasets = l.Found.Datasets - int64(len(w.datasets.ids))
}

// nearest cuts the nodes down to the limit.
func (w *walk) nearest(versions, runs []int64) ([]int64, []int64) {
	if int64(len(versions)+len(runs)+len(w.datasets.ids)) <= w.limit {
		return versions, runs
	}
	v, r := 0, 0
	for n := int64(0); n < w.limit && v+r < len(versions)+len(runs); n++ {
		if v == len(versions) || (r < len(runs) && w.runs.distance[runs[r]] <= w.versions.distance[versions[v]]) {
			r++
		} else {
			v++
		}
	}
	w.datasets.ids = w.datasets.ids[:max(0, min(int64(len(w.datasets.ids)), w.limit-int64(v+r)))]
	return versions[:v], runs[:r]
}

func workspacesByID(ctx context.Context, q querier) (map[int64]coreshed.EntryWorkspace, error) {
	byID := map[int64]coreshed.EntryWorkspace{}
	err := each(ctx, q, func(rows *sql.Rows) error {
		var w coreshed.EntryWorkspace
		err := rows.Scan(workspaceInto(&w)...)
		byID[w.ID] = w
		return err
	}, `SELECT id, uuid, name, base_url FROM workspaces`)
	return byID, err
}

func (w *walk) nameVersions(ctx context.Context, t tx, ids []int64, workspaces map[int64]coreshed.EntryWorkspace) ([]coreshed.LineageVersion, error) {
	outputs := map[[2]int64]string{}
	list := make([]coreshed.LineageVersion, 0, len(ids))
	if err := eachOf(ctx, t, w.d, `v.id`, slices.Sorted(slices.Values(ids)), `SELECT v.id, f.uuid, v.version_id, v.workspace_id, f.path, v.file_name, v.file_type, v.size,
			v.superseded_at IS NOT NULL, v.deleted_at IS NOT NULL, COALESCE(v.job_id, 0), COALESCE(v.job_output, '')
			FROM versions v JOIN files f ON f.id = v.file_id WHERE `, ``, func(rows *sql.Rows) error {
		var v coreshed.LineageVersion
		var workspace, run int64
		var output string
		err := rows.Scan(&v.ID, &v.File, &v.VersionID, &workspace, &v.Path, &v.Name, &v.Type, &v.Size, &v.Superseded, &v.Deleted, &run, &output)
		v.Workspace, v.Distance = workspaces[workspace], w.versions.distance[v.ID]
		outputs[[2]int64{run, v.ID}] = output
		list = append(list, v)
		return err
	}); err != nil {
		return nil, err
	}
	for i, e := range w.edges {
		if e.Output && e.Version != 0 && e.Name == "" {
			w.edges[i].Name = outputs[[2]int64{e.Run, e.Version}]
		}
	}
	slices.SortFunc(list, func(a, b coreshed.LineageVersion) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

func (w *walk) nameRuns(ctx context.Context, t tx, ids []int64, workspaces map[int64]coreshed.EntryWorkspace) ([]coreshed.LineageRun, error) {
	list := make([]coreshed.LineageRun, 0, len(ids))
	if err := eachOf(ctx, t, w.d, `j.id`, slices.Sorted(slices.Values(ids)), `SELECT j.id, j.workspace_id, jt.name, jt.version, j.status, COALESCE(j.recipe_id, 0), COALESCE(j.batch_id, 0),
			COALESCE(j.recipe_node, ''), j.ended_at FROM jobs j JOIN job_types jt ON jt.id = j.job_type_id WHERE `, ``, func(rows *sql.Rows) error {
		var r coreshed.LineageRun
		var workspace int64
		var ended sql.NullInt64
		err := rows.Scan(&r.ID, &workspace, &r.Type, &r.Version, &r.Status, &r.Recipe, &r.Batch, &r.Node, &ended)
		r.Workspace, r.Distance, r.EndedAt = workspaces[workspace], w.runs.distance[r.ID], timeOrZero(ended)
		list = append(list, r)
		return err
	}); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b coreshed.LineageRun) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

func (w *walk) nameDatasets(ctx context.Context, t tx, ids []int64) ([]coreshed.LineageDataset, error) {
	list := make([]coreshed.LineageDataset, 0, len(ids))
	if err := eachOf(ctx, t, w.d, `d.id`, slices.Sorted(slices.Values(ids)), `SELECT d.id, d.namespace, d.name, d.version FROM datasets d WHERE `, ``, func(rows *sql.Rows) error {
		var d coreshed.LineageDataset
		err := rows.Scan(&d.ID, &d.Namespace, &d.Name, &d.Version)
		d.Distance = w.datasets.distance[d.ID]
		list = append(list, d)
		return err
	}); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b coreshed.LineageDataset) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// named returns the edges between nodes that are named, by their runs.
func (w *walk) named(l *coreshed.Lineage) []coreshed.LineageEdge {
	versions, runs, datasets := map[int64]bool{}, map[int64]bool{}, map[int64]bool{}
	for _, v := range l.Versions {
		versions[v.ID] = true
	}
	for _, r := range l.Runs {
		runs[r.ID] = true
	}
	for _, d := range l.Datasets {
		datasets[d.ID] = true
	}
	edges := slices.DeleteFunc(w.edges, func(e coreshed.LineageEdge) bool {
		return !runs[e.Run] || (e.Version != 0 && !versions[e.Version]) || (e.Dataset != 0 && !datasets[e.Dataset])
	})
	slices.SortFunc(edges, func(a, b coreshed.LineageEdge) int {
		return cmp.Or(cmp.Compare(w.runs.distance[a.Run], w.runs.distance[b.Run]), cmp.Compare(a.Run, b.Run), cmp.Compare(btoi(a.Output), btoi(b.Output)),
			cmp.Compare(a.Version, b.Version), cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Name, b.Name))
	})
	return edges
}
