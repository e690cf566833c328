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

// lookEvery is how long a walk that failed waits at first.
const lookEvery = time.Second

// maxScanFailures bounds how often in a row a walk is begun again.
const maxScanFailures = 8

// scan walks until all has been seen, from where a walk before has stopped.
func (w *Watcher) scan(ctx context.Context, l store.Lease, id int64) {
	h, hint := &health{w: w}, &hint{log: w.Log}
	for ctx.Err() == nil {
		work, err := w.DB.OpenScan(ctx, id)
		if errors.Is(err, coreshed.NotFound) {
			return // done, or canceled
		}
		if err == nil {
			err = w.walk(ctx, l, work)
		}
		if err == nil || ctx.Err() != nil || lostLease(err) {
			return
		}
		wait := h.after(err, lookEvery)
		if h.times >= maxScanFailures || !passing(err) {
			if err := w.DB.EndScan(ctx, l, work, failureOf(err)); err != nil {
				w.Log.Error("scan", "scan", id, "error", err)
			}
			return
		}
		hint.wait(ctx, wait)
	}
}

// passing reports whether a failure may be over soon.
func passing(err error) bool {
	var config *broker.ConfigError
	return !errors.Is(err, errPartial) && !errors.As(err, &config) && coreshed.KindOf(err) != coreshed.BadRequest &&
		!errors.Is(err, coreshed.Gone) && !errors.Is(err, coreshed.NotFound)
}

// failureOf says what a scan failed of.
func failureOf(err error) string {
	var told *coreshed.Error
	switch {
	case errors.Is(err, errPartial):
		return "Not all of the folder could be read; the rest of it has been taken."
	case errors.Is(err, broker.ErrUnavailable):
		return "The folder or bucket could not be reached."
	case errors.As(err, &told) && told.Msg != "":
		return told.Msg
	}
	return "It failed; the server's log has more."
}

// errCanceled ends a walk that nobody wants any more.
var errCanceled = errors.New("the scan was canceled")

func (w *Watcher) walk(ctx context.Context, l store.Lease, work store.ScanWork) error {
	open, err := w.Catalog.OpenFinder(ctx, work.Configuration)
	if err != nil {
		return err
	}
	config, _, err := ingest.ParseScan(open)
	if err != nil {
		return err
	}
	b, err := w.Catalog.Broker(ctx, work.Workspace)
	if err != nil {
		return err
	}
	s := &scanWalk{
		finder: finder{Watcher: w, lease: l, of: store.ArrivalsOf(work.Origin, true), config: config, broker: b, now: w.Now()},
		work:   work, files: work.Files, cursor: work.Cursor,
	}
	if err := s.see(ctx, nil); err != nil { // it has begun
		return ended(err)
	}
	err = s.batched(ctx, broker.Listing{After: work.Cursor, Recursive: config.Recursive}, func(batch []broker.Object) error { return s.see(ctx, batch) })
	if err != nil {
		return ended(err)
	}
	return w.DB.EndScan(ctx, l, work, "")
}

func ended(err error) error {
	if errors.Is(err, errCanceled) {
		return nil
	}
	return err
}

// scanWalk is a walk that goes on.
type scanWalk struct {
	finder
	work   store.ScanWork
	files  int64
	cursor string
}

// see counts a batch, and queues what the rules take of it unless the scan has
// it already.
func (s *scanWalk) see(ctx context.Context, batch []broker.Object) error {
	var found []*store.Arrival
	var err error
	if s.work.Take {
		if found, err = s.take(ctx, batch); err != nil {
			return err
		}
	}
	for _, o := range batch {
		if s.counts(o) {
			s.files++
		}
		s.cursor = o.Path
	}
	wanted, err := s.DB.ScanSeen(ctx, s.lease, s.work, s.files, s.cursor, found)
	if err == nil && !wanted {
		err = errCanceled
	}
	return err
}

// counts reports whether an object is a file that has arrived.
func (s *scanWalk) counts(o broker.Object) bool {
	_, transferring := s.config.Monitor.FinalName(o.Path)
	return !transferring && !ingest.IsSidecar(o.Path) && !isFolder(o)
}

func (s *scanWalk) take(ctx context.Context, batch []broker.Object) ([]*store.Arrival, error) {
	last, err := s.DB.LastArrivals(ctx, s.of, pathsOf(batch))
	if err != nil {
		return nil, err
	}
	var found []*store.Arrival
	for _, o := range batch {
		if !s.counts(o) || last[o.Path] != nil {
			continue
		}
		a := s.arrival(o)
		if err := s.match(ctx, a); err != nil {
			return nil, err
		}
		if _, ok := ingest.Match(s.config.Rules, a.Path); ok { // what no rule takes is not told of
			found = append(found, a)
		}
	}
	return found, nil
}
