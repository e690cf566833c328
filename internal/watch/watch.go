// Package watch looks for files in folders and buckets: strikes for as long as
// they are there, scans once. What they find becomes ingests, which the catalog
// performs. One process at a time does the work of each, and another goes on
// where it stopped.
package watch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// Config is what a Watcher works with.
type Config struct {
	DB      *store.DB
	Catalog *catalog.Catalog
	Holder  string // of leases: the process
	Log     *slog.Logger
	Now     func() time.Time
}

// Watcher does the work of strikes and scans.
type Watcher struct {
	Config
	mu      sync.Mutex
	running map[string]bool // by lease
	work    sync.WaitGroup
}

// New makes a Watcher.
func New(c Config) *Watcher { return &Watcher{Config: c, running: map[string]bool{}} }

const (
	// lookEvery is how often new strikes and scans are looked for.
	lookEvery = time.Second
	// leaseTime is how long another process waits for one that is no more.
	leaseTime = time.Minute
)

// Run works until ctx ends and all of its work has.
func (w *Watcher) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	defer w.work.Wait()
	for {
		if err := w.begin(ctx); err != nil && ctx.Err() == nil {
			w.Log.Error("background work", "job", "watch", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// begin starts what nobody is doing.
func (w *Watcher) begin(ctx context.Context) error {
	strikes, err := w.DB.AllStrikes(ctx)
	if err != nil {
		return err
	}
	for _, s := range strikes {
		w.start(ctx, fmt.Sprintf("strike-%d", s.ID), func(ctx context.Context, l store.Lease) { w.strike(ctx, l, s.ID) })
	}
	scans, err := w.DB.OpenScans(ctx)
	if err != nil {
		return err
	}
	for _, s := range scans {
		w.start(ctx, fmt.Sprintf("scan-%d", s.ID), func(ctx context.Context, l store.Lease) { w.scan(ctx, l, s.ID) })
	}
	return nil
}

// start does something in the background if no process is doing it.
func (w *Watcher) start(ctx context.Context, name string, do func(context.Context, store.Lease)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running[name] {
		return
	}
	w.running[name] = true
	w.work.Go(func() {
		defer w.ended(name)
		w.leased(ctx, store.Lease{Name: name, Holder: w.Holder}, do)
	})
}

func (w *Watcher) ended(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, name)
}

// leased does something while it has the lease, which it keeps for as long as
// that takes.
func (w *Watcher) leased(ctx context.Context, l store.Lease, do func(context.Context, store.Lease)) {
	mine, err := w.DB.Lease(ctx, l.Name, l.Holder, leaseTime)
	if err != nil || !mine {
		if err != nil && ctx.Err() == nil {
			w.Log.Error("background work", "job", l.Name, "error", err)
		}
		return
	}
	inner, stop := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { w.keep(inner, stop, l) })
	do(inner, l)
	stop()
	keeping.Wait()
	if err := w.DB.Release(context.WithoutCancel(ctx), l.Name, l.Holder); err != nil {
		w.Log.Error("background work", "job", l.Name, "error", err)
	}
}

// keep prolongs a lease, and stops the work when it is lost.
func (w *Watcher) keep(ctx context.Context, stop context.CancelFunc, l store.Lease) {
	tick := time.NewTicker(leaseTime / 4)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		mine, err := w.DB.Lease(ctx, l.Name, l.Holder, leaseTime)
		switch {
		case err == nil && mine:
			last = time.Now()
		case err == nil || time.Since(last) > leaseTime/2:
			stop()
			return
		}
	}
}
