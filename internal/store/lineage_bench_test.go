package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// BenchmarkLineage follows a version from which three generations, 101,010
// versions in all, are made, and names none, some or all of them.
func BenchmarkLineage(b *testing.B) {
	db, err := store.Open(b.Context(), store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "coreshed.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := storetest.New(b, db)
	root := s.Put(b, s.Owner, "root.tif", "1").Version.ID
	descendants := int64(1)
	err = db.Bulk(b.Context(), func(ctx context.Context) error {
		types := store.Types{Jobs: []coreshed.JobType{{Name: "parse", Version: "1.0"}}}
		a := s.Access(b, s.Owner)
		if err := db.AddTypes(ctx, a, &types); err != nil {
			return err
		}
		parents := []int64{root}
		for _, n := range []int{10, 100, 100} {
			var err error
			if parents, err = generation(ctx, db, a, &types.Jobs[0], parents, n); err != nil {
				return err
			}
			descendants += int64(len(parents))
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for name, p := range map[string]coreshed.Person{"admin": s.Admin, "viewer": s.Viewer} {
		v := s.View(b, p)
		for _, limit := range []int64{1000, 500_000} {
			b.Run(fmt.Sprintf("%s/limit=%d", name, limit), func(b *testing.B) {
				for b.Loop() {
					l, err := db.Lineage(b.Context(), v, root, store.LineageWant{Direction: coreshed.Down, Limit: limit})
					if err != nil || l.Found.Versions != descendants {
						b.Fatalf("%d versions, %v", l.Found.Versions, err)
					}
				}
			})
		}
	}
}

// generation adds n versions made from each parent, each by a run of its own.
func generation(ctx context.Context, db *store.DB, a coreshed.Access, kind *coreshed.JobType, parents []int64, n int) ([]int64, error) {
	runs := make([]store.BulkRun, n*len(parents))
	for i := range runs {
		runs[i] = store.BulkRun{Type: kind.ID, Status: string(coreshed.Completed), At: time.Now()}
	}
	if err := db.AddRuns(ctx, a, runs); err != nil {
		return nil, err
	}
	inputs, entries := make([]store.BulkInput, len(runs)), make([]coreshed.Entry, len(runs))
	for i, r := range runs {
		inputs[i] = store.BulkInput{Run: r.ID, Version: parents[i/n]}
		path := uuid.NewString() + "/tile.tif"
		e := coreshed.Entry{Path: path, StoragePath: path, Name: "tile.tif", Type: coreshed.Product, MediaType: "image/tiff", ModifiedAt: time.Now()}
		e.Workspace.ID, e.VersionID, e.CreatedAt, e.ETag, e.State = a.Workspace.ID, 1, time.Now(), `"x"`, coreshed.Kept
		e.Made = coreshed.Provenance{Job: r.ID, Execution: r.Execution, JobType: kind, Output: "OUTPUT"}
		entries[i] = e
	}
	if err := db.AddInputs(ctx, inputs); err != nil {
		return nil, err
	}
	if err := db.AddEntries(ctx, a, entries); err != nil {
		return nil, err
	}
	ids := make([]int64, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return ids, nil
}
