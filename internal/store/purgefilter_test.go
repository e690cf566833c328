package store_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// sourcesOf are the versions that a purge begins with.
func sourcesOf(t *testing.T, db *store.DB, view coreshed.View, p coreshed.Purge) map[int64]bool {
	t.Helper()
	items, err := db.PurgeItems(t.Context(), view, p, store.PurgeItemPage{Limit: 1000})
	must(t, err)
	sources := map[int64]bool{}
	for _, i := range items {
		if i.Depth == 0 {
			sources[i.ID] = true
		}
	}
	return sources
}

func TestPurgeFilter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view := s.View(t, s.Owner)
		put := func(path string) int64 { return s.Put(t, s.Owner, path, path).Version.ID }
		one, two, other := put("Sold & gone/one.tif"), put("sold & gone/two.csv"), put("kept/three.tif")
		run, made := s.Made(t, "made.tif", one)
		here := s.Workspace.UUID
		for _, tt := range []struct {
			filter coreshed.PurgeFilter
			want   []int64
		}{
			{coreshed.PurgeFilter{Folder: "SOLD & gone/"}, []int64{one, two}},
			{coreshed.PurgeFilter{Workspace: here, NameContains: ".tif", Type: []string{"SOURCE"}}, []int64{one, other}},
			{coreshed.PurgeFilter{NameContains: ".TIF"}, []int64{one, other, made}},
			{coreshed.PurgeFilter{Name: []string{"one.tif", "two.csv"}}, []int64{one, two}},
			{coreshed.PurgeFilter{Job: []int64{run.ID}}, []int64{made}},
			{coreshed.PurgeFilter{Workspace: here, CreatedStarted: s.Entry(t, two).CreatedAt, CreatedEnded: s.Entry(t, other).CreatedAt}, []int64{two, other}},
		} {
			p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Filter: &tt.filter, Scope: coreshed.PurgeLineage})
			must(t, err)
			want := map[int64]bool{}
			for _, id := range tt.want {
				want[id] = true
			}
			wantEqual(t, sourcesOf(t, db, view, p), want)
		}
		for _, tt := range []struct {
			filter coreshed.PurgeFilter
			want   coreshed.Kind
		}{
			{coreshed.PurgeFilter{}, coreshed.Invalid},
			{coreshed.PurgeFilter{Workspace: here}, coreshed.Invalid},
			{coreshed.PurgeFilter{Folder: "none/"}, coreshed.NotFound},
			{coreshed.PurgeFilter{Folder: "sold_", Workspace: here}, coreshed.NotFound},
			{coreshed.PurgeFilter{Name: []string{}, Folder: "kept/"}, coreshed.Invalid},
			{coreshed.PurgeFilter{Workspace: coreshed.UUID{1}, Folder: "kept/"}, coreshed.NotFound},
		} {
			_, err := db.PlanPurge(t.Context(), view, store.NewPurge{Filter: &tt.filter, Scope: coreshed.PurgeLineage})
			wantIs(t, err, tt.want)
		}
		// Beside a version, of which it needs no more than the filter.
		p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{other}, Filter: &coreshed.PurgeFilter{Name: []string{"two.csv"}}, Scope: coreshed.PurgeLineage})
		must(t, err)
		wantEqual(t, sourcesOf(t, db, view, p), map[int64]bool{two: true, other: true})
	})
}

// A filter finds what its caller sees, and is refused for what others own.
func TestPurgeFilterRights(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		home, mine := s.Workspace, s.Put(t, s.Owner, "a.tif", "1").Version.ID
		s.Workspace = s.AddWorkspace(t, "South pit")
		must(t, db.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Editor.ID, coreshed.Editor))
		theirs := s.Put(t, s.Editor, "a.tif", "2").Version.ID
		ask := store.NewPurge{Filter: &coreshed.PurgeFilter{Name: []string{"a.tif"}}, Scope: coreshed.PurgeLineage}
		must(t, db.Grant(t.Context(), coreshed.Operator, home.ID, s.Member.ID, coreshed.Owner))
		p, err := db.PlanPurge(t.Context(), s.View(t, s.Member), ask)
		must(t, err)
		wantEqual(t, sourcesOf(t, db, s.View(t, s.Member), p), map[int64]bool{mine: true})
		must(t, db.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Member.ID, coreshed.Editor))
		_, err = db.PlanPurge(t.Context(), s.View(t, s.Member), ask)
		wantIs(t, err, coreshed.Forbidden)
		_, err = db.ExecutePurge(t.Context(), s.View(t, s.Member), p.UUID, p.Fingerprint) // by what is seen now
		wantIs(t, err, coreshed.Forbidden)
		// An admin sees more than the one who planned it: it is not the same set.
		fresh, err := db.ExecutePurge(t.Context(), s.View(t, s.Admin), p.UUID, p.Fingerprint)
		wantIs(t, err, coreshed.Conflict)
		wantEqual(t, sourcesOf(t, db, s.View(t, s.Admin), fresh), map[int64]bool{mine: true, theirs: true})
		ask.Filter.Workspace = home.UUID
		_, err = db.PlanPurge(t.Context(), s.View(t, s.Member), ask)
		must(t, err)
	})
}

// What matches is found anew at execution, and the names in a filter are gone when
// the purge is.
func TestPurgeFilterExecuted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view := s.View(t, s.Owner)
		s.Put(t, s.Owner, "zq7sold/<one>.tif", "1")
		ask := store.NewPurge{Filter: &coreshed.PurgeFilter{Workspace: s.Workspace.UUID, Folder: "zq7sold/"}, Scope: coreshed.PurgeLineage, Reason: "sold"}
		first, err := db.PlanPurge(t.Context(), view, ask)
		must(t, err)
		sum := sha256.Sum256(first.Filter)
		if !strings.Contains(string(first.Filter), `"folder":"zq7sold/"`) || string(first.FilterSHA) != string(sum[:]) {
			t.Fatalf("it records %s, %x", first.Filter, first.FilterSHA)
		}
		s.Put(t, s.Owner, "zq7sold/two.tif", "2")
		p, err := db.ExecutePurge(t.Context(), view, first.UUID, first.Fingerprint)
		wantIs(t, err, coreshed.Conflict)
		wantEqual(t, string(p.Filter), string(first.Filter))
		wantEqual(t, p.Planned.Sources, int64(2))
		p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		must(t, err)
		drain(t, db, p.ID)
		p, err = db.Purge(t.Context(), view, p.UUID)
		must(t, err)
		wantEqual(t, p.FilterSHA, sum[:])
		rows, err := db.Rows(t.Context(), `SELECT COALESCE(filter, '') || request || reason FROM purges`)
		must(t, err)
		entries, err := db.PurgeEntries(t.Context(), p, 0, 100)
		must(t, err)
		for _, e := range entries {
			rows = append(rows, string(e.Details))
		}
		if text := strings.Join(rows, "\n"); strings.Contains(text, "zq7sold") || !strings.Contains(text, "filter_sha256") {
			t.Errorf("what is left is %s", text)
		}
		// The plan that was out of date has lost its filter too.
		_, err = db.ExecutePurge(t.Context(), view, first.UUID, first.Fingerprint)
		wantIs(t, err, coreshed.Conflict)
		_, err = db.PlanPurge(t.Context(), view, ask)
		wantIs(t, err, coreshed.NotFound)
	})
}
