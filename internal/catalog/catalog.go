// Package catalog does what needs rows and bytes together: uploads, downloads,
// hashing, and the removal of bytes that no row names. Bytes are durable before
// a row names them; when something fails between, bytes are left over, never a
// row without bytes.
package catalog

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/store"
)

// Config is what a Catalog is made of.
type Config struct {
	DB    *store.DB
	Blobs blob.Store
	// Floor is the free space in bytes below which no upload is taken.
	// Deletes and downloads go on.
	Floor uint64
	// Opener opens the folders and buckets that others own; nil reaches none.
	Opener *broker.Opener
	Log    *slog.Logger
	Now    func() time.Time // nil is time.Now
}

// Catalog joins the metadata and the bytes. Its methods may be called from
// many goroutines.
type Catalog struct {
	db     *store.DB
	blobs  blob.Store
	opener *broker.Opener
	log    *slog.Logger
	now    func() time.Time

	space   space
	moving  moving
	brokers brokers
	borders borderCache
}

// New makes a Catalog. The stores stay the caller's to close.
func New(c Config) *Catalog {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Opener == nil {
		c.Opener = &broker.Opener{}
	}
	return &Catalog{
		db: c.DB, blobs: c.Blobs, opener: c.Opener, log: c.Log, now: c.Now,
		space: space{blobs: c.Blobs, floor: c.Floor, now: c.Now},
	}
}

// Room fails with Full when size more bytes do not fit above the free-space
// floor.
func (c *Catalog) Room(ctx context.Context, size int64) error {
	done, err := c.space.promise(ctx, size)
	if err == nil {
		done()
	}
	return err
}

// fits fails with Full when size more bytes exceed the workspace's quota or
// the server's space. Otherwise the space is kept for them until done is called.
func (c *Catalog) fits(ctx context.Context, s store.Slot, size int64) (done func(), err error) {
	if s.Quota > 0 && s.Used+size > s.Quota {
		return nil, quotaReached(s.Used, s.Quota)
	}
	return c.space.promise(ctx, size)
}

// RoomIn fails with Full when a workspace may not begin another upload, because
// of its quota or the server's space.
func (c *Catalog) RoomIn(ctx context.Context, w coreshed.Workspace) error {
	if w.Quota > 0 && w.Used >= w.Quota {
		return quotaReached(w.Used, w.Quota)
	}
	return c.Room(ctx, 0)
}

func quotaReached(used, quota int64) error {
	return coreshed.Errorf(coreshed.Full, "The workspace's quota is reached: %d of %d bytes are in use, uploads in progress counted. "+
		"Whoever runs the server can raise it: coreshed workspace set --quota.", used, quota)
}
