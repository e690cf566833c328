// Package nativeapi is Coreshed's own interface under /coreshed/v1/: what no
// other dialect has words for. Runs, recipes and batches are recorded and
// published here, versions described and purged, and lineage and the audit log
// are asked for.
//
// A request is checked in this order: the token (401), its scope (403), the ids
// in the path (422), and, where the path names a workspace, the role in it
// (403). Handlers read the body and the parameters (400, 422), and then look for
// what they are asked for: what the caller may not see is not there (404), and
// what is seen but must not be changed is 403.
package nativeapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// Config is what the interface works with. Every field is needed.
type Config struct {
	DB      *store.DB
	Catalog *catalog.Catalog
	Signer  *signedurl.Signer
	Origins *web.Origins
	Org     coreshed.UUID // whose catalogue is served

	// Auth finds the caller by the value of the Authorization header.
	Auth func(ctx context.Context, authorization string) (coreshed.Actor, error)
	// NewPrefix makes the prefix of the keys of one upload.
	NewPrefix func() string
}

type api struct {
	Config
	routes []route
}

// New returns the handler of /coreshed/v1/.
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

	view   coreshed.View   // what the caller may see
	access coreshed.Access // to the workspace that the path names
	id     int64           // or number, of the thing that the path names, or 0
	purge  coreshed.UUID   // that the path names
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	family := web.Family{Name: "coreshed", WriteError: web.WriteProblem}
	family.Handle(func(w http.ResponseWriter, r *http.Request) error {
		rt, values, err := web.Match(a.routes, r)
		if err != nil {
			return err
		}
		web.Note(r, rt.pattern)
		q := &request{Request: r, route: rt.pattern, origin: a.Origins.Of(r)}
		if err := a.check(q, rt, values); err != nil {
			return err
		}
		return rt.handle(w, q)
	})(w, r)
}

// scope is what a token must cover.
const scope = "evo.file"

// check is the order of checks that every request goes through.
func (a *api) check(q *request, rt route, values map[string]string) error {
	actor, err := a.Auth(q.Context(), q.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	web.Note(q.Request, q.route, slog.String("person", actor.ID.String()))
	if !actor.HasScope(scope) {
		return coreshed.Errorf(coreshed.Forbidden, "The token does not cover the scope %s.", scope)
	}
	if err := a.identify(q, rt, actor, values); err != nil {
		return err
	}
	if q.view, err = a.DB.View(q.Context(), actor, a.Org); err != nil {
		return err
	}
	q.query, err = web.Query(q.URL.RawQuery)
	return err
}

// identify reads the ids in the path, and checks the role in the workspace that
// it names.
func (a *api) identify(q *request, rt route, actor coreshed.Actor, values map[string]string) error {
	if text, ok := values["id"]; ok {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			return coreshed.Errorf(coreshed.Invalid, "The id in the address is not a positive integer.")
		}
		q.id = id
		web.Note(q.Request, q.route, slog.Int64("id", id))
	}
	if text, ok := values["purge"]; ok {
		var err error
		if q.purge, err = web.ParseID(text); err != nil {
			return coreshed.Errorf(coreshed.Invalid, "The id of the purge in the address is not a UUID.")
		}
		web.Note(q.Request, q.route, slog.String("purge", q.purge.String()))
	}
	if text, ok := values["number"]; ok {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil || number < 0 {
			return coreshed.Errorf(coreshed.Invalid, "The number in the address is not one of an entry.")
		}
		q.id = number
		web.Note(q.Request, q.route, slog.Int64("number", number))
	}
	text, ok := values["workspace"]
	if !ok {
		return nil
	}
	id, err := web.ParseID(text)
	if err != nil {
		return coreshed.Errorf(coreshed.Invalid, "The id of the workspace in the address is not a UUID.")
	}
	web.Note(q.Request, q.route, slog.String("workspace", id.String()))
	if q.access, err = a.DB.Access(q.Context(), actor, a.Org, id); err != nil {
		return err
	}
	return q.access.Require(rt.role)
}

// require fails with Forbidden unless the caller has at least role in a
// workspace of the view.
func (q *request) require(workspace int64, role coreshed.Role) error {
	return coreshed.Access{Actor: q.view.Actor, Role: q.view.Roles[workspace]}.Require(role)
}
