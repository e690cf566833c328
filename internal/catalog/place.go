package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/store"
)

// openPlace begins to read a version from the folder or bucket where it lies.
func (r *Reader) openPlace(s store.Slot) error {
	file, err := r.c.find(r.ctx, s)
	if err == nil {
		r.place = file
		r.current, err = file.Range(r.ctx, r.offset, r.left)
		r.rest = r.left
	}
	if err != nil {
		return errors.Join(r.c.lostInPlace(r.ctx, s.Version.ID, err), r.Close())
	}
	return nil
}

// find opens what lies at a version's place, if it is what was registered.
func (c *Catalog) find(ctx context.Context, s store.Slot) (broker.File, error) {
	b, err := c.Broker(ctx, s.Workspace)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", broker.ErrUnavailable, err)
	}
	file, err := b.Open(ctx, s.Place.Path)
	if err != nil {
		return nil, err
	}
	was := broker.Object{Size: s.Place.Size, Modified: s.Place.Modified, ETag: s.Place.ETag}
	if !file.Object().Same(was) {
		return nil, errors.Join(broker.ErrChanged, file.Close())
	}
	return file, nil
}

// lostInPlace records what has become of a version's bytes, as far as an error
// tells, and says it.
func (c *Catalog) lostInPlace(ctx context.Context, version int64, err error) error {
	state := coreshed.ChangedOutside
	switch {
	case errors.Is(err, fs.ErrNotExist):
		state = coreshed.Missing
	case errors.Is(err, broker.ErrChanged):
	case errors.Is(err, broker.ErrUnavailable), errors.Is(err, fs.ErrPermission):
		return unreadable(err)
	default:
		return fmt.Errorf("open version %d in place: %w", version, err)
	}
	c.log.Warn("a version in place is not what was registered", "version", version, "state", state)
	if err := c.db.SetState(context.WithoutCancel(ctx), version, state); err != nil {
		return err
	}
	return coreshed.Errorf(coreshed.Gone, "The bytes of this version are not there any more (%s).", state).Because(err)
}

// end is what comes after the last byte: io.EOF, unless the file was written to
// while it was read.
func (r *Reader) end() error {
	if r.place == nil {
		return io.EOF
	}
	if err := r.place.Check(r.ctx); err != nil {
		return r.c.lostInPlace(r.ctx, r.version, err)
	}
	return io.EOF
}

// RecheckNext looks again for the first version after the row id, in none of the
// workspaces that are excepted, whose bytes were not found in place: a folder
// may be mounted again, or its files put back. It returns that version, and
// NotFound when there is none. BadGateway when nothing can be read there now.
func (c *Catalog) RecheckNext(ctx context.Context, after int64, except []int64) (store.Slot, error) {
	s, err := c.db.LostInPlace(ctx, after, except)
	if err != nil {
		return s, err
	}
	file, err := c.find(ctx, s)
	switch {
	case errors.Is(err, broker.ErrUnavailable):
		return s, unreadable(err)
	case err != nil:
		return s, nil // as before
	}
	return s, errors.Join(c.db.SetState(ctx, s.Version.ID, coreshed.InPlace), file.Close())
}

func unreadable(err error) error {
	return coreshed.Errorf(coreshed.BadGateway, "The folder or bucket where this version lies cannot be read now.").Because(err)
}
