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

// TestPurgeExpired: what is over goes with its bytes' row, its names and its place
// in lists; what was made from it, what is held and what was restored stay.
func TestPurgeExpired(t *testing.T) {
	at := &clock{now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	storetest.EachAt(t, at.Now, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view := s.View(t, s.Admin)
		week := 7 * 24 * time.Hour
		_, err := db.EditWorkspace(t.Context(), s.Access(t, s.Owner), coreshed.WorkspaceEdit{Retention: &week})
		must(t, err)
		files := map[string]coreshed.File{}
		for _, name := range []string{"gone.csv", "held.csv", "restored.csv", "young.csv", "live.csv"} {
			files[name] = s.Put(t, s.Editor, name, "1")
		}
		run, made := s.Made(t, "made.tif", files["gone.csv"].Version.ID)
		remove := func(name string) { must(t, db.DeleteFile(t.Context(), s.Access(t, s.Editor), files[name].UUID)) }
		restore := func(name string) error {
			_, err := db.RestoreFile(t.Context(), s.Access(t, s.Editor), files[name].UUID)
			return err
		}
		for _, name := range []string{"gone.csv", "held.csv", "restored.csv"} {
			remove(name)
		}
		hold := s.Hold(t, store.NewHold{Version: files["held.csv"].Version.ID})
		at.now = at.now.Add(week - time.Second)
		remove("young.csv")
		l := store.Lease{Name: "collect", Holder: "test"}
		collect := func() int {
			t.Helper()
			mine, err := db.Lease(t.Context(), l.Name, l.Holder, time.Hour)
			if must(t, err); !mine {
				t.Fatal("no lease")
			}
			n, err := db.PurgeExpired(t.Context(), l, 10)
			must(t, err)
			return n
		}
		wantEqual(t, collect(), 0)
		must(t, restore("restored.csv"))
		at.now = at.now.Add(time.Minute)
		wantEqual(t, collect(), 1)
		wantEqual(t, collect(), 0) // it is marked
		wantIs(t, restore("gone.csv"), coreshed.Conflict)
		_, err = db.AddHold(t.Context(), view, store.NewHold{File: files["gone.csv"].UUID, Reason: "too late"})
		wantIs(t, err, coreshed.Conflict)

		purges, err := db.Purges(t.Context(), view, 0, 10)
		must(t, err)
		if len(purges) != 1 || purges[0].Scope != coreshed.PurgeDeleted || purges[0].Planned.Versions != 1 || purges[0].Planned.Runs != 0 {
			t.Fatalf("purges %+v", purges)
		}
		drain(t, db, purges[0].ID)
		_, err = db.Entry(t.Context(), view, files["gone.csv"].Version.ID)
		wantIs(t, err, coreshed.NotFound)
		_, err = db.Entry(t.Context(), view, made)
		must(t, err)
		_, err = db.Run(t.Context(), view, run.ID)
		must(t, err)
		wantIs(t, restore("gone.csv"), coreshed.Gone)
		wantEqual(t, broken(t, db), map[string][]int64{})

		a := newAuditor(t, db)
		a.sequence(1000)
		a.wantWhole("")
		entries, err := db.AuditEntries(t.Context(), view, store.AuditFilter{Actor: "server", Kind: coreshed.AuditPurge}, 10)
		must(t, err)
		wantEqual(t, len(entries), 3) // plan, execution and end

		_, err = db.LiftHold(t.Context(), s.View(t, s.Owner), hold.ID)
		must(t, err)
		wantEqual(t, collect(), 1)
		at.now = at.now.Add(week)
		wantEqual(t, collect(), 1) // young.csv
		wantEqual(t, collect(), 0)
	})
}
