// Package evoapi is the control plane: the Evo File API v2, discovery, and
// workspaces with their roles. It hands out signed URLs and sees no bytes of
// files.
//
// A request is checked in this order, by the table of routes alone: the token
// (401), its scope (403), the ids in the path (422), the role in the workspace
// (403). Handlers read the parameters (422, 400) and then look for what they
// are asked for (404, 410). Someone without a role in a workspace gets 403
// whether it exists or not.
package evoapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// Config is what the control plane works with. Every field is needed.
type Config struct {
	DB      *store.DB
	Signer  *signedurl.Signer
	Origins *web.Origins

	// Auth finds the caller by the value of the Authorization header:
	// Unauthenticated when it is empty, InvalidToken when it is no good,
	// BadGateway when that cannot be found out.
	Auth func(ctx context.Context, authorization string) (coreshed.Actor, error)
	// NewPrefix makes the prefix of the keys of one upload.
	NewPrefix func() string
	// Room fails with Full when the workspace may not begin another upload.
	Room func(ctx context.Context, w coreshed.Workspace) error
	// Health asks what the server depends on; the error of each that is well is
	// nil. The one called Metadata is vital.
	Health func(ctx context.Context) map[string]error

	Version string // of the server
	Hub     Hub
}

// Hub is how discovery presents the server.
type Hub struct{ Code, DisplayName string }

type api struct {
	Config
	routes []route
}

// New returns the handler of /file/, /workspace/ and /evo/identity/. It never
// redirects and takes request paths as they were sent.
func New(c Config) http.Handler {
	a := &api{Config: c}
	a.routes = a.table()
	return a
}

// request is a request whose caller, ids and rights have been checked.
type request struct {
	*http.Request
	route  string
	origin string // of links in the answer
	query  url.Values

	actor                      coreshed.Actor
	access                     coreshed.Access // to the workspace that the path names
	org, workspace, file, user coreshed.UUID   // zero where the path has none
	path                       string          // of a file, as it was sent
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Answers are for one caller, and may be untrue in a moment.
	w.Header().Set("Cache-Control", "no-store")
	problems := problemsOf(r.URL.Path)
	family := web.Family{Name: problems.family, WriteError: problems.write}
	family.Handle(func(w http.ResponseWriter, r *http.Request) error {
		rt, values, err := web.Match(a.routes, r)
		if err != nil {
			return err
		}
		q := &request{Request: r, route: rt.pattern, origin: a.Origins.Of(r)}
		if err := a.check(q, rt, values); err != nil {
			return err
		}
		return rt.handle(w, q)
	})(w, r)
}

// check is the order of checks that every request goes through.
func (a *api) check(q *request, rt route, values map[string]string) error {
	web.Note(q.Request, rt.pattern)
	if rt.scope == "" {
		return a.read(q)
	}
	var err error
	if q.actor, err = a.Auth(q.Context(), q.Header.Get("Authorization")); err != nil {
		return err
	}
	q.note("person", q.actor.ID)
	if !q.actor.HasScope(rt.scope) {
		return coreshed.Errorf(coreshed.Forbidden, "The token does not cover the scope %s.", rt.scope)
	}
	if err := q.identify(values); err != nil {
		return err
	}
	if rt.role != coreshed.NoRole {
		if err := a.enter(q, rt); err != nil {
			return err
		}
	}
	return a.read(q)
}

// note puts an id into the request's log line.
func (q *request) note(name string, id coreshed.UUID) {
	web.Note(q.Request, q.route, slog.String(name, id.String()))
}

// enter checks the caller's role in the workspace.
func (a *api) enter(q *request, rt route) error {
	var err error
	if q.access, err = a.DB.AccessDeleted(q.Context(), q.actor, q.org, q.workspace); err != nil {
		return err
	}
	if err := q.access.Require(rt.role); err != nil {
		return err
	}
	if !q.access.Workspace.Deleted() || rt.deleted {
		return nil
	}
	if rt.scope == fileScope {
		return coreshed.Errorf(coreshed.NotFound, "The workspace does not exist.")
	}
	return coreshed.Errorf(coreshed.Gone, "The workspace has been deleted.")
}

func (a *api) read(q *request) error {
	var err error
	q.query, err = web.Query(q.URL.RawQuery)
	return err
}
