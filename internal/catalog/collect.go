package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coreshed/coreshed/internal/killpoint"
	"github.com/coreshed/coreshed/internal/store"
)

// Grace is how long an object that nothing names is left alone. It is far
// longer than the time between an object's last byte and the row that names
// it.
const Grace = 24 * time.Hour

// batch is how many rows or objects the collector works on at a time.
const batch = 200

// Collected says what one collection has removed.
type Collected struct {
	Uploads int // that were not committed for a week
	Dropped int // objects that rows no longer need
	Unnamed int // objects that no row ever named
}

// Collect ends uploads that have waited for their commit longer than a week,
// then removes the objects that rows have dropped, and the objects that no row
// names, both after the grace time. It never touches what this process is
// writing. It may run at any time, and again after any failure; what cannot be
// removed keeps nothing else waiting.
func (c *Catalog) Collect(ctx context.Context) (Collected, error) {
	var done Collected
	err := c.expireUploads(ctx, &done)
	if ctx.Err() == nil {
		err = errors.Join(err, c.collectDropped(ctx, c.now().Add(-Grace), &done))
	}
	if ctx.Err() == nil {
		err = errors.Join(err, c.collectUnnamed(ctx, &done))
	}
	return done, err
}

// stuck are the objects that could not be removed.
type stuck struct {
	n     int
	first error
}

func (s *stuck) add(err error) {
	if s.n++; s.n == 1 {
		s.first = err
	}
}

func (s *stuck) err() error {
	if s.n == 0 {
		return nil
	}
	return fmt.Errorf("%d objects were not removed, the first: %w", s.n, s.first)
}

func (c *Catalog) expireUploads(ctx context.Context, done *Collected) error {
	for ctx.Err() == nil {
		n, err := c.db.ExpireUploads(ctx, c.now().Add(-store.UploadLifetime), batch)
		killpoint.Reach("collect.expired")
		done.Uploads += n
		if err != nil || n < batch {
			return err
		}
	}
	return ctx.Err()
}

// collectDropped removes the objects that were dropped before a time.
func (c *Catalog) collectDropped(ctx context.Context, before time.Time, done *Collected) error {
	var stuck stuck
	for ctx.Err() == nil {
		keys, err := c.db.Dropped(ctx, before, stuck.n, batch)
		if err != nil || len(keys) == 0 {
			return errors.Join(stuck.err(), err)
		}
		var gone []string
		for _, k := range keys {
			if err := c.blobs.Delete(ctx, k); err != nil {
				stuck.add(err)
				continue
			}
			gone = append(gone, k)
			killpoint.Reach("collect.dropped.object")
		}
		killpoint.Reach("collect.dropped.bytes")
		if err := c.db.Forget(ctx, gone); err != nil {
			return err
		}
		killpoint.Reach("collect.dropped.rows")
		done.Dropped += len(gone)
	}
	return ctx.Err()
}

// collectUnnamed walks all objects. They come in order of their keys, so that
// each prefix's rows are asked for once.
func (c *Catalog) collectUnnamed(ctx context.Context, done *Collected) error {
	var prefix string
	var settled []string // objects of the prefix
	var stuck stuck
	old := c.now().Add(-Grace)
	for o, err := range c.blobs.List(ctx, "") {
		if err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		if p, _, _ := strings.Cut(o.Key, "/"); p != prefix {
			if err := c.removeUnnamed(ctx, prefix, settled, done, &stuck); err != nil {
				return err
			}
			prefix, settled = p, settled[:0]
		}
		if !o.ModTime.After(old) && !c.moving.has(o.Key) {
			settled = append(settled, o.Key)
		}
	}
	err := c.removeUnnamed(ctx, prefix, settled, done, &stuck)
	return errors.Join(stuck.err(), err)
}

// removeUnnamed removes those of a prefix's objects that no row names. They
// have been seen, and seen not to move, before the rows are asked for: one
// without a row by now will never have one.
func (c *Catalog) removeUnnamed(ctx context.Context, prefix string, keys []string, done *Collected, stuck *stuck) error {
	if len(keys) == 0 {
		return nil
	}
	named, err := c.db.Named(ctx, prefix)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if named[k] {
			continue
		}
		if err := c.blobs.Delete(ctx, k); err != nil {
			stuck.add(err)
			continue
		}
		killpoint.Reach("collect.unnamed.object")
		done.Unnamed++
	}
	return nil
}

// moving are the keys of the objects that this process is writing, until their
// rows are written, too.
type moving struct{ keys sync.Map }

func (m *moving) add(key string) (done func()) {
	m.keys.Store(key, struct{}{})
	return func() { m.keys.Delete(key) }
}

func (m *moving) has(key string) bool {
	_, ok := m.keys.Load(key)
	return ok
}

// sweeper is the ability of a blob store to remove what its own unfinished
// writes have left.
type sweeper interface {
	Sweep(ctx context.Context, olderThan time.Time) (int, error)
}

// Sweep removes what unfinished writes have left in the blob store.
func (c *Catalog) Sweep(ctx context.Context) error {
	s, ok := c.blobs.(sweeper)
	if !ok {
		return nil
	}
	n, err := s.Sweep(ctx, c.now().Add(-Grace))
	killpoint.Reach("collect.swept")
	if n > 0 {
		c.log.Info("removed unfinished writes", "objects", n)
	}
	return errors.Join(err, ctx.Err())
}
