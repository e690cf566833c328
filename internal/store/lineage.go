package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/coreshed/coreshed"
)

// LineageWant says how much lineage is wanted.
type LineageWant struct {
	Direction coreshed.Direction
	Depth     int64 // runs; 0 is all the way
	Limit     int64 // nodes to be named; the others are counted
}

// maxFollowed is how many versions a lineage is followed through before it is
// given up as too large.
const maxFollowed = 500_000

// Lineage follows what a version of the view was made from, or what was made
// from it. Its cost is that of the nodes it finds, whatever else there is.
// NotFound when there is no such version.
func (db *DB) Lineage(ctx context.Context, view coreshed.View, version int64, want LineageWant) (coreshed.Lineage, error) {
	var l coreshed.Lineage
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		w := newWalk(db.dialect, view, want)
		err := w.start(ctx, t, version)
		if err == nil {
			err = w.follow(ctx, t)
		}
		if err == nil {
			l, err = w.name(ctx, t)
		}
		return err
	})
	return l, err
}

// walk is a lineage that is being followed, a distance at a time.
type walk struct {
	d         dialect
	view      coreshed.View
	direction coreshed.Direction
	depth     int64
	limit     int64
	distance  int64
	complete  bool

	versions, runs, datasets nodes
	// Whether there are versions with two makers, and data sets: mostly there are
	// none, and they need not be looked for.
	shared, external bool
	edges            []coreshed.LineageEdge
	// Those that were found last, and are to be followed next.
	nextVersions, nextDatasets []int64
}

// nodes are the ones of a kind, in the order in which they were found.
type nodes struct {
	ids       []int64
	distance  map[int64]int64
	workspace map[int64]int64 // of versions and runs
}

func newNodes() nodes { return nodes{distance: map[int64]int64{}, workspace: map[int64]int64{}} }

// add adds a node unless it is known, and reports whether it has.
func (n *nodes) add(id, distance int64) bool {
	if _, known := n.distance[id]; known {
		return false
	}
	n.distance[id] = distance
	n.ids = append(n.ids, id)
	return true
}

func newWalk(d dialect, view coreshed.View, want LineageWant) *walk {
	return &walk{
		d: d, view: view, direction: want.Direction, depth: want.Depth, limit: want.Limit, complete: true,
		versions: newNodes(), runs: newNodes(), datasets: newNodes(),
	}
}

func (w *walk) start(ctx context.Context, t tx, version int64) error {
	c := &conditions{}
	c.add(`v.id = ?`, version)
	c.seen(w.d, w.view)
	workspace, err := one(ctx, t, value[int64], `SELECT v.workspace_id FROM versions v WHERE `+c.text(), c.args...)
	if err != nil {
		return notFound(err, "There is no such version.")
	}
	w.versions.workspace[version] = workspace
	return w.begin(ctx, t, []int64{version})
}

// begin starts at versions that are there, whoever sees them.
func (w *walk) begin(ctx context.Context, t tx, versions []int64) (err error) {
	if w.shared, err = one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM job_outputs)`); err != nil {
		return err
	}
	if w.external, err = one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM job_datasets)`); err != nil {
		return err
	}
	for _, id := range slices.Sorted(slices.Values(versions)) {
		if w.versions.add(id, 0) {
			w.nextVersions = append(w.nextVersions, id)
		}
	}
	return nil
}

// follow goes all the way, or as far as is wanted.
func (w *walk) follow(ctx context.Context, t tx) error {
	for w.depth == 0 || w.distance < w.depth {
		if more, err := w.step(ctx, t); err != nil || !more {
			return err
		}
	}
	return nil
}

// To a run's outputs goes no name: it is in the row of the version, which is
// read when that is named.
const (
	readersOf  = `SELECT i.job_id, i.version_row, i.input_name FROM job_inputs i WHERE `
	madeBy     = `SELECT v.job_id, v.id, '' FROM versions v WHERE v.job_id IS NOT NULL AND `
	madeToo    = `SELECT o.job_id, o.version_row, o.output_name FROM job_outputs o WHERE `
	dataReadBy = `SELECT d.job_id, d.dataset_id, '' FROM job_datasets d WHERE d.direction = 'input' AND `
	dataMadeBy = `SELECT d.job_id, d.dataset_id, '' FROM job_datasets d WHERE d.direction = 'output' AND `
)

// step follows all runs at the next distance, and reports whether there are any.
func (w *walk) step(ctx context.Context, t tx) (bool, error) {
	w.distance++
	down := w.direction == coreshed.Down
	found, err := w.reach(ctx, t, down)
	if err != nil || len(found) == 0 {
		return false, err
	}
	w.nextVersions, w.nextDatasets = nil, nil
	if err := w.leave(ctx, t, down, found); err != nil {
		return false, err
	}
	if len(w.versions.ids) > maxFollowed {
		w.complete = false
		return false, nil
	}
	return len(w.nextVersions)+len(w.nextDatasets) > 0, nil
}

// reach finds the runs that read what was found last, or put it out, and returns
// those that are new.
func (w *walk) reach(ctx context.Context, t tx, down bool) ([]int64, error) {
	var found []int64
	take := func(output, data bool) func(run, node int64, name string) {
		return func(run, node int64, name string) {
			if w.runs.add(run, w.distance) {
				found = append(found, run)
			}
			w.edge(run, node, output, data, name)
		}
	}
	var err error
	if down {
		err = w.link(ctx, t, readersOf, `i.version_row`, w.nextVersions, take(false, false))
		if err == nil {
			err = w.link(ctx, t, dataReadBy, `d.dataset_id`, w.nextDatasets, take(false, true))
		}
	} else {
		err = w.link(ctx, t, madeBy, `v.id`, w.nextVersions, take(true, false))
		if err == nil && w.shared {
			err = w.link(ctx, t, madeToo, `o.version_row`, w.nextVersions, take(true, false))
		}
		if err == nil {
			err = w.link(ctx, t, dataMadeBy, `d.dataset_id`, w.nextDatasets, take(true, true))
		}
	}
	slices.Sort(found)
	return found, err
}

// leave finds what runs have put out, or read.
func (w *walk) leave(ctx context.Context, t tx, down bool, runs []int64) error {
	version := func(output bool) func(run, node int64, name string) {
		return func(run, node int64, name string) {
			if w.versions.add(node, w.distance) {
				w.nextVersions = append(w.nextVersions, node)
			}
			w.edge(run, node, output, false, name)
		}
	}
	data := func(output bool) func(run, node int64, name string) {
		return func(run, node int64, name string) {
			if w.datasets.add(node, w.distance) {
				w.nextDatasets = append(w.nextDatasets, node)
			}
			w.edge(run, node, output, true, name)
		}
	}
	var err error
	if down {
		err = w.link(ctx, t, madeBy, `v.job_id`, runs, version(true))
		if err == nil && w.shared {
			err = w.link(ctx, t, madeToo, `o.job_id`, runs, version(true))
		}
		if err == nil && w.external {
			err = w.link(ctx, t, dataMadeBy, `d.job_id`, runs, data(true))
		}
	} else {
		err = w.link(ctx, t, readersOf, `i.job_id`, runs, version(false))
		if err == nil && w.external {
			err = w.link(ctx, t, dataReadBy, `d.job_id`, runs, data(false))
		}
	}
	slices.Sort(w.nextVersions)
	slices.Sort(w.nextDatasets)
	return err
}

func (w *walk) edge(run, node int64, output, data bool, name string) {
	e := coreshed.LineageEdge{Run: run, Output: output, Name: name}
	if data {
		e.Dataset = node
	} else {
		e.Version = node
	}
	w.edges = append(w.edges, e)
}

// lineageChunk is how many nodes one statement follows.
const lineageChunk = 2000

// link reads the links of a kind whose column is one of the ids.
func (w *walk) link(ctx context.Context, t tx, query, column string, ids []int64, take func(run, node int64, name string)) error {
	return eachOf(ctx, t, w.d, column, ids, query, ``, func(rows *sql.Rows) error {
		var run, node int64
		var name string
		err := rows.Scan(&run, &node, &name)
		take(run, node, name)
		return err
	})
}

// eachOf reads the rows of a query whose column is one of the ids, which are
// sorted. What was recorded together has ids without a gap: they are read as a
// range, in a third of the time.
func eachOf(ctx context.Context, t tx, d dialect, column string, ids []int64, before, after string, read func(*sql.Rows) error) error {
	single, spans := spansOf(ids)
	for _, s := range spans {
		c := &conditions{}
		c.add(column+` BETWEEN ? AND ?`, s[0], s[1])
		if err := each(ctx, t, read, before+c.text()+after, c.args...); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(single, lineageChunk) {
		c := &conditions{}
		c.anyID(d, column, chunk)
		if err := each(ctx, t, read, before+c.text()+after, c.args...); err != nil {
			return err
		}
	}
	return nil
}

// leastSpan is how many ids without a gap are worth a statement of their own.
const leastSpan = 100

// spansOf divides sorted ids into spans without a gap, from their first to their
// last, and single ones.
func spansOf(ids []int64) (single []int64, spans [][2]int64) {
	for from := 0; from < len(ids); {
		to := from + 1
		for to < len(ids) && ids[to] == ids[to-1]+1 {
			to++
		}
		if to-from >= leastSpan {
			spans = append(spans, [2]int64{ids[from], ids[to-1]})
		} else {
			single = append(single, ids[from:to]...)
		}
		from = to
	}
	return single, spans
}

// each reads the rows of a query one by one.
func each(ctx context.Context, q querier, read func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			return failed("scan", err)
		}
	}
	return failed("read rows", rows.Err())
}
