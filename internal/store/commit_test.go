package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func stage(t *testing.T, db *store.DB, r coreshed.Reservation, id string, size int64) {
	t.Helper()
	e := coreshed.Extent{Block: id, Key: r.Prefix + "/" + id, Size: size, SHA256: []byte(id)}
	if err := db.StageBlock(t.Context(), r.ID, e); err != nil {
		t.Fatal(err)
	}
}

func blockList(s *storetest.Shed, r coreshed.Reservation, ids ...string) store.Commit {
	return store.Commit{
		Workspace: s.Workspace.UUID, File: r.FileUUID, VersionID: r.VersionID,
		Blocks: ids, ETag: `"0x1"`, Hash: []byte(fmt.Sprint(ids)),
	}
}

func TestCommitBlocks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		ctx, r := t.Context(), reserve(t, s, "a.csv")
		for i, id := range []string{"AAAA", "BBBB", "CCCC"} {
			stage(t, db, r, id, int64(10*(i+1)))
		}
		if _, err := db.Commit(ctx, blockList(s, r, "AAAA", "DDDD")); !errors.Is(err, store.ErrUnknownBlock) {
			t.Errorf("a list with an unknown block: %v", err)
		}
		// The order is the caller's, and a block may come twice.
		v, err := db.Commit(ctx, blockList(s, r, "CCCC", "AAAA", "CCCC"))
		wantKind(t, "commit", err, nil)
		if v.Size != 70 || v.SHA256 != nil {
			t.Errorf("version is %+v", v)
		}
		extents, err := db.Extents(ctx, v.ID, 0, 10)
		wantKind(t, "extents", err, nil)
		want := []coreshed.Extent{
			{Block: "CCCC", Offset: 0, Size: 30, Key: r.Prefix + "/CCCC", SHA256: []byte("CCCC")},
			{Block: "AAAA", Offset: 30, Size: 10, Key: r.Prefix + "/AAAA", SHA256: []byte("AAAA")},
			{Block: "CCCC", Offset: 40, Size: 30, Key: r.Prefix + "/CCCC", SHA256: []byte("CCCC")},
		}
		if diff := cmp.Diff(want, extents); diff != "" {
			t.Error(diff)
		}
		for offset, first := range map[int64]int{0: 0, 29: 0, 30: 1, 39: 1, 40: 2, 69: 2} {
			got, err := db.Extents(ctx, v.ID, offset, 10)
			if diff := cmp.Diff(want[first:], got); diff != "" || err != nil {
				t.Errorf("from %d: %s %v", offset, diff, err)
			}
		}
		u, err := db.Usage(ctx, s.Workspace.ID)
		if diff := cmp.Diff(store.Usage{Live: 1, Used: 70}, u); diff != "" || err != nil {
			t.Error(diff, err)
		}
		dropped, err := db.Dropped(ctx, v.CreatedAt.AddDate(1, 0, 0), 0, 10)
		if diff := cmp.Diff([]string{r.Prefix + "/BBBB"}, dropped); diff != "" || err != nil {
			t.Error(diff, err)
		}
		wantKind(t, "stage after commit", db.StageBlock(ctx, r.ID, coreshed.Extent{Block: "EEEE", Size: 1, Key: "k", SHA256: []byte{1}}), coreshed.NotFound)
	})
}

func TestCommitManyBlocks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		r := reserve(t, s, "a.csv")
		var ids []string
		for i := range 250 { // more than one INSERT takes
			ids = append(ids, fmt.Sprintf("%04d", i))
			stage(t, db, r, ids[i], 2)
		}
		v, err := db.Commit(t.Context(), blockList(s, r, ids...))
		if err != nil || v.Size != 500 {
			t.Fatal(v.Size, err)
		}
		blocks, err := db.CommittedBlocks(t.Context(), v.ID)
		if err != nil || len(blocks) != len(ids) || blocks[249].ID != "0249" {
			t.Errorf("%d blocks, %v", len(blocks), err)
		}
	})
}

func TestRepeatedCommit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		ctx, r := t.Context(), reserve(t, s, "a.csv")
		first, err := db.Commit(ctx, storetest.Whole(s.Workspace.UUID, r, "content"))
		wantKind(t, "commit", err, nil)
		repeat := storetest.Whole(s.Workspace.UUID, r, "content")
		again, err := db.Commit(ctx, repeat)
		wantKind(t, "repeat", err, nil)
		if again.ID != first.ID || again.ETag != first.ETag || !again.CreatedAt.Equal(first.CreatedAt) {
			t.Errorf("the repeat made %+v of %+v", again, first)
		}
		other := storetest.Whole(s.Workspace.UUID, r, "other")
		if _, err := db.Commit(ctx, other); !errors.Is(err, store.ErrOtherCommit) {
			t.Errorf("another commit: %v", err)
		}
		dropped, err := db.Dropped(ctx, first.CreatedAt.AddDate(1, 0, 0), 0, 10)
		wantKind(t, "dropped", err, nil)
		if diff := cmp.Diff([]string{repeat.Whole.Key}, dropped); diff != "" {
			t.Error(diff)
		}
		if u, err := db.Usage(ctx, s.Workspace.ID); err != nil || u != (store.Usage{Live: 1, Used: 7}) {
			t.Errorf("usage is %+v, %v", u, err)
		}
	})
}

func TestCommitEmpty(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		for path, commit := range map[string]func(coreshed.Reservation) store.Commit{
			"whole":  func(r coreshed.Reservation) store.Commit { return storetest.Whole(s.Workspace.UUID, r, "") },
			"blocks": func(r coreshed.Reservation) store.Commit { return blockList(s, r) },
		} {
			v, err := db.Commit(t.Context(), commit(reserve(t, s, path)))
			wantKind(t, path, err, nil)
			extents, err := db.Extents(t.Context(), v.ID, 0, 10)
			if v.Size != 0 || len(extents) != 0 || err != nil {
				t.Errorf("%s: %+v, %v, %v", path, v, extents, err)
			}
		}
	})
}

// The version that is committed last is the current one, whichever was
// reserved first.
func TestOverlappingUploads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		early, late := reserve(t, s, "a.csv"), reserve(t, s, "a.csv")
		s.Commit(t, late, "late")
		s.Commit(t, early, "early!")
		a := s.Access(t, s.Viewer)
		f, err := db.FileByPath(t.Context(), a, "a.csv", 0)
		wantKind(t, "get", err, nil)
		versions, err := db.Versions(t.Context(), a, f.ID)
		wantKind(t, "versions", err, nil)
		if f.Version.VersionID != early.VersionID || len(versions) != 2 || versions[0].Version.VersionID != early.VersionID ||
			!versions[1].Version.Superseded {
			t.Errorf("current %+v of %+v", f.Version, versions)
		}
	})
}

// A file whose address was taken between its upload and its commit keeps its
// bytes and gets a number.
func TestCommitWhenAddressIsTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, ctx := s.Access(t, s.Editor), t.Context()
		old := s.Put(t, s.Editor, "a.csv", "old")
		wantKind(t, "delete", db.DeleteFile(ctx, a, old.UUID), nil)
		r := reserve(t, s, "a.csv")
		moved, err := db.RestoreFile(ctx, a, old.UUID)
		if wantKind(t, "restore", err, nil); moved {
			t.Error("a reservation held the address")
		}
		s.Commit(t, r, "new")
		f, err := db.FileByID(ctx, a, r.FileUUID, 0)
		if err != nil || f.Path != "a (1).csv" {
			t.Errorf("%q, %v", f.Path, err)
		}
	})
}

// TestQuotaHolds against uploads that each had room when they began, and
// against a list that has more bytes than its blocks.
func TestQuotaHolds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.New(t, db), t.Context()
		quota := int64(100)
		_, err := db.EditWorkspace(ctx, s.Access(t, s.Admin), coreshed.WorkspaceEdit{Quota: &quota})
		wantKind(t, "quota", err, nil)
		r := reserve(t, s, "a.csv")
		stage(t, db, r, "AAAA", 60)
		err = db.StageBlock(ctx, r.ID, coreshed.Extent{Block: "BBBB", Size: 41, Key: "k", SHA256: []byte{1}})
		wantKind(t, "a block too many", err, coreshed.Full)
		_, err = db.Commit(ctx, storetest.Whole(s.Workspace.UUID, reserve(t, s, "b.csv"), strings.Repeat("x", 41)))
		wantKind(t, "a blob too many", err, coreshed.Full)
		_, err = db.Commit(ctx, blockList(s, r, "AAAA", "AAAA"))
		wantKind(t, "a list of more than was staged", err, coreshed.Full)
		wantUsage := func(want store.Usage) {
			t.Helper()
			if got, err := db.Usage(ctx, s.Workspace.ID); got != want || err != nil {
				t.Errorf("%+v, %v, want %+v", got, err, want)
			}
		}
		wantUsage(store.Usage{Staged: 60, Quota: 100})
		stage(t, db, r, "BBBB", 40)
		quota = 50 // a quota that was lowered does not keep what is staged from its commit
		_, err = db.EditWorkspace(ctx, s.Access(t, s.Admin), coreshed.WorkspaceEdit{Quota: &quota})
		wantKind(t, "quota", err, nil)
		_, err = db.Commit(ctx, blockList(s, r, "AAAA", "BBBB"))
		wantKind(t, "a list of what was staged", err, nil)
		wantUsage(store.Usage{Live: 1, Used: 100, Quota: 50})
	})
}

// A file that has to take a numbered path takes it although an upload that
// nobody sees wants that path, too.
func TestCommitToReservedNumber(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a := s.Access(t, s.Editor)
		first := s.Put(t, s.Editor, "a.csv", "x")
		wantKind(t, "delete", db.DeleteFile(t.Context(), a, first.UUID), nil)
		second, other := reserve(t, s, "a.csv"), reserve(t, s, "a (1).csv")
		_, err := db.RestoreFile(t.Context(), a, first.UUID)
		wantKind(t, "restore", err, nil)
		s.Commit(t, second, "y")
		s.Commit(t, other, "z")
		for path, want := range map[string]coreshed.UUID{
			"a.csv": first.UUID, "a (1).csv": second.FileUUID, "a (1) (1).csv": other.FileUUID,
		} {
			got, err := db.FileByPath(t.Context(), a, path, 0)
			if err != nil || got.UUID != want {
				t.Errorf("%s is %v, %v; want %v", path, got.UUID, err, want)
			}
		}
	})
}
