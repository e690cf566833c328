package scaleapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	"github.com/coreshed/coreshed/internal/blob/mem"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/scaleapi"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

// nobody is an endpoint that may be reached and does not answer.
const nobody = "127.0.0.1:1"

// shed is the family on loopback, with real tokens and real bytes. Every answer
// is checked against the API document.
type shed struct {
	*storetest.Shed
	t       testing.TB
	url     string
	handler http.Handler
	client  *http.Client
	catalog *catalog.Catalog
	config  scaleapi.Config
	tokens  map[coreshed.UUID]string

	root      string // below which workspaces may lie
	blobsDown error
}

// each runs a test on every database.
func each(t *testing.T, test func(s *shed)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(open(t, db)) })
}

// open starts the family on a store. Options change how.
func open(t testing.TB, db *store.DB, options ...func(*scaleapi.Config)) *shed {
	t.Helper()
	s := &shed{Shed: storetest.New(t, db), t: t, tokens: map[coreshed.UUID]string{}}
	if err := auth.EnsureTokenKey(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	s.root = t.TempDir()
	opener, err := broker.NewOpener(broker.Bounds{
		Roots: []string{s.root}, Mounts: []broker.Mount{{Export: "host:/my", Dir: s.root}}, Endpoints: []string{nobody},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.catalog = catalog.New(catalog.Config{DB: db, Blobs: mem.New(), Opener: opener})
	origins := &web.Origins{Own: []string{""}}
	authenticator, err := auth.New(auth.Config{Store: db, IsOwn: origins.IsOwn})
	if err != nil {
		t.Fatal(err)
	}
	s.config = scaleapi.Config{
		DB: db, Catalog: s.catalog, Origins: origins, Org: s.Org.ID,
		Auth: authenticator.Actor, Session: authenticator.Session, Version: "test", Now: time.Now,
		Health: func(ctx context.Context) map[string]error {
			return map[string]error{"metadata": db.Ping(ctx), "blobs": s.blobsDown}
		},
	}
	for _, option := range options {
		option(&s.config)
	}
	s.handler = web.Log{
		Log: slog.New(slog.DiscardHandler), Metrics: web.NewMetrics(prometheus.NewRegistry()), Next: scaleapi.New(s.config),
	}
	srv := httptest.NewServer(s.handler)
	t.Cleanup(srv.Close)
	s.url, origins.Own[0] = srv.URL, srv.URL
	s.client = &http.Client{
		Transport:     apitest.Transport(t, srv.Client().Transport),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

// signedIn is the Authorization header of a person: making a token is slow.
func (s *shed) signedIn(p coreshed.Person) string {
	s.t.Helper()
	if p.ID == (coreshed.UUID{}) {
		return ""
	}
	if s.tokens[p.ID] == "" {
		token, err := auth.Mint(s.t.Context(), s.DB, p, time.Hour)
		if err != nil {
			s.t.Fatal(err)
		}
		s.tokens[p.ID] = "Token " + token
	}
	return s.tokens[p.ID]
}

// upload makes a file with real bytes, as the editor, and returns it.
func (s *shed) upload(path, content string) coreshed.File {
	s.t.Helper()
	a := s.Access(s.t, s.Editor)
	r, err := s.DB.Reserve(s.t.Context(), a, path, blob.NewPrefix())
	if err != nil {
		s.t.Fatal(err)
	}
	target := catalog.Target{Workspace: s.Workspace.UUID, File: r.FileUUID, VersionID: r.VersionID}
	if _, err := s.catalog.PutBlob(s.t.Context(), target, strings.NewReader(content), int64(len(content)), catalog.Sums{}, coreshed.BlobHeaders{}); err != nil {
		s.t.Fatal(err)
	}
	f, err := s.DB.FileByID(s.t.Context(), a, r.FileUUID, r.VersionID)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// answer is what came back.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

// get reads as a person; without one, without credentials.
func (s *shed) get(p coreshed.Person, path string, headers ...string) answer {
	s.t.Helper()
	return s.send(p, "GET", path, "", headers...)
}

// send sends a request as a person, with JSON unless the body is empty or the
// headers say otherwise; the headers are names and values in turn.
func (s *shed) send(p coreshed.Person, method, path, body string, headers ...string) answer {
	s.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, reader)
	if err != nil {
		s.t.Fatal(err)
	}
	if token := s.signedIn(p); token != "" {
		r.Header.Set("Authorization", token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
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
	return answer{s.t, method + " " + path, resp.StatusCode, resp.Header, data}
}

// want checks the status, and the detail of a refusal.
func (a answer) want(status int, detail ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d: %s", a.what, a.status, status, a.body)
	}
	for _, text := range detail {
		if got := a.json()["detail"]; got != text {
			a.t.Errorf("%s: detail %q, want %q", a.what, got, text)
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

// at walks into the JSON: a name, or an index, a step. Numbers come as text.
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
	if n, ok := v.(json.Number); ok {
		return n.String()
	}
	return v
}

// names returns the named field of every result.
func (a answer) names(field string) []string {
	a.t.Helper()
	out := []string{}
	for _, e := range a.json()["results"].([]any) {
		out = append(out, e.(map[string]any)[field].(string))
	}
	return out
}

// anonymous is nobody.
var anonymous coreshed.Person

func decimal(n int64) string { return fmt.Sprint(n) }
