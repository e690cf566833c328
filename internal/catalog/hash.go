package catalog

import (
	"context"
	"crypto/md5" //nolint:gosec // what the protocol's clients compare
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"golang.org/x/time/rate"

	"github.com/coreshed/coreshed"
)

// HashNext reads the oldest version after the row id that lacks a hash of its
// whole content, checks each extent against the SHA-256 of its upload, and
// records what is missing. It returns the row id of that version, and NotFound
// when there is none. Reading is paced by limit, in bytes.
//
// An extent that does not hash to what it did is damage: the version is marked
// changed outside, and is not served from then on.
func (c *Catalog) HashNext(ctx context.Context, after int64, limit *rate.Limiter) (int64, error) {
	v, err := c.db.Unhashed(ctx, after)
	if err != nil {
		return 0, err
	}
	whole, sum := sha256.New(), md5.New() //nolint:gosec // see the import
	err = c.verify(ctx, v, io.MultiWriter(whole, sum), limit)
	if errors.Is(err, errDamaged) {
		c.log.Error("the bytes of a version are damaged", "version", v.ID, "error", err)
		return v.ID, c.db.SetState(ctx, v.ID, coreshed.ChangedOutside)
	}
	if err != nil {
		return v.ID, err
	}
	return v.ID, c.db.SetHashes(ctx, v.ID, whole.Sum(nil), sum.Sum(nil))
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
			if err := c.verifyExtent(ctx, v, e, w, limit); err != nil {
				return err
			}
			offset = e.Offset + e.Size
		}
	}
	return nil
}

func (c *Catalog) verifyExtent(ctx context.Context, v coreshed.Version, e coreshed.Extent, w io.Writer, limit *rate.Limiter) error {
	body, err := c.blobs.Open(ctx, e.Key, 0, e.Size)
	if err != nil {
		return c.lost(ctx, v.ID, err)
	}
	defer body.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), &paced{ctx, body, limit}); err != nil {
		return fmt.Errorf("read object of version %d: %w", v.ID, err)
	}
	if string(sum.Sum(nil)) != string(e.SHA256) {
		return fmt.Errorf("version %d at %d: %w", v.ID, e.Offset, errDamaged)
	}
	return nil
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
