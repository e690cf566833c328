package catalog

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what the protocol's clients compare
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"golang.org/x/time/rate"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// HashNext reads the oldest version after the row id that lacks a hash of its
// whole content, in none of the workspaces that are excepted, checks each extent
// against the SHA-256 of its upload, and records what is missing. It returns
// that version, and NotFound when there is none. BadGateway when the bytes cannot
// be read now, because of broker.ErrUnavailable when none of the workspace's can.
// Reading is paced by limit, in bytes; so is looking for what is read.
//
// An extent that does not hash to what it did is damage: the version is marked
// changed outside, and is not served from then on. So is one in place that was
// another when it was registered, or that is written to while it is read.
func (c *Catalog) HashNext(ctx context.Context, after int64, except []int64, limit *rate.Limiter) (store.Slot, error) {
	s, err := c.db.Unhashed(ctx, after, except)
	if err != nil {
		return s, err
	}
	if err := look(ctx, limit); err != nil {
		return s, err
	}
	v := s.Version
	whole, sum := sha256.New(), md5.New() //nolint:gosec // see the import
	if v.State == coreshed.InPlace {
		err = c.verifyPlace(ctx, s, whole, sum, limit)
	} else {
		err = c.verify(ctx, v, io.MultiWriter(whole, sum), limit)
	}
	if errors.Is(err, errDamaged) && v.State == coreshed.InPlace {
		return s, c.db.SetState(ctx, v.ID, coreshed.ChangedOutside)
	}
	if errors.Is(err, errDamaged) || errors.Is(err, fs.ErrNotExist) && v.State == coreshed.Kept {
		return s, c.damaged(ctx, v.ID, err)
	}
	if err != nil {
		return s, err
	}
	return s, c.db.SetHashes(ctx, v.ID, whole.Sum(nil), sum.Sum(nil))
}

// verifyPlace reads a version in place. Reader checks that it stays what it was.
func (c *Catalog) verifyPlace(ctx context.Context, s store.Slot, whole, sum hash.Hash, limit *rate.Limiter) error {
	r, err := c.Open(ctx, s, 0, s.Version.Size)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.Copy(io.MultiWriter(whole, sum), &paced{ctx, r, limit}); err != nil {
		return fmt.Errorf("read version %d in place: %w", s.Version.ID, err)
	}
	if was := s.Version.SHA256; was != nil && !bytes.Equal(whole.Sum(nil), was) {
		return fmt.Errorf("version %d: %w", s.Version.ID, errDamaged)
	}
	return nil
}

var errDamaged = errors.New("an extent does not have the SHA-256 that was recorded")

func (c *Catalog) verify(ctx context.Context, v coreshed.Version, w io.Writer, limit *rate.Limiter) error {
	for offset := int64(0); offset < v.Size; {
		extents, err := c.db.Extents(ctx, v.ID, offset, extentPage)
		if err != nil {
			return err
		}
		if len(extents) == 0 {
			return fmt.Errorf("version %d has no extent at %d", v.ID, offset)
		}
		for _, e := range extents {
			if err := c.verifyExtent(ctx, v.ID, e, w, limit); err != nil {
				return err
			}
			offset = e.Offset + e.Size
		}
	}
	return nil
}

// verifyExtent reads an extent into w. It fails with errDamaged, or fs.ErrNotExist,
// when its bytes are not what was recorded.
func (c *Catalog) verifyExtent(ctx context.Context, version int64, e coreshed.Extent, w io.Writer, limit *rate.Limiter) error {
	body, err := c.blobs.Open(ctx, e.Key, 0, -1)
	if err != nil {
		return fmt.Errorf("open object of version %d: %w", version, err)
	}
	defer body.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), &paced{ctx, body, limit})
	if err != nil {
		return fmt.Errorf("read object of version %d: %w", version, err)
	}
	if n != e.Size || !bytes.Equal(sum.Sum(nil), e.SHA256) {
		return fmt.Errorf("object %s of version %d at %d: %w", e.Key, version, e.Offset, errDamaged)
	}
	return nil
}

// lookCost is what it takes to find a version and to open its objects, as bytes that
// could be read meanwhile: else small files would be gone through as fast as the
// processor can.
const lookCost = 64 << 10

// look waits until the next version may be looked at.
func look(ctx context.Context, limit *rate.Limiter) error {
	return limit.WaitN(ctx, min(lookCost, limit.Burst()))
}

// paced reads no faster than its limit.
type paced struct {
	ctx   context.Context
	r     io.Reader
	limit *rate.Limiter
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.r.Read(b[:min(len(b), p.limit.Burst())])
	if wait := p.limit.WaitN(p.ctx, n); wait != nil {
		return n, wait
	}
	return n, err
}
