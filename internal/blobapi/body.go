package blobapi

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/coreshed/coreshed/internal/web"
)

// body is a request's body. It may take any time in all, but ends when nothing
// arrives for a while.
type body struct {
	source   io.ReadCloser
	deadline web.Deadline
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
	b.deadline = web.NewDeadline(http.NewResponseController(w).SetReadDeadline, patience)
	// Also for what net/http reads itself of a body that is refused.
	b.deadline.Move()
	return b
}

// Read implements io.Reader. Its errors but io.EOF are a *bodyError.
func (b *body) Read(p []byte) (int, error) {
	if b.over {
		return 0, io.EOF
	}
	b.begun = true
	b.deadline.Move()
	n, err := b.source.Read(p)
	if err == nil {
		return n, nil
	}
	b.over = true
	if errors.Is(err, io.EOF) {
		// net/http now reads on, to notice when the caller goes; a deadline
		// that passes during a long commit would look like that.
		b.deadline.Clear()
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
