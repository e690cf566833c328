package store_test

import (
	"encoding/json"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// nodes are the ids of what a lineage names.
func nodesNamed(l coreshed.Lineage) (versions, runs []int64) {
	for _, v := range l.Versions {
		versions = append(versions, v.ID)
	}
	for _, r := range l.Runs {
		runs = append(runs, r.ID)
	}
	return versions, runs
}

// TestLineage follows a small graph: two sources, a product of both, two of that,
// and one made of those, which is a diamond.
func TestLineage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		v := s.View(t, s.Viewer)
		s1, s2 := s.Put(t, s.Editor, "1.tif", "1").Version.ID, s.Put(t, s.Editor, "2.tif", "2").Version.ID
		r1, p1 := s.Made(t, "p1", s1, s2)
		r2, p2 := s.Made(t, "p2", p1)
		r3, p3 := s.Made(t, "p3", p1)
		r4, p4 := s.Made(t, "p4", p2, p3)
		s.Made(t, "apart")

		lineage := func(version int64, want store.LineageWant) coreshed.Lineage {
			t.Helper()
			if want.Limit == 0 {
				want.Limit = 100
			}
			l, err := db.Lineage(t.Context(), v, version, want)
			wantIs(t, err, nil)
			return l
		}
		l := lineage(s1, store.LineageWant{Direction: coreshed.Down})
		versions, runs := nodesNamed(l)
		wantEqual(t, versions, []int64{s1, p1, p2, p3, p4})
		wantEqual(t, runs, []int64{r1.ID, r2.ID, r3.ID, r4.ID})
		wantEqual(t, l.Edges, []coreshed.LineageEdge{
			{Run: r1.ID, Version: s1, Name: "INPUT"}, {Run: r1.ID, Version: p1, Output: true, Name: "OUTPUT"},
			{Run: r2.ID, Version: p1, Name: "INPUT"}, {Run: r2.ID, Version: p2, Output: true, Name: "OUTPUT"},
			{Run: r3.ID, Version: p1, Name: "INPUT"}, {Run: r3.ID, Version: p3, Output: true, Name: "OUTPUT"},
			{Run: r4.ID, Version: p2, Name: "INPUT"}, {Run: r4.ID, Version: p3, Name: "INPUT"},
			{Run: r4.ID, Version: p4, Output: true, Name: "OUTPUT"},
		})
		wantEqual(t, []any{l.Found, l.Hidden, l.Complete, l.Versions[4].Distance, l.Versions[1].Path != "", l.Runs[0].Type},
			[]any{coreshed.LineageCounts{Versions: 5, Runs: 4}, coreshed.LineageCounts{}, true, int64(3), true, "parse"})

		versions, _ = nodesNamed(lineage(s1, store.LineageWant{Direction: coreshed.Down, Depth: 2}))
		wantEqual(t, versions, []int64{s1, p1, p2, p3})
		versions, runs = nodesNamed(lineage(p4, store.LineageWant{Direction: coreshed.Up}))
		wantEqual(t, [][]int64{versions, runs}, [][]int64{{p4, p2, p3, p1, s1, s2}, {r4.ID, r2.ID, r3.ID, r1.ID}})
		l = lineage(s1, store.LineageWant{Direction: coreshed.Down, Limit: 4})
		versions, runs = nodesNamed(l)
		wantEqual(t, []any{versions, runs, l.Found.Versions}, []any{[]int64{s1, p1}, []int64{r1.ID, r2.ID}, int64(5)})
		_, err := db.Lineage(t.Context(), s.View(t, s.Member), s1, store.LineageWant{Direction: coreshed.Up, Limit: 1})
		wantIs(t, err, coreshed.NotFound)
	})
}

// TestLineageHidden: what the caller may not see is counted, and lineage goes on
// behind it.
func TestLineageHidden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		home := s.Workspace
		source := s.Put(t, s.Editor, "1.tif", "1").Version.ID
		s.Workspace = s.AddWorkspace(t, "hidden")
		wantIs(t, db.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Editor.ID, coreshed.Editor), nil)
		_, middle := s.Made(t, "middle", source)
		s.Workspace = home
		r, end := s.Made(t, "end", middle)

		l, err := db.Lineage(t.Context(), s.View(t, s.Viewer), source, store.LineageWant{Direction: coreshed.Down, Limit: 10})
		wantIs(t, err, nil)
		versions, runs := nodesNamed(l)
		wantEqual(t, []any{versions, runs, l.Edges, l.Hidden, l.Found}, []any{
			[]int64{source, end}, []int64{r.ID}, []coreshed.LineageEdge{{Run: r.ID, Version: end, Output: true, Name: "OUTPUT"}},
			coreshed.LineageCounts{Versions: 1, Runs: 1}, coreshed.LineageCounts{Versions: 3, Runs: 2},
		})
	})
}

// TestLineageDatasets follows lineage across data sets of other systems.
func TestLineageDatasets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		source := s.Put(t, s.Editor, "1.tif", "1").Version.ID
		first := s.Record(t, storetest.NewRun(source))
		n := storetest.NewRun()
		n.Values = json.RawMessage(`{"n":1}`)
		second := s.Record(t, n)
		out := s.Upload(t, second.ID, "out", "x")
		wantIs(t, store.AddDataset(t.Context(), db, s.View(t, s.Editor).Org, "db", "table", first.ID, second.ID), nil)

		l, err := db.Lineage(t.Context(), s.View(t, s.Viewer), source, store.LineageWant{Direction: coreshed.Down, Limit: 10})
		wantIs(t, err, nil)
		versions, runs := nodesNamed(l)
		wantEqual(t, [][]int64{versions, runs}, [][]int64{{source, out}, {first.ID, second.ID}})
		if len(l.Datasets) != 1 || l.Datasets[0].Namespace != "db" || l.Datasets[0].Name != "table" || l.Datasets[0].Distance != 1 {
			t.Errorf("data sets %+v", l.Datasets)
		}
		l, err = db.Lineage(t.Context(), s.View(t, s.Viewer), out, store.LineageWant{Direction: coreshed.Up, Limit: 10})
		wantIs(t, err, nil)
		versions, _ = nodesNamed(l)
		wantEqual(t, versions, []int64{out, source})
	})
}
