package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
)

// Trust says why a version must not be relied on: it is bad, or made from what is.
type Trust struct {
	State    coreshed.TrustState `json:"state"`
	Reason   string              `json:"reason"` // of a bad one, as are the next two
	MarkedAt time.Time           `json:"marked_at,omitzero"`
	MarkedBy Person              `json:"marked_by,omitzero"`
	From     []int64             `json:"from"`   // the bad versions that it was made from
	Hidden   int64               `json:"hidden"` // others, which the caller may not see
}

func versionPath(id int64, rest string) string {
	return native + "/versions/" + strconv.FormatInt(id, 10) + rest
}

// Distrust marks a version as bad, so that what was made from it reads as stale.
// The id is that of the Entry. It can be repeated.
func (c *Client) Distrust(ctx context.Context, id int64, reason string) (Entry, error) {
	var e Entry
	_, err := c.do(ctx, call{
		method: http.MethodPut, path: versionPath(id, "/distrust"), body: map[string]string{"reason": reason}, want: []int{http.StatusOK},
	}, &e)
	return e, err
}

// ClearDistrust takes the mark away. It can be repeated.
func (c *Client) ClearDistrust(ctx context.Context, id int64) (Entry, error) {
	var e Entry
	_, err := c.do(ctx, call{method: http.MethodDelete, path: versionPath(id, "/distrust"), want: []int{http.StatusOK}}, &e)
	return e, err
}

// staleRunPage is how many runs are asked for at once.
const staleRunPage = 1000

// StaleRuns returns the runs to repeat when a version must not be relied on, in
// an order in which they can be, and how many others the caller may not see.
func (c *Client) StaleRuns(ctx context.Context, id int64) (runs []LineageRun, hidden int64, err error) {
	for {
		var page struct {
			Total, Hidden int64
			Results       []LineageRun
		}
		q := url.Values{"limit": {strconv.Itoa(staleRunPage)}, "offset": {strconv.Itoa(len(runs))}}
		if _, err := c.do(ctx, call{method: http.MethodGet, path: versionPath(id, "/stale-runs"), query: q, want: []int{http.StatusOK}}, &page); err != nil {
			return nil, 0, err
		}
		runs = append(runs, page.Results...)
		if len(page.Results) == 0 || int64(len(runs)) >= page.Total {
			return runs, page.Hidden, nil
		}
	}
}
