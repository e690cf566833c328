package scaleapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/api"
	"github.com/coreshed/coreshed/internal/apitest"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// hostile are values that no parameter expects.
var hostile = []string{
	"", "0", "-1", "1.5", "x", "null", "true", "%00", "%ff", "%C3%28", "%F0%9F%97%BA", "'", "%22", "%5C", "%25", "_", "%27%3B--", "%0A", "%E2%80%8B",
	"9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e400", "NaN", "2016-01-01T00:00:00Z", "P", "PT1H", "P1Y",
	strings.Repeat("9", 5000), strings.Repeat("%25", 3000), "[]", "%7B%7D", "id", "-id", "job_type__name", "last",
}

// Every parameter of every list takes whatever is sent, alone and repeated: the
// answer is a documented one and never a fault of ours. Each database gets
// another part of the values, since there are many.
func TestHostileParameters(t *testing.T) {
	part := 0
	each(t, func(s *shed) {
		part++
		s.twoFiles()
		doc, err := api.Load(api.ScaleV6)
		if err != nil {
			t.Fatal(err)
		}
		for path, item := range doc.Paths.Map() {
			if item.Get == nil || strings.Contains(path, "{") {
				continue
			}
			for _, p := range item.Get.Parameters {
				for i, value := range hostile {
					if n := i + len(p.Value.Name) + part; n%3 != 0 || path != "/files/" && n%2 != 0 {
						continue
					}
					query := p.Value.Name + "=" + value + "&" + p.Value.Name + "=" + hostile[(i*7+3)%len(hostile)]
					if i%2 == 0 {
						query = p.Value.Name + "=" + value
					}
					if a := s.get(s.Viewer, "/v6"+path+"?"+query); a.status >= 500 {
						t.Errorf("%.200s: status %d: %s", a.what, a.status, a.body)
					}
				}
			}
		}
	})
}

// A thousand values of one filter are many, and not too many.
func TestManyValues(t *testing.T) {
	each(t, func(s *shed) {
		one, _, _ := s.twoFiles()
		for _, name := range []string{"file_name", "countries", "job_type_name", "source_sensor", "batch_id", "job_id"} {
			query := &strings.Builder{}
			for i := range 1000 {
				fmt.Fprintf(query, "&%s=%d", name, 1000+i)
			}
			if got := s.get(s.Viewer, "/v6/files/?"+query.String()).want(200).at("count"); got != "0" {
				t.Errorf("%s counts %v", name, got)
			}
		}
		query := strings.Repeat("file_name=x&", 2000) + "file_name=test.txt"
		if got := s.get(s.Viewer, "/v6/files/?"+query).want(200).at("results", 0, "id"); got != decimal(one) {
			t.Errorf("found %v", got)
		}
	})
}

// Bodies of what makes and changes things, too.
func TestHostileBodies(t *testing.T) {
	each(t, func(s *shed) {
		path := s.create("Hostile", s.host())
		values := []string{
			"null", "0", "-1", "1.5", "true", `""`, `"x"`, `"\u0000"`, `"\ud800"`, "\"\xff\"", "[]", "{}", `[[]]`, `{"broker": null}`, `{"broker": {"type": 1}}`,
			`{"broker": {"type": "host", "host_path": "\u0000"}}`, `{"broker": {"type": "host", "host_path": "` + strings.Repeat("/a", 3000) + `"}}`,
			`{"broker": {"type": "host", "host_path": "../../etc"}}`, `{"broker": {"type": "nfs", "nfs_path": ":"}}`,
			`{"broker": {"type": "s3", "bucket_name": {}, "credentials": [1]}}`, `"` + strings.Repeat("x", 5000) + `"`, "1e400", `{"a": {"a": {"a": []}}}`,
		}
		for _, name := range []string{"title", "description", "base_url", "is_active", "name", "configuration", "page"} {
			for _, value := range values {
				body := fmt.Sprintf(`{%q: %s}`, name, value)
				for _, c := range []struct{ method, path string }{{"PATCH", path}, {"POST", "/v6/workspaces/"}, {"POST", "/v6/workspaces/validation/"}} {
					if c.method == "POST" {
						body = `{"title": "x", "configuration": {"broker": {"type": "host", "host_path": "/none"}}, ` + strings.TrimPrefix(body, "{")
					}
					if a := s.send(s.Admin, c.method, c.path, body); a.status >= 500 {
						t.Errorf("%s %.200s: status %d: %s", a.what, body, a.status, a.body)
					}
				}
			}
		}
	})
}

// FuzzRequest sends what a server can be sent: whatever the target and the body,
// the answer is a documented one, and never a fault of ours.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ method, target, body string }{
		{"GET", "/v6/files/?page=2&page_size=1&order=-file_name&data_started=P1D", ""},
		{"GET", "/v7/files/1/", ""}, {"GET", "/api/v6/files/1/content/", ""}, {"OPTIONS", "/v6/files/", ""}, {"PUT", "/v6/files", "{}"},
		{"POST", "/v6/workspaces/", `{"title": "x", "configuration": {"broker": {"type": "host", "host_path": "/x"}}}`},
		{"POST", "/v6/workspaces/validation/", `{"title": "x", "configuration": {"broker": 1}}`},
		{"PATCH", "/v6/workspaces/1/", `{"description": "\u0000", "is_active": "f"}`},
		{"GET", "/v6/jobs/?status=RUNNING&error_id=1", ""}, {"GET", "/v6/job-types/a/1.0/", ""}, {"GET", "/v6/recipes/1/", ""},
		{"GET", "/v6/ingests/?status=INGESTED&strike_id=1", ""}, {"GET", "/v6/ingests/status/?use_ingest_time=true", ""},
		{"POST", "/v6/strikes/", `{"title": "x", "configuration": {"workspace": "north-pit", "monitor": {"type": "dir-watcher"}}}`},
		{"POST", "/v6/scans/1/process/", `{"ingest": true}`}, {"GET", "/v6/status/", ""}, {"BREW", "//v6//", ""},
	} {
		f.Add(seed.method, seed.target, seed.body)
	}
	s := open(f, storetest.Memory(f))
	token := s.signedIn(s.Admin)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" || method == http.MethodConnect || !strings.HasPrefix(u.Path, "/") {
			return // what net/http refuses, or does not hand on
		}
		r, err := http.NewRequestWithContext(t.Context(), method, s.url, strings.NewReader(body))
		if err != nil {
			return
		}
		r.URL, r.RequestURI, r.RemoteAddr = u, target, "127.0.0.1:1"
		r.Header.Set("Authorization", token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if r.Method == http.MethodHead {
			r.Method = http.MethodGet // the recorder would keep the body
		}
		apitest.Handler(t, s.handler).ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s %q: status %d: %s", method, target, w.Code, w.Body)
		}
	})
}
