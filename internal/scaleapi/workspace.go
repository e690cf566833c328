package scaleapi

import (
	"errors"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listWorkspaces(w http.ResponseWriter, q *request) error {
	var f store.SeenFilter
	var err error
	if f.Modified, err = q.window("started", "ended", a.Now()); err != nil {
		return err
	}
	if f.Name, err = q.texts("name"); err != nil {
		return err
	}
	order, err := q.orders()
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Workspace, int64, error) {
		return a.DB.SeenWorkspaces(q.Context(), q.view, f, order, p)
	}, workspaceOf)
}

func (a *api) getWorkspace(w http.ResponseWriter, q *request) error {
	details, err := a.workspaceDetails(q, q.id("id"), q.view.Admin)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, details)
}

// workspaceDetails is a workspace with its configuration; its secrets are shown
// when clear.
func (a *api) workspaceDetails(q *request, id int64, clear bool) (workspaceDetails, error) {
	ws, err := a.DB.SeenWorkspace(q.Context(), q.view, id)
	if err != nil {
		return workspaceDetails{}, err
	}
	details := workspaceDetails{workspaceOf(ws), broker.Own}
	s, err := a.DB.Storage(q.Context(), q.view, id)
	if err != nil || s.Broker == "" {
		return details, err
	}
	config, err := a.Catalog.Configuration(q.Context(), s)
	details.Configuration = config.Masked()
	if clear {
		details.Configuration = config.JSON()
	}
	return details, err
}

func (a *api) createWorkspace(w http.ResponseWriter, q *request) error {
	if err := a.mayCreate(q); err != nil {
		return err
	}
	title, err := q.required("title")
	if err != nil {
		return err
	}
	c, err := q.workspaceChange()
	if err != nil {
		return err
	}
	document, err := q.object("configuration")
	if err != nil {
		return err
	}
	if c.Storage, err = a.configure(q, document, store.Storage{}); err != nil {
		return err
	}
	id, err := a.DB.AddSeenWorkspace(q.Context(), q.view, title, c)
	if err != nil {
		return err
	}
	q.view.Roles[id] = coreshed.Owner // as its creator is from now on
	details, err := a.workspaceDetails(q, id, false)
	if err != nil {
		return err
	}
	w.Header().Set("Location", q.url("/workspaces/"+decimal(id)+"/"))
	return web.JSON(w, http.StatusCreated, details)
}

// mayCreate refuses guests, who have a role in a workspace and do not belong to
// the organisation.
func (a *api) mayCreate(q *request) error {
	standing, err := a.DB.Standing(q.Context(), a.Org, q.actor.ID)
	if err == nil && !standing.Member {
		err = forbidden()
	}
	return err
}

func (a *api) editWorkspace(w http.ResponseWriter, q *request) error {
	id := q.id("id")
	ws, err := a.DB.SeenWorkspace(q.Context(), q.view, id)
	if err != nil {
		return err
	}
	if !q.view.Roles[id].AtLeast(coreshed.Owner) {
		return forbidden()
	}
	c, err := q.workspaceChange()
	if err != nil {
		return err
	}
	if c.Title != nil && *c.Title == cut(ws.Title) {
		c.Title = nil // as it was read, which may be less than all of it
	}
	if q.says("configuration") {
		if c.Storage, err = a.newStorage(q, id); err != nil {
			return err
		}
	}
	err = a.DB.ChangeWorkspace(q.Context(), q.view, id, c)
	if taken, ok := errors.AsType[*coreshed.Error](err); ok && taken.Kind == coreshed.Conflict {
		return bad("%s", taken.Msg)
	}
	if err != nil {
		return err
	}
	return web.Empty(w, http.StatusNoContent)
}

// newStorage reads the configuration that a workspace is to have from now on.
func (a *api) newStorage(q *request, id int64) (*store.Storage, error) {
	document, err := q.object("configuration")
	if err != nil {
		return nil, err
	}
	before, err := a.DB.Storage(q.Context(), q.view, id)
	if err != nil {
		return nil, err
	}
	if before.Broker == "" && broker.IsOwn(rawJSON(document)) {
		return nil, nil // as it was read
	}
	return a.configure(q, document, before)
}

// configure reads a configuration and makes it ready to be stored. What the
// server reaches with nothing but its own rights, and secrets of others, are
// for admins to hand out: an owner brings their own, or leaves all as it is.
func (a *api) configure(q *request, document map[string]any, before store.Storage) (*store.Storage, error) {
	text := rawJSON(document)
	if !q.view.Admin {
		config, err := broker.ParseConfig(text)
		if err != nil {
			return nil, err
		}
		if !config.BringsCredentials() || config.MaskedSecrets() {
			return nil, a.requireSame(q, config, before)
		}
	}
	after, err := a.Catalog.Configure(q.Context(), text, before)
	return &after, err
}

// requireSame refuses a configuration that is not the one that was read.
func (a *api) requireSame(q *request, config broker.Config, before store.Storage) error {
	if before.Broker == "" {
		return forbidden()
	}
	was, err := a.Catalog.Configuration(q.Context(), before)
	if err == nil && !config.Same(was) {
		err = forbidden()
	}
	return err
}

// maxDescription is the longest description, in characters.
const maxDescription = 500

// workspaceChange reads what a workspace is to be like. Empty texts leave it as
// it is.
func (q *request) workspaceChange() (store.WorkspaceChange, error) {
	var c store.WorkspaceChange
	var err error
	for name, into := range map[string]**string{"title": &c.Title, "description": &c.Description, "base_url": &c.BaseURL} {
		if *into, err = q.text(name); err != nil {
			return c, err
		}
		if *into != nil && **into == "" {
			*into = nil
		}
	}
	if c.Description != nil && utf8.RuneCountInString(*c.Description) > maxDescription {
		return c, bad("The description has at most %d characters.", maxDescription)
	}
	if c.BaseURL != nil && !isWebAddress(*c.BaseURL) {
		return c, bad("The base_url must be an http, https or ftp address.")
	}
	if q.says("is_active") {
		c.Active, err = q.boolean("is_active")
	}
	return c, err
}

// isWebAddress reports whether links may begin with an address: pages show them.
func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "ftp") && len(text) <= 2000
}
