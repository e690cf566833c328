package scaleapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// access is what a route asks of its caller.
type access int

const (
	public access = iota // nothing
	read                 // to belong to the organisation, or a server that lets everybody read
	change               // to belong to the organisation; the handler looks at roles
	staff                // to be an admin of the organisation
)

// route is one operation. A segment of the pattern in braces is a value:
// {name} and {version} are any text, all others digits.
type route struct {
	method, pattern string
	access          access
	handle          func(http.ResponseWriter, *request) error
}

// table is every route, one pattern's next to each other. The first pattern
// that matches is taken.
func (a *api) table() []route {
	return append([]route{
		{"GET", "/files/", read, a.listFiles},
		{"POST", "/files/purge-source/", staff, a.purgeSource},
		{"GET", "/files/{id}/", read, a.getFile},
		{"GET", "/files/{id}/content/", read, a.getContent},

		{"GET", "/workspaces/", read, a.listWorkspaces},
		{"POST", "/workspaces/", change, a.createWorkspace},
		{"POST", "/workspaces/validation/", read, a.validateWorkspace},
		{"GET", "/workspaces/{id}/", read, a.getWorkspace},
		{"PATCH", "/workspaces/{id}/", change, a.editWorkspace},

		{"GET", "/version/", public, a.version},
		{"GET", "/accounts/profile/", read, a.getProfile},
		{"GET", "/scheduler/", read, a.scheduler},
		{"GET", "/status/", read, a.getStatus},
		{"GET", "/queue/status/", read, a.queueStatus},
		{"GET", "/load/", read, a.listNothing},
		{"GET", "/metrics/{name}/plot-data/", read, a.plotNothing},
		{"GET", "/nodes/", read, a.listNothing},
		{"GET", "/nodes/{id}/", read, a.getNothing},
		{"GET", "/errors/", read, a.listNothing},
		{"GET", "/errors/{id}/", read, a.getNothing},
	}, append(a.jobRoutes(), a.ingestRoutes()...)...)
}

// split cuts the prefix of the family off a path.
func split(path string) (prefix, rest string, ok bool) {
	inner, below := strings.CutPrefix(path, "/api")
	for _, version := range []string{"/v6", "/v7"} {
		if rest, ok := strings.CutPrefix(inner, version); ok && strings.HasPrefix(rest, "/") {
			if below {
				version = "/api" + version
			}
			return version, rest, true
		}
	}
	return "", "", false
}

// match finds the routes of a path, and the values in it.
func (a *api) match(path string) (found []route, values map[string]string) {
	for _, rt := range a.routes {
		if len(found) > 0 {
			if rt.pattern == found[0].pattern {
				found = append(found, rt)
			}
			continue
		}
		if v, ok := match(rt.pattern, path); ok {
			found, values = append(found, rt), v
		}
	}
	return found, values
}

func match(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	values := map[string]string{}
	for i, segment := range want {
		name, ok := strings.CutPrefix(segment, "{")
		if !ok {
			if segment != got[i] {
				return nil, false
			}
			continue
		}
		name = strings.TrimSuffix(name, "}")
		text := name == "name" || name == "version"
		if got[i] == "" || !text && strings.Trim(got[i], "0123456789") != "" || !storable(got[i]) {
			return nil, false
		}
		values[name] = got[i]
	}
	return values, true
}

// methods are those that answers tell of, in that order.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

func allow(routes []route) string {
	has := map[string]bool{http.MethodOptions: true}
	for _, rt := range routes {
		has[rt.method] = true
	}
	has[http.MethodHead] = has[http.MethodGet]
	return strings.Join(slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return !has[m] }), ", ")
}

// byMethod chooses among the routes of a path. HEAD is GET without the body.
func byMethod(routes []route, method string) (route, error) {
	get := method
	if get == http.MethodHead {
		get = http.MethodGet
	}
	for _, rt := range routes {
		if rt.method == get {
			return rt, nil
		}
	}
	return route{}, web.Refuse(http.StatusMethodNotAllowed, "Method %q not allowed.", method)
}

// slash answers a path that is none of ours: with the one that ends in a slash,
// if that is. Other methods than GET keep their body by a 308.
func (a *api) slash(w http.ResponseWriter, r *http.Request, path string) error {
	found, _ := a.match(path + "/")
	if len(found) == 0 || strings.HasSuffix(path, "/") {
		web.Note(r, "none")
		return notFound()
	}
	web.Note(r, found[0].pattern)
	status := http.StatusPermanentRedirect
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		status = http.StatusMovedPermanently
	}
	w.Header().Set("Allow", allow(found))
	w.Header().Set("Location", (&url.URL{Path: r.URL.Path + "/", RawQuery: r.URL.RawQuery}).String())
	return web.Empty(w, status)
}

// id is a number in the path. One that is too large is of nothing, which is
// what -1 is of.
func (q *request) id(name string) int64 {
	n, err := strconv.ParseInt(q.values[name], 10, 64)
	if err != nil {
		return -1
	}
	q.note(name, n)
	return n
}

func notFound() error { return coreshed.Errorf(coreshed.NotFound, "Not found.") }

// describe answers OPTIONS.
func describe(w http.ResponseWriter, q *request) error {
	return web.JSON(w, http.StatusOK, struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Renders     []string `json:"renders"`
		Parses      []string `json:"parses"`
	}{
		Name: strings.Trim(q.route, "/"), Description: "Allowed here: " + w.Header().Get("Allow") + ".",
		Renders: []string{"application/json"}, Parses: []string{mediaJSON, mediaForm, mediaMultipart},
	})
}
