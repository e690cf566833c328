package store_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// BenchmarkRunInputs names what a page of runs has read, 2,000 versions each, and
// reads all that one of them has.
func BenchmarkRunInputs(b *testing.B) {
	db, err := store.Open(b.Context(), store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "coreshed.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := storetest.New(b, db)
	var versions, runs []int64
	for i := range 2000 {
		versions = append(versions, s.Put(b, s.Editor, fmt.Sprint(i), "x").Version.ID)
	}
	for range 100 {
		runs = append(runs, s.Record(b, storetest.NewRun(versions...)).ID)
	}
	view := s.View(b, s.Viewer)
	b.Run("names", func(b *testing.B) {
		for b.Loop() {
			if names, err := db.RunInputNames(b.Context(), view, runs); err != nil || len(names[runs[99]]) != 100 {
				b.Fatalf("%d names, %v", len(names[runs[99]]), err)
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			if ids, err := db.RunInputIDs(b.Context(), view, runs[0]); err != nil || len(ids["INPUT"]) != len(versions) {
				b.Fatalf("%d ids, %v", len(ids["INPUT"]), err)
			}
		}
	})
}
