package web

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// Deadline moves ahead of a transfer.
type Deadline struct {
	set      func(time.Time) error
	patience time.Duration
	moved    time.Time
}

// Move puts the deadline off, now and then: the time left is never below 7/8
// of the patience. A connection without deadlines has none.
func (d *Deadline) Move() {
	if now := time.Now(); now.Sub(d.moved) > d.patience/8 {
		d.set(now.Add(d.patience)) //nolint:errcheck // see above
		d.moved = now
	}
}

// Clear takes the deadline off.
func (d *Deadline) Clear() {
	d.set(time.Time{}) //nolint:errcheck // as in Move
}

// NewDeadline returns a deadline that set sets, at least patience ahead.
func NewDeadline(set func(time.Time) error, patience time.Duration) Deadline {
	return Deadline{set: set, patience: patience}
}

// Download is the body of an answer. It may take any time in all, but ends when
// the caller takes nothing for a while.
type Download struct {
	w        http.ResponseWriter
	deadline Deadline
	piece    int64

	still func() error // go on; nil is always
	asked time.Time
}

// askEvery is how often a download asks whether it may go on.
const askEvery = 2 * time.Second

// While lets a download go on only as long as still returns nil, which is asked now
// and then, between two pieces.
func (d *Download) While(still func() error) { d.still, d.asked = still, time.Now() }

// move moves the deadline, unless the download is to end.
func (d *Download) move() error {
	d.deadline.Move()
	if d.still == nil || time.Since(d.asked) < askEvery {
		return nil
	}
	d.asked = time.Now()
	return d.still()
}

// How much is written between looks at the deadline. A connection that takes
// less than a piece in the time of patience is broken, so pieces are small at
// first and grow only while the connection takes them at once: each costs
// system calls.
const (
	smallPiece = 512 << 10
	largePiece = 4 << 20
	atOnce     = 64 // a piece is, in this part of the time of patience
)

// NewDownload returns the body of the answer that w writes. The connection is
// broken when the caller takes nothing for the time of patience.
func NewDownload(w http.ResponseWriter, patience time.Duration) *Download {
	return &Download{w: w, deadline: NewDeadline(http.NewResponseController(w).SetWriteDeadline, patience), piece: smallPiece}
}

// next returns how large the next piece may be, by how long the one before took.
func (d *Download) next(began time.Time) (int64, time.Time) {
	now := time.Now()
	if !began.IsZero() {
		d.piece = min(2*d.piece, largePiece)
		if now.Sub(began) > d.deadline.patience/atOnce {
			d.piece = smallPiece
		}
	}
	return d.piece, now
}

// Write implements io.Writer.
func (d *Download) Write(p []byte) (int, error) {
	total := 0
	for len(p) > 0 {
		if err := d.move(); err != nil {
			return total, err
		}
		n, err := d.w.Write(p[:min(len(p), smallPiece)])
		total += n
		if err != nil {
			return total, err
		}
		p = p[n:]
	}
	return total, nil
}

// ReadFrom implements io.ReaderFrom. What net/http is given is an
// *io.LimitedReader right over the source, since that is how it knows a file
// that the kernel can send.
func (d *Download) ReadFrom(src io.Reader) (int64, error) {
	whole, ok := src.(*io.LimitedReader)
	if !ok {
		return io.Copy(writeOnly{d}, src)
	}
	var total, size int64
	var began time.Time
	for whole.N > 0 {
		size, began = d.next(began)
		if err := d.move(); err != nil {
			return total, err
		}
		piece := &io.LimitedReader{R: whole.R, N: min(whole.N, size)}
		n, err := io.Copy(d.w, piece)
		total += n
		whole.N -= n
		if err != nil || piece.N > 0 {
			return total, err
		}
	}
	return total, nil
}

// End sends what is buffered and leaves the connection without a deadline for
// the next request.
func (d *Download) End() error {
	d.deadline.Move()
	err := http.NewResponseController(d.w).Flush()
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	d.deadline.Clear()
	return nil
}

type writeOnly struct{ io.Writer }
