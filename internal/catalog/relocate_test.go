package catalog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/geo"
)

const moving = `{"type": "Feature", "properties": {"newWorkspacePath": "sorted/2026/grid.tif", "sourceTask": "t"}}`

func (s *shed) entry(t fataler, at catalog.Target) coreshed.Entry {
	t.Helper()
	slot := s.slot(t, at)
	e, err := s.db.Entry(context.Background(), s.view(t), slot.Version.ID)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// TestDescribeMoves holds contract Scale v6 §9.11, case 124.
func TestDescribeMoves(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir, content := reaching(t, s), random(100)
		at := s.placed(t, dir, "grid.tif", content)
		before := s.entry(t, at)
		for range 2 { // it can be repeated
			e := s.say(t, before.ID, moving)
			if e.StoragePath != "sorted/2026/grid.tif" || e.Path != before.Path || e.Name != before.Name || e.Task != "t" || e.State != coreshed.InPlace {
				t.Errorf("%+v", e)
			}
		}
		if exists(filepath.Join(dir, "grid.tif")) || !exists(filepath.Join(dir, "sorted/2026/grid.tif")) {
			t.Error("the file was not moved, or not alone")
		}
		s.want(t, at, content)
		// A watcher finds there what it knows.
		if again := s.register(t, "sorted/2026/grid.tif"); again != at {
			t.Errorf("it is another version: %v, want %v", again, at)
		}
	})
}

// TestDescribeMovesNothingElse: case 125, and what else stays where it is.
func TestDescribeMovesNothingElse(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		own := s.source(t) // in Coreshed's own store
		if e := s.say(t, own, moving); e.Task != "t" || e.StoragePath == "sorted/2026/grid.tif" {
			t.Errorf("%+v", e)
		}
		dir := reaching(t, s)
		d, err := geo.Read([]byte(moving))
		if err != nil {
			t.Fatal(err)
		}
		refused := func(at catalog.Target, kind coreshed.Kind) {
			t.Helper()
			if _, err := s.Describe(t.Context(), s.view(t), s.entry(t, at).ID, d); !errors.Is(err, kind) {
				t.Errorf("%v, want %v", err, kind)
			}
			if e := s.entry(t, at); e.Task != "" {
				t.Error("what was refused left a description")
			}
		}
		taken := s.placed(t, dir, "taken.tif", random(10))
		write(t, filepath.Join(dir, "sorted/2026/grid.tif"), []byte("another"))
		refused(taken, coreshed.Conflict)
		s.want(t, taken, mustRead(t, filepath.Join(dir, "taken.tif")))

		changed := s.placed(t, dir, "changed.tif", random(10))
		write(t, filepath.Join(dir, "changed.tif"), []byte("longer than it was"))
		refused(changed, coreshed.Gone)
		if !exists(filepath.Join(dir, "changed.tif")) {
			t.Error("a file that is not the one described was moved")
		}

		// A server that reaches nothing of the workspace describes without moving.
		still := s.placed(t, dir, "still.tif", random(10))
		s.Catalog = catalog.New(catalog.Config{DB: s.db, Blobs: s.blobs})
		if e := s.say(t, s.entry(t, still).ID, moving); e.StoragePath != "still.tif" || e.Task != "t" {
			t.Errorf("%+v", e)
		}
	})
}

// TestDescribeMovesAfterCrash: bytes that were moved by an attempt that did not
// live to write it down.
func TestDescribeMovesAfterCrash(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir, content := reaching(t, s), random(100)
		at := s.placed(t, dir, "grid.tif", content)
		if err := os.MkdirAll(filepath.Join(dir, "sorted/2026"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "grid.tif"), filepath.Join(dir, "sorted/2026/grid.tif")); err != nil {
			t.Fatal(err)
		}
		if e := s.say(t, s.entry(t, at).ID, moving); e.StoragePath != "sorted/2026/grid.tif" {
			t.Errorf("%+v", e)
		}
		s.want(t, at, content)
	})
}

// TestDescribeMovesWhatWasMissed: somebody has looked for the bytes, and missed
// them, before the attempt that had moved them was made again.
func TestDescribeMovesWhatWasMissed(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir, content := reaching(t, s), random(100)
		moved, replaced, lost := s.placed(t, dir, "grid.tif", content), s.placed(t, dir, "b.tif", random(50)), s.placed(t, dir, "lost.tif", random(20))
		elsewhere := `{"type": "Feature", "properties": {"newWorkspacePath": "sorted/b.tif", "sourceTask": "t"}}`
		b := mustRead(t, filepath.Join(dir, "b.tif"))
		if err := os.MkdirAll(filepath.Join(dir, "sorted/2026"), 0o755); err != nil {
			t.Fatal(err)
		}
		for from, to := range map[string]string{"grid.tif": "sorted/2026/grid.tif", "b.tif": "sorted/b.tif", "lost.tif": "lost"} {
			if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
				t.Fatal(err)
			}
		}
		write(t, filepath.Join(dir, "b.tif"), []byte("the next of this name"))
		s.wantLost(t, moved, coreshed.Missing)
		s.wantLost(t, replaced, coreshed.ChangedOutside)
		s.wantLost(t, lost, coreshed.Missing)
		if e := s.say(t, s.entry(t, moved).ID, moving); e.StoragePath != "sorted/2026/grid.tif" || e.State != coreshed.InPlace {
			t.Errorf("%+v", e)
		}
		if e := s.say(t, s.entry(t, replaced).ID, elsewhere); e.StoragePath != "sorted/b.tif" || e.State != coreshed.InPlace {
			t.Errorf("%+v", e)
		}
		if e := s.say(t, s.entry(t, lost).ID, moving); e.StoragePath != "lost.tif" || e.State != coreshed.Missing || e.Task != "t" {
			t.Errorf("%+v", e)
		}
		s.want(t, moved, content)
		s.want(t, replaced, b)
	})
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
