// Package watch looks for files in folders and buckets: strikes for as long as
// they are there, scans once. What they find becomes ingests, which the catalog
// performs. One process at a time does the work of each, and another goes on
// where it stopped.
package watch

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/leased"
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
	runner *leased.Runner
}

// New makes a Watcher.
func New(c Config) *Watcher {
	return &Watcher{Config: c, runner: leased.NewRunner(c.DB, c.Holder, c.Log)}
}

// Run works until ctx ends and all of its work has.
func (w *Watcher) Run(ctx context.Context) { w.runner.Run(ctx, "watch", w.begin) }

// begin starts what nobody is doing.
func (w *Watcher) begin(ctx context.Context) error {
	strikes, err := w.DB.AllStrikes(ctx)
	if err != nil {
		return err
	}
	for _, s := range strikes {
		w.runner.Start(ctx, fmt.Sprintf("strike-%d", s.ID), func(ctx context.Context, l store.Lease) { w.strike(ctx, l, s.ID) })
	}
	scans, err := w.DB.OpenScans(ctx)
	if err != nil {
		return err
	}
	for _, s := range scans {
		w.runner.Start(ctx, fmt.Sprintf("scan-%d", s.ID), func(ctx context.Context, l store.Lease) { w.scan(ctx, l, s.ID) })
	}
	return nil
}
