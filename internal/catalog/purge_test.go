package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/leased"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// removal is a shed with a source, what was made from it in two steps, and what
// stays beside it.
type removal struct {
	*shed
	view   coreshed.View
	source int64            // version
	set    []catalog.Target // all that goes, the source first
	stays  map[catalog.Target][]byte
	beside catalog.Target // one of these
	purge  coreshed.Purge
}

// removing fills a shed: products versions come from each of two runs.
func removing(t testing.TB, s *shed, products int) *removal {
	t.Helper()
	r := &removal{shed: s, stays: map[catalog.Target][]byte{}}
	var err error
	if r.view, err = s.db.View(t.Context(), s.access.Actor, s.access.Workspace.OrgID); err != nil {
		t.Fatal(err)
	}
	r.set = []catalog.Target{s.reserve(t)}
	r.source = s.put(t, r.set[0], random(700)).ID
	other, beside := s.reserve(t), s.reserve(t)
	r.stays[other], r.stays[beside] = random(900), random(10)
	otherID := s.put(t, other, r.stays[other]).ID
	first := r.make(t, products, r.source, otherID)
	r.make(t, products, first)
	s.put(t, beside, r.stays[beside])
	r.beside = beside
	return r
}

// make records a run with products, and returns the version of the first.
func (r *removal) make(t testing.TB, products int, inputs ...int64) int64 {
	t.Helper()
	run, _, err := r.db.RecordRun(t.Context(), r.view, r.access.Workspace.ID, storetest.NewRun(inputs...))
	if err != nil {
		t.Fatal(err)
	}
	var made []store.Output
	for range products {
		at := r.reserve(t)
		made = append(made, store.Output{Name: "OUT", Version: coreshed.Ref{ID: r.put(t, at, random(50)).ID}})
		r.set = append(r.set, at)
	}
	if _, err = r.db.AddOutputs(t.Context(), r.view, run.ID, made, nil); err == nil {
		err = r.db.EndRun(t.Context(), r.view, run.ID, store.RunEnd{Status: coreshed.Completed})
	}
	if err != nil {
		t.Fatal(err)
	}
	return made[0].Version.ID
}

// begin plans the purge of the source, and executes it.
func (r *removal) begin(t testing.TB) {
	t.Helper()
	r.purge = r.plan(t, r.source)
	var err error
	if r.purge, err = r.db.ExecutePurge(t.Context(), r.view, r.purge.UUID, r.purge.Fingerprint); err != nil {
		t.Fatal(err)
	}
}

func (r *removal) plan(t testing.TB, versions ...int64) coreshed.Purge {
	t.Helper()
	p, err := r.db.PlanPurge(t.Context(), r.view, store.NewPurge{Versions: versions, Scope: coreshed.PurgeLineage, Reason: "sold"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// work does what the server does each second: it goes on with the purges that
// are not put off. It returns what went wrong.
func (r *removal) work(ctx context.Context, holder string) error {
	open, err := r.db.OpenPurges(ctx)
	for _, id := range open {
		leased.NewRunner(r.db, holder, slog.New(slog.DiscardHandler)).Do(ctx, fmt.Sprintf("purge-%d", id), func(ctx context.Context, l store.Lease) {
			err = errors.Join(err, r.Purge(ctx, l, id))
		})
	}
	return err
}

// state is the purge as it is now.
func (r *removal) state(t testing.TB) coreshed.Purge {
	t.Helper()
	p, err := r.db.Purge(t.Context(), r.view, r.purge.UUID)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantIncomplete wants the purge to say that it goes on, what is gone of the
// versions, and how many could not be removed.
func (r *removal) wantIncomplete(t *testing.T, gone, failed int64) {
	t.Helper()
	p := r.state(t)
	if p.Status != coreshed.PurgeRunning || !p.EndedAt.IsZero() || p.Removed.Versions != gone || p.Errors != failed || (p.LastError == "") != (failed == 0) {
		t.Errorf("the purge is %s, ended %v, has removed %+v, %d errors, last %q; want %d removed, %d errors", p.Status, p.EndedAt, p.Removed, p.Errors, p.LastError, gone, failed)
	}
	named, err := r.db.PurgeItems(t.Context(), r.view, p, store.PurgeItemPage{Failed: true, Limit: 1000})
	if err != nil || int64(len(named)) != failed || failed > 0 && named[0].Error == "" || p.RetryAt.IsZero() != (failed == 0) {
		t.Errorf("it names %+v, %v, and is tried again at %v; want %d", named, err, p.RetryAt, failed)
	}
	r.wantSound(t)
}

// wantDone wants all of the set gone, counted once, and nothing else touched.
func (r *removal) wantDone(t *testing.T) {
	t.Helper()
	p := r.state(t)
	if p.Status != coreshed.PurgeDone || p.EndedAt.IsZero() || p.Removed != p.Planned || p.Errors != 0 || p.LastError != "" {
		t.Errorf("the purge is %s, ended %v, has removed %+v of %+v, %d errors, last %q", p.Status, p.EndedAt, p.Removed, p.Planned, p.Errors, p.LastError)
	}
	if got := p.Removed; got.Versions != int64(len(r.set)) || got.Runs != 2 || got.Sources != 1 {
		t.Errorf("it has removed %+v, want %d versions and 2 runs", got, len(r.set))
	}
	for _, at := range r.set {
		if _, err := r.Slot(t.Context(), at); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("a removed version: %v", err)
		}
	}
	if _, err := r.db.PlanPurge(t.Context(), r.view, store.NewPurge{Versions: []int64{r.source}, Scope: coreshed.PurgeLineage}); !errors.Is(err, coreshed.NotFound) {
		t.Errorf("planned again: %v", err)
	}
	if n := len(r.keys(t)); n != len(r.stays) {
		t.Errorf("%d objects are left, want %d", n, len(r.stays))
	}
	r.wantSound(t)
}

// wantSound wants what stays to be whole, and the doctor to find nothing.
func (r *removal) wantSound(t *testing.T) {
	t.Helper()
	for at, body := range r.stays {
		r.want(t, at, body)
	}
	if found, _ := r.examined(t, true); len(found) > 0 {
		t.Errorf("the doctor finds %v", found)
	}
}

// faulty is a blob store that removes nothing when fail says so.
type faulty struct {
	blob.Store
	// fail is asked for a key, or the prefix of some, from many goroutines.
	fail func(ctx context.Context, what string) error
}

func (f faulty) Delete(ctx context.Context, key string) error {
	if err := f.fail(ctx, key); err != nil {
		return err
	}
	return f.Store.Delete(ctx, key)
}

// faultyClearer is faulty over a store that removes those of many versions
// together.
type faultyClearer struct {
	faulty
	blob.Clearer
}

func (f faultyClearer) Clear(ctx context.Context, prefixes []string) map[string]error {
	failed, rest := map[string]error{}, []string{}
	for _, p := range prefixes {
		if err := f.fail(ctx, p); err != nil {
			failed[p] = err
		} else {
			rest = append(rest, p)
		}
	}
	maps.Copy(failed, f.Clearer.Clear(ctx, rest))
	return failed
}

// breakRemoval puts a fault between the catalog and its objects.
func (s *shed) breakRemoval(fail func(ctx context.Context, what string) error) {
	var blobs blob.Store = faulty{s.blobs, fail}
	if c, ok := s.blobs.(blob.Clearer); ok {
		blobs = faultyClearer{faulty{s.blobs, fail}, c}
	}
	s.Catalog = catalog.New(catalog.Config{DB: s.db, Blobs: blobs, Now: s.clock.now})
}

var errDisk = errors.New("input/output error")

// TestPurgeBytesFailOnce: what could not be removed keeps its row, is not served,
// and is not tried again before its time; then it goes.
func TestPurgeBytesFailOnce(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		r := removing(t, s, 3)
		var seen sync.Map
		s.breakRemoval(func(_ context.Context, what string) error {
			if _, again := seen.LoadOrStore(what, true); !again {
				return errDisk
			}
			return nil
		})
		r.begin(t)
		if err := r.work(t.Context(), "a"); err == nil {
			t.Error("nothing was told")
		}
		r.wantIncomplete(t, 0, 7)
		for _, at := range r.set {
			if _, err := r.Open(t.Context(), r.slot(t, at), 0, 1); !errors.Is(err, coreshed.Gone) {
				t.Errorf("what is being removed is served: %v", err)
			}
		}
		if err := r.work(t.Context(), "a"); err != nil {
			t.Errorf("it was tried again at once: %v", err)
		}
		s.clock.advance(time.Minute)
		if err := r.work(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		r.wantDone(t)
	})
}

// TestPurgeBytesFailEverySecondTime: each version goes when its bytes have.
func TestPurgeBytesFailEverySecondTime(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		r := removing(t, s, 6)
		var mu sync.Mutex
		calls := 0
		s.breakRemoval(func(context.Context, string) error {
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls%2 == 1 {
				return errDisk
			}
			return nil
		})
		r.begin(t)
		gone := int64(0)
		for left := int64(len(r.set)); ; s.clock.advance(time.Hour) {
			err := r.work(t.Context(), "a")
			if err == nil {
				break
			}
			if p := r.state(t); p.Removed.Versions <= gone && left > 1 || p.Errors != left-(p.Removed.Versions-gone) {
				t.Fatalf("of %d versions it has removed %+v, %d errors", left, p.Removed, p.Errors)
			} else {
				left, gone = p.Errors, p.Removed.Versions
			}
			r.wantSound(t)
		}
		r.wantDone(t)
	})
}

// TestPurgeBytesFailForEver: the others go, and the purge waits for the one that
// does not, ever longer. Once that can be removed, it ends.
func TestPurgeBytesFailForEver(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		r := removing(t, s, 3)
		stuck := r.slot(t, r.set[2]).Prefix
		broken := true
		s.breakRemoval(func(_ context.Context, what string) error {
			if broken && strings.HasPrefix(what, stuck) {
				return errDisk
			}
			return nil
		})
		r.begin(t)
		for try := range 12 {
			before := s.clock.now()
			if err := r.work(t.Context(), "a"); err == nil {
				t.Fatal("nothing was told")
			}
			after, wait := s.clock.now(), min(time.Second<<(try+1), 5*time.Minute)
			if at := r.state(t).RetryAt; at.Before(before.Add(wait).Truncate(time.Microsecond)) || at.After(after.Add(wait)) {
				t.Errorf("try %d is followed by one after %v, want after %v", try, at.Sub(after), wait)
			}
			r.wantIncomplete(t, 6, 1)
			s.clock.advance(wait)
		}
		items, err := r.db.PurgeItems(t.Context(), r.view, r.purge, store.PurgeItemPage{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, i := range items {
			if i.Error != "" {
				told = append(told, fmt.Sprint(i.Kind, i.State, i.VersionID, i.Error))
			}
		}
		if diff := cmp.Diff([]string{fmt.Sprint(coreshed.PurgeVersion, coreshed.PurgeWaits, r.set[2].VersionID, "It failed; the server's log has more.")}, told); diff != "" {
			t.Errorf("what is told of versions (-want +got):\n%s", diff)
		}
		broken = false
		if _, err := r.db.ExecutePurge(t.Context(), r.view, r.purge.UUID, nil); err != nil { // now, please
			t.Fatal(err)
		}
		if err := r.work(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		r.wantDone(t)
	})
}

// putOff moves the clock until the purge is tried again, and returns how far.
func (r *removal) putOff(t *testing.T) time.Duration {
	t.Helper()
	for waited := time.Duration(0); waited < time.Hour; waited += 10 * time.Second {
		open, err := r.db.OpenPurges(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(open) > 0 {
			return waited
		}
		r.clock.advance(10 * time.Second)
	}
	t.Fatal("it is never tried again")
	return 0
}

// TestPurgeFolderAway: a folder that is not mounted is no folder without the
// file. The row waits with its reason until the folder is there again.
func TestPurgeFolderAway(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir := reaching(t, s)
		r := removing(t, s, 2)
		r.product(t, r.placed(t, dir, "2026/tile.tif", random(100)))
		r.begin(t)
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		if err := r.work(t.Context(), "a"); err == nil {
			t.Error("nothing was told")
		}
		r.wantIncomplete(t, 5, 1)
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
		r.putOff(t)
		if err := r.work(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "2026", "tile.tif")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the product's bytes: %v", err)
		}
		if p := r.state(t); p.Status != coreshed.PurgeDone || p.Removed != p.Planned || p.Removed.Versions != 6 || p.Removed.Runs != 3 {
			t.Errorf("the purge is %+v", p)
		}
		r.wantSound(t)
	})
}

// TestPurgeUploads: what was staged for files that go is gone with them, replaced
// blocks too, and the purge has not ended before.
func TestPurgeUploads(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		r := removing(t, s, 2)
		r.uploadAgain(t, r.set[1])
		r.uploadAgain(t, r.set[1])
		whole := s.Catalog
		s.breakRemoval(func(_ context.Context, what string) error {
			if strings.Contains(what, "/") {
				return errDisk // one object, not all of a version
			}
			return nil
		})
		r.begin(t)
		broken := r.work(t.Context(), "a")
		if p := r.state(t); broken == nil || p.Status != coreshed.PurgeRunning || p.LastError != "Some bytes could not be removed yet." {
			t.Errorf("%v, it is %s: %q", broken, p.Status, p.LastError)
		}
		s.Catalog = whole
		r.putOff(t)
		if err := r.work(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		r.wantDone(t)
	})
}
