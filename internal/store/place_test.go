package store_test

import (
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

var found = time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.UTC)

func at(path string) store.Place { return store.Place{Path: path, Size: 5, Modified: found} }

func register(t *testing.T, s *storetest.Shed, p store.Place) store.Registered {
	t.Helper()
	r, err := s.DB.AddInPlace(t.Context(), s.Access(t, s.Editor), p)
	if err != nil {
		t.Fatalf("AddInPlace %q: %v", p.Path, err)
	}
	return r
}

func version(t *testing.T, s *storetest.Shed, r store.Registered) coreshed.File {
	t.Helper()
	f, err := s.DB.FileByID(t.Context(), s.Access(t, s.Viewer), r.File, r.VersionID)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAddInPlace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		p := at("/survey//Nord 1.las")
		p.Tags = []string{"b", "a", "b"}
		r := register(t, s, p)
		view, err := db.View(t.Context(), coreshed.Actor{ID: s.Viewer.ID}, s.Org.ID)
		if err != nil {
			t.Fatal(err)
		}
		got, err := db.Entry(t.Context(), view, r.Version)
		if err != nil {
			t.Fatal(err)
		}
		want := coreshed.Entry{
			Version: coreshed.Version{
				ID: r.Version, VersionID: r.VersionID, Size: 5, State: coreshed.InPlace,
				Headers: coreshed.BlobHeaders{ContentType: coreshed.MediaType("x.las")},
			},
			FileUUID: r.File, Path: "survey/Nord 1.las", Type: coreshed.Source, Name: "Nord 1.las",
			MediaType: coreshed.MediaType("x.las"), StoragePath: "/survey//Nord 1.las",
		}
		want.Tags = []string{"a", "b"}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(coreshed.Entry{}, "Workspace", "ModifiedAt"),
			cmpopts.IgnoreFields(coreshed.Version{}, "ETag", "CreatedAt"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("entry (-want +got):\n%s", diff)
		}
		f := version(t, s, r)
		if f.Path != r.Path || f.CreatedBy.ID != s.Editor.ID || !f.CreatedAt.Equal(f.Version.CreatedAt) {
			t.Errorf("file %+v of %+v", f, r)
		}
	})
}

// TestAddInPlaceAgain registers what is there already.
func TestAddInPlaceAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		sum := sha256.Sum256([]byte("depth"))
		first := register(t, s, at("a.las"))
		first.Added = false
		hashed, touched := at("a.las"), at("a.las")
		hashed.SHA256 = sum[:]
		touched.SHA256, touched.Modified = sum[:], found.Add(time.Hour)
		for name, p := range map[string]store.Place{"the same": at("a.las"), "with its hash": hashed} {
			if diff := cmp.Diff(first, register(t, s, p)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if diff := cmp.Diff(first, register(t, s, touched)); diff != "" {
			t.Errorf("of another time and the same hash (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(sum[:], version(t, s, first).Version.SHA256); diff != "" {
			t.Errorf("SHA-256 (-want +got):\n%s", diff)
		}
		if err := db.SetState(t.Context(), first.Version, coreshed.Missing); err != nil {
			t.Fatal(err)
		}
		register(t, s, touched)
		if state := version(t, s, first).Version.State; state != coreshed.InPlace {
			t.Errorf("found again, it is %s", state)
		}
	})
}

// TestAddInPlaceChanged finds other bytes at the same path.
func TestAddInPlaceChanged(t *testing.T) {
	larger, later, etag, hashed := at("a.las"), at("a.las"), at("a.las"), at("a.las")
	larger.Size, later.Modified, etag.ETag, hashed.SHA256 = 6, found.Add(time.Nanosecond), "e2", make([]byte, 32)
	before := at("a.las")
	sum := sha256.Sum256([]byte("depth"))
	before.SHA256 = sum[:]
	for name, change := range map[string]store.Place{"size": larger, "time": later, "ETag": etag, "SHA-256": hashed} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				s := storetest.New(t, db)
				one := register(t, s, before)
				two := register(t, s, change)
				if two.File != one.File || two.VersionID <= one.VersionID || !two.Added {
					t.Errorf("%+v after %+v", two, one)
				}
				if v := version(t, s, one).Version; v.State != coreshed.ChangedOutside || !v.Superseded {
					t.Errorf("the version before is %s, superseded %v", v.State, v.Superseded)
				}
				f, err := db.FileByPath(t.Context(), s.Access(t, s.Viewer), "a.las", 0)
				if err != nil || f.Version.ID != two.Version || f.Version.State != coreshed.InPlace {
					t.Errorf("the current version is %+v, %v", f.Version, err)
				}
			})
		})
	}
}

// TestAddInPlaceTaken keeps a file that arrives where another has its address.
func TestAddInPlaceTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a := s.Access(t, s.Editor)
		s.Put(t, s.Editor, "Hole.las", "uploaded")
		if _, err := db.Reserve(t.Context(), a, "other.las", storetest.Prefix()); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, path := range []string{"hole.las", "HOLE.las", "//hole.las", "other.las"} {
			got[path] = register(t, s, at(path)).Path
		}
		want := map[string]string{"hole.las": "hole (1).las", "HOLE.las": "HOLE (2).las", "//hole.las": "hole (3).las", "other.las": "other.las"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("addresses (-want +got):\n%s", diff)
		}
		for path, address := range want {
			if r := register(t, s, at(path)); r.Added || r.Path != address {
				t.Errorf("again %q = %+v", path, r)
			}
		}
	})
}

func TestAddInPlaceInvalid(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		for _, path := range []string{"", "a/../b", "x\xff.las", "new\nline", "a/"} {
			if _, err := db.AddInPlace(t.Context(), s.Access(t, s.Editor), at(path)); !errors.Is(err, coreshed.InvalidPath) {
				t.Errorf("AddInPlace %q = %v, want InvalidPath", path, err)
			}
		}
	})
}

// TestAddInPlaceDeleted does not bring back what was deleted.
func TestAddInPlaceDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a := s.Access(t, s.Editor)
		one := register(t, s, at("a.las"))
		if err := db.DeleteFile(t.Context(), a, one.File); err != nil {
			t.Fatal(err)
		}
		if _, err := db.AddInPlace(t.Context(), a, at("a.las")); !errors.Is(err, coreshed.Gone) {
			t.Errorf("AddInPlace of what was deleted = %v, want Gone", err)
		}
		changed := at("a.las")
		changed.Size = 6
		two := register(t, s, changed)
		if two.File == one.File || two.Path != "a.las" {
			t.Errorf("changed, it is %+v", two)
		}
		if state := version(t, s, one).Version.State; state != coreshed.ChangedOutside {
			t.Errorf("the deleted version is %s", state)
		}
	})
}

// TestAddInPlaceTogether registers the same places from many sides.
func TestAddInPlaceTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, err := db.OwnAccess(t.Context(), s.Workspace.ID)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for _, path := range []string{"a.las", "b.las", "c.las", "A.las"} {
					if _, err := db.AddInPlace(t.Context(), a, at(path)); err != nil {
						t.Errorf("AddInPlace %q: %v", path, err)
					}
				}
			})
		}
		wg.Wait()
		files, total, err := db.Files(t.Context(), s.Access(t, s.Viewer), coreshed.Filter{}, nil, coreshed.Page{Limit: 100})
		if err != nil || total != 4 || len(files) != 4 {
			t.Errorf("%d files, total %d, %v; want 4", len(files), total, err)
		}
		for _, f := range files {
			if v, err := db.Versions(t.Context(), s.Access(t, s.Viewer), f.ID); err != nil || len(v) != 1 {
				t.Errorf("%s has %d versions, %v", f.Path, len(v), err)
			}
		}
	})
}
