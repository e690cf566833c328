package server

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreshed/coreshed/internal/web"
)

// router sends a request to its family by the first segment of its path. It
// is no http.ServeMux, because that answers a path with "//" with a redirect,
// and the Evo clients send such paths and follow none.
type router struct {
	evo, native, scale, lineage, issuer, blobs, docs, metrics http.Handler

	ready   func(context.Context) error
	closing atomic.Bool
	origins *web.Origins
	allow   []netip.Prefix // of metrics
	blobUse *activity
	sites   sites
}

func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	second, _, _ := strings.Cut(rest, "/")
	if first == "api" && (second == "v6" || second == "v7") {
		first = second // where Scale's web page looks for them
	}
	if first == "api" && second == "v1" { // where the clients of OpenLineage send events
		rt.lineage.ServeHTTP(w, r)
		return
	}
	switch first {
	case "file", "workspace", "evo":
		rt.evo.ServeHTTP(w, r)
	case "coreshed":
		rt.native.ServeHTTP(w, r)
	case "v6", "v7":
		rt.scale.ServeHTTP(w, r)
	case "connect", ".well-known":
		rt.issuer.ServeHTTP(w, r)
	case "api":
		web.Note(r, "api")
		rt.docs.ServeHTTP(w, r)
	case "healthz":
		web.Note(r, "healthz")
		plain(w, http.StatusOK, "ok\n")
	case "readyz":
		rt.readyz(w, r)
	case "metrics":
		rt.measure(w, r)
	default:
		rt.other(w, r, first)
	}
}

// other serves what has no fixed first segment: blobs, sites, and the root.
func (rt *router) other(w http.ResponseWriter, r *http.Request, first string) {
	if _, err := web.ParseID(first); err == nil {
		defer rt.blobUse.begin()()
		unlimited(w)
		rt.blobs.ServeHTTP(w, r)
		return
	}
	switch {
	case rt.sites.serve(w, r):
	case r.URL.Path == "/":
		web.Note(r, "root")
		plain(w, http.StatusOK, welcome)
	default:
		web.Note(r, "none")
		plain(w, http.StatusNotFound, "Nothing is here. The API documents are at /api/.\n")
	}
}

// unlimited takes off the limits that newServer sets on the time of a request.
// A connection without deadlines has none.
func unlimited(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	c.SetReadDeadline(time.Time{})  //nolint:errcheck // see above
	c.SetWriteDeadline(time.Time{}) //nolint:errcheck // see above
}

const welcome = `Coreshed: a file store and catalogue for geospatial and geoscience files.

  /api/            what the server speaks, as OpenAPI documents
  /file/v2/…       Evo File API v2
  /coreshed/v1/…   runs, versions and lineage
  /v6/…            Scale file services v6
  /api/v1/lineage  OpenLineage events
  /connect/…       sign-in
  /readyz          whether it is ready
  /metrics         measurements, for Prometheus
`

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write([]byte(text)) //nolint:errcheck // the client has gone
}

func (rt *router) readyz(w http.ResponseWriter, r *http.Request) {
	web.Note(r, "readyz")
	if rt.closing.Load() {
		plain(w, http.StatusServiceUnavailable, "shutting down\n")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := rt.ready(ctx); err != nil {
		plain(w, http.StatusServiceUnavailable, "the database does not answer\n")
		return
	}
	plain(w, http.StatusOK, "ready\n")
}

func (rt *router) measure(w http.ResponseWriter, r *http.Request) {
	web.Note(r, "metrics")
	ip, _ := netip.ParseAddr(rt.origins.Caller(r)) // the zero address is in no prefix
	if !slices.ContainsFunc(rt.allow, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		plain(w, http.StatusForbidden, "Metrics are for the addresses of --metrics-allow.\n")
		return
	}
	rt.metrics.ServeHTTP(w, r)
}

// activity knows whether the data plane is in use, so that background work can
// wait.
type activity struct {
	running atomic.Int64
	last    atomic.Int64 // end of the last request, in Unix nanoseconds
}

func (a *activity) begin() (end func()) {
	a.running.Add(1)
	return func() {
		a.last.Store(time.Now().UnixNano())
		a.running.Add(-1)
	}
}

// quiet reports whether nothing has moved for d.
func (a *activity) quiet(d time.Duration) bool {
	return a.running.Load() == 0 && time.Since(time.Unix(0, a.last.Load())) >= d
}
