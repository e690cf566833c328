package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/store"
)

// Reader reads a range of a version across its extents, or from where it lies in
// place. WriteTo gives each source's own fast way to the writer. The caller
// closes it.
type Reader struct {
	ctx     context.Context
	c       *Catalog
	version int64
	offset  int64 // of the next byte, in the version
	left    int64
	next    []coreshed.Extent
	current io.ReadCloser
	rest    int64       // of current
	place   broker.File // that holds the bytes; nil when extents do
}

// Open reads length bytes of a committed version from offset; the range must
// lie inside it. The first object is open when Open returns, so that a version
// whose bytes are not there fails before anything is sent: with Gone. So does
// one in place whose bytes are not those that were registered. BadGateway when
// that cannot be found out.
func (c *Catalog) Open(ctx context.Context, s store.Slot, offset, length int64) (*Reader, error) {
	if !s.Version.State.Served() {
		return nil, coreshed.Errorf(coreshed.Gone, "The bytes of this version are not there any more (%s).", s.Version.State)
	}
	if offset < 0 || length < 0 || length > s.Version.Size-offset {
		return nil, fmt.Errorf("open version %d: range %d+%d outside its %d bytes", s.Version.ID, offset, length, s.Version.Size)
	}
	r := &Reader{ctx: ctx, c: c, version: s.Version.ID, offset: offset, left: length}
	if s.Version.State == coreshed.InPlace {
		return r, r.openPlace(s)
	}
	if length == 0 {
		return r, nil
	}
	if s.First.Size == s.Version.Size {
		r.next = []coreshed.Extent{s.First}
	}
	return r, r.advance()
}

// extentPage is how many extents are looked up at a time.
const extentPage = 256

// advance opens the extent that holds the next byte.
func (r *Reader) advance() error {
	if len(r.next) == 0 {
		var err error
		if r.next, err = r.c.db.Extents(r.ctx, r.version, r.offset, extentPage); err != nil {
			return err
		}
		if len(r.next) == 0 {
			return fmt.Errorf("version %d has no extent at %d", r.version, r.offset)
		}
	}
	e := r.next[0]
	r.next = r.next[1:]
	skip := r.offset - e.Offset
	n := min(e.Size-skip, r.left)
	body, err := r.c.blobs.Open(r.ctx, e.Key, skip, n)
	if err != nil {
		return r.c.lost(r.ctx, r.version, err)
	}
	r.current, r.rest = body, n
	return nil
}

// lost records that a version's bytes are not what its row says.
func (c *Catalog) lost(ctx context.Context, version int64, err error) error {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, blob.ErrRange) {
		return fmt.Errorf("open object of version %d: %w", version, err)
	}
	if err := c.damaged(ctx, version, err); err != nil {
		return err
	}
	return coreshed.Errorf(coreshed.Gone, "The bytes of this version are missing.").Because(err)
}

// step makes current the extent to read from; io.EOF at the end.
func (r *Reader) step() error {
	if r.current != nil && r.rest > 0 {
		return nil
	}
	if err := r.closeCurrent(); err != nil {
		return err
	}
	if r.left == 0 {
		return r.end()
	}
	return r.advance()
}

func (r *Reader) closeCurrent() error {
	if r.current == nil {
		return nil
	}
	err := r.current.Close()
	r.current = nil
	return err
}

func (r *Reader) took(n int64) {
	r.offset, r.left, r.rest = r.offset+n, r.left-n, r.rest-n
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if err := r.step(); err != nil {
		return 0, err
	}
	n, err := r.current.Read(p[:min(int64(len(p)), r.rest)])
	r.took(int64(n))
	if errors.Is(err, io.EOF) {
		err = r.short()
	}
	return n, err
}

// WriteTo implements io.WriterTo.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		if err := r.step(); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return total, err
		}
		n, err := io.Copy(w, r.current)
		r.took(n)
		total += n
		if err == nil {
			err = r.short()
		}
		if err != nil {
			return total, err
		}
	}
}

// short says that an object ended before its extent.
func (r *Reader) short() error {
	if r.rest > 0 {
		if err := r.end(); !errors.Is(err, io.EOF) {
			return err
		}
		return fmt.Errorf("object of version %d: %w", r.version, io.ErrUnexpectedEOF)
	}
	return nil
}

// Served fails with Gone once the version's bytes are not to be read any more,
// whatever is open of them: a purge, at this server or another, removes them.
func (r *Reader) Served() error {
	served, err := r.c.db.Served(r.ctx, r.version)
	if err == nil && !served {
		err = coreshed.Errorf(coreshed.Gone, "The bytes of this version are not there any more.")
	}
	return err
}

// Close ends the reading.
func (r *Reader) Close() error {
	err := r.closeCurrent()
	if r.place != nil {
		err = errors.Join(err, r.place.Close())
		r.place = nil
	}
	return err
}
