package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
)

// NewHold is a hold to be set: on a version, by its id in the catalogue, on a
// file, or on a workspace.
type NewHold struct {
	Version   int64              `json:"version,omitempty"`
	File      coreshed.UUID      `json:"file,omitzero"`
	Workspace coreshed.UUID      `json:"workspace,omitzero"`
	Direction coreshed.Direction `json:"direction,omitempty"` // in which a version's lineage is held too
	Reason    string             `json:"reason"`
	Until     time.Time          `json:"until,omitzero"`
}

// Hold forbids to delete and to purge what it protects.
type Hold struct {
	Number    int64              `json:"hold"`
	Kind      coreshed.HoldKind  `json:"kind"`
	Workspace WorkspaceRef       `json:"workspace"`
	FileID    coreshed.UUID      `json:"file_id"` // zero for a workspace
	Path      string             `json:"path"`    // "" once the file is no more
	Version   int64              `json:"version"` // 0 but for a version
	Direction coreshed.Direction `json:"direction"`
	Reason    string             `json:"reason"`
	InForce   bool               `json:"in_force"`
	CreatedAt time.Time          `json:"created_at"`
	CreatedBy Person             `json:"created_by"`
	Until     time.Time          `json:"until,omitzero"`
	LiftedAt  time.Time          `json:"lifted_at,omitzero"`
	LiftedBy  Person             `json:"lifted_by,omitzero"`
}

// HeldBy is the hold that keeps a file from being deleted and purged: its own, its
// workspace's, or one by lineage. It is zero to whoever does not see the hold.
type HeldBy struct {
	Hold   int64  `json:"hold"`
	Reason string `json:"reason"`
}

func holdPath(number int64) string { return native + "/holds/" + strconv.FormatInt(number, 10) }

// AddHold sets a hold.
func (c *Client) AddHold(ctx context.Context, n NewHold) (Hold, error) {
	var h Hold
	_, err := c.do(ctx, call{method: http.MethodPost, path: native + "/holds", body: n, want: []int{http.StatusCreated}}, &h)
	return h, err
}

// Hold returns a hold by its number.
func (c *Client) Hold(ctx context.Context, number int64) (Hold, error) {
	var h Hold
	_, err := c.do(ctx, call{method: http.MethodGet, path: holdPath(number), want: []int{http.StatusOK}}, &h)
	return h, err
}

// LiftHold ends a hold. It can be repeated.
func (c *Client) LiftHold(ctx context.Context, number int64) (Hold, error) {
	var h Hold
	_, err := c.do(ctx, call{method: http.MethodDelete, path: holdPath(number), want: []int{http.StatusOK}}, &h)
	return h, err
}

// HoldFilter says which holds are wanted; what is empty is any.
type HoldFilter struct {
	File    coreshed.UUID // on it or one of its versions
	InForce *bool
	Limit   int64 // 0 is the server's own
}

// Holds returns the holds of the workspace, the newest first, and how many there
// are.
func (f *Files) Holds(ctx context.Context, want HoldFilter) ([]Hold, int64, error) {
	q := url.Values{"workspace": {f.workspace.String()}}
	if want.File != (coreshed.UUID{}) {
		q.Set("file_id", want.File.String())
	}
	if want.InForce != nil {
		q.Set("in_force", strconv.FormatBool(*want.InForce))
	}
	if want.Limit > 0 {
		q.Set("limit", strconv.FormatInt(want.Limit, 10))
	}
	var list struct {
		Total   int64  `json:"total"`
		Results []Hold `json:"results"`
	}
	_, err := f.c.do(ctx, call{method: http.MethodGet, path: native + "/holds", query: q, want: []int{http.StatusOK}}, &list)
	return list.Results, list.Total, err
}

// Hold holds the whole workspace.
func (f *Files) Hold(ctx context.Context, reason string, until time.Time) (Hold, error) {
	return f.c.AddHold(ctx, NewHold{Workspace: f.workspace, Reason: reason, Until: until})
}
