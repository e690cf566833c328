package watch

import (
	"context"
	"errors"
	"path"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/ingest"
	"github.com/coreshed/coreshed/internal/store"
)

// finder finds the files of one strike or scan.
type finder struct {
	*Watcher
	lease  store.Lease
	of     store.Arrivals
	config ingest.Configuration
	broker broker.Broker
	now    time.Time
}

// arrival is the ingest of a file that was found, on its way.
func (f *finder) arrival(o broker.Object) *store.Arrival {
	return &store.Arrival{
		Name: path.Base(o.Path), Path: o.Path, Size: o.Size, Transferred: o.Size, Modified: o.Modified, ETag: o.ETag,
		Started: o.Modified, Ended: o.Modified,
	}
}

// match applies the rules to an arrival that is whole: it is QUEUED, DEFERRED
// when none takes it, or ERRORED when it can have no address. Names are what
// the rules are tried on, beside its path.
func (f *finder) match(ctx context.Context, a *store.Arrival) error {
	rule, ok := ingest.Match(f.config.Rules, a.Path)
	if !ok {
		a.Status, a.Reason = coreshed.IngestDeferred, "No rule takes a file with this name."
		return nil
	}
	a.Status, a.Reason, a.Tags = coreshed.IngestQueued, "", rule.Tags
	a.NewPath = rule.Target(a.Name, f.now)
	if refused := refusedName(a.Path); refused != "" {
		a.Status, a.Reason = coreshed.IngestErrored, refused
		return nil
	}
	if rule.NewWorkspace == "" {
		return nil
	}
	id, err := f.DB.WorkspaceBeside(ctx, f.of.Workspace, rule.NewWorkspace)
	if errors.Is(err, coreshed.NotFound) {
		// Not everybody who sees the ingest may know the name.
		a.Status, a.Reason = coreshed.IngestDeferred, "The workspace that the rule names is not there."
		return nil
	}
	a.NewWorkspace = id
	return err
}

// refusedName says why a path can have no address, "" if it can.
func refusedName(name string) string {
	if _, err := coreshed.CleanPath(name); err != nil {
		var told *coreshed.Error
		if errors.As(err, &told) {
			return told.Msg
		}
		return err.Error()
	}
	return ""
}

// batchSize is how many files are looked at and written at a time.
const batchSize = 1000

// batched calls fn with batches of what a listing finds.
func (f *finder) batched(ctx context.Context, l broker.Listing, fn func([]broker.Object) error) error {
	batch := make([]broker.Object, 0, batchSize)
	err := f.broker.List(ctx, l, func(o broker.Object) error {
		if batch = append(batch, o); len(batch) < batchSize {
			return nil
		}
		err := fn(batch)
		batch = batch[:0]
		return err
	})
	// Parts that may not be read come after all the others.
	if len(batch) > 0 && (err == nil || errors.Is(err, errPartial)) {
		return errors.Join(fn(batch), err)
	}
	return err
}

func pathsOf(objects []broker.Object) []string {
	paths := make([]string, len(objects))
	for i, o := range objects {
		paths[i] = o.Path
	}
	return paths
}

// compare takes what is new or has changed since the last pass.
func (f *finder) compare(ctx context.Context) error {
	return f.batched(ctx, broker.Listing{Recursive: true}, func(batch []broker.Object) error {
		last, err := f.DB.LastArrivals(ctx, f.of, pathsOf(batch))
		if err != nil {
			return err
		}
		var found []*store.Arrival
		for _, o := range batch {
			if ingest.IsSidecar(o.Path) || isFolder(o) {
				continue
			}
			if was := last[o.Path]; was != nil && was.Same(o.Size, o.Modified, o.ETag) {
				continue
			}
			a := f.arrival(o)
			if err := f.match(ctx, a); err != nil {
				return err
			}
			found = append(found, a)
		}
		return f.DB.SaveArrivals(ctx, f.lease, f.of, found)
	})
}

// isFolder reports whether an object only stands for a folder of a bucket.
func isFolder(o broker.Object) bool { return o.ETag != "" && o.Size == 0 }
