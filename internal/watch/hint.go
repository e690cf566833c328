package watch

import (
	"context"
	"log/slog"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long a hint waits for more of them.
const quiet = 200 * time.Millisecond

// hint ends a wait early when something changes in a folder. It is no more than
// that: what it misses, as on network disks, the next pass finds.
type hint struct {
	log     *slog.Logger
	watcher *fsnotify.Watcher // nil when the system gives none
	folder  string
}

func newHint(log *slog.Logger) *hint {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("folders are only looked at from time to time", "error", err)
		return &hint{log: log}
	}
	return &hint{log: log, watcher: w}
}

// watch says which folder is of interest, anew when it was there again.
func (h *hint) watch(folder string) {
	if h.watcher == nil {
		return
	}
	if folder != h.folder && h.folder != "" {
		_ = h.watcher.Remove(h.folder) // it may be gone
	}
	if h.folder = folder; folder != "" {
		_ = h.watcher.Add(folder) // else there are no hints
	}
}

func (h *hint) close() {
	if h.watcher != nil {
		h.watcher.Close()
	}
}

// wait returns after d, when ctx ends, or soon after something has changed.
func (h *hint) wait(ctx context.Context, d time.Duration) {
	end := time.NewTimer(d)
	defer end.Stop()
	var events chan fsnotify.Event
	var errs chan error
	if h.watcher != nil {
		events, errs = h.watcher.Events, h.watcher.Errors
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-events:
			if d > quiet {
				d = quiet
				end.Reset(quiet)
			}
		case _, open := <-errs: // too many events: as good as one
			if open {
				return
			}
			errs = nil
		}
	}
}
