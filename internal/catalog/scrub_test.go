package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// month is how often a round begins here.
const month = 30 * 24 * time.Hour

// scrub goes through a whole round, a new one if none is open.
func (s *shed) scrub(t fataler) coreshed.Scrub {
	t.Helper()
	if err := s.scrubUntil(t, context.Background(), func(int64) {}); err != nil {
		t.Fatal(err)
	}
	return s.lastScrub(t)
}

func (s *shed) scrubUntil(t fataler, ctx context.Context, seen func(int64)) error {
	t.Helper()
	round, err := s.db.DueScrub(context.Background(), month)
	if errors.Is(err, coreshed.NotFound) {
		s.clock.advance(month + time.Second)
		round, err = s.db.DueScrub(context.Background(), month)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.Scrub(ctx, s.lease(t), round.ID, fast(), seen)
}

func (s *shed) lease(t fataler) store.Lease {
	t.Helper()
	l := store.Lease{Name: "scrub", Holder: "test"}
	if mine, err := s.db.Lease(context.Background(), l.Name, l.Holder, time.Hour); err != nil || !mine {
		t.Fatal(mine, err)
	}
	return l
}

func (s *shed) lastScrub(t fataler) coreshed.Scrub {
	t.Helper()
	rounds, _, err := s.db.Scrubs(context.Background(), coreshed.View{Admin: true}, coreshed.Page{Limit: 1})
	if err != nil || len(rounds) != 1 {
		t.Fatalf("rounds %v, %v", rounds, err)
	}
	return rounds[0]
}

// wantRound compares a round that has ended.
func wantRound(t fataler, s coreshed.Scrub, versions, size, damaged int64) {
	t.Helper()
	if s.EndedAt.IsZero() || s.Versions != versions || s.Bytes != size || s.Damaged != damaged || s.Unread != 0 {
		t.Fatalf("the round is %+v; want %d versions, %d bytes and %d damaged", s, versions, size, damaged)
	}
}

// What is damaged or lost is found, served no more and kept; what was put back is
// served again, at the next look.
func TestScrub(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		whole, blocks, lost, empty := s.reserve(t), s.reserve(t), s.reserve(t), s.reserve(t)
		s.put(t, whole, random(1000))
		for _, id := range []string{"a", "b", "c"} {
			s.stage(t, blocks, id, random(1000))
		}
		body := s.list(t, blocks, "a", "b", "c")
		gone := s.put(t, lost, random(1000))
		s.put(t, empty, nil)
		wantRound(t, s.scrub(t), 4, 5000, 0)

		at := s.extent(t, body.ID, 1000)
		good := s.object(t, at.Key)
		s.flip(t, blocks, 1000)
		missing := s.extent(t, gone.ID, 0)
		back := s.object(t, missing.Key)
		s.lose(t, gone.ID, 0)
		wantRound(t, s.scrub(t), 4, 2000, 2)
		s.wantState(t, body.ID, coreshed.ChangedOutside)
		s.wantState(t, gone.ID, coreshed.Missing)
		s.wantDamaged(t, body.ID, gone.ID)
		if _, err := s.Open(t.Context(), s.slot(t, blocks), 0, 1); !errors.Is(err, coreshed.Gone) {
			t.Errorf("Open of a damaged version = %v, want Gone", err)
		}
		wantRound(t, s.scrub(t), 4, 2000, 2)

		s.replace(t, at.Key, good)
		if err := s.LookAgain(t.Context(), fast()); err != nil {
			t.Fatal(err)
		}
		s.wantDamaged(t, gone.ID)
		if err := s.blobs.Put(t.Context(), missing.Key, bytes.NewReader(back), int64(len(back))); err != nil {
			t.Fatal(err)
		}
		wantRound(t, s.scrub(t), 4, 5000, 0)
		s.wantDamaged(t)
		s.want(t, lost, back)
		if found, _ := s.examined(t, true); len(found) != 0 {
			t.Errorf("doctor found %v", found)
		}
	})
}

func (s *shed) extent(t fataler, version, offset int64) coreshed.Extent {
	t.Helper()
	extents, err := s.db.Extents(context.Background(), version, offset, 1)
	if err != nil || len(extents) == 0 {
		t.Fatalf("extents at %d: %v, %v", offset, extents, err)
	}
	return extents[0]
}

func (s *shed) wantDamaged(t fataler, want ...int64) {
	t.Helper()
	ctx, view := context.Background(), s.view(t)
	list, total, err := s.db.Damaged(ctx, view, coreshed.Page{Limit: 100})
	got := []int64{}
	for _, d := range list {
		got = append(got, d.Version.ID)
	}
	if err != nil || !slices.Equal(got, want) || total != int64(len(want)) {
		t.Fatalf("damaged are %v of %d, %v; want %v", got, total, err, want)
	}
	if n, err := s.db.CountDamaged(ctx); n != total || err != nil {
		t.Fatalf("CountDamaged = %d, %v; want %d", n, err, total)
	}
	if list, _, err := s.db.Damaged(ctx, coreshed.View{Org: view.Org}, coreshed.Page{Limit: 100}); len(list) != 0 || err != nil {
		t.Fatalf("who sees nothing sees %v, %v", list, err)
	}
}

// A round goes on in the middle of a version, with what it had counted.
func TestScrubGoesOn(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		var ids []string
		for n := range 4 {
			ids = append(ids, fmt.Sprint("b", n))
			s.stage(t, at, ids[n], random(1000))
		}
		s.list(t, at, ids...)
		s.put(t, s.reserve(t), random(1000))
		ctx, stop := context.WithCancel(t.Context())
		read := int64(0)
		err := s.scrubUntil(t, ctx, func(n int64) {
			if read += n; read == 2000 {
				stop()
			}
		})
		if !errors.Is(err, context.Canceled) || !s.lastScrub(t).EndedAt.IsZero() {
			t.Fatalf("Scrub = %v, %+v", err, s.lastScrub(t))
		}
		if err := s.scrubUntil(t, t.Context(), func(n int64) { read += n }); err != nil {
			t.Fatal(err)
		}
		if read != 5000 {
			t.Errorf("%d bytes were read", read)
		}
		ended := s.lastScrub(t)
		wantRound(t, ended, 2, 5000, 0)
		if err := s.Scrub(t.Context(), s.lease(t), ended.ID, fast(), func(int64) { t.Error("a round that has ended reads") }); err != nil {
			t.Errorf("Scrub of a round that has ended = %v", err)
		}
	})
}

// Another server does not go on with what this one has.
func TestScrubNeedsItsLease(t *testing.T) {
	s := inMemory(t)
	s.put(t, s.reserve(t), random(1000))
	round, err := s.db.DueScrub(t.Context(), month)
	if err != nil {
		t.Fatal(err)
	}
	s.lease(t)
	other := store.Lease{Name: "scrub", Holder: "other"}
	if err := s.Scrub(t.Context(), other, round.ID, fast(), func(int64) {}); !errors.Is(err, coreshed.Conflict) {
		t.Errorf("Scrub without the lease = %v, want Conflict", err)
	}
	if got := s.lastScrub(t); got.Versions != 0 || !got.EndedAt.IsZero() {
		t.Errorf("it counted %+v", got)
	}
}

// A volume that is not mounted is no reason to judge all that there is.
func TestScrubStopsWhenMuchIsLost(t *testing.T) {
	s := onDisk(t)
	var versions []int64
	for range 50 {
		versions = append(versions, s.put(t, s.reserve(t), random(10)).ID)
	}
	for _, v := range versions {
		s.lose(t, v, 0)
	}
	if err := s.scrubUntil(t, t.Context(), func(int64) {}); !errors.Is(err, catalog.ErrManyLost) {
		t.Errorf("Scrub = %v, want ErrManyLost", err)
	}
	s.wantDamaged(t, versions[:20]...)
}

// Doctor tells of what is not served, and with leave to mend decides itself.
func TestDoctorMendsStates(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		bad, good := s.reserve(t), s.reserve(t)
		v := s.put(t, bad, random(1000))
		w := s.put(t, good, random(1000))
		s.flip(t, bad, 0)
		if _, err := s.db.Damage(t.Context(), w.ID, coreshed.Missing); err != nil {
			t.Fatal(err)
		}
		if found, _ := s.examined(t, false); len(found) != 1 {
			t.Errorf("a shallow look found %v", found)
		}
		mended := []string{}
		_, err := s.Doctor(t.Context(), catalog.DoctorOptions{Deep: true, Repair: true, Found: func(f store.Finding) { mended = append(mended, f.What) }})
		if err != nil || len(mended) != 2 {
			t.Errorf("mended %v, %v", mended, err)
		}
		s.wantDamaged(t, v.ID)
		s.wantState(t, w.ID, coreshed.Kept)
		if found, _ := s.examined(t, true); len(found) != 1 {
			t.Errorf("after that a look found %v", found)
		}
	})
}

// A purge removes damaged versions as all others.
func TestPurgeOfDamaged(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		bad, lost := s.reserve(t), s.reserve(t)
		v := s.put(t, bad, random(1000))
		w := s.put(t, lost, random(1000))
		s.flip(t, bad, 0)
		s.lose(t, w.ID, 0)
		s.scrub(t)
		s.wantDamaged(t, v.ID, w.ID)
		s.purge(t, v.ID, w.ID)
		s.wantDamaged(t)
		if found, seen := s.examined(t, true); len(found) != 0 || seen.Objects != 0 {
			t.Errorf("left are %+v, found %v", seen, found)
		}
	})
}

// purge removes versions and all that was made of them.
func (s *shed) purge(t fataler, versions ...int64) {
	t.Helper()
	ctx, view := context.Background(), s.view(t)
	p, err := s.db.PlanPurge(ctx, view, store.NewPurge{Versions: versions, Scope: coreshed.PurgeLineage, Reason: "sold"})
	if err == nil {
		p, err = s.db.ExecutePurge(ctx, view, p.UUID, p.Fingerprint)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(ctx, s.lease(t), p.ID); err != nil {
		t.Fatal(err)
	}
}

// TestSmallFilesArePaced: files of a few bytes are not gone through as fast as the
// processor can.
func TestSmallFilesArePaced(t *testing.T) {
	s := onDisk(t)
	for range 4 {
		s.put(t, s.reserve(t), []byte("core"))
	}
	limit := rate.NewLimiter(640<<10, 64<<10) // ten looks a second, after the first
	began := time.Now()
	for range 4 {
		if _, err := s.HashNext(t.Context(), 0, nil, limit); err != nil {
			t.Fatal(err)
		}
	}
	round, err := s.db.DueScrub(t.Context(), month)
	if err == nil {
		err = s.Scrub(t.Context(), s.lease(t), round.ID, limit, func(int64) {})
	}
	if took := time.Since(began); err != nil || took < 650*time.Millisecond {
		t.Errorf("eight looks at ten a second took %v, %v", took, err)
	}
}
