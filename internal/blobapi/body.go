package blobapi

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// body is a request's body. It may take any time in all, but ends when nothing
// arrives for a while.
type body struct {
	source   io.ReadCloser
	deadline deadline
	begun    bool
	over     bool // at its end, or broken
}

// bodyError is why a body did not arrive whole.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "read body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

func newBody(w http.ResponseWriter, r *http.Request, patience time.Duration) *body {
	b := &body{source: r.Body}
	if r.ContentLength == 0 {
		b.source, b.over = http.NoBody, true
		return b
	}
	b.deadline = deadline{set: http.NewResponseController(w).SetReadDeadline, patience: patience}
	// Also for what net/http reads itself of a body that is refused.
	b.deadline.move()
	return b
}

// Read implements io.Reader. Its errors but io.EOF are a *bodyError.
func (b *body) Read(p []byte) (int, error) {
	if b.over {
		return 0, io.EOF
	}
	b.begun = true
	b.deadline.move()
	n, err := b.source.Read(p)
	if err == nil {
		return n, nil
	}
	b.over = true
	if errors.Is(err, io.EOF) {
		// net/http now reads on, to notice when the caller goes; a deadline
		// that passes during a long commit would look like that.
		b.deadline.clear()
		return n, io.EOF
	}
	return n, &bodyError{err}
}

// maxDrain is more than what the clients send in one request when they send
// in blocks.
const maxDrain = 9 << 20

// drain reads the rest of a refused body when that is little: most clients
// look at the answer only when they have sent everything, and a connection
// that is closed while they send hides it. A caller that waits for 100 Continue
// is not made to send.
func (b *body) drain(r *http.Request) {
	waits := r.Header.Get("Expect") != "" && !b.begun
	if b.over || waits || r.ContentLength > maxDrain {
		return
	}
	io.CopyN(io.Discard, b, maxDrain) //nolint:errcheck // the refusal is what counts
}

// deadline moves ahead of a transfer.
type deadline struct {
	set      func(time.Time) error
	patience time.Duration
	moved    time.Time
}

// move puts the deadline off, now and then: the time left is never below 7/8
// of the patience. A connection without deadlines has none.
func (d *deadline) move() {
	if now := time.Now(); now.Sub(d.moved) > d.patience/8 {
		d.set(now.Add(d.patience)) //nolint:errcheck // see above
		d.moved = now
	}
}

func (d *deadline) clear() {
	d.set(time.Time{}) //nolint:errcheck // as in move
}

// answer is the body of an answer. It may take any time in all, but ends when
// the caller takes nothing for a while.
type answer struct {
	w        http.ResponseWriter
	deadline deadline
	piece    int64
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

func newAnswer(w http.ResponseWriter, patience time.Duration) *answer {
	return &answer{w, deadline{set: http.NewResponseController(w).SetWriteDeadline, patience: patience}, smallPiece}
}

// next moves the deadline and returns how large the next piece may be, by how
// long the one before took.
func (a *answer) next(began time.Time) (int64, time.Time) {
	now := time.Now()
	if !began.IsZero() {
		a.piece = min(2*a.piece, largePiece)
		if now.Sub(began) > a.deadline.patience/atOnce {
			a.piece = smallPiece
		}
	}
	a.deadline.move()
	return a.piece, now
}

// Write implements io.Writer.
func (a *answer) Write(p []byte) (int, error) {
	total := 0
	for len(p) > 0 {
		a.deadline.move()
		n, err := a.w.Write(p[:min(len(p), smallPiece)])
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
func (a *answer) ReadFrom(src io.Reader) (int64, error) {
	whole, ok := src.(*io.LimitedReader)
	if !ok {
		return io.Copy(writeOnly{a}, src)
	}
	var total, size int64
	var began time.Time
	for whole.N > 0 {
		size, began = a.next(began)
		piece := &io.LimitedReader{R: whole.R, N: min(whole.N, size)}
		n, err := io.Copy(a.w, piece)
		total += n
		whole.N -= n
		if err != nil || piece.N > 0 {
			return total, err
		}
	}
	return total, nil
}

// end sends what is buffered and leaves the connection without a deadline for
// the next request.
func (a *answer) end() error {
	a.deadline.move()
	err := http.NewResponseController(a.w).Flush()
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	a.deadline.clear()
	return nil
}

type writeOnly struct{ io.Writer }
