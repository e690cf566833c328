package nativeapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/internal/apitest"
	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

// FuzzRequest sends what a server can be sent: whatever the target and the
// body, the answer is a documented one, and never a fault of ours.
func FuzzRequest(f *testing.F) {
	const workspace, base = "{workspace}", "/coreshed/v1"
	for _, seed := range []struct{ method, target, body string }{
		{"POST", base + "/workspaces/" + workspace + "/runs", `{"id":"k","type":{"name":"a","version":"1"},"start":{},"outputs":[{"name":"O","upload":"x"}]}`},
		{"POST", base + "/workspaces/" + workspace + "/runs", `{"type":{"name":"a","version":"1","manifest":{"job":1}},"values":{"a":"\ud800"},"end":{"status":"FAILED"}}`},
		{"POST", base + "/workspaces/" + workspace + "/runs", `{"type":{"name":"a","version":"1"},"inputs":[{"name":"I","path":"a/b"}],"supersedes":1}`},
		{"POST", base + "/workspaces/" + workspace + "/recipes", `{"type":{"name":"a"},"conditions":[{"node":"x"},{"node":"x"}]}`},
		{"POST", base + "/workspaces/" + workspace + "/batches", `{"title":"x","type":{"name":"a","definition":{"a":1e400}}}`},
		{"GET", base + "/workspaces/" + workspace + "/version?path=a%2F..%2Fb&version_id=9", ""},
		{"PATCH", base + "/runs/1", `{"progress":[{"status":"x","document":{"a":[]}}],"facets":{"a":null},"status":"PENDING","priority":-9}`},
		{"POST", base + "/runs/1/complete", `{"exit_code":9223372036854775807,"skip_missing":true,"error":{"a":1}}`},
		{"POST", base + "/runs/1/start", `{"try":"2","at":"9999-12-31T23:59:59.999999999Z","timeout":-1}`},
		{"GET", base + "/versions/1/lineage?direction=down&depth=9&limit=3", ""}, {"GET", base + "/runs?id=%00&status=x&workspace=" + workspace, ""},
		{"GET", base + "/runs/1/outputs?limit=9999999999999&offset=9223372036854775807", ""}, {"POST", base + "/recipes/1/conditions", `{"node":"x"}`},
		{"POST", base + "/purges", `{"versions":[1],"paths":[{"path":"a/..","workspace":"x"}],"scope":"recipe","reason":"\ud800"}`},
		{"POST", base + "/purges/{workspace}/execute", `{"fingerprint":"00"}`}, {"GET", base + "/purges/{workspace}/items?after=run%3A9", ""},
		{"GET", base + "/recipes?type=%ff", ""}, {"BREW", base + "//", ""},
	} {
		f.Add(seed.method, seed.target, seed.body)
	}
	s := open(f, storetest.Memory(f))
	handler, token := s.handler(&web.Origins{Own: []string{"http://127.0.0.1"}}), s.token(s.Owner)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		u, err := url.ParseRequestURI(strings.ReplaceAll(target, workspace, s.Workspace.UUID.String()))
		if err != nil || u.Host != "" || method == http.MethodConnect || !strings.HasPrefix(u.Path, "/coreshed/") {
			return // no HTTP client sends that here
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+u.String(), strings.NewReader(body))
		if err != nil {
			return // no HTTP client sends that
		}
		r.Header.Set("Authorization", token)
		w := httptest.NewRecorder()
		apitest.Handler(t, handler).ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusInsufficientStorage {
			t.Errorf("%s %s answered %d: %s", method, target, w.Code, w.Body)
		}
	})
}
