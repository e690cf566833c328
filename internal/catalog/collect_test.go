package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

func (s *shed) collect(t *testing.T, want catalog.Collected) {
	t.Helper()
	got, err := s.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Collect (-want +got):\n%s", diff)
	}
}

func TestExpire(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		old, kept := s.reserve(t), s.reserve(t)
		s.stage(t, old, "a", []byte("never committed"))
		s.put(t, kept, []byte("core"))
		s.clock.advance(store.UploadLifetime - time.Minute)
		s.stage(t, old, "b", []byte("staged late")) // gives it a week more
		s.clock.advance(2 * time.Minute)
		s.collect(t, catalog.Collected{})
		s.clock.advance(store.UploadLifetime)
		s.collect(t, catalog.Collected{Uploads: 1})
		if _, err := s.Slot(t.Context(), old); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("Slot of an expired upload = %v, want NotFound", err)
		}
		if used := s.used(t, kept); used != 4 {
			t.Errorf("%d bytes are used, want 4", used)
		}
		if n := len(s.keys(t)); n != 3 {
			t.Errorf("%d objects during the grace time, want 3", n)
		}
		s.clock.advance(catalog.Grace + time.Minute)
		s.collect(t, catalog.Collected{Dropped: 2})
		s.want(t, kept, []byte("core"))
		if n := len(s.keys(t)); n != 1 {
			t.Errorf("%d objects are left, want 1", n)
		}
		s.collect(t, catalog.Collected{})
	})
}

// TestDropped replaces a block and leaves one out of the list.
func TestDropped(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		for _, body := range []string{"first", "second"} {
			s.stage(t, at, "a", []byte(body))
			s.stage(t, at, "b", []byte("not listed"))
		}
		s.list(t, at, "a", "a")
		s.collect(t, catalog.Collected{})
		s.clock.advance(catalog.Grace + time.Minute)
		s.collect(t, catalog.Collected{Dropped: 3})
		s.want(t, at, []byte("secondsecond"))
		if n := len(s.keys(t)); n != 1 {
			t.Errorf("%d objects are left, want 1", n)
		}
	})
}

// TestUnnamed puts objects that no row names: under prefixes of their own, and
// beside a staged block and a committed version.
func TestUnnamed(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		staged, committed := s.reserve(t), s.reserve(t)
		s.stage(t, staged, "a", []byte("staged"))
		s.put(t, committed, []byte("committed"))
		named := s.keys(t)
		prefixes := []string{blob.NewPrefix(), blob.NewPrefix(), s.slot(t, staged).Prefix, s.slot(t, committed).Prefix}
		for _, prefix := range prefixes {
			if err := s.blobs.Put(t.Context(), blob.NewKey(prefix), strings.NewReader("lost"), 4); err != nil {
				t.Fatal(err)
			}
		}
		s.clock.advance(catalog.Grace - time.Minute)
		s.collect(t, catalog.Collected{})
		s.clock.advance(2 * time.Minute)
		s.collect(t, catalog.Collected{Unnamed: len(prefixes)})
		if diff := cmp.Diff(named, s.keys(t)); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
		s.list(t, staged, "a")
		s.want(t, staged, []byte("staged"))
		s.want(t, committed, []byte("committed"))
	})
}

// TestCollectAgain removes objects that are gone already.
func TestCollectAgain(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		s.stage(t, at, "a", []byte("dropped"))
		s.list(t, at)
		for key := range s.keys(t) {
			if err := s.blobs.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		s.clock.advance(2 * catalog.Grace)
		s.collect(t, catalog.Collected{Dropped: 1})
		s.collect(t, catalog.Collected{})
	})
}

// TestCollectFails: objects that cannot be removed keep no others waiting, and go
// when they can be.
func TestCollectFails(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at, kept := s.reserve(t), s.reserve(t)
		s.put(t, kept, []byte("core"))
		const dropped = 450 // which is more than are looked at at a time
		for range dropped {
			s.stage(t, at, "a", []byte("dropped"))
		}
		s.list(t, at)
		stray := blob.NewPrefix()
		for range 2 {
			if err := s.blobs.Put(t.Context(), blob.NewKey(stray), strings.NewReader("lost"), 4); err != nil {
				t.Fatal(err)
			}
		}
		stuck := map[string]bool{}
		for key := range s.keys(t) {
			if !strings.HasPrefix(key, s.slot(t, kept).Prefix) && (len(stuck) < 210 || strings.HasPrefix(key, stray)) {
				stuck[key] = true
			}
		}
		broken := true
		s.breakRemoval(func(_ context.Context, key string) error {
			if broken && stuck[key] {
				return errDisk
			}
			return nil
		})
		s.clock.advance(2 * catalog.Grace)
		done, err := s.Collect(t.Context())
		if want := dropped + 2 - len(stuck); !errors.Is(err, errDisk) || done.Dropped+done.Unnamed != want {
			t.Errorf("Collect = %+v, %v; want %d removed and what went wrong", done, err, want)
		}
		broken = false
		if done, err = s.Collect(t.Context()); err != nil || done.Dropped+done.Unnamed != len(stuck) {
			t.Errorf("Collect = %+v, %v; want the other %d", done, err, len(stuck))
		}
		s.collect(t, catalog.Collected{})
		s.want(t, kept, []byte("core"))
		if found, seen := s.examined(t, true); len(found) > 0 || seen.Objects != 1 {
			t.Errorf("found %v, %+v", found, seen)
		}
	})
}

// TestCollectInMotion collects all the time, with the grace time over for
// everything, while files are uploaded, and wants each of them whole.
func TestCollectInMotion(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		ahead := func() time.Time { return s.clock.now().Add(2 * catalog.Grace) }
		s.Catalog = catalog.New(catalog.Config{DB: s.db, Blobs: s.blobs, Now: ahead})
		ctx, stop := context.WithCancel(t.Context())
		var collecting, uploading sync.WaitGroup
		for range 2 {
			collecting.Go(func() { s.collectUntil(ctx, t) })
		}
		for range 6 {
			uploading.Go(func() { s.uploadSlowly(t) })
		}
		uploading.Wait()
		stop()
		collecting.Wait()
	})
}

func (s *shed) collectUntil(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		if _, err := s.Collect(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("Collect: %v", err)
		}
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("Sweep: %v", err)
		}
	}
}

// uploadSlowly may be called from any goroutine.
func (s *shed) uploadSlowly(t *testing.T) {
	ctx := context.Background()
	r := reporter{t}
	for range 8 {
		whole, blocks := s.reserve(r), s.reserve(r)
		body, parts := random(40_000), map[string][]byte{}
		if _, err := s.PutBlob(ctx, whole, slow(body), int64(len(body)), catalog.Sums{}, headers); err != nil {
			t.Errorf("PutBlob: %v", err)
			return
		}
		for _, id := range []string{"a", "b", "a", "c"} {
			parts[id] = random(20_000)
			if err := s.PutBlock(ctx, blocks, id, slow(parts[id]), 20_000, catalog.Sums{}); err != nil {
				t.Errorf("PutBlock: %v", err)
				return
			}
		}
		if _, err := s.PutBlockList(ctx, blocks, []string{"c", "a"}, headers, nil); err != nil {
			t.Errorf("PutBlockList: %v", err)
			return
		}
		s.wantBytes(t, whole, body)
		s.wantBytes(t, blocks, append(parts["c"], parts["a"]...))
	}
}

// wantBytes is want for any goroutine.
func (s *shed) wantBytes(t *testing.T, at catalog.Target, want []byte) {
	slot, err := s.Slot(context.Background(), at)
	if err != nil {
		t.Error(err)
		return
	}
	r, err := s.Open(context.Background(), slot, 0, slot.Version.Size)
	if err != nil {
		t.Errorf("Open: %v", err)
		return
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the version has %d other bytes than the %d put, %v", len(got), len(want), err)
	}
}

// slow gives a body in pieces.
func slow(body []byte) io.Reader {
	var parts []io.Reader
	for part := range slices.Chunk(body, 10_000) {
		parts = append(parts, &hook{do: func() { time.Sleep(100 * time.Microsecond) }}, bytes.NewReader(part))
	}
	return iotest.HalfReader(io.MultiReader(parts...))
}

// reporter is a fataler for goroutines, which must not end the test.
type reporter struct{ *testing.T }

func (r reporter) Fatal(args ...any)            { panic(fmt.Sprint(args...)) }
func (r reporter) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }

// TestSweep leaves what a killed server had not finished to write, until the
// grace time is over.
func TestSweep(t *testing.T) {
	s := onDisk(t)
	s.put(t, s.reserve(t), []byte("core"))
	key := slices.Collect(maps.Keys(s.keys(t)))[0]
	unfinished := s.file(key)[:len(s.file(key))-1] + "7.tmp"
	if err := os.WriteFile(unfinished, []byte("co"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		after time.Duration
		left  bool
	}{{catalog.Grace - time.Minute, true}, {2 * time.Minute, false}} {
		s.clock.advance(tt.after)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(unfinished); (err == nil) != tt.left {
			t.Errorf("after Sweep: %v, want left %v", err, tt.left)
		}
	}
	if len(s.keys(t)) != 1 {
		t.Error("Sweep removed an object")
	}
}
