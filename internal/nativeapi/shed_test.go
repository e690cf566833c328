package nativeapi_test

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

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/apitest"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/blob/mem"
	"github.com/coreshed/coreshed/internal/blobapi"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/nativeapi"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

// shed is the interface on loopback, with real tokens, and the blob plane beside
// it. Every answer is checked against the API document.
type shed struct {
	*storetest.Shed
	t      testing.TB
	url    string
	client *http.Client
	tokens map[coreshed.Person]string

	catalog *catalog.Catalog
}

// each runs a test on every database.
func each(t *testing.T, test func(s *shed)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(open(t, db)) })
}

func open(t testing.TB, db *store.DB) *shed {
	t.Helper()
	s := &shed{Shed: storetest.New(t, db), t: t, tokens: map[coreshed.Person]string{}}
	s.must(signedurl.EnsureKey(t.Context(), db))
	s.must(auth.EnsureTokenKey(t.Context(), db))
	origins := &web.Origins{Own: []string{""}}
	srv := httptest.NewServer(web.Log{
		Log: slog.New(slog.DiscardHandler), Metrics: web.NewMetrics(prometheus.NewRegistry()), Next: s.handler(origins),
	})
	t.Cleanup(srv.Close)
	s.url, origins.Own[0] = srv.URL, srv.URL
	s.client = &http.Client{Transport: apitest.Transport(t, srv.Client().Transport)}
	return s
}

func (s *shed) handler(origins *web.Origins) http.Handler {
	s.t.Helper()
	authenticator, err := auth.New(auth.Config{Store: s.DB, IsOwn: origins.IsOwn})
	s.must(err)
	signer := signedurl.New(signedurl.Config{Keys: func(ctx context.Context) ([]store.Key, error) {
		return s.DB.Keys(ctx, store.URLKey)
	}})
	s.catalog = catalog.New(catalog.Config{DB: s.DB, Blobs: mem.New(), Log: slog.New(slog.DiscardHandler)})
	native := nativeapi.New(nativeapi.Config{
		DB: s.DB, Catalog: s.catalog, Signer: signer, Origins: origins, Org: s.Org.ID, Auth: authenticator.Actor, NewPrefix: blob.NewPrefix,
	})
	blobs := blobapi.New(blobapi.Config{Catalog: s.catalog, DB: s.DB, Signer: signer})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/coreshed/") {
			native.ServeHTTP(w, r)
			return
		}
		blobs.ServeHTTP(w, r)
	})
}

func (s *shed) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// token returns the Authorization header of a person.
func (s *shed) token(p coreshed.Person) string {
	s.t.Helper()
	if s.tokens[p] == "" {
		token, err := auth.Mint(s.t.Context(), s.DB, p, time.Hour)
		s.must(err)
		s.tokens[p] = "Bearer " + token
	}
	return s.tokens[p]
}

// do sends a request as a person and returns its status and its JSON. The body
// is JSON text, or a value that is sent as JSON.
func (s *shed) do(p coreshed.Person, method, path string, body any) (int, map[string]any) {
	s.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		data, err := json.Marshal(body)
		s.must(err)
		text = string(data)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(text))
	s.must(err)
	r.Header.Set("Authorization", s.token(p))
	resp, err := s.client.Do(r)
	s.must(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	s.must(err)
	if len(data) == 0 {
		return resp.StatusCode, nil
	}
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	s.must(d.Decode(&v))
	return resp.StatusCode, v
}

// text gets a path as a person, and follows where it leads.
func (s *shed) text(p coreshed.Person, path string) string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	s.must(err)
	r.Header.Set("Authorization", s.token(p))
	resp, err := s.client.Do(r)
	s.must(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	s.must(err)
	return string(data)
}

// want is do, and fails when the status is another.
func (s *shed) want(p coreshed.Person, method, path string, body any, status int) map[string]any {
	s.t.Helper()
	got, v := s.do(p, method, path, body)
	if got != status {
		s.t.Fatalf("%s %s answered %d, want %d: %v", method, path, got, status, v)
	}
	return v
}

func equal(t testing.TB, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}
