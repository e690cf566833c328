package store_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func reserve(t *testing.T, s *storetest.Shed, path string) coreshed.Reservation {
	t.Helper()
	r, err := s.DB.Reserve(t.Context(), s.Access(t, s.Editor), path, storetest.Prefix())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReservationIsInvisible(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, ctx := s.Access(t, s.Editor), t.Context()
		r := reserve(t, s, "new.csv")
		_, err := db.FileByID(ctx, a, r.FileUUID, 0)
		wantKind(t, "by id", err, coreshed.NotFound)
		_, err = db.FileByPath(ctx, a, "new.csv", 0)
		wantKind(t, "by path", err, coreshed.NotFound)
		_, n, err := db.Files(ctx, a, coreshed.Filter{}, nil, coreshed.Page{Limit: 1})
		if wantKind(t, "list", err, nil); n != 0 {
			t.Errorf("a reservation counts as %d files", n)
		}
		_, err = db.RestoreFile(ctx, a, r.FileUUID)
		wantKind(t, "restore", err, coreshed.NotFound)

		second := reserve(t, s, "NEW.csv")
		if second.FileUUID != r.FileUUID || second.VersionID <= r.VersionID {
			t.Errorf("the second upload to one path is %+v, the first %+v", second, r)
		}
	})
}

func TestRenewUpload(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, ctx := s.Access(t, s.Editor), t.Context()
		r := reserve(t, s, "d/new.csv")
		find := map[string]func(version int64) (coreshed.Reservation, error){
			"id":   func(v int64) (coreshed.Reservation, error) { return db.Reservation(ctx, a, r.FileUUID, v) },
			"path": func(v int64) (coreshed.Reservation, error) { return db.ReservationByPath(ctx, a, "D/NEW.csv", v) },
		}
		for by, renew := range find {
			got, err := renew(r.VersionID)
			wantKind(t, by, err, nil)
			if diff := cmp.Diff(r, got); diff != "" {
				t.Errorf("by %s: %s", by, diff)
			}
			_, err = renew(r.VersionID + 1)
			wantKind(t, by+" of an unknown version", err, coreshed.NotFound)
		}
		s.Commit(t, r, "x")
		for by, renew := range find {
			_, err := renew(r.VersionID)
			wantKind(t, by+" after commit", err, coreshed.Committed)
		}
		open := reserve(t, s, "d/new.csv")
		wantKind(t, "delete", db.DeleteFile(ctx, a, r.FileUUID), nil)
		_, err := find["id"](open.VersionID)
		wantKind(t, "id after delete", err, coreshed.Gone)
		_, err = find["path"](open.VersionID)
		wantKind(t, "path after delete", err, coreshed.NotFound)
		_, err = db.ReserveVersion(ctx, a, r.FileUUID, storetest.Prefix())
		wantKind(t, "new version after delete", err, coreshed.Gone)
		_, err = db.Commit(ctx, storetest.Whole(s.Workspace.UUID, open, "x"))
		wantKind(t, "commit after delete", err, coreshed.NotFound)
	})
}

func TestDeleteCancelsReservation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, ctx := s.Access(t, s.Editor), t.Context()
		r := reserve(t, s, "a.csv")
		wantKind(t, "delete", db.DeleteFile(ctx, a, r.FileUUID), nil)
		_, err := db.Commit(ctx, storetest.Whole(s.Workspace.UUID, r, "x"))
		wantKind(t, "commit", err, coreshed.NotFound)
		if again := reserve(t, s, "a.csv"); again.FileUUID == r.FileUUID {
			t.Error("a cancelled reservation was used again")
		}
		if u, err := db.Usage(ctx, s.Workspace.ID); err != nil || u != (store.Usage{}) {
			t.Errorf("usage is %+v, %v", u, err)
		}
	})
}

func TestStagedBlocks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		ctx, r := t.Context(), reserve(t, s, "a.csv")
		stage := func(id, key string, size int64) {
			t.Helper()
			wantKind(t, "stage", db.StageBlock(ctx, r.ID, coreshed.Extent{Block: id, Key: r.Prefix + "/" + key, Size: size, SHA256: []byte{1}}), nil)
		}
		stage("AAAA", "one", 10)
		stage("BBBB", "two", 20)
		stage("AAAA", "three", 5) // replaces the first
		got, err := db.Blocks(ctx, r.ID)
		wantKind(t, "blocks", err, nil)
		if diff := cmp.Diff([]coreshed.Block{{ID: "AAAA", Size: 5}, {ID: "BBBB", Size: 20}}, got); diff != "" {
			t.Error(diff)
		}
		slot, err := db.Slot(ctx, s.Workspace.UUID, r.FileUUID, r.VersionID)
		wantKind(t, "slot", err, nil)
		if slot.Upload != r.ID || slot.Blocks != 2 || slot.IDLength != 4 || slot.Used != 25 || slot.Committed {
			t.Errorf("slot is %+v", slot)
		}
		named, err := db.Named(ctx, r.Prefix)
		wantKind(t, "named", err, nil)
		if diff := cmp.Diff(map[string]bool{r.Prefix + "/one": true, r.Prefix + "/two": true, r.Prefix + "/three": true}, named); diff != "" {
			t.Error(diff)
		}
		dropped, err := db.Dropped(ctx, time.Now().Add(time.Hour), 0, 100)
		wantKind(t, "dropped", err, nil)
		if diff := cmp.Diff([]string{r.Prefix + "/one"}, dropped); diff != "" {
			t.Error(diff)
		}
	})
}

// Uploads that run side by side to one new path are versions of one file.
func TestConcurrentUploadsToOnePath(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, ctx := s.Access(t, s.Editor), t.Context()
		const uploads = 12
		var wg sync.WaitGroup
		for i := range uploads {
			wg.Go(func() {
				r, err := db.Reserve(ctx, a, "same/path.csv", storetest.Prefix())
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := db.Commit(ctx, storetest.Whole(s.Workspace.UUID, r, strconv.Itoa(i))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		f, err := db.FileByPath(ctx, a, "same/path.csv", 0)
		if err != nil {
			t.Fatal(err)
		}
		versions, err := db.Versions(ctx, a, f.ID)
		if err != nil || len(versions) != uploads || versions[0].Version.ID != f.Version.ID {
			t.Fatalf("%d versions, current %d, %v", len(versions), f.Version.ID, err)
		}
		ids := map[int64]bool{}
		for i, v := range versions {
			ids[v.Version.VersionID] = true
			if v.Version.Superseded == (i == 0) || (i > 0 && !v.Version.CreatedAt.Before(versions[i-1].Version.CreatedAt)) {
				t.Errorf("version %d of %d: %+v", i, uploads, v.Version)
			}
		}
		u, err := db.Usage(ctx, s.Workspace.ID)
		if err != nil || u.Live != 1 || len(ids) != uploads {
			t.Errorf("%d files with %d version ids, %v", u.Live, len(ids), err)
		}
	})
}

// Many files that want one address back get one each.
func TestConcurrentRestoresToOnePath(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, ctx := s.Access(t, s.Editor), t.Context()
		var files []coreshed.File
		for range 4 {
			f := s.Put(t, s.Editor, "a.csv", "x")
			wantKind(t, "delete", db.DeleteFile(ctx, a, f.UUID), nil)
			files = append(files, f)
		}
		var wg sync.WaitGroup
		for _, f := range files {
			wg.Go(func() {
				if _, err := db.RestoreFile(ctx, a, f.UUID); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		list, total, err := db.Files(ctx, a, coreshed.Filter{}, nil, coreshed.Page{Limit: 10})
		paths := map[string]bool{}
		for _, f := range list {
			paths[f.Path] = true
		}
		want := map[string]bool{"a.csv": true, "a (1).csv": true, "a (2).csv": true, "a (3).csv": true}
		if diff := cmp.Diff(want, paths); diff != "" || total != 4 || err != nil {
			t.Error(diff, total, err)
		}
	})
}
