// Package leased does work in the background that one process at a time may do,
// by leases in the metadata store: another goes on where one stopped.
package leased

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/coreshed/coreshed/internal/store"
)

const (
	// lookEvery is how often work is looked for.
	lookEvery = time.Second
	// leaseTime is how long another process waits for one that is no more.
	leaseTime = time.Minute
)

// Runner does work under leases. Its methods may be called from many
// goroutines.
type Runner struct {
	db     *store.DB
	holder string // of the leases: the process
	log    *slog.Logger

	mu      sync.Mutex
	running map[string]bool // by lease
	work    sync.WaitGroup
}

// NewRunner makes a Runner for a process.
func NewRunner(db *store.DB, holder string, log *slog.Logger) *Runner {
	return &Runner{db: db, holder: holder, log: log, running: map[string]bool{}}
}

// Run looks for work until ctx ends and all of it has. What look finds, it
// starts.
func (r *Runner) Run(ctx context.Context, job string, look func(context.Context) error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	defer r.work.Wait()
	for {
		if err := look(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("background work", "job", job, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Start does something in the background if no process is doing it.
func (r *Runner) Start(ctx context.Context, name string, do func(context.Context, store.Lease)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[name] {
		return
	}
	r.running[name] = true
	r.work.Go(func() {
		defer r.ended(name)
		r.Do(ctx, name, do)
	})
}

func (r *Runner) ended(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, name)
}

// Do does something while it has the lease, which it keeps for as long as that
// takes; nothing when another process has it.
func (r *Runner) Do(ctx context.Context, name string, do func(context.Context, store.Lease)) {
	l := store.Lease{Name: name, Holder: r.holder}
	mine, err := r.db.Lease(ctx, l.Name, l.Holder, leaseTime)
	if err != nil || !mine {
		if err != nil && ctx.Err() == nil {
			r.log.Error("background work", "job", l.Name, "error", err)
		}
		return
	}
	inner, stop := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { r.keep(inner, stop, l) })
	do(inner, l)
	stop()
	keeping.Wait()
	if err := r.db.Release(context.WithoutCancel(ctx), l.Name, l.Holder); err != nil {
		r.log.Error("background work", "job", l.Name, "error", err)
	}
}

// keep prolongs a lease, and stops the work when it is lost.
func (r *Runner) keep(ctx context.Context, stop context.CancelFunc, l store.Lease) {
	tick := time.NewTicker(leaseTime / 4)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		mine, err := r.db.Lease(ctx, l.Name, l.Holder, leaseTime)
		switch {
		case err == nil && mine:
			last = time.Now()
		case err == nil || time.Since(last) > leaseTime/2:
			stop()
			return
		}
	}
}
