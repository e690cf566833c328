package catalog_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/blob/disk"
	"github.com/coreshed/coreshed/internal/blob/mem"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// shed is a catalog on stores of its own, with one workspace.
type shed struct {
	*catalog.Catalog
	db     *store.DB
	blobs  blob.Store
	folder string // of the objects; "" when they are in memory
	access coreshed.Access
	clock  *clock
}

// clock is the time of day, moved ahead.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// each runs a test on every pair of stores that the server may stand on: all in
// memory, and objects on disk with SQLite or PostgreSQL beside them.
func each(t *testing.T, test func(t *testing.T, s *shed)) {
	c := &clock{}
	storetest.EachAt(t, c.now, func(t *testing.T, db *store.DB) {
		c.ahead.Store(0)
		if strings.HasSuffix(t.Name(), "/memory") {
			test(t, newShed(t, db, c, mem.New()))
			return
		}
		test(t, withDisk(t, db, c))
	})
}

// onDisk is what a server stands on by default.
func onDisk(t testing.TB) *shed {
	c := &clock{}
	db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "coreshed.db"), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return withDisk(t, db, c)
}

func withDisk(t testing.TB, db *store.DB, c *clock) *shed {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "objects")
	blobs, err := disk.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	s := newShed(t, db, c, blobs)
	s.folder = folder
	return s
}

func inMemory(t testing.TB) *shed { return newShed(t, storetest.Memory(t), &clock{}, mem.New()) }

func newShed(t testing.TB, db *store.DB, c *clock, blobs blob.Store) *shed {
	t.Helper()
	people := storetest.New(t, db)
	return &shed{
		Catalog: catalog.New(catalog.Config{DB: db, Blobs: blobs, Now: c.now}),
		db:      db, blobs: blobs, clock: c, access: people.Access(t, people.Owner),
	}
}

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

var files atomic.Int64 // reserved, so that each has a path of its own

// reserve begins an upload of a new file.
func (s *shed) reserve(t fataler) catalog.Target {
	t.Helper()
	r, err := s.db.Reserve(context.Background(), s.access, fmt.Sprintf("hole-%d.las", files.Add(1)), blob.NewPrefix())
	if err != nil {
		t.Fatal(err)
	}
	return catalog.Target{Workspace: s.access.Workspace.UUID, File: r.FileUUID, VersionID: r.VersionID}
}

// stage puts a block that must be taken.
func (s *shed) stage(t fataler, at catalog.Target, id string, body []byte) {
	t.Helper()
	if err := s.PutBlock(context.Background(), at, id, bytes.NewReader(body), int64(len(body)), catalog.Sums{}); err != nil {
		t.Fatalf("PutBlock %s: %v", id, err)
	}
}

// put commits body in one piece.
func (s *shed) put(t fataler, at catalog.Target, body []byte) coreshed.Version {
	t.Helper()
	v, err := s.PutBlob(context.Background(), at, bytes.NewReader(body), int64(len(body)), catalog.Sums{}, coreshed.BlobHeaders{})
	if err != nil {
		t.Fatalf("PutBlob: %v", err)
	}
	return v
}

// list commits blocks.
func (s *shed) list(t fataler, at catalog.Target, ids ...string) coreshed.Version {
	t.Helper()
	v, err := s.PutBlockList(context.Background(), at, ids, coreshed.BlobHeaders{}, nil)
	if err != nil {
		t.Fatalf("PutBlockList: %v", err)
	}
	return v
}

func (s *shed) slot(t fataler, at catalog.Target) store.Slot {
	t.Helper()
	slot, err := s.Slot(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

// read returns length bytes of a version from offset.
func (s *shed) read(t fataler, at catalog.Target, offset, length int64) []byte {
	t.Helper()
	r, err := s.Open(context.Background(), s.slot(t, at), offset, length)
	if err != nil {
		t.Fatalf("Open %d+%d: %v", offset, length, err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %d+%d: %v", offset, length, err)
	}
	return body
}

func (s *shed) want(t fataler, at catalog.Target, body []byte) {
	t.Helper()
	size := s.slot(t, at).Version.Size
	if got := s.read(t, at, 0, size); !bytes.Equal(got, body) {
		t.Fatalf("the version has %d other bytes than the %d put", len(got), len(body))
	}
}

// keys lists all objects.
func (s *shed) keys(t fataler) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	for o, err := range s.blobs.List(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys[o.Key] = true
	}
	return keys
}

// file is where the disk store keeps an object.
func (s *shed) file(key string) string {
	return filepath.Join(s.folder, key[:2], strings.Replace(key, "/", ".", 1))
}

// used is the workspace's bytes, staged ones counted.
func (s *shed) used(t fataler, at catalog.Target) int64 { return s.slot(t, at).Used }

func random(size int) []byte {
	b := make([]byte, size)
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}
