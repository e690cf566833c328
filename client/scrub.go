package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
)

// Scrub is a round in which the server reads all bytes of its own store again, and
// compares them with the SHA-256 that was recorded of them.
type Scrub struct {
	Number   int64     `json:"scrub"`
	BeganAt  time.Time `json:"began_at"`
	EndedAt  time.Time `json:"ended_at,omitzero"` // zero while it goes on
	Versions int64     `json:"versions"`          // that were read
	Bytes    int64     `json:"bytes"`             // that are what was recorded
	Of       int64     `json:"of_bytes"`          // that are kept, while it goes on; else Bytes
	Damaged  int64     `json:"damaged"`           // versions whose bytes are not
	Unread   int64     `json:"unread"`            // versions that could not be read then
}

// Scrubs returns the newest rounds, up to limit. It is for admins of the organisation.
func (c *Client) Scrubs(ctx context.Context, limit int64) ([]Scrub, error) {
	var list struct {
		Results []Scrub `json:"results"`
	}
	_, err := c.do(ctx, call{method: http.MethodGet, path: native + "/scrubs", query: limited(limit), want: []int{http.StatusOK}}, &list)
	return list.Results, err
}

// StartScrub begins a round, unless one goes on, and returns that. Either looks at
// once at what was damaged before. It is for admins of the organisation.
func (c *Client) StartScrub(ctx context.Context) (Scrub, error) {
	var s Scrub
	_, err := c.do(ctx, call{method: http.MethodPost, path: native + "/scrubs", want: []int{http.StatusAccepted}}, &s)
	return s, err
}

// DamagedVersion is a version whose bytes, in the server's own store, are not there
// or not what was recorded: it is not served.
type DamagedVersion struct {
	Version   int64              `json:"version"`
	FileID    coreshed.UUID      `json:"file_id"`
	Path      string             `json:"path"`
	Workspace WorkspaceRef       `json:"workspace"`
	Size      int64              `json:"size"`
	SHA256    string             `json:"sha256"` // hex, that was recorded; "" when it was not known
	State     coreshed.ByteState `json:"state"`  // Missing or ChangedOutside
}

// Damaged returns the first damaged versions that the caller may see, up to limit,
// and how many there are.
func (c *Client) Damaged(ctx context.Context, limit int64) ([]DamagedVersion, int64, error) {
	var list struct {
		Total   int64            `json:"total"`
		Results []DamagedVersion `json:"results"`
	}
	_, err := c.do(ctx, call{method: http.MethodGet, path: native + "/damaged", query: limited(limit), want: []int{http.StatusOK}}, &list)
	return list.Results, list.Total, err
}

func limited(limit int64) url.Values { return url.Values{"limit": {strconv.FormatInt(limit, 10)}} }
