package catalog_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// TestPurgeTakenOver: a server stands still for longer than its lease, in the
// middle of a step, and another ends the purge. The first changes nothing more.
func TestPurgeTakenOver(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		r := removing(t, s, 4)
		other := *r
		other.shed = &shed{Catalog: s.Catalog, db: s.db, blobs: s.blobs, access: s.access, clock: s.clock}
		reached, goOn := make(chan struct{}), make(chan struct{})
		var once sync.Once
		s.breakRemoval(func(context.Context, string) error {
			once.Do(func() { close(reached) })
			<-goOn
			return nil
		})
		r.begin(t)
		ended := make(chan error)
		go func() { ended <- r.work(t.Context(), "still") }()
		<-reached
		if err := other.work(t.Context(), "early"); err != nil || r.state(t).Removed.Versions != 0 {
			t.Errorf("two work on it: %v, %+v", err, r.state(t))
		}
		s.clock.advance(2 * time.Minute)
		if err := other.work(t.Context(), "other"); err != nil {
			t.Error(err)
		}
		r.wantDone(t)
		before := r.state(t)
		close(goOn)
		if err := <-ended; !errors.Is(err, coreshed.Conflict) {
			t.Errorf("the first is told %v", err)
		}
		if after := r.state(t); after.Removed != before.Removed || !after.EndedAt.Equal(before.EndedAt) || after.LastError != "" {
			t.Errorf("the first has made of %+v %+v", before, after)
		}
		r.wantDone(t)
	})
}

// TestPurgeTwoServers: two servers look for the same purge all the time.
func TestPurgeTwoServers(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		r := removing(t, s, 20)
		r.begin(t)
		var servers sync.WaitGroup
		for _, holder := range []string{"a", "b"} {
			own := *r
			own.shed = &shed{Catalog: catalog.New(catalog.Config{DB: s.db, Blobs: s.blobs, Now: s.clock.now}), db: s.db}
			servers.Go(func() {
				for range 1000 {
					if err := own.work(t.Context(), holder); err != nil {
						t.Errorf("%s: %v", holder, err)
					}
					if p, err := s.db.Purge(t.Context(), r.view, r.purge.UUID); err != nil || p.Status == coreshed.PurgeDone {
						return
					}
				}
			})
		}
		servers.Wait()
		r.wantDone(t)
	})
}

// TestPurgesOverlap: two purges whose sets share a run and what it made are
// executed at once. One begins; the other is refused, and removes what is left.
func TestPurgesOverlap(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		r := removing(t, s, 3)
		second := s.reserve(t)
		r.set = append(r.set, second)
		shared := s.put(t, second, random(20)).ID
		r.make(t, 2, r.source, shared)
		plans := []coreshed.Purge{r.plan(t, r.source), r.plan(t, shared)}
		errs := make([]error, len(plans))
		var executed sync.WaitGroup
		for i, p := range plans {
			executed.Go(func() { plans[i], errs[i] = s.db.ExecutePurge(t.Context(), r.view, p.UUID, p.Fingerprint) })
		}
		executed.Wait()
		refused := 0
		if errs[0] == nil {
			refused = 1
		}
		if errs[1-refused] != nil || !errors.Is(errs[refused], coreshed.Conflict) {
			t.Fatalf("executed at once: %v", errs)
		}
		if err := r.work(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		// The set is another by now: a new plan, to be looked at.
		fresh, err := s.db.ExecutePurge(t.Context(), r.view, plans[refused].UUID, plans[refused].Fingerprint)
		if !errors.Is(err, coreshed.Conflict) {
			t.Fatalf("executed after the first: %v", err)
		}
		if fresh, err = s.db.ExecutePurge(t.Context(), r.view, fresh.UUID, fresh.Fingerprint); err != nil {
			t.Fatal(err)
		}
		if err := r.work(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		var removed coreshed.PurgeTotals
		for _, id := range []coreshed.UUID{plans[1-refused].UUID, fresh.UUID} {
			p, err := s.db.Purge(t.Context(), r.view, id)
			if err != nil || p.Status != coreshed.PurgeDone || p.Removed != p.Planned {
				t.Errorf("%v, %+v", err, p)
			}
			removed.Versions += p.Removed.Versions
			removed.Runs += p.Removed.Runs
			removed.Sources += p.Removed.Sources
		}
		if want := (coreshed.PurgeTotals{Versions: int64(len(r.set)), Runs: 3, Sources: 2}); removed != want {
			t.Errorf("together they have removed %+v, want %+v", removed, want)
		}
		if n := len(r.keys(t)); n != len(r.stays) {
			t.Errorf("%d objects are left", n)
		}
		r.wantSound(t)
	})
}

// TestQueuedPurgesOverlap: the same with purges that are only asked for, and two
// servers. The one that is refused is tried again, and ends.
func TestQueuedPurgesOverlap(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		r := removing(t, s, 6)
		second := s.reserve(t)
		r.set = append(r.set, second)
		shared := s.put(t, second, random(20)).ID
		r.make(t, 6, r.source, shared)
		for _, id := range []int64{r.source, shared, r.source} { // and one is asked for twice
			if err := s.db.QueueSourcePurge(t.Context(), r.view, id); err != nil {
				t.Fatal(err)
			}
		}
		var removed coreshed.PurgeTotals
		for range 20 {
			var servers sync.WaitGroup
			for _, holder := range []string{"a", "b"} {
				// One that meets the other is put off.
				servers.Go(func() { _ = r.work(t.Context(), holder) })
			}
			servers.Wait()
			s.clock.advance(time.Minute)
		}
		list, err := s.db.Purges(t.Context(), r.view, 0, 10)
		if err != nil || len(list) != 3 {
			t.Fatalf("%d purges, %v", len(list), err)
		}
		for _, p := range list {
			if p.Status != coreshed.PurgeDone || p.Removed != p.Planned || p.LastError != "" {
				t.Errorf("the purge is %+v", p)
			}
			removed.Versions += p.Removed.Versions
			removed.Runs += p.Removed.Runs
			removed.Sources += p.Removed.Sources
		}
		if want := (coreshed.PurgeTotals{Versions: int64(len(r.set)), Runs: 3, Sources: 2}); removed != want {
			t.Errorf("together they have removed %+v, want %+v", removed, want)
		}
		r.wantSound(t)
	})
}

// TestHoldAgainstPurge: a hold is set while a purge is executed. Either the
// execution is refused, or the hold is; and when a part is gone already, the hold
// is.
func TestHoldAgainstPurge(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		var holds, purges int
		for range 6 {
			r := removing(t, s, 2)
			p := r.plan(t, r.source)
			last := r.slot(t, r.set[4]).Version.ID
			var held, executed error
			var hold coreshed.Hold
			var both sync.WaitGroup
			both.Go(func() {
				hold, held = s.db.AddHold(t.Context(), r.view, store.NewHold{Version: last, Direction: coreshed.Up, Reason: "a court asks"})
			})
			both.Go(func() { r.purge, executed = s.db.ExecutePurge(t.Context(), r.view, p.UUID, p.Fingerprint) })
			both.Wait()
			switch {
			case held == nil && errors.Is(executed, coreshed.Conflict):
				holds++
				if _, err := s.db.LiftHold(t.Context(), r.view, hold.ID); err != nil {
					t.Fatal(err)
				}
				r.begin(t)
			case executed == nil && errors.Is(held, coreshed.Conflict):
				purges++
			default:
				t.Fatalf("held %v, executed %v", held, executed)
			}
			r.wantHoldTooLate(t)
		}
		t.Logf("the hold was first %d times, the purge %d times", holds, purges)
	})
}

// wantHoldTooLate removes a part of the set, sets holds on what is left, and
// removes the rest.
func (r *removal) wantHoldTooLate(t *testing.T) {
	t.Helper()
	stuck := r.slot(t, r.set[0])
	c := r.Catalog
	r.breakRemoval(func(_ context.Context, what string) error {
		if what[:len(stuck.Prefix)] == stuck.Prefix {
			return errDisk
		}
		return nil
	})
	if err := r.work(t.Context(), "a"); err == nil {
		t.Error("nothing was told")
	}
	r.wantIncomplete(t, 4, 1)
	for _, n := range []store.NewHold{{Version: r.source}, {File: r.set[0].File}, {Workspace: r.access.Workspace.UUID}} {
		n.Reason = "too late"
		if _, err := r.db.AddHold(t.Context(), r.view, n); !errors.Is(err, coreshed.Conflict) {
			t.Errorf("%+v: %v", n, err)
		}
	}
	r.Catalog = c
	r.clock.advance(time.Minute)
	if err := r.work(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if p := r.state(t); p.Status != coreshed.PurgeDone || p.Removed != p.Planned {
		t.Errorf("the purge is %+v", p)
	}
	r.wantSound(t)
}
