package watch

import (
	"context"
	"fmt"

	"github.com/coreshed/coreshed/internal/store"
)

// Pass lets a strike look at everything once.
func (w *Watcher) Pass(ctx context.Context, id int64) error {
	var err error
	w.runner.Do(ctx, fmt.Sprintf("strike-%d", id), func(ctx context.Context, l store.Lease) {
		h := newHint(w.Log)
		defer h.close()
		var state passState
		for {
			s, found := w.DB.StrikeOf(ctx, id)
			if err = found; err != nil {
				return
			}
			wait, failed := w.pass(ctx, l, s, h, &state)
			if err = failed; err != nil || wait > 0 {
				return
			}
		}
	})
	return err
}

// Walk lets a scan see everything.
func (w *Watcher) Walk(ctx context.Context, id int64) {
	w.runner.Do(ctx, fmt.Sprintf("scan-%d", id), func(ctx context.Context, l store.Lease) {
		w.scan(ctx, l, id)
	})
}

// SetMaxHeld says how many files are in memory at a time, until undo.
func SetMaxHeld(n int) (undo func()) {
	was := maxHeld
	maxHeld = n
	return func() { maxHeld = was }
}

// Once lets a strike look once, at a queue for as long as it waits.
func (w *Watcher) Once(ctx context.Context, id int64) error {
	var err error
	w.runner.Do(ctx, fmt.Sprintf("strike-%d", id), func(ctx context.Context, l store.Lease) {
		h := newHint(w.Log)
		defer h.close()
		s, found := w.DB.StrikeOf(ctx, id)
		if err = found; err == nil {
			_, err = w.pass(ctx, l, s, h, &passState{})
		}
	})
	return err
}
