// Package scaleapi is the file services of Scale's v6 API: files, workspaces,
// watchers, ingests, and what its web page reads around them. /v7/ is another
// name for /v6/, and both are also served below /api/, where that page looks
// for them.
//
// A request is checked in this order, by the table of routes alone: the address
// (404), the method (405), the caller (403), the form of the body (400, 415).
// Handlers read the parameters (400) and then look for what they are asked for
// (404). What a caller may not see is not there: lists, totals and look-ups
// answer from the caller's view.
package scaleapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// Config is what the family works with. Every field but Anonymous is needed.
type Config struct {
	DB      *store.DB
	Catalog *catalog.Catalog
	Origins *web.Origins
	Org     coreshed.UUID // the organisation that is served

	// Auth finds the caller by the value of the Authorization header, Session
	// by the sign-in page's cookie; Unauthenticated when there is none.
	Auth    func(ctx context.Context, authorization string) (coreshed.Actor, error)
	Session func(r *http.Request) (auth.Session, error)
	// Anonymous lets callers without credentials read as viewers of every
	// workspace.
	Anonymous bool

	// Health asks what the server depends on; the error of each that is well is
	// nil.
	Health func(ctx context.Context) map[string]error

	Version string // of the server
	Now     func() time.Time
}

type api struct {
	Config
	routes []route
}

// New returns the handler of /v6/, /v7/, /api/v6/ and /api/v7/.
func New(c Config) http.Handler {
	a := &api{Config: c}
	a.routes = a.table()
	return a
}

// request is a request whose caller and body have been checked.
type request struct {
	*http.Request
	params
	route  string
	origin string // of links in the answer
	prefix string // of the family, as the request spelt it: "/v6"
	values map[string]string

	actor coreshed.Actor // zero for one without credentials
	view  coreshed.View
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Answers are for one caller, and may be untrue in a moment.
	w.Header().Set("Cache-Control", "no-store")
	web.Family{Name: "scale", WriteError: writeError}.Handle(a.serve)(w, r)
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) error {
	prefix, path, ok := split(r.URL.Path)
	if !ok {
		return notFound()
	}
	found, values := a.match(path)
	if len(found) == 0 {
		return a.slash(w, r, path)
	}
	w.Header().Set("Allow", allow(found))
	q := &request{Request: r, route: found[0].pattern, origin: a.Origins.Of(r), prefix: prefix, values: values}
	web.Note(r, q.route)
	if r.Method == http.MethodOptions {
		if err := a.admit(w, q, route{access: read}); err != nil {
			return err
		}
		return describe(w, q)
	}
	rt, err := byMethod(found, r.Method)
	if err != nil {
		return err
	}
	if err := a.admit(w, q, rt); err != nil {
		return err
	}
	if q.params, err = readParams(w, r); err != nil {
		return err
	}
	return rt.handle(w, q)
}

// note puts an id into the request's log line.
func (q *request) note(name string, id int64) {
	web.Note(q.Request, q.route, slog.Int64(name, id))
}

// url is the absolute address of a path of the family, such as
// "/workspaces/1/".
func (q *request) url(path string) string { return q.origin + q.prefix + path }
