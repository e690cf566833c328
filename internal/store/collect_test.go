package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestExpireUploads(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, ctx := s.Access(t, s.Editor), t.Context()
		kept := s.Put(t, s.Editor, "kept.csv", "x")
		old, onKept := reserve(t, s, "old.csv"), reserve(t, s, "kept.csv")
		stage(t, db, old, "AAAA", 5)
		now = now.Add(time.Hour)
		young := reserve(t, s, "young.csv")
		stage(t, db, onKept, "BBBB", 7) // a new block makes an upload young again

		n, err := db.ExpireUploads(ctx, now, 10)
		if n != 1 || err != nil {
			t.Fatalf("expired %d, %v", n, err)
		}
		_, err = db.Reservation(ctx, a, old.FileUUID, old.VersionID)
		wantKind(t, "old upload", err, coreshed.NotFound)
		wantKind(t, "file of it", db.DeleteFile(ctx, a, old.FileUUID), coreshed.NotFound)
		for what, r := range map[string]coreshed.Reservation{"young": young, "on kept": onKept} {
			_, err := db.Reservation(ctx, a, r.FileUUID, r.VersionID)
			wantKind(t, what, err, nil)
		}
		dropped, err := db.Dropped(ctx, now.Add(time.Second), 0, 10)
		if diff := cmp.Diff([]string{old.Prefix + "/AAAA"}, dropped); diff != "" || err != nil {
			t.Error(diff, err)
		}
		wantKind(t, "forget", db.Forget(ctx, dropped), nil)
		if dropped, err = db.Dropped(ctx, now.Add(time.Second), 0, 10); len(dropped) != 0 || err != nil {
			t.Errorf("still dropped: %v, %v", dropped, err)
		}
		u, err := db.Usage(ctx, s.Workspace.ID)
		if diff := cmp.Diff(store.Usage{Live: 1, Used: 1, Staged: 7}, u); diff != "" || err != nil {
			t.Error(diff, err)
		}
		n, err = db.ExpireUploads(ctx, now.Add(time.Hour), 10)
		if n != 2 || err != nil {
			t.Errorf("expired %d, %v", n, err)
		}
		_, err = db.FileByID(ctx, a, kept.UUID, 0)
		wantKind(t, "kept file", err, nil)
	})
}

func TestHashesAndState(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		ctx, r := t.Context(), reserve(t, s, "a.csv")
		stage(t, db, r, "AAAA", 3)
		v, err := db.Commit(ctx, blockList(s, r, "AAAA"))
		wantKind(t, "commit", err, nil)
		got, err := db.Unhashed(ctx, v.ID-1, nil)
		if wantKind(t, "unhashed", err, nil); got.Version.ID != v.ID || got.Version.Size != 3 {
			t.Errorf("unhashed: %+v", got)
		}
		wantKind(t, "set hashes", db.SetHashes(ctx, v.ID, []byte{1}, []byte{2}), nil)
		_, err = db.Unhashed(ctx, v.ID-1, nil)
		wantKind(t, "unhashed", err, coreshed.NotFound)
		wantKind(t, "set state", db.SetState(ctx, v.ID, coreshed.Missing), nil)
		f, err := db.FileByPath(ctx, s.Access(t, s.Viewer), "a.csv", 0)
		wantKind(t, "get", err, nil)
		if f.Version.State != coreshed.Missing || f.Version.SHA256[0] != 1 || f.Version.MD5[0] != 2 {
			t.Errorf("version is %+v", f.Version)
		}
	})
}
