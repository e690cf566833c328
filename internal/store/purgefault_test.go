package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// breakTable lets every change of one kind in a table fail, and returns what mends
// it.
func breakTable(t *testing.T, db *store.DB, change, table string) (mend func()) {
	t.Helper()
	run := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			must(t, db.Exec(t.Context(), s))
		}
	}
	if strings.HasSuffix(t.Name(), "/postgres") {
		run(`CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''broken''; END'`,
			`CREATE TRIGGER broken BEFORE `+change+` ON `+table+` EXECUTE FUNCTION broken()`)
		return func() { run(`DROP TRIGGER broken ON `+table, `DROP FUNCTION broken()`) }
	}
	run(`CREATE TRIGGER broken BEFORE ` + change + ` ON ` + table + ` BEGIN SELECT RAISE(ABORT, 'broken'); END`)
	return func() { run(`DROP TRIGGER broken`) }
}

// purgeable is a source of which a run has made something in a recipe, and which
// another waits to read, for a purge of 2 versions, 2 runs and 1 recipe.
func purgeable(t *testing.T, s *storetest.Shed, path string, also int64) store.NewPurge {
	t.Helper()
	source := s.Put(t, s.Owner, path+"/source.tif", "source").Version.ID
	recipe, _, err := s.DB.RecordRecipe(t.Context(), s.View(t, s.Editor), s.Workspace.ID, store.NewRecipe{
		Type: store.NewRecipeType{Name: "tiles"}, Inputs: []coreshed.Input{{Name: "IN", Version: coreshed.Ref{ID: source}}},
	})
	must(t, err)
	n := storetest.NewRun(source, also)
	n.Recipe, n.Node = recipe.ID, "a"
	run := s.Record(t, n)
	s.Upload(t, run.ID, path+"/made.tif", "made")
	s.End(t, run.ID, coreshed.Completed)
	waits := storetest.NewRun(source)
	waits.Start = nil
	s.Record(t, waits)
	return store.NewPurge{Versions: []int64{source}, Scope: coreshed.PurgeRecipe, Reason: "sold"}
}

// TestPurgeStatementFails: a statement in the middle of a step fails. The step has
// done nothing, and does all of it when it is repeated.
func TestPurgeStatementFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view, stays := s.View(t, s.Owner), s.Put(t, s.Owner, "stays.tif", "stays").Version.ID
		for n, broken := range []string{
			"UPDATE workspaces", "UPDATE purges", "INSERT tombstones", "INSERT tombstone_edges", "DELETE job_inputs", "DELETE ancestry",
			"DELETE extents", "DELETE versions", "UPDATE purge_items", "UPDATE audit_details", "DELETE files", "DELETE job_exes",
			"DELETE queue", "DELETE recipe_nodes", "DELETE jobs", "DELETE recipe_inputs", "DELETE recipes", "DELETE purging", "INSERT audit_entries",
		} {
			p, err := db.PlanPurge(t.Context(), view, purgeable(t, s, fmt.Sprint(n), stays))
			must(t, err)
			p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
			must(t, err)
			change, table, _ := strings.Cut(broken, " ")
			mend := breakTable(t, db, change, table)
			err = work(t, db, p.ID)
			failed, told := db.Purge(t.Context(), view, p.UUID)
			mend()
			if !errors.Is(err, coreshed.StoreFailed) || told != nil || failed.Status != coreshed.PurgeRunning {
				t.Errorf("%s: %v; the purge is %+v, %v", broken, err, failed, told)
			}
			wantSound(t, db)
			drain(t, db, p.ID)
			p, err = db.Purge(t.Context(), view, p.UUID)
			want := coreshed.PurgeTotals{Versions: 2, Sources: 1, Products: 1, Runs: 2, Recipes: 1, Bytes: 10}
			if err != nil || p.Status != coreshed.PurgeDone || p.Removed != want || p.Planned != want {
				t.Errorf("%s: in the end %v, %+v", broken, err, p)
			}
			wantSound(t, db)
		}
		if u, err := db.Usage(t.Context(), s.Workspace.ID); err != nil || u != (store.Usage{Live: 1, Used: 5}) {
			t.Errorf("left are %+v, %v", u, err)
		}
	})
}

// TestPurgeMarkFails: a statement of a plan or an execution fails. Nothing is
// planned then, and nothing marked.
func TestPurgeMarkFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view, stays := s.View(t, s.Owner), s.Put(t, s.Owner, "stays.tif", "stays").Version.ID
		ask := purgeable(t, s, "a", stays)
		p, err := db.PlanPurge(t.Context(), view, ask)
		must(t, err)
		for _, broken := range []string{"INSERT purges", "INSERT purge_items", "UPDATE purges", "INSERT audit_entries", "INSERT purging"} {
			change, table, _ := strings.Cut(broken, " ")
			mend := breakTable(t, db, change, table)
			_, planned := db.PlanPurge(t.Context(), view, ask)
			_, executed := db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
			mend()
			if !errors.Is(executed, coreshed.StoreFailed) || table != "purging" && !errors.Is(planned, coreshed.StoreFailed) {
				t.Errorf("%s: planned %v, executed %v", broken, planned, executed)
			}
			if got, err := db.Purge(t.Context(), view, p.UUID); err != nil || got.Status != coreshed.PurgePlanned {
				t.Errorf("%s: %v, %+v", broken, err, got)
			}
			if marked := s.Entry(t, ask.Versions[0]); marked.Version.State != coreshed.Kept {
				t.Errorf("%s: the source is %s", broken, marked.Version.State)
			}
			s.Hold(t, store.NewHold{Version: stays}) // which is not marked
		}
		list, err := db.Purges(t.Context(), view, 0, 10)
		if err != nil || len(list) != 2 { // the one that only its execution could not begin
			t.Errorf("%d purges are there, %v", len(list), err)
		}
		p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		must(t, err)
		drain(t, db, p.ID)
		wantSound(t, db)
	})
}

// wantSound wants no row to break an invariant.
func wantSound(t *testing.T, db *store.DB) {
	t.Helper()
	findings, err := db.Check(t.Context())
	if err != nil || len(findings) > 0 {
		t.Errorf("the doctor finds %v, %v", findings, err)
	}
}

// TestDeleteStatementFails: a statement of a deletion, of a restoration, or of the
// end of what deleted files are kept for fails. All is as it was, and it works when
// it is done again.
func TestDeleteStatementFails(t *testing.T) {
	at := &clock{now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	storetest.EachAt(t, at.Now, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, f, week := s.Access(t, s.Owner), s.Put(t, s.Owner, "a.tif", "a"), 7*24*time.Hour
		_, err := db.EditWorkspace(t.Context(), a, coreshed.WorkspaceEdit{Retention: &week})
		must(t, err)
		live, deleted := store.Usage{Live: 1, Used: 1}, store.Usage{Deleted: 1, Used: 1}
		// fails does something with one statement after the other broken, and then whole.
		fails := func(do func() error, before, after store.Usage, statements ...string) {
			t.Helper()
			for _, broken := range statements {
				change, table, _ := strings.Cut(broken, " ")
				mend := breakTable(t, db, change, table)
				err := do()
				mend()
				if got, told := db.Usage(t.Context(), s.Workspace.ID); !errors.Is(err, coreshed.StoreFailed) || told != nil || got != before {
					t.Errorf("%s: %v; it left %+v, %v", broken, err, got, told)
				}
				wantSound(t, db)
			}
			must(t, do())
			got, err := db.Usage(t.Context(), s.Workspace.ID)
			must(t, err)
			wantEqual(t, got, after)
		}
		remove := func() error { return db.DeleteFile(t.Context(), a, f.UUID) }
		restore := func() error { _, err := db.RestoreFile(t.Context(), a, f.UUID); return err }
		fails(remove, live, deleted, "UPDATE files", "UPDATE workspaces", "INSERT audit_entries")
		fails(restore, deleted, live, "UPDATE files", "UPDATE workspaces", "INSERT audit_entries")
		must(t, remove())
		at.now = at.now.Add(week)
		l := store.Lease{Name: "collect", Holder: "test"}
		_, err = db.Lease(t.Context(), l.Name, l.Holder, time.Hour)
		must(t, err)
		expire := func() error { _, err := db.PurgeExpired(t.Context(), l, 10); return err }
		fails(expire, deleted, deleted, "INSERT purges", "INSERT purge_items", "INSERT purging", "UPDATE purges", "INSERT audit_entries")
		wantIs(t, restore(), coreshed.Conflict)
		open, err := db.OpenPurges(t.Context())
		must(t, err)
		wantEqual(t, len(open), 1)
		drain(t, db, open[0])
		wantSound(t, db)
	})
}

// TestPurgeWaitsLessAfterProgress: a purge that was put off waits as after its
// first failure when it has removed something since.
func TestPurgeWaitsLessAfterProgress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view, l := s.View(t, s.Owner), store.Lease{Name: "purge", Holder: "test"}
		p, err := db.PlanPurge(t.Context(), view, purgeable(t, s, "a", s.Put(t, s.Owner, "also.tif", "x").Version.ID))
		must(t, err)
		p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		must(t, err)
		_, err = db.Lease(t.Context(), l.Name, l.Holder, time.Hour)
		must(t, err)
		must(t, db.BeginPurge(t.Context(), l, p.ID))
		putOff := func(want int64) {
			t.Helper()
			must(t, db.PutOffPurge(t.Context(), l, p.ID, func(attempts int64) time.Duration {
				if attempts != want {
					t.Errorf("failed %d times in a row, want %d", attempts, want)
				}
				return 0
			}, "the disk is away"))
		}
		putOff(1)
		putOff(2)
		list, err := db.PurgeVersions(t.Context(), l, p.ID, nil, 1)
		must(t, err)
		must(t, db.RemovePurged(t.Context(), l, p.ID, []int64{list[0].ID}))
		putOff(1)
	})
}
