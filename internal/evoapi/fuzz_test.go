package evoapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed/internal/apitest"
	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

// FuzzRequest sends what a server can be sent: whatever the target and the
// body, the answer is a documented one, and never a fault of ours.
func FuzzRequest(f *testing.F) {
	const org, workspace = "{org}", "{workspace}"
	base := "/file/v2/orgs/" + org + "/workspaces/" + workspace + "/files"
	home := "/workspace/orgs/" + org + "/workspaces"
	for _, seed := range []struct{ method, target, body string }{
		{"GET", base + "?limit=2&order_by=desc:created_at&created_at=gt:2026-01-01", ""},
		{"PUT", base + "/path/a//b%20c.csv", ""}, {"PUT", base + "/path/%2e%2e/x", ""}, {"DELETE", base + "/path/a.csv?x=%zz", ""},
		{"GET", base + "/00000000-0000-0000-0000-000000000000?version_id=1&deleted=true", ""},
		{"PUT", base + "/00000000-0000-0000-0000-000000000000?deleted=False", ""},
		{"POST", home, `{"name": "x", "labels": ["a"], "bounding_box": {"type": "Polygon", "coordinates": [[[0,0]]]}}`},
		{"PATCH", home + "/" + workspace, `{"description": "\u0000"}`},
		{"POST", home + "/" + workspace + "/users", `{"email": "a@b.c", "role": "viewer"}`},
		{"GET", home + "?filter[name]=x&sort=-name", ""}, {"GET", home + "/summary", ""},
		{"GET", "/evo/identity/v2/discovery?service=file", ""}, {"GET", "/file/health_check?full=true", ""}, {"BREW", "//file/", ""},
	} {
		f.Add(seed.method, seed.target, seed.body)
	}
	s := open(f, storetest.Memory(f))
	handler, token := s.handler(&web.Origins{Own: []string{"http://127.0.0.1"}}), s.token(s.Owner, time.Hour)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		ids := strings.NewReplacer(org, s.Org.ID.String(), workspace, s.Workspace.UUID.String())
		u, err := url.ParseRequestURI(ids.Replace(target))
		if err != nil || u.Host != "" || method == http.MethodConnect || !strings.HasPrefix(u.Path, "/") {
			return // what net/http refuses, or does not hand on
		}
		r, err := http.NewRequestWithContext(t.Context(), method, s.url, strings.NewReader(body))
		if err != nil {
			return
		}
		r.URL, r.RequestURI, r.RemoteAddr = u, target, "127.0.0.1:1"
		r.Header.Set("Authorization", token)
		w := httptest.NewRecorder()
		if r.Method == http.MethodHead {
			r.Method = http.MethodGet // the recorder would keep the body
		}
		apitest.Handler(t, handler).ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s %q: status %d: %s", method, target, w.Code, w.Body)
		}
	})
}
