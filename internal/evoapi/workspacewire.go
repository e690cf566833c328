package evoapi

import (
	"encoding/json"
	"strings"

	"github.com/coreshed/coreshed"
)

type workspaceList struct {
	Results []any          `json:"results"`
	Links   workspaceLinks `json:"links"`
}

type workspaceLinks struct {
	First    string  `json:"first"`
	Last     string  `json:"last"`
	Next     *string `json:"next"`
	Previous *string `json:"previous"`
	Count    int     `json:"count"`
	Total    int64   `json:"total"`
}

type workspaceSummary struct {
	ID   coreshed.UUID `json:"id"`
	Name string        `json:"name"`
}

type workspaceAnswer struct {
	workspaceSummary
	Description             string        `json:"description"`
	CurrentUserRole         coreshed.Role `json:"current_user_role"`
	BoundingBox             *boundingBox  `json:"bounding_box"`
	DefaultCoordinateSystem string        `json:"default_coordinate_system"`
	Labels                  []string      `json:"labels"`
	MLEnabled               bool          `json:"ml_enabled"` // never
	CreatedAt               string        `json:"created_at"`
	UpdatedAt               string        `json:"updated_at"`
	CreatedBy               user          `json:"created_by"`
	UpdatedBy               user          `json:"updated_by"`
	SelfLink                string        `json:"self_link"`
}

type boundingBox struct {
	Type        string          `json:"type"`
	Coordinates json.RawMessage `json:"coordinates"`
}

type userRole struct {
	UserID coreshed.UUID `json:"user_id"`
	Role   coreshed.Role `json:"role"`
}

type userList struct {
	Results []workspaceUser `json:"results"`
	Links   struct{}        `json:"links"`
}

type workspaceUser struct {
	userRole
	Email    *string `json:"email"`
	FullName *string `json:"full_name"`
}

// presentWorkspace is how a workspace looks to someone with that role there.
func (q *request) presentWorkspace(ws coreshed.Workspace, role coreshed.Role) workspaceAnswer {
	answer := workspaceAnswer{
		workspaceSummary: workspaceSummary{ID: ws.UUID, Name: ws.Title},
		Description:      ws.Description, CurrentUserRole: role, DefaultCoordinateSystem: ws.CoordinateSystem,
		Labels:    append([]string{}, ws.Labels...),
		CreatedAt: timestamp(ws.CreatedAt), UpdatedAt: timestamp(ws.UpdatedAt),
		CreatedBy: author(ws.CreatedBy), UpdatedBy: author(ws.UpdatedBy),
		SelfLink: q.workspacesURL() + "/" + ws.UUID.String(),
	}
	if ws.BoundingBox != "" {
		answer.BoundingBox = &boundingBox{Type: "Polygon", Coordinates: json.RawMessage(ws.BoundingBox)}
	}
	return answer
}

// author is a person where clients insist on one.
func author(p coreshed.Person) user {
	return user{ID: p.ID, Name: known(p.Name), Email: known(p.Email)}
}

// workspacesURL is the address of the organisation's workspaces.
func (q *request) workspacesURL() string {
	return q.origin + strings.Replace(workspaces, "{org}", q.org.String(), 1)
}

func (q *request) workspaceLinks(page coreshed.Page, count int, total int64) workspaceLinks {
	links := workspaceLinks{
		First: q.pageURL(page, 0), Last: q.pageURL(page, max(total-1, 0)/page.Limit*page.Limit),
		Count: count, Total: total,
	}
	around := q.pageLinks(page, total)
	links.Next, links.Previous = around.Next, around.Prev
	return links
}
