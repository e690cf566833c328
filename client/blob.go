package client

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// blobVersion is the version of Azure's blob operations that is asked for.
const blobVersion = "2023-08-03"

// piece is a body of the blob plane: a part of what is uploaded.
type piece struct {
	query       url.Values // beside the signature
	contentType string     // to be kept with the version
	src         io.ReaderAt
	offset      int64
	size        int64
	sum         string // MD5 in base64
}

func newPiece(src io.ReaderAt, offset, size int64) (piece, error) {
	h := md5.New() // what the protocol has to find damage with, no protection
	if _, err := io.Copy(h, io.NewSectionReader(src, offset, size)); err != nil {
		return piece{}, fmt.Errorf("read what is uploaded: %w", err)
	}
	return piece{src: src, offset: offset, size: size, sum: base64.StdEncoding.EncodeToString(h.Sum(nil))}, nil
}

// put sends a piece until the server has it. Progress is told of bytes as they
// leave, and of a negative number when they have to leave again.
func (c *Client) put(ctx context.Context, l *link, p piece, progress func(int64)) error {
	m := &meter{progress: progress}
	return c.transfer(ctx, l, func(ctx context.Context, address string, alive func()) error {
		m.reset()
		m.alive = alive
		req, err := p.request(ctx, address, m)
		if err != nil {
			return err
		}
		req.Header.Set("User-Agent", c.agent)
		res, err := c.http.Do(req)
		if err != nil {
			return broken(err)
		}
		defer drain(res)
		if res.StatusCode != http.StatusCreated {
			return refused(res)
		}
		return nil
	})
}

func (p piece) request(ctx context.Context, address string, m *meter) (*http.Request, error) {
	if len(p.query) > 0 {
		address += "&" + p.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, http.NoBody)
	if err != nil {
		return nil, errors.New("the server gave a URL that is none")
	}
	if p.size > 0 {
		req.ContentLength = p.size
		req.GetBody = func() (io.ReadCloser, error) {
			m.reset()
			return io.NopCloser(m.reader(io.NewSectionReader(p.src, p.offset, p.size))), nil
		}
		req.Body, _ = req.GetBody()
	}
	req.Header.Set("x-ms-version", blobVersion)
	req.Header.Set("Content-MD5", p.sum)
	if !p.query.Has("comp") {
		req.Header.Set("x-ms-blob-type", "BlockBlob")
	}
	if p.contentType != "" {
		req.Header.Set("x-ms-blob-content-type", p.contentType)
	}
	return req, nil
}

// sender sends a request on a signed URL and reads the answer. It calls alive
// whenever bytes move.
type sender func(ctx context.Context, address string, alive func()) error

// transfer sends a request on a signed URL, again where that may help, and
// holds one of the client's slots while it does.
func (c *Client) transfer(ctx context.Context, l *link, send sender) error {
	return c.retry(ctx, bodyAttempts, func() error {
		address, err := l.get(ctx)
		if err != nil {
			return err
		}
		select {
		case c.slots <- struct{}{}:
			defer func() { <-c.slots }()
		case <-ctx.Done():
			return ctx.Err()
		}
		err = c.watched(ctx, address, send)
		if expired(err) {
			l.refused(address)
		}
		return err
	}, func(err error) bool { return passing(err) || expired(err) || damaged(err) })
}

// errStalled ends a request of which nothing has moved for too long. Without
// it, a peer that is gone without a word would be waited for without end.
var errStalled = errors.New("no bytes have moved for too long")

func (c *Client) watched(ctx context.Context, address string, send sender) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(c.stall, func() { cancel(errStalled) })
	defer timer.Stop()
	err := send(ctx, address, func() { timer.Reset(c.stall) })
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return broken(errStalled)
	}
	return err
}

// expired reports whether the signed URL is good no more.
func expired(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) &&
		!strings.HasPrefix(e.Type, "AuthorizationPermission")
}

// damaged reports whether a body arrived other than it was sent.
func damaged(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Type == "Md5Mismatch"
}

// meter tells of the bytes that pass, and takes them back when they did not
// arrive.
type meter struct {
	progress func(int64)
	alive    func()
	passed   atomic.Int64
}

func (m *meter) add(n int64) {
	m.passed.Add(n)
	if m.progress != nil && n != 0 {
		m.progress(n)
	}
}

func (m *meter) reset() { m.add(-m.passed.Load()) }

func (m *meter) reader(r io.Reader) io.Reader { return meteredReader{r, m, m.alive} }

type meteredReader struct {
	r     io.Reader
	m     *meter
	alive func()
}

func (r meteredReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.alive()
	r.m.add(int64(n))
	return n, err
}
