package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"time"

	"golang.org/x/time/rate"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/store"
)

// compare returns the entry that the arrival repeats, 0 if there is none: one
// with its name, its size and its SHA-256. The bytes are read only when there
// is an entry with the same name and size.
func (a *arrival) compare(ctx context.Context) (int64, error) {
	for {
		rivals, err := a.c.db.Repeats(ctx, a.work, a.object.Size, a.hash, a.compared)
		if err != nil || len(rivals) == 0 {
			return 0, err
		}
		if a.unchanged(rivals) {
			return 0, nil // registering it finds that, too
		}
		if a.hash == nil {
			if err := a.readAll(ctx); err != nil {
				return 0, err
			}
			continue
		}
		for _, r := range rivals {
			same, err := a.repeats(ctx, r)
			if err != nil || same {
				return r.Entry, err
			}
			a.compared = r.Entry
		}
	}
}

// here reports whether an entry is registered where the arrival lies and stays.
func (a *arrival) here(r store.Repeat) bool {
	return r.Placed && r.Workspace == a.home.Workspace.ID && r.Path == a.object.Path && !a.leaves()
}

// unchanged reports whether an entry is registered there and nothing has been
// written since.
func (a *arrival) unchanged(rivals []store.Repeat) bool {
	for _, r := range rivals {
		if a.here(r) {
			return a.object.Same(broker.Object{Size: a.object.Size, Modified: r.Modified, ETag: r.ETag})
		}
	}
	return false
}

// repeats reports whether an entry has the arrival's bytes. One at the
// arrival's own place is no repeat: registering it finds what has changed.
func (a *arrival) repeats(ctx context.Context, r store.Repeat) (bool, error) {
	if a.here(r) {
		return false, nil
	}
	if r.SHA256 != nil {
		return bytes.Equal(r.SHA256, a.hash), nil
	}
	hash, err := a.hashOf(ctx, r)
	return err == nil && bytes.Equal(hash, a.hash), err
}

// hashOf reads an entry whose hash is not known yet. What cannot be read is
// nil, and repeats nothing.
func (a *arrival) hashOf(ctx context.Context, r store.Repeat) ([]byte, error) {
	sum := sha256.New()
	size := a.object.Size
	if !r.Placed {
		if err := a.c.verify(ctx, coreshed.Version{ID: r.Entry, Size: size}, sum, rate.NewLimiter(rate.Inf, hashChunk)); err != nil {
			return nil, ctx.Err()
		}
		return sum.Sum(nil), nil
	}
	b, err := a.c.Broker(ctx, r.Workspace)
	if err != nil {
		return nil, ctx.Err()
	}
	f, err := b.Open(ctx, r.Path)
	if err != nil {
		return nil, ctx.Err()
	}
	defer f.Close()
	if !f.Object().Same(broker.Object{Size: size, Modified: r.Modified, ETag: r.ETag}) {
		return nil, nil
	}
	if err := a.sum(ctx, f, sum); err != nil {
		return nil, ctx.Err()
	}
	return sum.Sum(nil), a.c.db.SetHashes(ctx, r.Entry, sum.Sum(nil), nil)
}

// hashChunk is how much of an entry is read at a time.
const hashChunk = 256 << 10

// sum reads a file into a hash. It fails with broker.ErrChanged when what it
// read may not be the file.
func (a *arrival) sum(ctx context.Context, f broker.File, h hash.Hash) error {
	body, err := f.Range(ctx, 0, f.Object().Size)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(h, a.reading(ctx, body)); err != nil {
		return err
	}
	return f.Check(ctx)
}

// readAll reads the arrival for its hash.
func (a *arrival) readAll(ctx context.Context) error {
	sum := sha256.New()
	if err := a.sum(ctx, a.file, sum); err != nil {
		return err
	}
	a.hash = sum.Sum(nil)
	return nil
}

// reading keeps the claim while a body is read, however long that takes.
func (a *arrival) reading(ctx context.Context, body io.Reader) io.Reader {
	return &claimed{body, ctx, a, a.c.now()}
}

type claimed struct {
	io.Reader
	ctx  context.Context
	a    *arrival
	last time.Time
}

func (r *claimed) Read(p []byte) (int, error) {
	if now := r.a.c.now(); now.Sub(r.last) > ingestLease/4 {
		if err := r.a.c.db.ProlongIngest(r.ctx, r.a.work, ingestLease); err != nil {
			return 0, err
		}
		r.last = now
	}
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
