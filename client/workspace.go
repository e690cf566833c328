package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
)

// Workspace is a workspace as its users see it.
type Workspace struct {
	ID          coreshed.UUID `json:"id"`
	Name        string        `json:"name"`
	Description string        `json:"description"`
	Role        coreshed.Role `json:"current_user_role"` // the caller's
	CRS         string        `json:"default_coordinate_system"`
	Labels      []string      `json:"labels"`
	CreatedAt   time.Time     `json:"created_at"`
	CreatedBy   Person        `json:"created_by"`
	UpdatedAt   time.Time     `json:"updated_at"`
	UpdatedBy   Person        `json:"updated_by"`
}

// WorkspaceEdit changes the fields that are not nil.
type WorkspaceEdit struct {
	Name        *string   `json:"name,omitempty"`
	Description *string   `json:"description,omitempty"`
	CRS         *string   `json:"default_coordinate_system,omitempty"`
	Labels      *[]string `json:"labels,omitempty"`
}

// workspacePage is how many workspaces are asked for at once.
const workspacePage = 100

func workspaceURL(org coreshed.UUID) string {
	return "/workspace/orgs/" + org.String() + "/workspaces"
}

// Workspaces returns the workspaces that the caller may see, in order of name;
// deleted ones alone if deleted is true. It ends with the first error.
func (c *Client) Workspaces(ctx context.Context, org coreshed.UUID, deleted bool) iter.Seq2[Workspace, error] {
	return func(yield func(Workspace, error) bool) {
		q := url.Values{"order_by": {"asc:name"}, "limit": {strconv.Itoa(workspacePage)}}
		if deleted {
			q.Set("deleted", "true")
		}
		for offset := 0; ; {
			q.Set("offset", strconv.Itoa(offset))
			var page struct {
				Results []Workspace
				Links   struct{ Total int }
			}
			if _, err := c.do(ctx, call{method: http.MethodGet, path: workspaceURL(org), query: q, want: []int{http.StatusOK}}, &page); err != nil {
				yield(Workspace{}, err)
				return
			}
			for _, w := range page.Results {
				if !yield(w, nil) {
					return
				}
			}
			offset += len(page.Results)
			if len(page.Results) == 0 || offset >= page.Links.Total {
				return
			}
		}
	}
}

// Workspace returns a workspace. To those without a role in it, NotFound.
func (c *Client) Workspace(ctx context.Context, org, id coreshed.UUID) (Workspace, error) {
	var w Workspace
	_, err := c.do(ctx, call{method: http.MethodGet, path: workspaceURL(org) + "/" + id.String(), want: []int{http.StatusOK}}, &w)
	return w, err
}

// CreateWorkspace makes a workspace, whose owner the caller becomes.
func (c *Client) CreateWorkspace(ctx context.Context, org coreshed.UUID, name string, e WorkspaceEdit) (Workspace, error) {
	e.Name = &name
	var w Workspace
	_, err := c.do(ctx, call{method: http.MethodPost, path: workspaceURL(org), body: e, want: []int{http.StatusCreated}}, &w)
	return w, err
}

// EditWorkspace changes a workspace and returns it.
func (c *Client) EditWorkspace(ctx context.Context, org, id coreshed.UUID, e WorkspaceEdit) (Workspace, error) {
	var w Workspace
	_, err := c.do(ctx, call{method: http.MethodPatch, path: workspaceURL(org) + "/" + id.String(), body: e, want: []int{http.StatusOK}}, &w)
	return w, err
}

// DeleteWorkspace deletes a workspace. It can be restored.
func (c *Client) DeleteWorkspace(ctx context.Context, org, id coreshed.UUID) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: workspaceURL(org) + "/" + id.String(), want: []int{http.StatusNoContent}}, nil)
	return err
}

// RestoreWorkspace makes a deleted workspace live again.
func (c *Client) RestoreWorkspace(ctx context.Context, org, id coreshed.UUID) error {
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: workspaceURL(org) + "/" + id.String(), query: url.Values{"deleted": {"false"}},
		want: []int{http.StatusNoContent, http.StatusSeeOther},
	}, nil)
	return err
}
