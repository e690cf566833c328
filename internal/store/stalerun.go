package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/coreshed/coreshed"
)

// StaleRuns returns a page of the runs that are to be repeated when a version of
// the view must not be relied on: those that read it or what comes from it, each
// after those whose outputs it reads. Runs that failed, were cancelled or have been
// superseded need not be. Hidden is how many others the caller does not see.
func (db *DB) StaleRuns(ctx context.Context, view coreshed.View, version int64, page coreshed.Page) (list []coreshed.LineageRun, total, hidden int64, err error) {
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		w := newWalk(db.dialect, view, LineageWant{Direction: coreshed.Down})
		if err := w.start(ctx, t, version); err != nil {
			return err
		}
		if err := w.follow(ctx, t); err != nil {
			return err
		}
		if !w.complete {
			return coreshed.Errorf(coreshed.Invalid, "There is too much lineage to put its runs in order.")
		}
		if err := w.place(ctx, t); err != nil {
			return err
		}
		runs, err := w.standing(ctx, t)
		if err != nil {
			return err
		}
		w.runs.ids = slices.DeleteFunc(w.inTurn(), func(id int64) bool { return !runs[id] })
		seen, unseen := w.seen(&w.runs)
		total, hidden = int64(len(seen)), unseen
		seen = seen[min(page.Offset, total):min(page.Offset+page.Limit, total)]
		workspaces, err := workspacesByID(ctx, t)
		if err != nil {
			return err
		}
		list, err = w.nameRuns(ctx, t, seen, workspaces)
		place := map[int64]int{}
		for i, id := range seen {
			place[id] = i
		}
		slices.SortFunc(list, func(a, b coreshed.LineageRun) int { return cmp.Compare(place[a.ID], place[b.ID]) })
		return err
	})
	return list, total, hidden, err
}

// standing are the runs of a walk whose outputs stand.
func (w *walk) standing(ctx context.Context, t tx) (map[int64]bool, error) {
	stand := map[int64]bool{}
	err := eachOf(ctx, t, w.d, `j.id`, slices.Sorted(slices.Values(w.runs.ids)), `SELECT j.id FROM jobs j
		WHERE j.superseded_at IS NULL AND j.status NOT IN ('FAILED', 'CANCELED') AND `, ``, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		stand[id] = true
		return err
	})
	return stand, err
}

// inTurn returns the runs of a walk, each after those that it depends on, and
// else by their ids. Those in a circle, which other systems can tell of, come
// last.
func (w *walk) inTurn() []int64 {
	next, waits := w.downwards(), map[node]int{}
	for _, list := range next {
		for _, n := range list {
			waits[n]++
		}
	}
	level, order := map[node]int{}, w.roots(waits)
	for i := 0; i < len(order); i++ {
		for _, n := range next[order[i]] {
			level[n] = max(level[n], level[order[i]]+1)
			if waits[n]--; waits[n] == 0 {
				order = append(order, n)
			}
		}
	}
	turn := func(run int64) int {
		if waits[node{'r', run}] > 0 {
			return len(order) + 1
		}
		return level[node{'r', run}]
	}
	return slices.SortedFunc(slices.Values(w.runs.ids), func(a, b int64) int {
		return cmp.Or(cmp.Compare(turn(a), turn(b)), cmp.Compare(a, b))
	})
}

// roots are the nodes of a walk that wait for nothing in it.
func (w *walk) roots(waits map[node]int) []node {
	var roots []node
	for kind, ids := range map[byte][]int64{'v': w.versions.ids, 'r': w.runs.ids, 'd': w.datasets.ids} {
		for _, id := range ids {
			if n := (node{kind, id}); waits[n] == 0 {
				roots = append(roots, n)
			}
		}
	}
	return roots
}
