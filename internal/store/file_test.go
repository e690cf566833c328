package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// wantKind fails the test unless err is of that kind; nil wants no error.
func wantKind(t *testing.T, what string, err error, kind error) {
	t.Helper()
	if kind == nil && err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("%s: got error %v, want %v", what, err, kind)
	}
}

func TestFileIsFoundByAnySpelling(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a := s.Access(t, s.Editor)
		first := s.Put(t, s.Editor, "Drilling/Größe.CSV", "one")
		second := s.Put(t, s.Owner, "drilling/GRÖSSE.csv", "three")
		if second.UUID != first.UUID || second.Path != first.Path {
			t.Errorf("a second spelling made %v %q, the first was %v %q", second.UUID, second.Path, first.UUID, first.Path)
		}
		got, err := db.FileByPath(t.Context(), a, "DRILLING/gro\u0308sse.csv", 0)
		wantKind(t, "by path", err, nil)
		if diff := cmp.Diff(second, got); diff != "" {
			t.Error(diff)
		}
		if got.CreatedBy.Name != "Editor" || got.ModifiedBy.Name != "Owner" || got.Version.Size != 5 || got.Version.Superseded {
			t.Errorf("unexpected current version: %+v", got)
		}
		old, err := db.FileByPath(t.Context(), a, first.Path, first.Version.VersionID)
		wantKind(t, "by version", err, nil)
		if old.Version.Size != 3 || !old.Version.Superseded {
			t.Errorf("unexpected first version: %+v", old.Version)
		}
	})
}

func TestWorkspaceIsPartOfEveryLookUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, other := storetest.New(t, db), storetest.New(t, db)
		f := s.Put(t, s.Editor, "a.csv", "x")
		a, ctx := other.Access(t, other.Editor), t.Context()
		_, err := db.FileByID(ctx, a, f.UUID, 0)
		wantKind(t, "by id", err, coreshed.NotFound)
		_, err = db.FileByPath(ctx, a, f.Path, 0)
		wantKind(t, "by path", err, coreshed.NotFound)
		wantKind(t, "delete", db.DeleteFile(ctx, a, f.UUID), coreshed.NotFound)
		wantKind(t, "delete by path", db.DeleteFileByPath(ctx, a, f.Path), coreshed.NotFound)
		_, err = db.RestoreFile(ctx, a, f.UUID)
		wantKind(t, "restore", err, coreshed.NotFound)
		_, err = db.ReserveVersion(ctx, a, f.UUID, storetest.Prefix())
		wantKind(t, "reserve", err, coreshed.NotFound)
		if v, err := db.Versions(ctx, a, f.ID); err != nil || len(v) != 0 {
			t.Errorf("versions: %v, %v", v, err)
		}
		if l, n, err := db.Files(ctx, a, coreshed.Filter{}, nil, coreshed.Page{Limit: 10}); err != nil || n != 0 || len(l) != 0 {
			t.Errorf("list: %v, %d, %v", l, n, err)
		}
	})
}

func TestDeleteAndRestore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, ctx := s.Access(t, s.Editor), t.Context()
		first := s.Put(t, s.Editor, "d/points.csv", "1")
		wantKind(t, "delete", db.DeleteFile(ctx, s.Access(t, s.Owner), first.UUID), nil)
		gone, err := db.FileByID(ctx, a, first.UUID, 0)
		wantKind(t, "get deleted", err, nil)
		wantKind(t, "delete again", db.DeleteFile(ctx, a, first.UUID), nil)
		again, err := db.FileByID(ctx, a, first.UUID, 0)
		wantKind(t, "get deleted", err, nil)
		if diff := cmp.Diff(gone, again); diff != "" || gone.DeletedBy.ID != s.Owner.ID || !gone.Deleted() {
			t.Errorf("a second delete changed the first: %s%+v", diff, gone)
		}
		wantKind(t, "delete by path", db.DeleteFileByPath(ctx, a, first.Path), coreshed.NotFound)

		second := s.Put(t, s.Editor, "D/Points.csv", "22")
		if second.UUID == first.UUID {
			t.Error("a deleted file kept its address")
		}
		moved, err := db.RestoreFile(ctx, a, first.UUID)
		if wantKind(t, "restore", err, nil); !moved {
			t.Error("restored onto another file's address")
		}
		got, err := db.FileByID(ctx, a, first.UUID, 0)
		wantKind(t, "get restored", err, nil)
		if got.Path != "d/points (1).csv" || got.Deleted() || got.Version.VersionID != first.Version.VersionID ||
			!got.ModifiedAt.Equal(first.ModifiedAt) {
			t.Errorf("restored as %+v", got)
		}
		moved, err = db.RestoreFile(ctx, a, first.UUID)
		if wantKind(t, "restore live", err, nil); moved {
			t.Error("restoring a live file moved it")
		}
		u, err := db.Usage(ctx, s.Workspace.ID)
		if diff := cmp.Diff(store.Usage{Live: 2, Used: 3}, u); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

func TestNamesOfManyPeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		for _, p := range []coreshed.Person{s.Owner, s.Editor, s.Admin} {
			s.Put(t, p, strings.ToLower(p.Name)+".csv", "x")
		}
		list, _, err := db.Files(t.Context(), s.Access(t, s.Viewer), coreshed.Filter{}, nil, coreshed.Page{Limit: 10})
		wantKind(t, "list", err, nil)
		for i, want := range []coreshed.Person{s.Owner, s.Editor, s.Admin} {
			if list[i].CreatedBy != want || list[i].ModifiedBy != want {
				t.Errorf("file %d is by %v and %v, want %v", i, list[i].CreatedBy, list[i].ModifiedBy, want)
			}
		}
	})
}

func TestUnknownFile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, ctx := s.Access(t, s.Editor), t.Context()
		_, err := db.FileByID(ctx, a, uuid.New(), 0)
		wantKind(t, "get", err, coreshed.NotFound)
		wantKind(t, "delete", db.DeleteFile(ctx, a, uuid.New()), coreshed.NotFound)
		f := s.Put(t, s.Editor, "a", "x")
		_, err = db.FileByID(ctx, a, f.UUID, f.Version.VersionID+1)
		wantKind(t, "get unknown version", err, coreshed.NotFound)
	})
}

// A clock that stands still, or goes back, must not make times or ids repeat.
func TestTimesOnlyGrow(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678900, time.UTC)
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		var last coreshed.File
		for i := range 3 {
			f := s.Put(t, s.Editor, "a.csv", strings.Repeat("x", i))
			if i > 0 && (!f.Version.CreatedAt.After(last.Version.CreatedAt) || f.Version.VersionID <= last.Version.VersionID ||
				f.Version.ID <= last.Version.ID || !f.ModifiedAt.Equal(f.Version.CreatedAt)) {
				t.Errorf("version %d is %+v after %+v", i, f, last)
			}
			last = f
			now = now.Add(-time.Hour)
		}
	})
}

// The longest path, of characters that no index can compress, is a path like
// any other on both databases.
func TestLongestPath(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		var b strings.Builder
		for i := range coreshed.MaxPathLength {
			if i%100 == 99 {
				b.WriteByte('/')
				continue
			}
			b.WriteRune(rune(0x20000 + (i*7919)%40000))
		}
		path := b.String()
		put := s.Put(t, s.Editor, path, "x")
		got, err := db.FileByPath(t.Context(), s.Access(t, s.Viewer), path, 0)
		if err != nil || got.UUID != put.UUID {
			t.Errorf("got %v, %v", got.UUID, err)
		}
		if again := s.Put(t, s.Editor, path, "y"); again.UUID != put.UUID {
			t.Error("the second version is another file")
		}
	})
}
