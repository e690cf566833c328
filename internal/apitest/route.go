package apitest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// route is one path of the document with its operations. A path key may name
// query parameters that choose it: /{a}/{b}?comp=block.
type route struct {
	path  *regexp.Regexp
	query url.Values
	item  *openapi3.PathItem
}

// routesOf lists the document's paths so that the first that matches is right.
func routesOf(doc *openapi3.T) ([]route, error) {
	var routes []route
	for _, key := range doc.Paths.InMatchingOrder() {
		item := doc.Paths.Value(key)
		path, rawQuery, _ := strings.Cut(key, "?")
		query, err := url.ParseQuery(rawQuery)
		if err != nil {
			return nil, fmt.Errorf("parse query of path %s: %w", key, err)
		}
		re, err := regexp.Compile(pathPattern(path, item.Parameters))
		if err != nil {
			return nil, fmt.Errorf("compile path %s: %w", key, err)
		}
		routes = append(routes, route{re, query, item})
	}
	return routes, nil
}

var variable = regexp.MustCompile(`\{[^}]*\}`)

// pathPattern turns a path template into a regular expression on decoded paths.
func pathPattern(path string, params openapi3.Parameters) string {
	var b strings.Builder
	b.WriteString("(?s)^")
	at := 0
	for _, v := range variable.FindAllStringIndex(path, -1) {
		b.WriteString(regexp.QuoteMeta(path[at:v[0]]))
		b.WriteString(segmentPattern(params.GetByInAndName("path", path[v[0]+1:v[1]-1])))
		at = v[1]
	}
	b.WriteString(regexp.QuoteMeta(path[at:]))
	b.WriteString("$")
	return b.String()
}

// segmentPattern lets a malformed value match too, so that its refusal is
// checked, unless the parameter's own pattern is what tells its path apart.
func segmentPattern(p *openapi3.Parameter) string {
	if spans, _ := p.Extensions["x-spans-segments"].(bool); spans {
		return ".*"
	}
	if own := p.Schema.Value.Pattern; own != "" {
		return "(?:" + strings.TrimSuffix(strings.TrimPrefix(own, "^"), "$") + ")"
	}
	return "[^/]+"
}

// find returns the operation a request asks for, or nil. HEAD asks for GET
// where the document has no HEAD.
func find(routes []route, r *http.Request) *openapi3.Operation {
	for _, rt := range routes {
		if !rt.path.MatchString(r.URL.Path) || !rt.chosenBy(r.URL.Query()) {
			continue
		}
		op := rt.item.GetOperation(r.Method)
		if op == nil && r.Method == http.MethodHead {
			op = rt.item.Get
		}
		if op != nil {
			return op
		}
	}
	return nil
}

func (rt route) chosenBy(query url.Values) bool {
	for name := range rt.query {
		if query.Get(name) != rt.query.Get(name) {
			return false
		}
	}
	return true
}
