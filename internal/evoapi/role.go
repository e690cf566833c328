package evoapi

import (
	"errors"
	"net/http"
	"slices"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listUsers(w http.ResponseWriter, q *request) error {
	wanted, err := web.ID(unwrapped(q.query), "user_id")
	if err != nil {
		return err
	}
	granted, err := a.DB.Grants(q.Context(), q.access.Workspace.ID)
	if err != nil {
		return err
	}
	list := userList{Results: []workspaceUser{}}
	for _, g := range granted {
		if wanted == nil || *wanted == g.Person.ID {
			list.Results = append(list.Results, workspaceUser{
				userRole{g.Person.ID, g.Role}, known(g.Person.Email), known(g.Person.Name),
			})
		}
	}
	return web.JSON(w, http.StatusOK, list)
}

// grantBody names a user by id or by e-mail address, not by both.
type grantBody struct {
	UserID *string       `json:"user_id"`
	Email  *string       `json:"email"`
	Role   coreshed.Role `json:"role"`
}

// grantRole gives a role. The answer's user_id is, for an address that nobody
// has signed in with, that of the pending grant.
func (a *api) grantRole(w http.ResponseWriter, q *request) error {
	var body grantBody
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	if !body.Role.Valid() {
		return invalidMember("role", "must be viewer, editor or owner")
	}
	if (body.UserID == nil) == (body.Email == nil) {
		return invalidMember("user_id", "or email must be given, and not both")
	}
	if err := q.access.Require(body.Role); err != nil {
		return err
	}
	grant := a.grantToEmail
	if body.UserID != nil {
		grant = a.grantToUser
	}
	id, err := grant(q, body)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, userRole{UserID: id, Role: body.Role})
}

func (a *api) grantToUser(q *request, body grantBody) (coreshed.UUID, error) {
	id, err := web.ParseID(*body.UserID)
	if err != nil {
		return id, invalidMember("user_id", "must be a UUID")
	}
	if err := a.mayChange(q, func(g store.Granted) bool { return g.Person.ID == id }); err != nil {
		return id, err
	}
	return id, a.DB.Grant(q.Context(), q.actor, q.access.Workspace.ID, id, body.Role)
}

func (a *api) grantToEmail(q *request, body grantBody) (coreshed.UUID, error) {
	person, err := a.DB.User(q.Context(), *body.Email)
	if err == nil {
		id := person.ID.String()
		body.UserID = &id
		return a.grantToUser(q, body)
	}
	if !errors.Is(err, coreshed.NotFound) {
		return coreshed.UUID{}, err
	}
	pending := store.PendingID(q.workspace, *body.Email)
	if err := a.mayChange(q, func(g store.Granted) bool { return g.Person.ID == pending }); err != nil {
		return pending, err
	}
	err = a.DB.GrantEmail(q.Context(), q.actor, q.access.Workspace.ID, *body.Email, body.Role)
	if errors.Is(err, coreshed.Invalid) {
		err = invalidMember("email", "must be an e-mail address")
	}
	return pending, err
}

func (a *api) revokeRole(w http.ResponseWriter, q *request) error {
	if err := a.mayChange(q, func(g store.Granted) bool { return g.Person.ID == q.user }); err != nil {
		return err
	}
	if err := a.DB.Revoke(q.Context(), q.actor, q.access.Workspace.ID, q.user); err != nil {
		return err
	}
	return web.Empty(w, http.StatusNoContent)
}

// mayChange checks that the caller's role is not below the one that someone
// has: editors do not unmake owners.
func (a *api) mayChange(q *request, whose func(store.Granted) bool) error {
	granted, err := a.DB.Grants(q.Context(), q.access.Workspace.ID)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(granted, whose); i >= 0 {
		return q.access.Require(granted[i].Role)
	}
	return nil
}
