package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// caller makes requests as cheaply as net/http allows: it shares the machine
// with what it measures.
type caller struct {
	transport *http.Transport
	buffers   sync.Pool
}

func newCaller() *caller {
	c := &caller{transport: &http.Transport{
		MaxIdleConnsPerHost: 256, DisableCompression: true,
		ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10,
	}}
	c.buffers.New = func() any { return new([256 << 10]byte) }
	return c
}

func (c *caller) close() { c.transport.CloseIdleConnections() }

// request is one to make, and the answer that it must have.
type request struct {
	method, url string
	header      http.Header
	body        []byte
	status      int
	length      int64     // of the answer's body; -1 is any
	into        io.Writer // takes the answer's body; nil throws it away
}

func (c *caller) do(ctx context.Context, r request) error {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if r.header != nil {
		req.Header = r.header
	}
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("%s: %w", r.method, err)
	}
	defer res.Body.Close()
	if res.StatusCode != r.status {
		why, _ := io.ReadAll(io.LimitReader(res.Body, 2<<10)) // to show what there is
		return fmt.Errorf("%s %s: status %d instead of %d: %s", r.method, req.URL.Path, res.StatusCode, r.status, why)
	}
	n, err := c.take(r.into, res.Body)
	if err != nil {
		return fmt.Errorf("%s: read answer: %w", r.method, err)
	}
	if r.length >= 0 && n != r.length {
		return fmt.Errorf("%s %s: %d bytes instead of %d", r.method, req.URL.Path, n, r.length)
	}
	return nil
}

// take reads to the end in large pieces.
func (c *caller) take(into io.Writer, from io.Reader) (int64, error) {
	buf := c.buffers.Get().(*[256 << 10]byte)
	defer c.buffers.Put(buf)
	for total := int64(0); ; {
		n, err := from.Read(buf[:])
		total += int64(n)
		if into != nil {
			into.Write(buf[:n]) //nolint:errcheck // hashes and buffers do not fail
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// each calls fn with 0 to n-1 from c goroutines and returns how long that took.
// The first error ends it.
func each(ctx context.Context, n, c int, fn func(context.Context, int) error) (time.Duration, error) {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	start := time.Now()
	for range c {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := fn(ctx, i); err != nil {
					return err
				}
			}
		})
	}
	err := g.Wait()
	return time.Since(start), err
}

// perSecond is n in so long.
func perSecond(n float64, d time.Duration) float64 { return n / d.Seconds() }

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
