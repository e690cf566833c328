package catalog_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/leased"
	"github.com/coreshed/coreshed/internal/store"
)

// slowRemoval is how long a store takes for one removal.
const slowRemoval = 25 * time.Second

// slow makes each removal take its time, and counts them by what is removed.
func (s *shed) slow() (calls func() map[string]int) {
	var mu sync.Mutex
	seen := map[string]int{}
	s.breakRemoval(func(ctx context.Context, what string) error {
		mu.Lock()
		seen[what]++
		mu.Unlock()
		select {
		case <-time.After(slowRemoval):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		all := map[string]int{}
		for k, n := range seen {
			all[k] = n
		}
		return all
	}
}

// serve works on purges as a server does, until ctx ends.
func (r *removal) serve(ctx context.Context, t *testing.T, holder string) {
	runner := leased.NewRunner(r.db, holder, slog.New(slog.DiscardHandler))
	runner.Run(ctx, "purge", func(ctx context.Context) error {
		open, err := r.db.OpenPurges(ctx)
		for _, id := range open {
			runner.Start(ctx, fmt.Sprintf("purge-%d", id), func(ctx context.Context, l store.Lease) {
				if err := r.Purge(ctx, l, id); err != nil && ctx.Err() == nil {
					t.Errorf("Purge: %v", err)
				}
			})
		}
		return err
	})
}

// TestPurgeSlowStore: two servers, over a store that takes far longer than a
// lease lasts. One of them works and keeps its lease, how far it is can be seen
// all the time, and it stops soon after it is told to.
func TestPurgeSlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := removing(t, inMemory(t), 60)
		calls := r.slow()
		r.begin(t)
		ctx, stop := context.WithCancel(t.Context())
		var servers sync.WaitGroup
		for _, holder := range []string{"a", "b"} {
			servers.Go(func() { r.serve(ctx, t, holder) })
		}
		const soon = 3 * slowRemoval
		gone, since, stopped := int64(0), time.Now(), false
		for r.state(t).Status != coreshed.PurgeDone {
			time.Sleep(time.Second)
			if p := r.state(t); p.Removed.Versions > gone {
				gone, since = p.Removed.Versions, time.Now()
			}
			if time.Since(since) > soon {
				t.Fatalf("for %v nothing more than %d versions is seen to go", soon, gone)
			}
			if gone > 20 && !stopped {
				stopped = true
				r.wantStops(t, calls, soon)
				since = time.Now()
			}
		}
		stop()
		servers.Wait()
		for what, n := range calls() {
			if n != 1 {
				t.Errorf("%s was removed %d times", what, n)
			}
		}
		r.wantDone(t)
	})
}

// wantStops stops the purge, which soon does nothing more, and lets it go on.
func (r *removal) wantStops(t *testing.T, calls func() map[string]int, soon time.Duration) {
	t.Helper()
	if _, err := r.db.StopPurge(t.Context(), r.view, r.purge.UUID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(soon)
	removed, before := len(calls()), r.state(t)
	time.Sleep(time.Hour)
	if p := r.state(t); len(calls()) != removed || p.Removed != before.Removed || p.Status != coreshed.PurgeStopped || !p.EndedAt.IsZero() {
		t.Errorf("an hour after it was stopped: %d removals, %+v; before %d, %+v", len(calls()), p, removed, before)
	}
	r.wantSound(t)
	if _, err := r.db.ExecutePurge(t.Context(), r.view, r.purge.UUID, nil); err != nil {
		t.Fatal(err)
	}
}
