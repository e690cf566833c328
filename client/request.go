package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// askAttempts and bodyAttempts are how often a request of the control
	// plane, and one that carries bytes, is sent before its failure is final.
	// The latter outlast the restart of a server.
	askAttempts  = 3
	bodyAttempts = 8

	// maxPause is the longest wait between two attempts.
	maxPause = 10 * time.Second
)

// call is a request to the control plane.
type call struct {
	method, path string
	query        url.Values
	body         any   // sent as JSON unless nil
	want         []int // the statuses that are no failure
}

// maxText bounds an answer that is taken as it is.
const maxText = 4 << 20

// do sends a call and reads a JSON answer into out, or the answer as it is into a
// *[]byte, unless out is nil or there is no body. It returns the status, which is one of those wanted. A GET or PUT
// whose connection breaks, or that meets a gateway in trouble, is sent again:
// the API promises that both may be.
func (c *Client) do(ctx context.Context, k call, out any) (int, error) {
	var status int
	send := func() (err error) {
		status, err = c.once(ctx, k, out)
		return err
	}
	if k.method != http.MethodGet && k.method != http.MethodPut {
		return status, send()
	}
	err := c.retry(ctx, askAttempts, send, passing)
	return status, err
}

func (c *Client) once(ctx context.Context, k call, out any) (int, error) {
	req, err := c.request(ctx, k)
	if err != nil {
		return 0, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, broken(err)
	}
	defer drain(res)
	if !slices.Contains(k.want, res.StatusCode) {
		return res.StatusCode, refused(res)
	}
	if out == nil || res.StatusCode == http.StatusNoContent {
		return res.StatusCode, nil
	}
	if text, ok := out.(*[]byte); ok {
		*text, err = io.ReadAll(io.LimitReader(res.Body, maxText))
	} else {
		err = json.NewDecoder(res.Body).Decode(out)
	}
	if err != nil {
		return res.StatusCode, fmt.Errorf("read the answer to %s %s: %w", k.method, k.path, err)
	}
	return res.StatusCode, nil
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	var body io.Reader
	if k.body != nil {
		b, err := json.Marshal(k.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	address := c.hub + k.path
	if len(k.query) > 0 {
		address += "?" + k.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, k.method, address, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	token, err := c.tokens.Token()
	if err != nil {
		return nil, fmt.Errorf("get a token: %w", err)
	}
	if token.AccessToken != "" {
		req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// escapePath escapes a file's path for a URL, its slashes left alone.
func escapePath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}

// drain lets the connection be used again.
func drain(res *http.Response) {
	io.CopyN(io.Discard, res.Body, maxErrorBody) //nolint:errcheck // it is thrown away
	res.Body.Close()
}

// errBroken is wrapped by failures of the connection.
var errBroken = errors.New("connection failed")

// broken marks a failure of the connection, without the URL that net/http
// names in it: a signed one must not get into logs.
func broken(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var untrusted *tls.CertificateVerificationError
	if errors.Is(err, context.Canceled) || errors.As(err, &untrusted) {
		return err
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}

// passing reports whether a failure may be over soon.
func passing(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		switch e.Status {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	return errors.Is(err, errBroken)
}

// retry runs send until it succeeds, fails for good, or has had its attempts,
// with pauses that double and vary.
func (c *Client) retry(ctx context.Context, attempts int, send func() error, again func(error) bool) error {
	pause := c.pause
	for n := 1; ; n++ {
		err := send()
		if err == nil || n == attempts || ctx.Err() != nil || !again(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, maxPause)
	}
}
