package apitest

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// route is one path of the document with its operations. A path key may name
// query parameters that choose it: /{a}/{b}?comp=block.
type route struct {
	path   *regexp.Regexp
	query  url.Values
	item   *openapi3.PathItem
	bodies *bodies
}

// What a document says of all its paths: that they redirect when their last
// slash is missing, and which response they give to OPTIONS.
const (
	slashRedirects  = "x-slash-redirects"
	optionsResponse = "x-options-response"
)

// routesOf lists the document's paths so that the first that matches is right.
func routesOf(doc *openapi3.T) ([]route, error) {
	var routes []route
	for _, key := range doc.Paths.InMatchingOrder() {
		item := doc.Paths.Value(key)
		template, rawQuery, _ := strings.Cut(key, "?")
		query, err := url.ParseQuery(rawQuery)
		if err != nil {
			return nil, fmt.Errorf("parse query of path %s: %w", key, err)
		}
		answerOptions(doc, item)
		pattern := prefixPattern(doc.Servers) + pathPattern(template, item.Parameters)
		re, err := regexp.Compile("(?s)^" + pattern + "$")
		if err != nil {
			return nil, fmt.Errorf("compile path %s: %w", key, err)
		}
		routes = append(routes, route{re, query, item, nil})
		if redirects, _ := doc.Extensions[slashRedirects].(bool); redirects {
			re := regexp.MustCompile("(?s)^" + strings.TrimSuffix(pattern, "/") + "$")
			routes = append(routes, route{re, query, redirecting(), nil})
		}
	}
	all, err := bodiesOf(doc) // what answers OPTIONS, too
	if err != nil {
		return nil, fmt.Errorf("read schemas: %w", err)
	}
	for i := range routes {
		routes[i].bodies = all
	}
	return routes, nil
}

// prefixPattern is what the paths of a document may begin with.
func prefixPattern(servers openapi3.Servers) string {
	prefixes := make([]string, len(servers))
	for i, s := range servers {
		prefixes[i] = regexp.QuoteMeta(strings.TrimSuffix(s.URL, "/"))
	}
	return "(?:" + strings.Join(prefixes, "|") + ")"
}

// answerOptions adds the operation OPTIONS to a path whose document answers it
// everywhere alike; who may not read is refused.
func answerOptions(doc *openapi3.T, item *openapi3.PathItem) {
	name, ok := doc.Extensions[optionsResponse].(string)
	if !ok {
		return
	}
	refused := doc.Components.Responses["Refusal"]
	item.Options = &openapi3.Operation{OperationID: "options", Responses: openapi3.NewResponses(
		openapi3.WithStatus(http.StatusOK, doc.Components.Responses[path.Base(name)]),
		openapi3.WithStatus(http.StatusForbidden, refused),
		openapi3.WithStatus(http.StatusServiceUnavailable, refused),
	)}
}

// redirecting is a path whose last slash is missing.
func redirecting() *openapi3.PathItem {
	item := &openapi3.PathItem{}
	location := openapi3.Headers{"Location": {Value: &openapi3.Header{Parameter: openapi3.Parameter{
		Required: true, Schema: openapi3.NewSchemaRef("", openapi3.NewStringSchema()),
	}}}}
	for _, method := range []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	} {
		status := http.StatusPermanentRedirect
		if method == http.MethodGet || method == http.MethodHead {
			status = http.StatusMovedPermanently
		}
		item.SetOperation(method, &openapi3.Operation{OperationID: "redirect", Responses: openapi3.NewResponses(
			openapi3.WithStatus(status, &openapi3.ResponseRef{Value: &openapi3.Response{Headers: location}}))})
	}
	return item
}

var variable = regexp.MustCompile(`\{[^}]*\}`)

// pathPattern turns a path template into a regular expression on decoded paths.
func pathPattern(path string, params openapi3.Parameters) string {
	var b strings.Builder
	at := 0
	for _, v := range variable.FindAllStringIndex(path, -1) {
		b.WriteString(regexp.QuoteMeta(path[at:v[0]]))
		b.WriteString(segmentPattern(params.GetByInAndName("path", path[v[0]+1:v[1]-1])))
		at = v[1]
	}
	b.WriteString(regexp.QuoteMeta(path[at:]))
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
func find(routes []route, r *http.Request) (*openapi3.Operation, *bodies) {
	for _, rt := range routes {
		if !rt.path.MatchString(r.URL.Path) || !rt.chosenBy(r.URL.Query()) {
			continue
		}
		op := rt.item.GetOperation(r.Method)
		if op == nil && r.Method == http.MethodHead {
			op = rt.item.Get
		}
		if op != nil {
			return op, rt.bodies
		}
	}
	return nil, nil
}

func (rt route) chosenBy(query url.Values) bool {
	for name := range rt.query {
		if query.Get(name) != rt.query.Get(name) {
			return false
		}
	}
	return true
}
