package catalog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// The cases and traps are those of doc/removal-cases.md.

// product makes a version a product of a run that read the source.
func (r *removal) product(t *testing.T, at catalog.Target) {
	t.Helper()
	run, _, err := r.db.RecordRun(t.Context(), r.view, r.access.Workspace.ID, storetest.NewRun(r.source))
	if err == nil {
		_, err = r.db.AddOutputs(t.Context(), r.view, run.ID, []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: r.slot(t, at).Version.ID}}}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wantEnded works on the purge, and wants it to remove so many versions at once.
func (r *removal) wantEnded(t *testing.T, versions int64) {
	t.Helper()
	if err := r.work(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if p := r.state(t); p.Status != coreshed.PurgeDone || p.Removed != p.Planned || p.Removed.Versions != versions {
		t.Errorf("the purge is %+v", p)
	}
	r.wantSound(t)
}

// TestPurgeAbsentBytes: case o. An object, and a product's file, that are gone
// already are gone. Only of a folder with nothing in it that is not believed: it is
// what one looks like that is not mounted.
func TestPurgeAbsentBytes(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir := reaching(t, s)
		r := removing(t, s, 2)
		r.product(t, r.placed(t, dir, "tile.tif", random(100)))
		for o, err := range s.blobs.List(t.Context(), r.slot(t, r.set[1]).Prefix) {
			if err != nil {
				t.Fatal(err)
			}
			if err := s.blobs.Delete(t.Context(), o.Key); err != nil {
				t.Fatal(err)
			}
		}
		r.begin(t)
		remove(t, filepath.Join(dir, "tile.tif"))
		if err := r.work(t.Context(), "a"); err == nil {
			t.Error("an empty folder was believed")
		}
		r.wantIncomplete(t, 5, 1)
		items, err := s.db.PurgeItems(t.Context(), r.view, r.purge, store.PurgeItemPage{Failed: true, Limit: 10})
		if err != nil || len(items) != 1 || !strings.HasSuffix(items[0].Error, "If it is to be, put a file into it.") {
			t.Errorf("what is told: %+v, %v", items, err)
		}
		write(t, filepath.Join(dir, "keep"), nil)
		r.putOff(t)
		r.wantEnded(t, 6)
	})
}

// TestPurgeInactiveWorkspace: case n. A purge is an explicit order: it removes the
// bytes in the folder of a workspace that was archived, too.
func TestPurgeInactiveWorkspace(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir := reaching(t, s)
		r := removing(t, s, 1)
		r.product(t, r.placed(t, dir, "tile.tif", random(100)))
		if err := s.db.DeleteWorkspace(t.Context(), s.access); err != nil {
			t.Fatal(err)
		}
		r.stays = nil // is not reached while it is archived
		r.begin(t)
		r.wantEnded(t, 4)
		if _, err := os.Stat(filepath.Join(dir, "tile.tif")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the product's bytes: %v", err)
		}
	})
}

// TestPurgeSourceBytes: case i and trap 1. Whether a source's bytes go is what was
// said, through the plan, the plan that takes its place, and the removal.
func TestPurgeSourceBytes(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir := reaching(t, s)
		r := removing(t, s, 1)
		for name, bytes := range map[string]bool{"stays.tif": false, "goes.tif": true} {
			at := r.placed(t, dir, name, random(100))
			id := r.slot(t, at).Version.ID
			p, err := s.db.PlanPurge(t.Context(), r.view, store.NewPurge{Versions: []int64{id}, Scope: coreshed.PurgeLineage, SourceBytes: bytes})
			if err != nil || p.SourceBytes != bytes {
				t.Fatalf("planned %+v, %v", p, err)
			}
			r.make(t, 1, id) // so that there is another plan
			fresh, err := s.db.ExecutePurge(t.Context(), r.view, p.UUID, p.Fingerprint)
			if !errors.Is(err, coreshed.Conflict) || fresh.SourceBytes != bytes {
				t.Fatalf("the new plan is %+v, %v", fresh, err)
			}
			if r.purge, err = s.db.ExecutePurge(t.Context(), r.view, fresh.UUID, fresh.Fingerprint); err != nil {
				t.Fatal(err)
			}
			r.wantEnded(t, 2)
			if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) == bytes {
				t.Errorf("source bytes %v: %v", bytes, err)
			}
		}
	})
}

// TestSameBytesTwice: traps 2 and 3. The same bytes are uploaded again, to the same
// path and to another, within one tick of the clock. Each version has its own, and
// the removal of one takes nothing from the others.
func TestSameBytesTwice(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		r := removing(t, s, 1)
		body := r.stays[r.beside]
		f, err := s.db.FileByID(t.Context(), s.access, r.beside.File, 0)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.db.Reserve(t.Context(), s.access, f.Path, blob.NewPrefix())
		if err != nil {
			t.Fatal(err)
		}
		same := catalog.Target{Workspace: r.beside.Workspace, File: again.FileUUID, VersionID: again.VersionID}
		elsewhere := s.reserve(t)
		second := s.put(t, same, body)
		s.put(t, elsewhere, body)
		r.stays[same], r.stays[elsewhere] = body, body
		r.wantSound(t)
		r.purge = r.plan(t, second.ID)
		if r.purge.Planned.Versions != 1 {
			t.Errorf("planned are %+v", r.purge.Planned)
		}
		if r.purge, err = s.db.ExecutePurge(t.Context(), r.view, r.purge.UUID, r.purge.Fingerprint); err != nil {
			t.Fatal(err)
		}
		delete(r.stays, same)
		r.wantEnded(t, 1)
		if f, err = s.db.FileByID(t.Context(), s.access, r.beside.File, 0); err != nil || f.Version.VersionID != r.beside.VersionID {
			t.Errorf("the file shows %+v, %v", f.Version, err)
		}
	})
}

// TestDamagedIsNotCollected: trap 7. Nothing cleans up what a version names, be it
// damaged or its other half lost.
func TestDamagedIsNotCollected(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		s.stage(t, at, "a", random(1000))
		s.stage(t, at, "b", random(1000))
		v := s.list(t, at, "a", "b")
		extents, err := s.db.Extents(t.Context(), v.ID, 0, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.blobs.Delete(t.Context(), extents[0].Key); err != nil {
			t.Fatal(err)
		}
		for _, state := range []coreshed.ByteState{coreshed.Kept, coreshed.Missing, coreshed.ChangedOutside} {
			if err := s.db.SetState(t.Context(), v.ID, state); err != nil {
				t.Fatal(err)
			}
			s.clock.advance(10 * catalog.Grace)
			s.collect(t, catalog.Collected{})
			if !s.keys(t)[extents[1].Key] {
				t.Fatalf("the half that was left of what is %s was removed", state)
			}
		}
	})
}
