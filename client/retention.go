package client

import (
	"context"
	"net/http"
	"time"

	"github.com/coreshed/coreshed"
)

// Retention returns for how long a workspace keeps deleted files: 0 is for ever.
func (c *Client) Retention(ctx context.Context, workspace coreshed.UUID) (time.Duration, error) {
	return c.retention(ctx, call{method: http.MethodGet, path: nativeWorkspace(workspace)})
}

// SetRetention says for how long a workspace keeps deleted files, in whole seconds;
// 0 is for ever. It takes an owner. When the time of a deleted file is over, the
// server removes it for good.
func (c *Client) SetRetention(ctx context.Context, workspace coreshed.UUID, kept time.Duration) (time.Duration, error) {
	if kept < 0 || kept%time.Second != 0 {
		return 0, coreshed.Errorf(coreshed.Invalid, "deleted files are kept for whole seconds, not for %v", kept)
	}
	var seconds *int64
	if n := int64(kept / time.Second); n > 0 {
		seconds = &n
	}
	return c.retention(ctx, call{method: http.MethodPatch, path: nativeWorkspace(workspace), body: map[string]*int64{"retention": seconds}})
}

func (c *Client) retention(ctx context.Context, k call) (time.Duration, error) {
	var w struct{ Retention int64 }
	k.want = []int{http.StatusOK}
	_, err := c.do(ctx, k, &w)
	return time.Duration(w.Retention) * time.Second, err
}

func nativeWorkspace(id coreshed.UUID) string { return native + "/workspaces/" + id.String() }
