package watch_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// purge removes an entry and all that came of it, and returns the purge.
func (s *shed) purge(entry int64, sourceBytes bool) coreshed.Purge {
	s.t.Helper()
	ctx := context.Background()
	p, err := s.db.PlanPurge(ctx, s.view, store.NewPurge{Versions: []int64{entry}, Scope: coreshed.PurgeLineage, SourceBytes: sourceBytes})
	s.must(err)
	p, err = s.db.ExecutePurge(ctx, s.view, p.UUID, p.Fingerprint)
	s.must(err)
	l := store.Lease{Name: "purge", Holder: "test"}
	_, err = s.db.Lease(ctx, l.Name, l.Holder, time.Hour)
	s.must(err)
	s.must(s.catalog.Purge(ctx, l, p.ID))
	p, err = s.db.Purge(ctx, s.view, p.UUID)
	s.must(err)
	if p.Status != coreshed.PurgeDone {
		s.t.Fatalf("the purge is %+v", p)
	}
	return p
}

// TestBarrier does not take again what was purged and still lies there, until it
// changes or the barrier is lifted.
func TestBarrier(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		for _, name := range []string{"stays.tif", "changes.tif", "lifted.tif", "goes.tif"} {
			s.put(s.raw, name, name)
		}
		s.takeAll(s.scan(everything))
		var last coreshed.Purge
		for _, i := range s.ingests() {
			last = s.purge(i.Entry, i.Name == "goes.tif")
		}
		same(t, "raw", []string{"changes.tif changes.tif", "lifted.tif lifted.tif", "stays.tif stays.tif"}, s.tree(s.raw))
		same(t, "entries", []string{}, s.entries())

		s.put(s.raw, "changes.tif", "another content")
		n, err := s.db.LiftBarriers(t.Context(), s.view, s.ids["raw"], "lifted.tif", "bought again")
		s.must(err)
		if n != 1 {
			t.Errorf("lifted %d barriers", n)
		}
		s.takeAll(s.scan(everything))
		same(t, "entries", []string{"raw changes.tif in place", "raw lifted.tif in place"}, s.entries())
		list := s.ingests(coreshed.IngestErrored)
		if len(list) != 1 || list[0].Name != "stays.tif" || !strings.Contains(list[0].Reason, "was purged (purge ") {
			t.Errorf("refused: %+v", list)
		}
		if last.Removed.Sources != 1 || slices.Contains(s.tree(s.raw), "goes.tif goes.tif") {
			t.Errorf("the last purge: %+v", last)
		}
	})
}

// TestBarrierOfCopy bars what was copied from where it was found.
func TestBarrierOfCopy(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		s.put(s.raw, "copy.tif", "copy")
		s.takeAll(s.scan(rule{"filename_regex": ".*", "new_workspace": "kept"}))
		s.purge(s.ingests()[0].Entry, false)
		for o, err := range s.blobs.List(t.Context(), "") {
			t.Errorf("%s is left, %v", o.Key, err)
		}
		s.put(s.raw, "copy.tif", "copy") // put there again, as it was
		s.takeAll(s.scan(everything))
		same(t, "entries", []string{}, s.entries())
		s.put(s.raw, "copy.tif", "poly")
		s.takeAll(s.scan(everything))
		same(t, "entries", []string{"raw copy.tif in place"}, s.entries())
	})
}

// TestPurgeOfArrival: case d of doc/removal-cases.md. A file whose arrival has
// started a recipe, and a run in it, goes with the record of that.
func TestPurgeOfArrival(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		_, err := s.db.EnsureRecipeType(t.Context(), s.view, store.NewRecipeType{Name: "tiles", Definition: json.RawMessage(`{"input": {"files": [{"name": "scene"}]}}`)})
		s.must(err)
		s.put(s.raw, "a.tif", "one")
		var document map[string]any
		s.must(json.Unmarshal(configuration("scanner", map[string]any{"type": "dir"}, everything), &document))
		document["recipe"] = map[string]any{"name": "tiles"}
		text, err := json.Marshal(document)
		s.must(err)
		scan, err := s.db.AddScan(t.Context(), s.view, coreshed.Origin{Workspace: s.ids["raw"], Title: "tiles", Configuration: text})
		s.must(err)
		s.takeAll(scan.ID)
		recipes, _, err := s.db.Recipes(t.Context(), s.view, store.RecipeFilter{}, nil, coreshed.Page{Limit: 10})
		s.must(err)
		entry := s.ingests()[0].Entry
		n := storetest.NewRun(entry)
		n.Recipe, n.Node, n.IngestEvent = recipes[0].ID, "a", recipes[0].IngestEvent
		_, _, err = s.db.RecordRun(t.Context(), s.view, s.ids["raw"], n)
		s.must(err)
		p := s.purge(entry, false)
		if got := []int64{p.Removed.Versions, p.Removed.Runs, p.Removed.Recipes}; !slices.Equal(got, []int64{1, 1, 1}) || len(s.ingests()) != 0 {
			t.Errorf("removed %+v; ingests are %+v", p.Removed, s.ingests())
		}
		findings, err := s.db.Check(t.Context())
		if err != nil || len(findings) > 0 {
			t.Errorf("the doctor finds %v, %v", findings, err)
		}
	})
}
