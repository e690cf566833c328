package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestExpiredFiles: a deleted file is kept for as long as its workspace says, and
// while it is held.
func TestExpiredFiles(t *testing.T) {
	now := time.Now().Truncate(time.Microsecond)
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		var files []coreshed.File
		for i := range 4 {
			f := s.Put(t, s.Editor, fmt.Sprintf("%d.csv", i), "1")
			files = append(files, f)
			if i < 3 {
				wantIs(t, db.DeleteFile(t.Context(), s.Access(t, s.Editor), f.UUID), nil)
			}
			now = now.Add(time.Hour)
		}
		expired := func(limit int) []int64 {
			t.Helper()
			found, err := db.ExpiredFiles(t.Context(), now, limit)
			wantIs(t, err, nil)
			ids := []int64{}
			for _, f := range found {
				ids = append(ids, f.ID)
			}
			return ids
		}
		keep := func(d time.Duration) error {
			_, err := db.EditWorkspace(t.Context(), s.Access(t, s.Owner), coreshed.WorkspaceEdit{Retention: &d})
			return err
		}
		wantEqual(t, expired(10), []int64{}) // for ever
		wantIs(t, keep(-time.Second), coreshed.Invalid)
		wantIs(t, keep(time.Millisecond), coreshed.Invalid)
		wantIs(t, keep(3*time.Hour), nil)
		wantEqual(t, s.Access(t, s.Owner).Workspace.Retention, 3*time.Hour)
		wantEqual(t, expired(10), []int64{files[0].ID, files[1].ID})
		wantIs(t, keep(time.Second), nil)
		wantEqual(t, expired(10), []int64{files[0].ID, files[1].ID, files[2].ID})
		wantEqual(t, expired(2), []int64{files[0].ID, files[1].ID})

		_, made := s.Made(t, "made.tif", files[1].Version.ID)
		up := s.Hold(t, store.NewHold{Version: made, Direction: coreshed.Up})
		own := s.Hold(t, store.NewHold{File: files[0].UUID})
		wantEqual(t, expired(1), []int64{files[2].ID})
		whole := s.Hold(t, store.NewHold{Workspace: s.Workspace.UUID})
		wantEqual(t, expired(10), []int64{})
		for _, h := range []coreshed.Hold{up, own, whole} {
			_, err := db.LiftHold(t.Context(), s.View(t, s.Owner), h.ID)
			wantIs(t, err, nil)
		}
		wantEqual(t, len(expired(10)), 3)
		wantIs(t, keep(0), nil)
		wantEqual(t, expired(10), []int64{})
	})
}
