package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"golang.org/x/time/rate"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/killpoint"
	"github.com/coreshed/coreshed/internal/store"
)

const (
	// scrubSaveEvery is how much a killed server reads a second time.
	scrubSaveEvery = 10 * time.Second
	// manyLost stops a round: so many versions one after the other are not lost each
	// by itself.
	manyLost = 20
)

// ErrManyLost ends the reading when version after version is not there: as if the
// volume with the objects were not.
var ErrManyLost = errors.New("the bytes of many versions one after the other are not there: look whether the volume of the objects is mounted whole")

// scrub is a round that goes on.
type scrub struct {
	*Catalog
	lease store.Lease
	limit *rate.Limiter
	seen  func(bytes int64)
	round coreshed.Scrub
	at    store.ScrubPlace
	saved time.Time
	lost  int // versions one after the other
}

// Scrub goes on with a round until its end: it reads the bytes of every version in
// Coreshed's own store, paced by limit, in bytes, and compares them with the SHA-256
// of their upload. What is damaged is read a second time, and then not served from
// then on, and not removed; what was damaged and is what it was, is served again.
// seen is told of what was read. What cannot be read now is counted and left as it is.
//
// A round that is ended by ctx, or by the loss of the lease, goes on at the next call.
func (c *Catalog) Scrub(ctx context.Context, l store.Lease, id int64, limit *rate.Limiter, seen func(bytes int64)) error {
	round, at, err := c.db.OpenScrub(ctx, id)
	if errors.Is(err, coreshed.NotFound) {
		return nil // another server has come to its end
	}
	if err != nil {
		return err
	}
	s := scrub{Catalog: c, lease: l, limit: limit, seen: seen, round: round, at: at}
	if err = s.save(ctx); err != nil {
		return err
	}
	for {
		v, err := c.db.NextOwn(ctx, s.at.Version, false)
		if errors.Is(err, coreshed.NotFound) {
			killpoint.Reach("scrub.read")
			return c.db.EndScrub(ctx, l, s.round)
		}
		if err == nil {
			err = s.version(ctx, v)
		}
		if err != nil {
			if ctx.Err() != nil {
				s.saved = time.Time{}
				return errors.Join(ctx.Err(), s.save(context.WithoutCancel(ctx)))
			}
			return err
		}
	}
}

// save records how far the round is, now and then, and looks at what was damaged if
// somebody has asked for that.
func (s *scrub) save(ctx context.Context) error {
	if s.now().Sub(s.saved) < scrubSaveEvery {
		return nil
	}
	again, err := s.db.SaveScrub(ctx, s.lease, s.round, s.at)
	if err != nil {
		return err
	}
	killpoint.Reach("scrub.saved")
	s.saved = s.now()
	if again {
		return s.LookAgain(ctx, s.limit)
	}
	return nil
}

// version reads one version, or the rest of it.
func (s *scrub) version(ctx context.Context, v coreshed.Version) error {
	if s.at.Version != v.ID {
		s.at = store.ScrubPlace{Version: v.ID}
	}
	if err := look(ctx, s.limit); err != nil {
		return err
	}
	var unsaved error
	found := s.intact(ctx, v, s.limit, s.at.Offset, func(offset, size int64) error {
		s.at.Offset = offset
		s.round.Bytes += size
		s.seen(size)
		unsaved = s.save(ctx)
		return unsaved
	})
	if err := errors.Join(ctx.Err(), unsaved); err != nil {
		return err
	}
	if err := s.judge(ctx, v, found); err != nil {
		return err
	}
	s.round.Versions++
	s.at = store.ScrubPlace{Version: v.ID + 1}
	return s.save(ctx)
}

// judge acts on what was found when a version was read.
func (s *scrub) judge(ctx context.Context, v coreshed.Version, found error) error {
	missing := errors.Is(found, fs.ErrNotExist)
	if !missing {
		s.lost = 0
	}
	switch {
	case found == nil:
		return s.heal(ctx, v)
	case errors.Is(found, errDamaged), missing:
		s.round.Damaged++
		if err := s.damaged(ctx, v.ID, found); err != nil {
			return err
		}
		killpoint.Reach("scrub.damaged")
		if s.lost++; s.lost == manyLost {
			return ErrManyLost
		}
	default:
		s.round.Unread++
		s.log.Error("the bytes of a version cannot be read now", "version", v.ID, "error", found)
	}
	return nil
}

// LookAgain reads what was damaged before, and serves what is whole again: somebody
// may have put it back.
func (c *Catalog) LookAgain(ctx context.Context, limit *rate.Limiter) error {
	for from := int64(0); ; {
		v, err := c.db.NextOwn(ctx, from, true)
		if errors.Is(err, coreshed.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		err = c.intact(ctx, v, limit, 0, func(int64, int64) error { return nil })
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			err = c.heal(ctx, v)
		case errors.Is(err, errDamaged), errors.Is(err, fs.ErrNotExist):
			err = c.damaged(ctx, v.ID, err) // it may be missing now, or no longer
		default:
			c.log.Error("the bytes of a version cannot be read now", "version", v.ID, "error", err)
			err = nil
		}
		if err != nil {
			return err
		}
		from = v.ID + 1
	}
}

// heal serves a version again, if it was not.
func (c *Catalog) heal(ctx context.Context, v coreshed.Version) error {
	if v.State == coreshed.Kept {
		return nil
	}
	healed, err := c.db.Heal(ctx, v.ID)
	if healed {
		killpoint.Reach("scrub.healed")
		c.log.Info("the bytes of a version are what was recorded again", "version", v.ID)
	}
	return err
}

// damaged stops the serving of a version.
func (c *Catalog) damaged(ctx context.Context, version int64, found error) error {
	state := coreshed.ChangedOutside
	if errors.Is(found, fs.ErrNotExist) {
		state = coreshed.Missing
	}
	fresh, err := c.db.Damage(context.WithoutCancel(ctx), version, state)
	if fresh {
		c.log.Error("the bytes of a version are damaged, and are not served", "version", version, "state", state, "error", found)
	}
	return err
}

// intact reads a version in Coreshed's own store from the offset of an extent, and
// tells of the end of each extent that is what was recorded. It fails with
// errDamaged or fs.ErrNotExist when one is not, at the second look too. A version
// that is gone meanwhile is intact.
func (c *Catalog) intact(ctx context.Context, v coreshed.Version, limit *rate.Limiter, offset int64, read func(offset, size int64) error) error {
	for offset < v.Size {
		extents, err := c.db.Extents(ctx, v.ID, offset, extentPage)
		if err != nil || len(extents) == 0 {
			return err
		}
		for _, e := range extents {
			if err := c.intactExtent(ctx, v.ID, e, limit); err != nil {
				return err
			}
			offset = e.Offset + e.Size
			if err := read(offset, e.Size); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Catalog) intactExtent(ctx context.Context, version int64, e coreshed.Extent, limit *rate.Limiter) error {
	err := c.verifyExtent(ctx, version, e, io.Discard, limit)
	if err == nil || ctx.Err() != nil {
		return err
	}
	still, dbErr := c.db.Extents(ctx, version, e.Offset, 1)
	if dbErr != nil {
		return dbErr
	}
	if len(still) == 0 || still[0].Key != e.Key || !bytes.Equal(still[0].SHA256, e.SHA256) {
		return nil // it was removed, or is another by now: the next round reads that
	}
	if err = c.verifyExtent(ctx, version, e, io.Discard, limit); err != nil {
		return fmt.Errorf("at %d of version %d: %w", e.Offset, version, err)
	}
	return nil
}
