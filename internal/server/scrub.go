package server

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

const (
	scrubBurst = 256 << 10
	scrubPause = time.Hour // of a round that has found what is not for it to judge
)

// scrubs says how all bytes are read again and again.
type scrubs struct {
	every time.Duration
	rate  int64 // in bytes a second
}

// scrub goes on with a round of reading, or begins one when it is time.
func (w *worker) scrub(ctx context.Context) error {
	round, err := w.db.DueScrub(ctx, w.scrubs.every)
	if errors.Is(err, coreshed.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	w.leases.Start(ctx, scrubJob, func(ctx context.Context, l store.Lease) {
		err := w.catalog.Scrub(ctx, l, round.ID, w.scrubLimit(), func(n int64) { w.measures.scrubbed.Add(float64(n)) })
		if err == nil || ctx.Err() != nil {
			return
		}
		w.log.Error("background work", "job", scrubJob, "error", err)
		if errors.Is(err, catalog.ErrManyLost) {
			select { // with the lease: no other server goes on either
			case <-ctx.Done():
			case <-time.After(scrubPause):
			}
		}
	})
	return nil
}

func (w *worker) scrubLimit() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(w.scrubs.rate), int(min(scrubBurst, w.scrubs.rate)))
}
