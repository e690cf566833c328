package evoapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listWorkspaces(w http.ResponseWriter, q *request) error {
	return a.sendWorkspaces(w, q, func(ws coreshed.Workspace, role coreshed.Role) any {
		return q.presentWorkspace(ws, role)
	})
}

func (a *api) summarizeWorkspaces(w http.ResponseWriter, q *request) error {
	return a.sendWorkspaces(w, q, func(ws coreshed.Workspace, _ coreshed.Role) any {
		return workspaceSummary{ID: ws.UUID, Name: ws.Title}
	})
}

// sendWorkspaces answers with a page of workspaces, each as present makes it
// from the workspace and the caller's role there.
func (a *api) sendWorkspaces(w http.ResponseWriter, q *request, present func(coreshed.Workspace, coreshed.Role) any) error {
	standing, err := a.visits(q)
	if err != nil {
		return err
	}
	filter, page, err := workspacesWanted(q.query)
	if err != nil {
		return err
	}
	found, total, err := a.DB.Workspaces(q.Context(), q.actor, q.org, filter, page)
	if err != nil {
		return err
	}
	results := make([]any, len(found))
	for i, ws := range found {
		role := ws.Role
		if standing.Admin {
			role = coreshed.Owner
		}
		results[i] = present(ws, role)
	}
	return web.JSON(w, http.StatusOK, workspaceList{results, q.workspaceLinks(page, len(found), total)})
}

// visits checks that the caller belongs to the organisation, or has a role in
// a workspace of it. An unknown organisation answers as one of others.
func (a *api) visits(q *request) (store.Standing, error) {
	standing, err := a.standing(q)
	if err != nil || standing.Member {
		return standing, err
	}
	orgs, err := a.DB.OrganisationsOf(q.Context(), q.actor.ID)
	if err == nil && !slices.ContainsFunc(orgs, func(o coreshed.Organisation) bool { return o.ID == q.org }) {
		err = coreshed.Access{}.Require(coreshed.Viewer)
	}
	return standing, err
}

func (a *api) standing(q *request) (store.Standing, error) {
	standing, err := a.DB.Standing(q.Context(), q.org, q.actor.ID)
	if err == nil && !standing.Known {
		err = coreshed.Errorf(coreshed.InvalidToken, "The account of this token does not exist or is disabled.")
	}
	return standing, err
}

// maxWorkspaces bounds a page of workspaces.
const maxWorkspaces = 1000

// workspacesWanted reads the parameters of a list of workspaces. Each name can
// be spelt filter[name], too.
func workspacesWanted(q url.Values) (f store.WorkspaceFilter, page coreshed.Page, err error) {
	if page, err = pageOf(q, 20, maxWorkspaces); err != nil {
		return f, page, err
	}
	q = unwrapped(q)
	if f.Deleted, err = web.Bool(q, "deleted", false); err != nil {
		return f, page, err
	}
	if f.CreatedBy, err = web.ID(q, "created_by"); err != nil {
		return f, page, err
	}
	if f.Member, err = web.ID(q, "user_id"); err != nil {
		return f, page, err
	}
	if f.Created, err = times(q, "created_at"); err != nil {
		return f, page, err
	}
	if f.Updated, err = times(q, "updated_at"); err != nil {
		return f, page, err
	}
	if f.Title, err = text(q, "name"); err != nil {
		return f, page, err
	}
	f.Order, err = workspaceOrder(q)
	return f, page, err
}

// workspaceOrder reads order_by or, without it, the older sort=-name,created_at.
func workspaceOrder(q url.Values) ([]coreshed.Order, error) {
	fields := []coreshed.OrderField{"name", "created_at", "updated_at", "user_role"}
	if q.Has("order_by") || !q.Has("sort") {
		return orderBy(q, "order_by", fields...)
	}
	terms := strings.Split(strings.Join(q["sort"], ","), ",")
	for i, t := range terms {
		if field, desc := strings.CutPrefix(strings.TrimSpace(t), "-"); desc {
			terms[i] = "desc:" + field
		}
	}
	return orderBy(url.Values{"sort": terms}, "sort", fields...)
}

// unwrapped gives the values of filter[name] to name, where it has none.
func unwrapped(q url.Values) url.Values {
	plain := url.Values{}
	for key, values := range q {
		name, ok := strings.CutPrefix(key, "filter[")
		if name = strings.TrimSuffix(name, "]"); ok && !q.Has(name) {
			key = name
		}
		plain[key] = values
	}
	return plain
}

func (a *api) getWorkspace(w http.ResponseWriter, q *request) error {
	deleted, err := web.Bool(q.query, "deleted", false)
	if err != nil {
		return err
	}
	if q.access.Workspace.Deleted() && !deleted {
		return coreshed.Errorf(coreshed.Gone, "The workspace has been deleted.")
	}
	return web.JSON(w, http.StatusOK, q.presentWorkspace(q.access.Workspace, q.access.Role))
}

func (a *api) createWorkspace(w http.ResponseWriter, q *request) error {
	standing, err := a.standing(q)
	if err != nil {
		return err
	}
	if !standing.Member {
		return coreshed.Errorf(coreshed.Forbidden, "Only members of the organisation can create workspaces.")
	}
	title, edit, err := readWorkspace(q.Request)
	if err != nil {
		return err
	}
	ws, err := a.DB.AddWorkspace(q.Context(), q.org, q.actor.ID, title, edit)
	if err != nil {
		return err
	}
	answer := q.presentWorkspace(ws, coreshed.Owner)
	w.Header().Set("Location", answer.SelfLink)
	return web.JSON(w, http.StatusCreated, answer)
}

func (a *api) updateWorkspace(w http.ResponseWriter, q *request) error {
	edit, err := readWorkspaceEdit(q.Request)
	if err != nil {
		return err
	}
	ws, err := a.DB.EditWorkspace(q.Context(), q.access, edit)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, q.presentWorkspace(ws, q.access.Role))
}

func (a *api) deleteWorkspace(w http.ResponseWriter, q *request) error {
	if err := a.DB.DeleteWorkspace(q.Context(), q.access); err != nil {
		return err
	}
	return web.Empty(w, http.StatusNoContent)
}

// restoreWorkspace answers 204, or 303 with a problem document when the
// workspace had to take another name.
func (a *api) restoreWorkspace(w http.ResponseWriter, q *request) error {
	restore, err := wantsRestore(q)
	if err != nil {
		return err
	}
	if !restore {
		err := coreshed.Errorf(coreshed.Invalid, "The parameter deleted must be false, to restore.")
		err.Field = "deleted"
		return err
	}
	renamed, err := a.DB.RestoreWorkspace(q.Context(), q.access)
	if err != nil {
		return err
	}
	if !renamed {
		return web.Empty(w, http.StatusNoContent)
	}
	w.Header().Set("Location", q.workspacesURL()+"/"+q.workspace.String())
	return web.JSONAs(w, http.StatusSeeOther, web.ProblemJSON, problem{
		Type: errorCodes + "/workspace-api/renamed", Title: "Workspace Renamed.", Status: http.StatusSeeOther,
		Detail: "The workspace is restored; another has its name by now, so it has a number after it.",
	})
}

func (a *api) currentRole(w http.ResponseWriter, q *request) error {
	return web.JSON(w, http.StatusOK, userRole{UserID: q.actor.ID, Role: q.access.Role})
}
