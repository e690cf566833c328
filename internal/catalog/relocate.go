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
// that path. Moving it again changes nothing. What is lost and lies there has been
// moved by an attempt that was cut short: it is found again; what is nowhere stays
// lost.
func (c *Catalog) relocate(ctx context.Context, view coreshed.View, id int64, to string) error {
	e, err := c.db.Entry(ctx, view, id)
	if err != nil || e.Type != coreshed.Source || !lay(e.State) || !e.DeletedAt.IsZero() || e.StoragePath == to {
		return err
	}
	s, err := c.db.CommittedEntry(ctx, view, id)
	if err != nil || s.Place.Path == "" { // it never lay in place
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
	if e.State != coreshed.InPlace && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, broker.ErrChanged)) {
		return nil
	}
	if err != nil {
		return c.lostInPlace(ctx, id, err)
	}
	return c.db.MoveInPlace(ctx, view, id, store.Place{Path: to, Size: moved.Size, Modified: moved.Modified, ETag: moved.ETag})
}

// lay reports whether bytes in that state may lie in a folder or bucket.
func lay(s coreshed.ByteState) bool {
	return s == coreshed.InPlace || s == coreshed.Missing || s == coreshed.ChangedOutside
}

// moveObject moves what was registered, and nothing else. What is there already,
// and not where it was, has been moved by an attempt whose row was not written.
func (c *Catalog) moveObject(ctx context.Context, b broker.Broker, s store.Slot, to string) (broker.Object, error) {
	f, err := c.find(ctx, s)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, broker.ErrChanged) {
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
