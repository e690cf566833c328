package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// CopyExactly copies size bytes from r to w through buf and makes sure that
// r ends there, with the errors that Store.Put promises. It writes whole
// buffers, however small the pieces are that r gives, and looks at ctx before
// each read.
func CopyExactly(ctx context.Context, w io.Writer, r io.Reader, size int64, buf []byte) error {
	if size < 0 {
		return fmt.Errorf("copy body: negative size %d", size)
	}
	r = contextReader{ctx, r}
	for left := size; left > 0; {
		n, err := io.ReadFull(r, buf[:min(left, int64(len(buf)))])
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("read body after %d of %d bytes: %w", size-left+int64(n), size, err)
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	return expectEOF(r)
}

func expectEOF(r io.Reader) error {
	var one [1]byte
	switch _, err := io.ReadFull(r, one[:]); {
	case err == nil:
		return ErrTooLong
	case errors.Is(err, io.EOF):
		return nil
	default:
		return fmt.Errorf("read end of body: %w", err)
	}
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
