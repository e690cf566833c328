package evoapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/apitest"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/evoapi"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

// shed is a control plane on loopback, with real tokens. Every answer is
// checked against the API document.
type shed struct {
	*storetest.Shed
	t      testing.TB
	url    string
	client *http.Client

	room   func() error      // of every workspace
	health map[string]error  // what the server depends on
	scopes map[string]string // token → the only scope it keeps
	tokens map[coreshed.Person]string
}

// each runs a test on every database.
func each(t *testing.T, test func(s *shed)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(open(t, db)) })
}

func open(t testing.TB, db *store.DB) *shed {
	t.Helper()
	s := &shed{Shed: storetest.New(t, db), t: t, room: func() error { return nil }, scopes: map[string]string{}, tokens: map[coreshed.Person]string{}}
	if err := signedurl.EnsureKey(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if err := auth.EnsureTokenKey(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	origins := &web.Origins{Own: []string{""}}
	srv := httptest.NewServer(web.Log{
		Log: slog.New(slog.DiscardHandler), Metrics: web.NewMetrics(prometheus.NewRegistry()), Next: s.handler(origins),
	})
	t.Cleanup(srv.Close)
	s.url, origins.Own[0] = srv.URL, srv.URL
	s.client = &http.Client{
		Transport:     apitest.Transport(t, srv.Client().Transport),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

func (s *shed) handler(origins *web.Origins) http.Handler {
	s.t.Helper()
	authenticator, err := auth.New(auth.Config{Store: s.DB, IsOwn: origins.IsOwn})
	if err != nil {
		s.t.Fatal(err)
	}
	return evoapi.New(evoapi.Config{
		DB: s.DB, Origins: origins, NewPrefix: blob.NewPrefix, Version: "test",
		Signer: signedurl.New(signedurl.Config{Keys: func(ctx context.Context) ([]store.Key, error) {
			return s.DB.Keys(ctx, store.URLKey)
		}}),
		Auth: func(ctx context.Context, authorization string) (coreshed.Actor, error) {
			actor, err := authenticator.Actor(ctx, authorization)
			if scope, ok := s.scopes[authorization]; ok {
				actor.Scopes = []string{scope}
			}
			return actor, err
		},
		Room:   func(context.Context, coreshed.Workspace) error { return s.room() },
		Health: func(context.Context) map[string]error { return s.health },
		Hub:    evoapi.Hub{Code: "local", DisplayName: "Local hub"},
	})
}

// token returns the Authorization header of a person.
func (s *shed) token(p coreshed.Person, ttl time.Duration) string {
	s.t.Helper()
	token, err := auth.Mint(s.t.Context(), s.DB, p, ttl)
	if err != nil {
		s.t.Fatal(err)
	}
	return "Bearer " + token
}

// signedIn is the token that a person uses all the time: making one is slow.
func (s *shed) signedIn(p coreshed.Person) string {
	s.t.Helper()
	if s.tokens[p] == "" {
		s.tokens[p] = s.token(p, time.Hour)
	}
	return s.tokens[p]
}

// files is the path of the workspace's files, then rest.
func (s *shed) files(rest string) string {
	return "/file/v2/orgs/" + s.Org.ID.String() + "/workspaces/" + s.Workspace.UUID.String() + "/files" + rest
}

// workspaces is the path of the organisation's workspaces, then rest.
func (s *shed) workspaces(rest string) string {
	return "/workspace/orgs/" + s.Org.ID.String() + "/workspaces" + rest
}

// here is the path of the workspace, then rest.
func (s *shed) here(rest string) string { return s.workspaces("/" + s.Workspace.UUID.String() + rest) }

// answer is what came back.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

// send sends a request as a person; the headers are names and values in turn.
func (s *shed) send(p coreshed.Person, method, path string, headers ...string) answer {
	s.t.Helper()
	return s.sendBody(s.signedIn(p), method, path, nil, headers...)
}

// sendJSON sends a body as a person.
func (s *shed) sendJSON(p coreshed.Person, method, path, body string) answer {
	s.t.Helper()
	return s.sendBody(s.signedIn(p), method, path, strings.NewReader(body))
}

func (s *shed) sendBody(authorization, method, path string, body io.Reader, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{s.t, method + " " + path, resp.StatusCode, resp.Header, data}
}

// want checks the status, and the end of the type of a problem.
func (a answer) want(status int, problem ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d: %s", a.what, a.status, status, a.body)
	}
	for _, end := range problem {
		if got := a.json()["type"]; !strings.HasSuffix(got.(string), end) {
			a.t.Errorf("%s: problem type %v, want …%s", a.what, got, end)
		}
	}
	return a
}

func (a answer) json() map[string]any {
	a.t.Helper()
	fields := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		a.t.Fatalf("%s: %v: %s", a.what, err, a.body)
	}
	return fields
}

// at walks into the JSON: a name, or an index, a step.
func (a answer) at(steps ...any) any {
	a.t.Helper()
	var v any = a.json()
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			v = v.(map[string]any)[step]
		case int:
			v = v.([]any)[step]
		}
	}
	return v
}

// names returns the named field of every element of a list.
func (a answer) names(list, field string) []string {
	a.t.Helper()
	out := []string{}
	for _, e := range a.json()[list].([]any) {
		out = append(out, e.(map[string]any)[field].(string))
	}
	return out
}
