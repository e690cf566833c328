package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/killpoint"
	"github.com/coreshed/coreshed/internal/store"
)

const (
	// purgeBatch is how many versions, runs or recipes of a purge are removed in
	// one transaction: others may write in between.
	purgeBatch = 250
	// bytesBatch is how many versions' bytes are removed before their rows at
	// most: the more, the more of them share the sync of a folder.
	bytesBatch = 32 * purgeBatch
	// purgeAtOnce is how many versions' bytes are removed at a time.
	purgeAtOnce = 16
	// batchTime is about how long bytes are removed before their rows: how far a
	// purge is, and whether it was stopped, is seen in between.
	batchTime = 2 * time.Second
)

// nextBatch is how many versions' bytes are removed after so many took a time.
func nextBatch(size int, took time.Duration) int {
	switch {
	case took < batchTime/4:
		return min(4*size, bytesBatch)
	case took > batchTime:
		return max(size/2, purgeAtOnce)
	}
	return size
}

// rest leaves the processor and the disk to others for half as long as a step took:
// readers have to read again what a step has changed.
func rest(ctx context.Context, took time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(took / 2):
	}
}

// Purge works on a purge until nothing is left of its set, it is stopped, or
// bytes cannot be removed: then it is put off, with the reason. It can be killed
// at any moment and called again: what was done is done.
func (c *Catalog) Purge(ctx context.Context, l store.Lease, id int64) error {
	err := c.purge(ctx, l, id)
	if err == nil || errors.Is(err, store.ErrPurgeStopped) || ctx.Err() != nil {
		return nil
	}
	return errors.Join(err, c.db.PutOffPurge(context.WithoutCancel(ctx), l, id, backoff, purgeReason(err)))
}

// purgeReason says why a purge waits, to whoever may see it.
func purgeReason(err error) string {
	var told *coreshed.Error
	if errors.As(err, &told) && told.Msg != "" && told.Kind != coreshed.StoreFailed {
		return told.Msg
	}
	if errors.Is(err, errBytesLeft) {
		return "Some bytes could not be removed yet."
	}
	return "It failed; the server's log has more."
}

// errBytesLeft says that the bytes of some versions could not be removed.
var errBytesLeft = errors.New("bytes of purged versions could not be removed")

func (c *Catalog) purge(ctx context.Context, l store.Lease, id int64) error {
	if err := c.db.BeginPurge(ctx, l, id); err != nil {
		return err
	}
	killpoint.Reach("purge.begun")
	if err := c.purgeVersions(ctx, l, id); err != nil {
		return err
	}
	for _, next := range []func(context.Context, store.Lease, int64, int) (int, error){c.db.RemovePurgedRuns, c.db.RemovePurgedRecipes} {
		for {
			n, err := next(ctx, l, id, purgeBatch)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			killpoint.Reach("purge.batch.removed")
		}
	}
	if err := c.collectDropped(ctx, store.PurgedAt.Add(time.Second), &Collected{}); err != nil {
		return fmt.Errorf("%w: %w", errBytesLeft, err)
	}
	killpoint.Reach("purge.uploads.gone")
	ended, err := c.db.EndPurge(ctx, l, id)
	if err != nil || !ended {
		return err
	}
	killpoint.Reach("purge.ended")
	c.log.Info("purged", "purge", id)
	if err := c.db.EmptyLog(ctx); err != nil {
		c.log.Warn("what was purged is in the write-ahead log until the server stops", "purge", id, "error", err)
	}
	killpoint.Reach("purge.log.emptied")
	return nil
}

// purgeVersions removes the versions of a purge, batch by batch: their bytes,
// then their rows.
func (c *Catalog) purgeVersions(ctx context.Context, l store.Lease, id int64) error {
	var last *store.PurgedVersion
	left, size := 0, purgeAtOnce
	for {
		batch, err := c.db.PurgeVersions(ctx, l, id, last, size)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			break
		}
		last = &batch[len(batch)-1]
		killpoint.Reach("purge.bytes.begin")
		began := time.Now()
		gone, failed := c.removeBytes(ctx, batch)
		size = nextBatch(size, time.Since(began))
		killpoint.Reach("purge.bytes.gone")
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.db.FailPurged(ctx, l, id, failed); err != nil {
			return err
		}
		slices.Sort(gone) // neighbours in the tables
		for rows := range slices.Chunk(gone, purgeBatch) {
			began := time.Now()
			if err := c.db.RemovePurged(ctx, l, id, rows); err != nil {
				return err
			}
			killpoint.Reach("purge.rows.gone")
			rest(ctx, time.Since(began))
		}
		left += len(failed)
	}
	if left > 0 {
		return fmt.Errorf("%w: %d versions", errBytesLeft, left)
	}
	return nil
}

// removeBytes removes the bytes of versions, and returns those whose rows can go
// now, and why of others they cannot.
func (c *Catalog) removeBytes(ctx context.Context, batch []store.PurgedVersion) (gone []int64, failed map[int64]string) {
	cleared := c.clearObjects(ctx, batch)
	var mu sync.Mutex
	failed = map[int64]string{}
	var g errgroup.Group
	g.SetLimit(purgeAtOnce)
	for _, v := range batch {
		g.Go(func() error {
			err, done := cleared[v.Prefix]
			if !done {
				err = c.removeBytesOf(ctx, v)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				gone = append(gone, v.ID)
				return nil
			}
			failed[v.ID] = reasonOf(err)
			c.log.Warn("bytes of a purged version are still there", "version", v.ID, "error", err)
			return nil
		})
	}
	g.Wait() //nolint:errcheck // what failed is in failed
	return gone, failed
}

// clearObjects removes the objects of those versions that have some together, if
// the store can, and returns by prefix what came of it.
func (c *Catalog) clearObjects(ctx context.Context, batch []store.PurgedVersion) map[string]error {
	clearer, ok := c.blobs.(blob.Clearer)
	if !ok {
		return nil
	}
	var prefixes []string
	for _, v := range batch {
		if v.Place == nil {
			prefixes = append(prefixes, v.Prefix)
		}
	}
	failed, done := clearer.Clear(ctx, prefixes), map[string]error{}
	for _, p := range prefixes {
		done[p] = failed[p]
	}
	return done
}

func (c *Catalog) removeBytesOf(ctx context.Context, v store.PurgedVersion) error {
	switch {
	case v.Place == nil:
		return c.removeObjects(ctx, v.Prefix)
	case v.Fate == coreshed.BytesGo:
		return c.removeInPlace(ctx, v)
	}
	return nil
}

// removeObjects removes all that a version has ever written: what it has
// replaced and abandoned too.
func (c *Catalog) removeObjects(ctx context.Context, prefix string) error {
	var keys []string
	for o, err := range c.blobs.List(ctx, prefix+"/") {
		if err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		keys = append(keys, o.Key)
	}
	for _, k := range keys {
		if err := c.blobs.Delete(ctx, k); err != nil {
			return fmt.Errorf("remove object: %w", err)
		}
	}
	return nil
}

// removeInPlace removes what was registered in a folder or bucket, and nothing
// else that lies there by now. That the workspace was archived since does not
// matter: the purge is an order.
func (c *Catalog) removeInPlace(ctx context.Context, v store.PurgedVersion) error {
	s, err := c.db.StorageOf(ctx, v.Workspace)
	if err != nil {
		return err
	}
	b, err := c.brokerOf(ctx, s)
	if err != nil {
		return err
	}
	return b.Erase(ctx, broker.Object{Path: v.Place.Path, Size: v.Place.Size, Modified: v.Place.Modified, ETag: v.Place.ETag})
}
