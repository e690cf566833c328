package catalog

import (
	"context"
	"errors"
	"io/fs"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/store"
)

// relocate moves a source that lies in place to another path of its folder or
// bucket, as its metadata document says. What lies in Coreshed's own store, or
// where this server reaches nothing, stays. Conflict when something else is at
// that path. Moving it again changes nothing.
func (c *Catalog) relocate(ctx context.Context, view coreshed.View, id int64, to string) error {
	e, err := c.db.Entry(ctx, view, id)
	if err != nil || e.Type != coreshed.Source || e.State != coreshed.InPlace || !e.DeletedAt.IsZero() || e.StoragePath == to {
		return err
	}
	s, err := c.db.CommittedEntry(ctx, view, id)
	if err != nil {
		return err
	}
	b, err := c.Broker(ctx, s.Workspace)
	var unreached *broker.ConfigError
	if errors.Is(err, coreshed.NotFound) || errors.Is(err, coreshed.Gone) || errors.As(err, &unreached) {
		return nil
	}
	if err != nil {
		return err
	}
	moved, err := c.moveObject(ctx, b, s, to)
	if errors.Is(err, fs.ErrExist) {
		return coreshed.Errorf(coreshed.Conflict, "There is another file at the newWorkspacePath of the metadata document.").Because(err)
	}
	if coreshed.KindOf(err) == coreshed.InvalidPath {
		return err
	}
	if err != nil {
		return c.lostInPlace(ctx, id, err)
	}
	return c.db.MoveInPlace(ctx, view, id, store.Place{Path: to, Size: moved.Size, Modified: moved.Modified, ETag: moved.ETag})
}

// moveObject moves what was registered, and nothing else. What is there already,
// and gone from where it was, has been moved by an attempt whose row was not
// written.
func (c *Catalog) moveObject(ctx context.Context, b broker.Broker, s store.Slot, to string) (broker.Object, error) {
	f, err := c.find(ctx, s)
	if errors.Is(err, fs.ErrNotExist) {
		there := s
		there.Place.Path = to
		if f, again := c.find(ctx, there); again == nil {
			return f.Object(), f.Close()
		}
	}
	if err != nil {
		return broker.Object{}, err
	}
	if err := f.Close(); err != nil {
		return broker.Object{}, err
	}
	return b.Move(ctx, s.Place.Path, to)
}
