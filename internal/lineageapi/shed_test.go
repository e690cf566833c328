package lineageapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/apitest"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/lineageapi"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

// shed is the interface on loopback, with real tokens. Every answer is checked
// against the API document.
type shed struct {
	*storetest.Shed
	t      testing.TB
	url    string
	log    bytes.Buffer
	client *http.Client
	tokens map[coreshed.Person]string
}

// each runs a test on every database.
func each(t *testing.T, test func(s *shed)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(open(t, db)) })
}

func open(t testing.TB, db *store.DB) *shed {
	t.Helper()
	s := &shed{Shed: storetest.New(t, db), t: t, tokens: map[coreshed.Person]string{}}
	if err := auth.EnsureTokenKey(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	origins := &web.Origins{Public: "https://shed.example:8443", Own: []string{""}}
	srv := httptest.NewServer(web.Log{
		Log: slog.New(slog.NewTextHandler(&s.log, nil)), Metrics: web.NewMetrics(prometheus.NewRegistry()), Next: s.handler(origins),
	})
	t.Cleanup(srv.Close)
	s.url, origins.Own[0] = srv.URL, srv.URL
	s.client = &http.Client{Transport: apitest.Transport(t, srv.Client().Transport)}
	return s
}

func (s *shed) handler(origins *web.Origins) http.Handler {
	s.t.Helper()
	authenticator, err := auth.New(auth.Config{Store: s.DB, IsOwn: origins.IsOwn})
	if err != nil {
		s.t.Fatal(err)
	}
	return lineageapi.New(lineageapi.Config{DB: s.DB, Origins: origins, Org: s.Org.ID, Auth: authenticator.Actor})
}

// token returns the Authorization header of a person.
func (s *shed) token(p coreshed.Person) string {
	s.t.Helper()
	if s.tokens[p] == "" {
		token, err := auth.Mint(s.t.Context(), s.DB, p, time.Hour)
		if err != nil {
			s.t.Fatal(err)
		}
		s.tokens[p] = "Bearer " + token
	}
	return s.tokens[p]
}

// send sends a body as a person; the headers are names and values in turn. It
// returns the status and the problem, if that is one.
func (s *shed) send(p coreshed.Person, method, path string, body []byte, headers ...string) (int, map[string]any) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", s.token(p))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
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
	var problem map[string]any
	if len(data) > 0 {
		if err := json.Unmarshal(data, &problem); err != nil {
			s.t.Fatalf("%v: %s", err, data)
		}
	}
	return resp.StatusCode, problem
}

// post sends an event as the editor, and wants a status.
func (s *shed) post(status int, event string, headers ...string) map[string]any {
	s.t.Helper()
	got, problem := s.send(s.Editor, "POST", lineageapi.Path, []byte(event), headers...)
	if got != status {
		s.t.Fatalf("status %d, want %d: %v", got, status, problem)
	}
	return problem
}

// event is an event of a run; the members follow those that each has.
func event(kind string, run uuid.UUID, members ...string) string {
	return fmt.Sprintf(`{"eventType": %q, "eventTime": "2026-03-01T10:00:00Z", "producer": "https://p.example", "run": {"runId": %q},
		"job": {"namespace": "survey", "name": "tile"}%s}`, kind, run, strings.Join(append([]string{""}, members...), ", "))
}

// datasets is a member of an event.
func datasets(member, namespace string, names ...string) string {
	var list []string
	for _, n := range names {
		list = append(list, fmt.Sprintf(`{"namespace": %q, "name": %q}`, namespace, n))
	}
	return fmt.Sprintf(`%q: [%s]`, member, strings.Join(list, ", "))
}

// ancestors are the row ids of the sources of a version.
func (s *shed) ancestors(version int64) []int64 {
	s.t.Helper()
	entries, err := s.DB.Ancestors(s.t.Context(), s.View(s.t, s.Admin), version)
	if err != nil {
		s.t.Fatal(err)
	}
	ids := []int64{}
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}
