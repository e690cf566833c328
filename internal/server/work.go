package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/leased"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/watch"
)

// How often, and how fast, the background work goes.
const (
	collectEvery = time.Hour
	hashEvery    = 10 * time.Second // looks for versions without hashes
	hashRate     = 64 << 20         // bytes a second
	hashBurst    = 256 << 10
	quietTime    = 3 * time.Second // without transfers, before hashing goes on
	leaseTime    = 3 * collectEvery
	// A token that the command line made may outlive its key by this much.
	tokenKeyGrace = 30 * 24 * time.Hour
	planLifetime  = 30 * 24 * time.Hour // of purges that are not executed
	expireBatch   = 500                 // deleted files of one purge
)

// worker does what no request waits for.
type worker struct {
	db      *store.DB
	catalog *catalog.Catalog
	watcher *watch.Watcher
	leases  *leased.Runner
	holder  string // of leases
	blobUse *activity
	scrubs  scrubs
	urlLife time.Duration
	now     func() time.Time
	log     *slog.Logger

	measures   *measures
	attempts   *attempts
	checkpoint struct{ file, written string } // of the audit log, written outside
}

// holderOf names a server's leases. It is the same after a server was killed and
// started again, so that the new one need not wait for the leases to end.
func holderOf(c Config) string {
	host, err := os.Hostname()
	dir, errDir := filepath.Abs(c.Data)
	if c.Ephemeral || err != nil || errDir != nil {
		return uuid.NewString()
	}
	return host + ":" + dir
}

// The jobs of which one process at a time does each.
const (
	collectJob = "collect"
	hashJob    = "hash"
	auditJob   = "audit"
	scrubJob   = "scrub"
)

// run works until ctx ends.
func (w *worker) run(ctx context.Context) {
	defer w.release(context.WithoutCancel(ctx))
	var steady sync.WaitGroup
	defer steady.Wait()
	steady.Go(func() { w.watcher.Run(ctx) })
	steady.Go(func() { w.catalog.IngestAll(ctx, w.holder) })
	steady.Go(func() { w.leases.Run(ctx, "purge", w.purge) })
	steady.Go(func() { w.leases.Run(ctx, scrubJob, w.scrub) })
	steady.Go(func() { w.sequenceAll(ctx) })
	if err := w.db.EmptyLog(ctx); err != nil && ctx.Err() == nil { // a purge may have been killed before it did
		w.log.Warn("what was purged is in the write-ahead log until the server stops", "error", err)
	}
	collect, hash := time.NewTicker(collectEvery), time.NewTicker(hashEvery)
	defer collect.Stop()
	defer hash.Stop()
	w.collect(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-collect.C:
			w.collect(ctx)
		case <-hash.C:
			w.leased(ctx, hashJob, w.hash)
		}
	}
}

// leased does a job if no other process is doing it.
func (w *worker) leased(ctx context.Context, job string, do func(context.Context) error) {
	mine, err := w.db.Lease(ctx, job, w.holder, leaseTime)
	if err == nil && mine {
		err = do(ctx)
	}
	if err != nil && ctx.Err() == nil {
		w.log.Error("background work", "job", job, "error", err)
	}
}

// release gives the leases up, so that another server can go on at once.
func (w *worker) release(ctx context.Context) {
	for _, job := range []string{collectJob, hashJob, auditJob} {
		if err := w.db.Release(ctx, job, w.holder); err != nil {
			w.log.Error("background work", "job", job, "error", err)
		}
	}
}

// purge goes on with every purge on which there is something to do.
func (w *worker) purge(ctx context.Context) error {
	open, err := w.db.OpenPurges(ctx)
	for _, id := range open {
		w.leases.Start(ctx, fmt.Sprintf("purge-%d", id), func(ctx context.Context, l store.Lease) {
			if err := w.catalog.Purge(ctx, l, id); err != nil {
				w.log.Error("background work", "job", l.Name, "error", err)
			}
		})
	}
	return err
}

func (w *worker) collect(ctx context.Context) {
	if err := w.catalog.Sweep(ctx); err != nil && ctx.Err() == nil {
		w.log.Error("background work", "job", "sweep", "error", err)
	}
	w.leased(ctx, collectJob, func(ctx context.Context) error {
		done, err := w.catalog.Collect(ctx)
		if done != (catalog.Collected{}) {
			w.log.Info("collected", "uploads", done.Uploads, "dropped", done.Dropped, "unnamed", done.Unnamed)
		}
		return errors.Join(err, w.expire(ctx), w.forget(ctx), w.recheck(ctx), w.catalog.LookAgain(ctx, w.scrubLimit()))
	})
}

// expire begins to remove the deleted files that their workspaces do not keep any
// longer. What it begins goes on as every purge does.
func (w *worker) expire(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := w.db.PurgeExpired(ctx, store.Lease{Name: collectJob, Holder: w.holder}, expireBatch)
		if err != nil || n == 0 {
			return err
		}
		w.measures.expired.Add(float64(n))
		w.log.Info("deleted files that are kept no longer are removed", "files", n)
	}
	return ctx.Err()
}

// forget deletes what need not be remembered: sign-ins that are over, keys whose
// last signatures are worth nothing any more, plans that nobody has executed.
func (w *worker) forget(ctx context.Context) error {
	if err := w.db.DeleteExpired(ctx); err != nil {
		return err
	}
	if err := w.db.ForgetPlans(ctx, w.now().Add(-planLifetime)); err != nil {
		return err
	}
	if _, err := w.db.DeleteRetiredKeys(ctx, store.TokenKey, w.now().Add(-tokenKeyGrace)); err != nil {
		return err
	}
	_, err := w.db.DeleteRetiredKeys(ctx, store.URLKey, w.now().Add(-w.urlLife))
	return err
}

// hash goes through the versions that lack hashes, while nobody transfers. A
// folder or bucket that cannot be read is passed over as a whole.
func (w *worker) hash(ctx context.Context) error {
	limit := rate.NewLimiter(hashRate, hashBurst)
	var unreachable []int64 // workspaces
	for after := int64(0); w.blobUse.quiet(quietTime) && ctx.Err() == nil; {
		s, err := w.catalog.HashNext(ctx, after, unreachable, limit)
		switch {
		case errors.Is(err, coreshed.NotFound):
			return nil
		case err != nil && s.Version.ID == 0:
			return err
		case errors.Is(err, broker.ErrUnavailable):
			unreachable = append(unreachable, s.Workspace)
		case errors.Is(err, coreshed.BadGateway): // it may not be read, as every time
			w.log.Debug("hash version", "version", s.Version.ID, "error", err)
		case err != nil && !errors.Is(err, coreshed.Gone):
			// One version that cannot be read must not keep the others waiting.
			w.log.Error("hash version", "version", s.Version.ID, "error", err)
		}
		after = s.Version.ID
	}
	return ctx.Err()
}

// recheck looks again for what was not found in place.
func (w *worker) recheck(ctx context.Context) error {
	var unreachable []int64 // workspaces
	for after := int64(0); ; {
		s, err := w.catalog.RecheckNext(ctx, after, unreachable)
		switch {
		case errors.Is(err, coreshed.NotFound):
			return nil
		case errors.Is(err, broker.ErrUnavailable):
			unreachable = append(unreachable, s.Workspace)
		case err != nil:
			return err
		}
		after = s.Version.ID
	}
}
