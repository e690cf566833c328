//go:build ring2

package catalog_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestPurgeConnectionsEnd ends connections to PostgreSQL all the time, while two
// servers, each with a pool of its own, plan, execute and purge.
func TestPurgeConnectionsEnd(t *testing.T) {
	url := storetest.MustPostgres(t)
	c := &clock{}
	s := withDisk(t, openAt(t, url, c), c)
	r := removing(t, s, 60)
	other := *r
	db := openAt(t, url, c)
	other.shed = &shed{Catalog: catalog.New(catalog.Config{DB: db, Blobs: s.blobs, Now: c.now}), db: db}

	admin := connect(t, "pgx", url)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() {
		n := 0
		for ctx.Err() == nil {
			var killed int
			if err := admin.QueryRow(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&killed); err != nil {
				t.Error(err)
			}
			n += killed
			time.Sleep(time.Duration(50+rand.IntN(150)) * time.Millisecond)
		}
		ended <- n
	}()
	failed, deadline := 0, time.Now().Add(time.Minute)
	again := func(do func() error) {
		t.Helper()
		for err := do(); err != nil; err = do() {
			if failed++; time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	}
	ask := store.NewPurge{Versions: []int64{r.source}, Scope: coreshed.PurgeLineage, Reason: "sold"}
	again(func() (err error) { r.purge, err = s.db.PlanPurge(t.Context(), r.view, ask); return err })
	again(func() error {
		_, err := s.db.ExecutePurge(t.Context(), r.view, r.purge.UUID, r.purge.Fingerprint)
		return err
	})
	for done := false; !done; c.advance(10 * time.Minute) {
		for holder, on := range map[string]*removal{"a": r, "b": &other} {
			if on.work(t.Context(), holder) != nil {
				failed++
			}
		}
		again(func() error {
			p, err := s.db.Purge(t.Context(), r.view, r.purge.UUID)
			done = p.Status == coreshed.PurgeDone
			return err
		})
		if time.Now().After(deadline) {
			t.Fatalf("after %d failures it is %+v", failed, r.state(t))
		}
	}
	stop()
	t.Logf("%d connections were ended, %d steps failed", <-ended, failed)
	if failed == 0 {
		t.Error("nothing failed")
	}
	r.wantDone(t)
}

// TestPurgeDatabaseBusy: another program keeps SQLite's database from being
// written, first for less than the store waits, then for longer.
func TestPurgeDatabaseBusy(t *testing.T) {
	c := &clock{}
	path := filepath.Join(t.TempDir(), "coreshed.db")
	s := withDisk(t, openAt(t, "sqlite:"+path, c), c)
	r := removing(t, s, 3)
	beside := connect(t, "sqlite", "file:"+path)
	lock := func(hold time.Duration) {
		conn, err := beside.Conn(t.Context())
		if err == nil {
			_, err = conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
		}
		if err != nil {
			t.Error(err)
			return
		}
		time.AfterFunc(hold, func() {
			if _, err := conn.ExecContext(context.Background(), `ROLLBACK`); err != nil {
				t.Error(err)
			}
			conn.Close()
		})
	}
	lock(500 * time.Millisecond)
	r.begin(t)
	var once sync.Once
	s.breakRemoval(func(context.Context, string) error {
		once.Do(func() { lock(11 * time.Second) })
		return nil
	})
	err := r.work(t.Context(), "a")
	if p := r.state(t); !errors.Is(err, coreshed.StoreFailed) || p.Status != coreshed.PurgeRunning || p.LastError == "" || p.Removed != (coreshed.PurgeTotals{}) {
		t.Errorf("%v; the purge is %+v", err, p)
	}
	r.wantSound(t)
	c.advance(10 * time.Second)
	if err := r.work(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	r.wantDone(t)
}

func openAt(t *testing.T, url string, c *clock) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: url, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func connect(t *testing.T, driver, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
