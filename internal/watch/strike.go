package watch

import (
	"context"
	"errors"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/ingest"
	"github.com/coreshed/coreshed/internal/store"
)

// maxWait bounds how long a strike waits after failures.
const maxWait = 5 * time.Minute

// strike watches until its context ends or the strike is no more. Its
// configuration is read before each pass, and no failure ends it.
func (w *Watcher) strike(ctx context.Context, l store.Lease, id int64) {
	h := &health{w: w, strike: id}
	hint := newHint(w.Log)
	defer hint.close()
	var state passState
	for ctx.Err() == nil {
		s, err := w.DB.StrikeOf(ctx, id)
		if errors.Is(err, coreshed.NotFound) {
			return // or its workspace is archived
		}
		wait := ingest.DefaultInterval
		if err == nil {
			wait, err = w.pass(ctx, l, s, hint, &state)
		}
		if ctx.Err() != nil || lostLease(err) {
			return
		}
		hint.wait(ctx, h.after(err, wait))
	}
}

func lostLease(err error) bool { return errors.Is(err, coreshed.Conflict) }

// pass looks once. It returns how long to wait before the next pass.
func (w *Watcher) pass(ctx context.Context, l store.Lease, s coreshed.Strike, hint *hint, state *passState) (time.Duration, error) {
	open, err := w.Catalog.OpenFinder(ctx, s.Configuration)
	if err != nil {
		return ingest.DefaultInterval, err
	}
	config, _, err := ingest.ParseStrike(open)
	if err != nil {
		return maxWait, err
	}
	b, err := w.Catalog.Broker(ctx, s.Workspace)
	if err != nil {
		return config.Monitor.Interval, err
	}
	if err := w.DB.StrikeRuns(ctx, s); err != nil {
		return config.Monitor.Interval, err
	}
	f := finder{Watcher: w, lease: l, of: store.ArrivalsOf(s.Origin, false), config: config, broker: b, now: w.Now()}
	switch config.Monitor.Type {
	case ingest.DirWatcher:
		hint.watch(w.folderOf(ctx, s.Workspace))
		p := folderPass{finder: f, state: state}
		return p.run(ctx)
	case ingest.Compare:
		return config.Monitor.Interval, f.compare(ctx)
	}
	// The queue itself waits.
	return 0, w.receive(ctx, f)
}

// folderOf is the folder of a workspace on this host, for hints alone.
func (w *Watcher) folderOf(ctx context.Context, workspace int64) string {
	s, err := w.DB.StorageOf(ctx, workspace)
	if err != nil || s.Broker != string(broker.Host) {
		return ""
	}
	c, err := w.Catalog.Configuration(ctx, s)
	if err != nil {
		return ""
	}
	return c.HostPath
}

// health logs a failure once, until it changes or ends, and spaces the passes
// of a strike that fails.
type health struct {
	w      *Watcher
	strike int64
	failed string
	times  int
}

func (h *health) after(err error, wait time.Duration) time.Duration {
	if err == nil {
		if h.failed != "" {
			h.w.Log.Info("strike works again", "strike", h.strike, "failures", h.times)
		}
		h.failed, h.times = "", 0
		return wait
	}
	if text := err.Error(); text != h.failed {
		h.w.Log.Warn("strike", "strike", h.strike, "error", err)
		h.failed = text
	}
	h.times++
	return min(max(wait, time.Second)<<min(h.times-1, 8), max(maxWait, wait))
}
