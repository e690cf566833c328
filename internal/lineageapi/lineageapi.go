// Package lineageapi takes OpenLineage events: POST /api/v1/lineage, where the
// clients of OpenLineage send them by themselves.
//
// A request is checked in this order: the path (404) and the method (405), the
// token (401), its scope (403), the body (400, 413, 415), what the event must
// have (422), and what the sender may record (403).
package lineageapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/openlineage"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// Path is where events are sent.
const Path = "/api/v1/lineage"

// Config is what the interface works with. Every field is needed.
type Config struct {
	DB      *store.DB
	Origins *web.Origins
	Org     coreshed.UUID // whose catalogue it is

	// Auth finds the caller by the value of the Authorization header.
	Auth func(ctx context.Context, authorization string) (coreshed.Actor, error)
}

type api struct{ Config }

// New returns the handler of Path.
func New(c Config) http.Handler {
	family := web.Family{Name: "openlineage", WriteError: web.WriteProblem}
	return family.Handle((&api{c}).serve)
}

// scope is what a token must cover.
const scope = "evo.file"

// workspaceHeader says in which workspace a run is recorded whose data sets do
// not. The query parameter of that name does the same.
const (
	workspaceHeader    = "Coreshed-Workspace"
	workspaceParameter = "workspace"
)

func (a *api) serve(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Path != Path {
		return coreshed.Errorf(coreshed.NotFound, "There is nothing at this address.")
	}
	web.Note(r, Path)
	if r.Method != http.MethodPost {
		return &web.MethodError{Allow: http.MethodPost}
	}
	view, err := a.viewOf(r)
	if err != nil {
		return err
	}
	workspace, err := workspaceOf(r)
	if err != nil {
		return err
	}
	text, err := readBody(w, r)
	if err != nil {
		return err
	}
	event, err := openlineage.Read(text)
	if err != nil {
		return err
	}
	web.Note(r, Path, slog.String("run", event.Run.String()))
	if err := a.DB.AddLineageEvent(r.Context(), view, store.LineageEvent{Event: event, Hosts: a.hosts(), Workspace: workspace}); err != nil {
		return err
	}
	return web.Empty(w, http.StatusCreated)
}

// viewOf finds what the caller may see.
func (a *api) viewOf(r *http.Request) (coreshed.View, error) {
	actor, err := a.Auth(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		return coreshed.View{}, err
	}
	web.Note(r, Path, slog.String("person", actor.ID.String()))
	if !actor.HasScope(scope) {
		return coreshed.View{}, coreshed.Errorf(coreshed.Forbidden, "The token does not cover the scope %s.", scope)
	}
	return a.DB.View(r.Context(), actor, a.Org)
}

func workspaceOf(r *http.Request) (string, error) {
	query, err := web.Query(r.URL.RawQuery)
	if err != nil {
		return "", err
	}
	if query.Has(workspaceParameter) {
		return query.Get(workspaceParameter), nil
	}
	return r.Header.Get(workspaceHeader), nil
}

// hosts are the names under which data sets of this server are known: those of
// its own origins, with and without their port.
func (a *api) hosts() []string {
	var hosts []string
	for _, origin := range append([]string{a.Origins.Public}, a.Origins.Own...) {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" {
			continue
		}
		hosts = append(hosts, strings.ToLower(u.Host), strings.ToLower(u.Hostname()))
	}
	return hosts
}
