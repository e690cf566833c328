package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// drain works on a purge to its end, as the catalog does where no bytes are.
func drain(t testing.TB, db *store.DB, id int64) {
	t.Helper()
	must(t, work(t, db, id))
}

// work is workBy steps of a few things.
func work(t testing.TB, db *store.DB, id int64) error {
	t.Helper()
	return workBy(t, db, id, 3)
}

// workBy goes through the steps of a purge, each delivered twice, until one fails
// or all is gone.
func workBy(t testing.TB, db *store.DB, id int64, step int) error {
	t.Helper()
	ctx, l := t.Context(), store.Lease{Name: "purge", Holder: "test"}
	if mine, err := db.Lease(ctx, l.Name, l.Holder, time.Hour); err != nil || !mine {
		t.Fatalf("lease: %v, %v", mine, err)
	}
	if err := errors.Join(db.BeginPurge(ctx, l, id), db.BeginPurge(ctx, l, id)); err != nil {
		return err
	}
	for {
		list, err := db.PurgeVersions(ctx, l, id, nil, step)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		var ids []int64
		for _, v := range list {
			ids = append(ids, v.ID)
		}
		if err := errors.Join(db.RemovePurged(ctx, l, id, ids), db.RemovePurged(ctx, l, id, ids)); err != nil {
			return err
		}
	}
	for _, next := range []func(context.Context, store.Lease, int64, int) (int, error){db.RemovePurgedRuns, db.RemovePurgedRecipes} {
		for n := 1; n > 0; {
			var err error
			if n, err = next(ctx, l, id, step); err != nil {
				return err
			}
		}
	}
	ended, err := db.EndPurge(ctx, l, id)
	if err == nil && !ended {
		t.Error("the purge has not ended")
	}
	if _, again := db.EndPurge(ctx, l, id); err == nil && !errors.Is(again, store.ErrPurgeStopped) {
		t.Errorf("ended again: %v", again)
	}
	return err
}

// TestPurgeOfDeleted shows that what a purge has begun to remove is not restored,
// and that nothing found out about its bytes takes it back.
func TestPurgeOfDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		f, access := s.Put(t, s.Owner, "sold.tif", "x"), s.Access(t, s.Owner)
		must(t, db.DeleteFile(t.Context(), access, f.UUID))
		view := s.View(t, s.Owner)
		_, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{f.Version.ID}, Scope: coreshed.PurgeLineage, Reason: "sold"})
		must(t, err)
		_, err = db.RestoreFile(t.Context(), access, f.UUID) // a plan is nothing yet
		must(t, err)
		must(t, db.DeleteFile(t.Context(), access, f.UUID))
		p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{f.Version.ID}, Scope: coreshed.PurgeLineage, Reason: "sold"})
		must(t, err)
		p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		must(t, err)
		_, err = db.RestoreFile(t.Context(), access, f.UUID)
		wantIs(t, err, coreshed.Conflict)

		l := store.Lease{Name: "purge", Holder: "test"}
		_, err = db.Lease(t.Context(), l.Name, l.Holder, time.Hour)
		must(t, err)
		_, err = db.PurgeVersions(t.Context(), l, p.ID, nil, 10)
		must(t, err)
		must(t, db.SetState(t.Context(), f.Version.ID, coreshed.Kept))
		if e, err := db.Entry(t.Context(), view, f.Version.ID); err != nil || e.Version.State.Served() {
			t.Errorf("its bytes are %s, %v", e.Version.State, err)
		}
		drain(t, db, p.ID)
	})
}

func TestPurge(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view := s.View(t, s.Owner)
		source, other := s.Put(t, s.Owner, "source.tif", "source"), s.Put(t, s.Owner, "other.tif", "other")
		first, a := s.Made(t, "a.tif", source.Version.ID)
		second, b := s.Made(t, "b.tif", a, other.Version.ID)
		_, c := s.Made(t, "c.tif", other.Version.ID)

		p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{source.Version.ID}, Scope: coreshed.PurgeLineage, Reason: "sold"})
		must(t, err)
		if want := (coreshed.PurgeTotals{Versions: 3, Sources: 1, Products: 2, Runs: 2, Bytes: p.Planned.Bytes}); p.Planned != want || p.Planned.Bytes == 0 {
			t.Errorf("planned %+v, want %+v", p.Planned, want)
		}
		items, err := db.PurgeItems(t.Context(), view, p, store.PurgeItemPage{Limit: 100})
		must(t, err)
		depths := map[int64]int64{}
		for _, i := range items {
			if i.Kind == coreshed.PurgeVersion {
				depths[i.ID] = i.Depth
			}
		}
		wantEqual(t, depths, map[int64]int64{source.Version.ID: 0, a: 2, b: 4})

		_, err = db.ExecutePurge(t.Context(), view, p.UUID, []byte("another"))
		wantIs(t, err, coreshed.Conflict)
		// The set grows after the plan: a new plan, to be looked at.
		_, d := s.Made(t, "d.tif", b)
		fresh, err := db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		wantIs(t, err, coreshed.Conflict)
		if fresh.UUID == p.UUID || fresh.Planned.Products != 3 {
			t.Fatalf("the fresh plan is %+v", fresh)
		}
		p, err = db.ExecutePurge(t.Context(), view, fresh.UUID, fresh.Fingerprint)
		must(t, err)
		if p.Status != coreshed.PurgeRunning {
			t.Errorf("it is %s", p.Status)
		}
		drain(t, db, p.ID)

		if p, err = db.Purge(t.Context(), view, p.UUID); err != nil || p.Status != coreshed.PurgeDone || p.Removed != p.Planned {
			t.Errorf("in the end %v, %+v", err, p)
		}
		for _, id := range []int64{source.Version.ID, a, b, d} {
			_, err := db.Entry(t.Context(), view, id)
			wantIs(t, err, coreshed.NotFound)
		}
		for _, id := range []int64{other.Version.ID, c} {
			if _, err := db.Entry(t.Context(), view, id); err != nil {
				t.Errorf("version %d: %v", id, err)
			}
		}
		for _, id := range []int64{first.ID, second.ID} {
			_, err := db.Run(t.Context(), view, id)
			wantIs(t, err, coreshed.NotFound)
		}
		_, err = db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{source.Version.ID}, Scope: coreshed.PurgeLineage})
		if !errors.Is(err, coreshed.NotFound) {
			t.Errorf("planned again: %v", err)
		}
	})
}

// TestPurgeInLargeSteps removes more in a step than a statement has arguments for.
func TestPurgeInLargeSteps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		source, kept := s.Put(t, s.Owner, "source.tif", "x"), s.Put(t, s.Owner, "kept.tif", "y")
		for i := range 40 {
			s.Made(t, fmt.Sprintf("%d.tif", i), source.Version.ID)
		}
		view := s.View(t, s.Admin)
		p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{source.Version.ID}, Scope: coreshed.PurgeLineage})
		must(t, err)
		p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		must(t, err)
		must(t, workBy(t, db, p.ID, 100))
		p, err = db.Purge(t.Context(), view, p.UUID)
		must(t, err)
		wantEqual(t, p.Removed, p.Planned)
		wantEqual(t, p.Removed.Versions+p.Removed.Runs, int64(81))
		_, err = db.FileByID(t.Context(), s.Access(t, s.Owner), kept.UUID, 0)
		must(t, err)
		links, err := store.PurgeLinksOf(t.Context(), db, s.Workspace.ID)
		must(t, err)
		wantEqual(t, len(links.Versions)+len(links.Runs), 1)
	})
}

// TestPurgeHeld refuses what a hold protects, from plan to execution.
func TestPurgeHeld(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view := s.View(t, s.Owner)
		source := s.Put(t, s.Owner, "source.tif", "source")
		_, a := s.Made(t, "a.tif", source.Version.ID)
		ask := store.NewPurge{Versions: []int64{source.Version.ID}, Scope: coreshed.PurgeLineage}
		before, err := db.PlanPurge(t.Context(), view, ask)
		must(t, err)
		hold, err := db.AddHold(t.Context(), view, store.NewHold{Version: a, Reason: "a court asks"})
		must(t, err)
		held, err := db.ExecutePurge(t.Context(), view, before.UUID, before.Fingerprint)
		wantIs(t, err, coreshed.Conflict) // the hold is part of the fingerprint
		if held.Held != 1 {
			t.Fatalf("the fresh plan is %+v", held)
		}
		_, err = db.ExecutePurge(t.Context(), view, held.UUID, held.Fingerprint)
		wantIs(t, err, coreshed.Held)
		_, err = db.LiftHold(t.Context(), view, hold.ID)
		must(t, err)
		p, err := db.PlanPurge(t.Context(), view, ask)
		must(t, err)
		p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		must(t, err)
		_, err = db.AddHold(t.Context(), view, store.NewHold{Version: a, Reason: "too late"})
		wantIs(t, err, coreshed.Conflict)
		drain(t, db, p.ID)
	})
}

// TestForgetPlans removes plans that nobody wanted, and nothing else.
func TestForgetPlans(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view := s.View(t, s.Owner)
		var plans []coreshed.Purge
		for _, name := range []string{"old.tif", "runs.tif"} {
			p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{s.Put(t, s.Owner, name, name).Version.ID}, Scope: coreshed.PurgeLineage})
			must(t, err)
			plans = append(plans, p)
		}
		_, err := db.ExecutePurge(t.Context(), view, plans[1].UUID, plans[1].Fingerprint)
		must(t, err)
		must(t, db.ForgetPlans(t.Context(), plans[0].PlannedAt))
		must(t, db.ForgetPlans(t.Context(), time.Now().Add(time.Hour)))
		_, err = db.Purge(t.Context(), view, plans[0].UUID)
		wantIs(t, err, coreshed.NotFound)
		drain(t, db, plans[1].ID)
	})
}
