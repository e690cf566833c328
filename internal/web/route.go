package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
)

// Route is one operation of a family. A segment of its pattern in braces is a
// value, of at least one character; {path...} is all that is left of the path.
type Route interface {
	Operation() (method, pattern string)
}

// MethodError refuses a method that a path does not have.
type MethodError struct{ Allow string }

func (e *MethodError) Error() string { return "the method is not allowed; these are: " + e.Allow }

// Match finds the first of the routes that a request asks for, and the values in
// its path. HEAD is GET without the body. It fails with NotFound when no pattern
// matches, and with a *MethodError when none that does has the method.
func Match[R Route](routes []R, r *http.Request) (found R, values map[string]string, err error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	path := r.URL.EscapedPath()
	var allow []string
	for _, rt := range routes {
		has, pattern := rt.Operation()
		values, ok := MatchPath(pattern, path)
		if !ok {
			continue
		}
		if has == method {
			return rt, values, nil
		}
		if allow = append(allow, has); has == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	if len(allow) == 0 {
		return found, nil, coreshed.Errorf(coreshed.NotFound, "There is nothing at this address.")
	}
	slices.Sort(allow)
	return found, nil, &MethodError{strings.Join(slices.Compact(allow), ", ")}
}

// MatchPath compares an escaped path with a pattern, segment by segment: a slash
// that is escaped is part of a value. Values are decoded, but for {path...}, of
// which it matters where the slashes were.
func MatchPath(pattern, path string) (map[string]string, bool) {
	values := map[string]string{}
	for {
		want, patternRest, more := strings.Cut(pattern, "/")
		if want == "{path...}" {
			values["path"] = path
			return values, true
		}
		got, pathRest, rest := strings.Cut(path, "/")
		if more != rest {
			return nil, false
		}
		if name, ok := strings.CutPrefix(want, "{"); ok && got != "" {
			values[strings.TrimSuffix(name, "}")] = decoded(got)
		} else if got != want {
			return nil, false
		}
		if !more {
			return values, true
		}
		pattern, path = patternRest, pathRest
	}
}

// decoded takes the escapes out of a segment. One that is malformed stays: it is
// no id.
func decoded(segment string) string {
	if text, err := url.PathUnescape(segment); err == nil {
		return text
	}
	return segment
}
