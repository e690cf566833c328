package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// bulkEntries are entries of a workspace, all of one run.
func bulkEntries(a coreshed.Access, n int, made coreshed.Provenance) []coreshed.Entry {
	list := make([]coreshed.Entry, n)
	for i := range list {
		at := time.UnixMicro(int64(1_000_000 + i)).UTC()
		name := fmt.Sprintf("Scan_%02d.tif", i)
		list[i] = coreshed.Entry{
			Version: coreshed.Version{VersionID: at.UnixNano(), CreatedAt: at, Size: 2, ETag: "e", State: coreshed.InPlace},
			Path:    "bulk/" + name, Workspace: coreshed.EntryWorkspace{ID: a.Workspace.ID},
			Type: coreshed.Product, Name: name, MediaType: "image/tiff", StoragePath: "bulk/" + name, ModifiedAt: at.Add(time.Second),
			Description: coreshed.Description{Sensor: "s1", Countries: []string{"AAA"}, Tags: []string{"t"}, DataStarted: at, DataEnded: at},
			Made:        made,
		}
	}
	return list
}

// TestBulk checks that lists, searches and counters know what a bulk load has
// brought in, and what comes after it.
func TestBulk(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a := s.Access(t, s.Owner)
		s.Put(t, s.Owner, "before_scan.tif", "x")
		before, err := db.Usage(t.Context(), a.Workspace.ID)
		must(t, err)
		types := store.Types{Jobs: []coreshed.JobType{{Name: "j", Version: "1"}}, Recipes: []coreshed.RecipeType{{Name: "r"}}, Batches: []coreshed.Batch{{Title: "b"}}}
		recipes, runs := []store.BulkRecipe{{At: time.UnixMicro(1)}}, []store.BulkRun{{Status: "COMPLETED", At: time.UnixMicro(1)}}
		must(t, db.Bulk(t.Context(), func(ctx context.Context) error {
			must(t, db.AddTypes(ctx, a, &types))
			recipes[0].Type, recipes[0].Batch = types.Recipes[0].ID, types.Batches[0].ID
			must(t, db.AddRecipes(ctx, a, recipes))
			runs[0].Type, runs[0].Recipe = types.Jobs[0].ID, recipes[0].ID
			must(t, db.AddRuns(ctx, a, runs))
			return db.AddEntries(ctx, a, bulkEntries(a, 30, coreshed.Provenance{
				Job: runs[0].ID, Execution: runs[0].Execution, JobType: &types.Jobs[0], Output: "o", Recipe: recipes[0].ID, RecipeType: &types.Recipes[0], Batch: &types.Batches[0],
			}))
		}))
		s.Put(t, s.Owner, "after_scan.tif", "x")

		v, err := db.View(t.Context(), coreshed.Actor{ID: s.Viewer.ID}, s.Org.ID)
		must(t, err)
		for want, f := range map[int64]coreshed.EntryFilter{
			32: {NameContains: "SCAN"}, 1: {NameContains: "scan_07"}, 30: {JobTypeName: []string{"j"}, Countries: []string{"AAA"}, Sensor: []string{"s1"}},
		} {
			list, total, err := db.Entries(t.Context(), v, f, nil, coreshed.Page{Limit: 100})
			if err != nil || total != want || int64(len(list)) != want {
				t.Errorf("%+v: %d of %d, want %d: %v", f, len(list), total, want, err)
			}
		}
		if _, err := db.JobTypeRevision(t.Context(), v, types.Jobs[0].ID, 1); err != nil {
			t.Errorf("the manifest of a job type: %v", err)
		}
		if _, err := db.RecipeTypeRevision(t.Context(), v, types.Recipes[0].ID, 1); err != nil {
			t.Errorf("the definition of a recipe type: %v", err)
		}
		after, err := db.Usage(t.Context(), a.Workspace.ID)
		must(t, err)
		want := store.Usage{Live: before.Live + 31, Used: before.Used + 61}
		if diff := cmp.Diff(want, after); diff != "" {
			t.Error(diff)
		}
		err = db.AddEntries(t.Context(), a, append(bulkEntries(a, 31, coreshed.Provenance{})[30:], bulkEntries(a, 1, coreshed.Provenance{})...))
		wantKind(t, "add at a path that is taken", err, coreshed.Conflict)
		if again, err := db.Usage(t.Context(), a.Workspace.ID); err != nil || again != after {
			t.Errorf("after a conflict: %+v, %v", again, err)
		}
	})
}

// TestOpenAfterUnfinishedBulk: the next to open the store makes the indexes.
func TestOpenAfterUnfinishedBulk(t *testing.T) {
	config := store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "coreshed.db")}
	db, err := store.Open(t.Context(), config)
	must(t, err)
	s := storetest.New(t, db)
	s.Put(t, s.Owner, "a.tif", "x")
	must(t, db.DropIndexes(t.Context()))
	must(t, db.Close())

	db, err = store.Open(t.Context(), config)
	must(t, err)
	defer db.Close()
	v, err := db.View(t.Context(), coreshed.Actor{ID: s.Viewer.ID}, s.Org.ID)
	must(t, err)
	_, total, err := db.Entries(t.Context(), v, coreshed.EntryFilter{Type: []string{"SOURCE"}}, nil, coreshed.Page{Limit: 1})
	if err != nil || total != 1 {
		t.Errorf("%d entries, %v", total, err)
	}
}
