package model

import (
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
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/blob/mem"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/evoapi"
	"github.com/coreshed/coreshed/internal/scaleapi"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

// families are the Evo and the Scale API over one store, on loopback. Every answer
// is checked against the API documents.
type families struct {
	t      testing.TB
	url    string
	client *http.Client
	token  string // of the editor
	files  string // the Evo path of the workspace's files
}

func serve(t testing.TB, s *storetest.Shed, client *http.Client) *families {
	t.Helper()
	for _, ensure := range []func(context.Context, *store.DB) error{signedurl.EnsureKey, auth.EnsureTokenKey} {
		if err := ensure(t.Context(), s.DB); err != nil {
			t.Fatal(err)
		}
	}
	origins := &web.Origins{Own: []string{""}}
	authenticator, err := auth.New(auth.Config{Store: s.DB, IsOwn: origins.IsOwn})
	if err != nil {
		t.Fatal(err)
	}
	evo := evoapi.New(evoapi.Config{
		DB: s.DB, Origins: origins, NewPrefix: blob.NewPrefix, Version: "test", Auth: authenticator.Actor,
		Signer: signedurl.New(signedurl.Config{Keys: func(ctx context.Context) ([]store.Key, error) { return s.DB.Keys(ctx, store.URLKey) }}),
		Room:   func(context.Context, coreshed.Workspace) error { return nil },
		Health: func(context.Context) map[string]error { return nil },
	})
	scale := scaleapi.New(scaleapi.Config{
		DB: s.DB, Catalog: catalog.New(catalog.Config{DB: s.DB, Blobs: mem.New()}), Origins: origins, Org: s.Org.ID,
		Auth: authenticator.Actor, Session: authenticator.Session, Version: "test", Now: time.Now,
	})
	both := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/file/") {
			evo.ServeHTTP(w, r)
			return
		}
		scale.ServeHTTP(w, r)
	})
	srv := httptest.NewServer(web.Log{Log: slog.New(slog.DiscardHandler), Metrics: web.NewMetrics(prometheus.NewRegistry()), Next: both})
	t.Cleanup(srv.Close)
	origins.Own[0] = srv.URL
	token, err := auth.Mint(t.Context(), s.DB, s.Editor, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return &families{
		t: t, url: srv.URL, client: client, token: "Bearer " + token,
		files: "/file/v2/orgs/" + s.Org.ID.String() + "/workspaces/" + s.Workspace.UUID.String() + "/files",
	}
}

// get reads JSON, which must be there.
func get[T any](f *families, fail func(format string, args ...any), path string) T {
	var into T
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.url+path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Authorization", f.token)
	resp, err := f.client.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		fail("GET %s: status %d: %s", path, resp.StatusCode, body)
	}
	if err := json.Unmarshal(body, &into); err != nil {
		fail("GET %s: %v: %s", path, err, body)
	}
	return into
}
