package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// broken returns the checks that find something, and of which rows.
func broken(t *testing.T, db *store.DB) map[string][]int64 {
	t.Helper()
	list, err := db.Check(t.Context())
	must(t, err)
	rows := map[string][]int64{}
	for _, f := range list {
		rows[f.Check] = append(rows[f.Check], f.ID)
		slices.Sort(rows[f.Check])
	}
	return rows
}

// What went before a hold, or after it, is nothing to find; what went meanwhile is.
func TestCheckFindsWhatWentWhileHeld(t *testing.T) {
	at := &clock{now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	storetest.EachAt(t, at.Now, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view := s.View(t, s.Owner)
		later := func() { at.now = at.now.Add(time.Hour) }
		purge := func(version int64) {
			t.Helper()
			later()
			p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{version}, Scope: coreshed.PurgeLineage, Reason: "sold"})
			must(t, err)
			p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
			must(t, err)
			drain(t, db, p.ID)
			later()
		}
		before := s.Put(t, s.Owner, "before.csv", "0")
		purge(before.Version.ID)
		files := []coreshed.File{s.Put(t, s.Owner, "a.csv", "1"), s.Put(t, s.Owner, "b.csv", "2"), s.Put(t, s.Owner, "c.csv", "3")}
		holds := []coreshed.Hold{
			s.Hold(t, store.NewHold{Version: files[0].Version.ID, Until: at.now.Add(2 * time.Hour)}),
			s.Hold(t, store.NewHold{File: files[1].UUID}),
			s.Hold(t, store.NewHold{Workspace: s.Workspace.UUID}),
		}
		later()
		later()
		for _, h := range holds[1:] {
			_, err := db.LiftHold(t.Context(), view, h.ID)
			must(t, err)
		}
		for _, f := range files {
			purge(f.Version.ID)
		}
		wantEqual(t, broken(t, db), map[string][]int64{})

		// As if none of them had ended.
		for i, want := range [][]int64{
			{files[0].Version.ID}, {files[1].Version.ID}, {files[0].Version.ID, files[1].Version.ID, files[2].Version.ID},
		} {
			must(t, db.Exec(t.Context(), `UPDATE holds SET lifted_at = NULL, until_at = NULL WHERE id = $1`, holds[i].ID))
			wantEqual(t, broken(t, db), map[string][]int64{"holds": want})
			must(t, db.Exec(t.Context(), `UPDATE holds SET lifted_at = created_at WHERE id = $1`, holds[i].ID))
		}
		must(t, db.Exec(t.Context(), `UPDATE tombstones SET item_id = -item_id WHERE item_id = $1 AND kind = 0`, files[0].Version.ID))
		must(t, db.Exec(t.Context(), `DELETE FROM tombstones WHERE file_uuid = $1 AND kind = 3`, files[1].UUID.String()))
		wantEqual(t, broken(t, db), map[string][]int64{"held": {holds[0].ID}, "held file": {holds[1].ID}})
	})
}

// The counters of a purge, which are all that is read while it runs, are the sums of
// its set at each step; one that is not is found.
func TestCheckCountsPurges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view := s.View(t, s.Owner)
		source := s.Put(t, s.Owner, "a.csv", "one").Version.ID
		_, made := s.Made(t, "b.csv", source)
		p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{source}, Scope: coreshed.PurgeLineage})
		must(t, err)
		p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		must(t, err)
		l := store.Lease{Name: "purge", Holder: "test"}
		_, err = db.Lease(t.Context(), l.Name, l.Holder, time.Hour)
		must(t, err)
		counts := func(errors, versions int64) {
			t.Helper()
			got, err := db.Purge(t.Context(), view, p.UUID)
			must(t, err)
			wantEqual(t, []int64{got.Errors, got.Removed.Versions}, []int64{errors, versions})
			wantEqual(t, broken(t, db), map[string][]int64{})
		}
		must(t, db.FailPurged(t.Context(), l, p.ID, map[int64]string{source: "busy", made: "busy"}))
		must(t, db.FailPurged(t.Context(), l, p.ID, map[int64]string{source: "busy still"}))
		counts(2, 0)
		must(t, db.RemovePurged(t.Context(), l, p.ID, []int64{made}))
		must(t, db.RemovePurged(t.Context(), l, p.ID, []int64{made}))
		counts(1, 1)
		drain(t, db, p.ID)
		counts(0, 2)
		for _, counter := range []string{"sources_gone", "products_gone", "runs_gone", "recipes_gone", "bytes_gone"} {
			must(t, db.Exec(t.Context(), `UPDATE purges SET `+counter+` = `+counter+` + 1 WHERE id = $1`, p.ID))
			wantEqual(t, broken(t, db), map[string][]int64{"purge": {p.ID}})
			must(t, db.Exec(t.Context(), `UPDATE purges SET `+counter+` = `+counter+` - 1 WHERE id = $1`, p.ID))
		}
	})
}
