package nativeapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
)

// route is one operation. A segment of the pattern in braces is an id.
type route struct {
	method, pattern string
	role            coreshed.Role // that the caller must have in {workspace}, where there is one
	handle          func(http.ResponseWriter, *request) error
}

const (
	base       = "/coreshed/v1"
	workspaces = base + "/workspaces/{workspace}"
	version    = base + "/versions/{id}"
)

// table is every route.
func (a *api) table() []route {
	const none = coreshed.NoRole
	return []route{
		{"GET", workspaces + "/version", coreshed.Viewer, a.findVersion},
		{"GET", version, none, a.getVersion},
		{"GET", version + "/description", none, a.getDescription},
		{"PUT", version + "/description", none, a.putDescription},
	}
}

// match finds the route of a request, and the values in its path. HEAD is GET
// without the body.
func (a *api) match(r *http.Request) (route, map[string]string, error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var allow []string
	for _, rt := range a.routes {
		values, ok := match(rt.pattern, r.URL.Path)
		if !ok {
			continue
		}
		if rt.method == method {
			return rt, values, nil
		}
		if allow = append(allow, rt.method); rt.method == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	if len(allow) == 0 {
		return route{}, nil, coreshed.Errorf(coreshed.NotFound, "There is nothing at this address.")
	}
	slices.Sort(allow)
	return route{}, nil, &methodError{strings.Join(slices.Compact(allow), ", ")}
}

// match compares a path with a pattern, segment by segment. An id has at least
// one character.
func match(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	values := map[string]string{}
	for i, segment := range want {
		if name, ok := strings.CutPrefix(segment, "{"); ok && got[i] != "" {
			values[strings.TrimSuffix(name, "}")] = got[i]
		} else if got[i] != segment {
			return nil, false
		}
	}
	return values, true
}
