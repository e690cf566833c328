// Package apitest checks what a server answers against the documents in api.
// Tests put it around the client's transport or around the handler; an answer
// that the document does not have then fails the test.
package apitest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/coreshed/coreshed/api"
)

// documents are read once for all tests of a program: reading them takes longer
// than most of them, and nothing changes them.
var documents = sync.OnceValues(func() ([]route, error) {
	names, err := api.Names()
	if err != nil {
		return nil, err
	}
	var routes []route
	for _, name := range names {
		doc, err := api.Load(name)
		if err != nil {
			return nil, err
		}
		more, err := routesOf(doc)
		if err != nil {
			return nil, err
		}
		routes = append(routes, more...)
	}
	return routes, nil
})

func load(t testing.TB) []route {
	t.Helper()
	routes, err := documents()
	if err != nil {
		t.Fatal(err)
	}
	return routes
}

// Transport returns base, or http.DefaultTransport when base is nil, with every
// response checked as it arrives. Hosts do not matter, only paths. Documented
// bodies other than blob bytes are read whole before the response is handed on;
// blob bytes are left alone. A request that the document does not have must be
// refused with a 4xx status; CONNECT is not checked.
func Transport(t testing.TB, base http.RoundTripper) http.RoundTripper {
	t.Helper()
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{t: t, base: base, routes: load(t)}
}

type transport struct {
	t      testing.TB
	base   http.RoundTripper
	routes []route
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := tr.base.RoundTrip(r)
	if err != nil || r.Method == http.MethodConnect {
		return resp, err
	}
	want, err := expect(tr.routes, r, resp.StatusCode, resp.Header)
	if err != nil {
		report(tr.t, r, resp.StatusCode, err)
		return resp, nil
	}
	if !want.readsBody() {
		return resp, nil
	}
	data, readErr := io.ReadAll(resp.Body)
	if readErr != nil {
		// A broken connection is the caller's to see, and maybe what it tests.
		resp.Body = &replayed{io.MultiReader(bytes.NewReader(data), iotest.ErrReader(readErr)), resp.Body}
		return resp, nil
	}
	resp.Body = &replayed{bytes.NewReader(data), resp.Body}
	report(tr.t, r, resp.StatusCode, want.check(data))
	return resp, nil
}

// replayed gives back a body that was read, and closes the one it came from.
type replayed struct {
	io.Reader
	io.Closer
}

// Handler returns next with every response checked when it is complete, by the
// rules of Transport. A handler that panics is not checked.
func Handler(t testing.TB, next http.Handler) http.Handler {
	t.Helper()
	routes := load(t)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			next.ServeHTTP(w, r)
			return
		}
		rec := &recorder{ResponseWriter: w, routes: routes, r: r.Clone(r.Context())}
		next.ServeHTTP(rec, r)
		if rec.status == 0 {
			rec.begin(http.StatusOK)
		}
		err := rec.err
		if err == nil && rec.want.readsBody() {
			err = rec.want.check(rec.body.Bytes())
		}
		report(t, r, rec.status, err)
	})
}

// recorder keeps the body only when the document says something about it. It
// matches a copy of the request, since handlers may rewrite theirs.
type recorder struct {
	http.ResponseWriter
	routes []route
	r      *http.Request
	status int
	want   answer
	err    error
	body   bytes.Buffer
}

// Unwrap lets http.ResponseController reach deadlines and connections.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

func (rec *recorder) begin(status int) {
	rec.status = status
	rec.want, rec.err = expect(rec.routes, rec.r, status, rec.Header())
}

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 && status >= 200 {
		rec.begin(status)
	}
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(p []byte) (int, error) {
	if rec.status == 0 {
		rec.begin(http.StatusOK)
	}
	if rec.want.readsBody() && rec.r.Method != http.MethodHead {
		rec.body.Write(p)
	}
	return rec.ResponseWriter.Write(p)
}

func report(t testing.TB, r *http.Request, status int, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s %s answered %d against its API document: %v", r.Method, r.URL.EscapedPath(), status, err)
	}
}
