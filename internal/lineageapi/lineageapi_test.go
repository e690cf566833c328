package lineageapi_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/apitest"
	"github.com/coreshed/coreshed/internal/lineageapi"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

func equal(t testing.TB, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

// A workspace has many names, and each leads to its versions.
func TestNamespaces(t *testing.T) {
	each(t, func(s *shed) {
		host := strings.TrimPrefix(s.url, "http://")
		raw := s.Put(s.t, s.Editor, "A/raw.tif", "raw").Version.ID
		for i, tt := range []struct {
			namespace, name string
			want            bool
		}{
			{"coreshed://" + host + "/north-pit", "A/raw.tif", true},
			{"coreshed://127.0.0.1/north-pit", "/a/RAW.tif", true},
			{"coreshed://shed.example/North%20pit", "A/raw.tif", true},
			{"coreshed://SHED.example:8443/" + s.Workspace.UUID.String() + "/", "A/raw.tif", true},
			{"coreshed://other.example/north-pit", "A/raw.tif", false},
			{"coreshed://shed.example/south-pit", "A/raw.tif", false},
			{"coreshed://shed.example", "north-pit/A/raw.tif", false},
			{"coreshed:north-pit", "A/raw.tif", false},
			{"coreshed://shed.example/north-pit", "../raw.tif", false},
			{"coreshed://%zz/", "A/raw.tif", false},
		} {
			out := "out" + string(rune('a'+i))
			version := s.Put(s.t, s.Editor, out, out).Version.ID
			s.post(201, event("COMPLETE", uuid.New(), datasets("inputs", tt.namespace, tt.name), datasets("outputs", "coreshed://shed.example/north-pit", out)))
			if got := s.ancestors(version); len(got) > 0 != tt.want {
				s.t.Errorf("%s, %s: made from %v", tt.namespace, tt.name, got)
			}
		}
		equal(s.t, s.Entry(s.t, raw).Type, coreshed.Source)
	})
}

// Storage of a workspace is known by its own address.
func TestStorageNames(t *testing.T) {
	each(t, func(s *shed) {
		for i, tt := range []struct {
			broker, configuration string
			namespace, name       string
			want                  bool
		}{
			{"host", `{"broker": {"type": "host", "host_path": "/data/scenes/"}}`, "file", "/data/scenes/A/raw.tif", true},
			{"host", `{"broker": {"type": "host", "host_path": "/data/scenes"}}`, "file:///data/scenes", "A/raw.tif", true},
			{"host", `{"broker": {"type": "host", "host_path": "/data/scenes"}}`, "file:///data/scenes", "/data/scenes/A/raw.tif", true},
			{"host", `{"broker": {"type": "host", "host_path": "/data/scenes"}}`, "file", "/data/scenes2/A/raw.tif", false},
			{"host", `{"broker": {"type": "host", "host_path": "/data/scenes"}}`, "file", "/data/scenes/../A/raw.tif", false},
			{"host", `{"broker": {"type": "host", "host_path": "/data/scenes"}}`, "file://nas", "/data/scenes/A/raw.tif", false},
			{"nfs", `{"broker": {"type": "nfs", "nfs_path": "nas:/export"}}`, "file://NAS", "/export/A/raw.tif", true},
			{"s3", `{"broker": {"type": "s3", "bucket_name": "scenes"}}`, "s3://scenes", "A/raw.tif", true},
			{"s3", `{"broker": {"type": "s3", "bucket_name": "scenes"}}`, "s3a://scenes", "/A/raw.tif", true},
			{"s3", `{"broker": {"type": "s3", "bucket_name": "scenes"}}`, "s3://other", "A/raw.tif", false},
		} {
			s.Workspace = s.AddWorkspace(s.t, "W"+uuid.NewString())
			a := s.Access(s.t, s.Owner)
			if err := s.DB.SetStorage(s.t.Context(), a, store.Storage{Broker: tt.broker, Configuration: tt.configuration}); err != nil {
				s.t.Fatal(err)
			}
			if _, err := s.DB.AddInPlace(s.t.Context(), a, store.Place{Path: "A/raw.tif", Size: 3}); err != nil {
				s.t.Fatal(err)
			}
			out := s.Put(s.t, s.Owner, "out.tif", "out").Version.ID
			body := event("COMPLETE", uuid.New(), datasets("inputs", tt.namespace, tt.name),
				datasets("outputs", "coreshed://shed.example/"+s.Workspace.Name, "out.tif"))
			if status, problem := s.send(s.Owner, "POST", lineageapi.Path, []byte(body)); status != 201 {
				s.t.Fatal(status, problem)
			}
			if got := s.ancestors(out); len(got) > 0 != tt.want {
				s.t.Errorf("%d: %s, %s: made from %v", i, tt.namespace, tt.name, got)
			}
			if err := s.DB.DeleteWorkspace(s.t.Context(), a); err != nil {
				s.t.Fatal(err)
			}
		}
	})
}

func packed(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBodies(t *testing.T) {
	each(t, func(s *shed) {
		large := event("START", uuid.New(), `"x": "`+strings.Repeat("x", 5<<20)+`"`)
		for _, tt := range []struct {
			body     []byte
			encoding string
			want     int
		}{
			{packed(s.t, event("START", uuid.New())), "gzip", 201},
			{[]byte(event("START", uuid.New())), "gzip", 400},
			{packed(s.t, event("START", uuid.New()))[:40], "gzip", 400},
			{[]byte(event("START", uuid.New())), "br", 415},
			{[]byte(large), "", 413},
			{packed(s.t, large), "gzip", 413},
			{[]byte(`{`), "", 400},
			{nil, "", 400},
			{[]byte(`{"eventTime": "2026-03-01T10:00:00Z"}`), "", 422},
		} {
			if got, problem := s.send(s.Editor, "POST", lineageapi.Path, tt.body, "Content-Encoding", tt.encoding); got != tt.want {
				s.t.Errorf("%.60q, %s: status %d, want %d: %v", tt.body, tt.encoding, got, tt.want, problem)
			}
		}
		equal(s.t, s.post(422, event("START", uuid.Nil))["field"], any("run.runId"))
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(s *shed) {
		for _, tt := range []struct {
			p            coreshed.Person
			method, path string
			want         int
		}{
			{s.Editor, "GET", "/api/v1/lineage", 405},
			{s.Editor, "POST", "/api/v1/lineage/", 404},
			{s.Editor, "POST", "/api/v1/namespaces", 404},
			{s.Editor, "POST", "/api/v1/lineage?workspace=%zz", 400},
			{s.Editor, "POST", "/api/v1/lineage?workspace=north-pit", 201},
			{s.Editor, "POST", "/api/v1/lineage?workspace=none", 403},
			{s.Viewer, "POST", "/api/v1/lineage", 403},
			{s.Stranger, "POST", "/api/v1/lineage", 403},
		} {
			if got, problem := s.send(tt.p, tt.method, tt.path, []byte(event("START", uuid.New()))); got != tt.want {
				s.t.Errorf("%s %s: status %d, want %d: %v", tt.method, tt.path, got, tt.want, problem)
			}
		}
		s.post(403, event("START", uuid.New()), "Coreshed-Workspace", "none")
		s.tokens[s.Editor] = "Bearer none"
		s.post(401, event("START", uuid.New()))
	})
}

// TestRepeat: an event that is sent again has the same answer.
func TestRepeat(t *testing.T) {
	each(t, func(s *shed) {
		raw, out := s.Put(s.t, s.Editor, "raw.tif", "1").Version.ID, s.Put(s.t, s.Editor, "out.tif", "2").Version.ID
		body := event("COMPLETE", uuid.New(), datasets("inputs", "coreshed://shed.example/north-pit", "raw.tif"),
			datasets("outputs", "coreshed://shed.example/north-pit", "out.tif"))
		for range 3 {
			s.post(201, body)
			equal(s.t, s.ancestors(out), []int64{raw})
		}
		runs, total, err := s.DB.Runs(s.t.Context(), s.View(s.t, s.Viewer), store.RunFilter{}, nil, coreshed.Page{Limit: 10})
		if err != nil || total != 1 || runs[0].Status != coreshed.Completed {
			s.t.Fatal(runs, total, err)
		}
		s.post(201, strings.Replace(body, `"survey"`, `"s\u0075rvey"`, 1)) // the same in another spelling
	})
}

// Events of one run that arrive at the same moment end as if they had not.
func TestAtOnce(t *testing.T) {
	each(t, func(s *shed) {
		home := "coreshed://shed.example/north-pit"
		raw, out := s.Put(s.t, s.Editor, "raw.tif", "1").Version.ID, s.Put(s.t, s.Editor, "out.tif", "2").Version.ID
		run := uuid.New()
		s.token(s.Editor)
		var group sync.WaitGroup
		for range 3 {
			for _, body := range []string{
				event("START", run, datasets("inputs", home, "raw.tif")), event("RUNNING", run),
				event("COMPLETE", run, datasets("outputs", home, "out.tif")),
			} {
				group.Go(func() {
					if status, problem := s.send(s.Editor, "POST", lineageapi.Path, []byte(body)); status != 201 {
						s.t.Errorf("status %d: %v", status, problem)
					}
				})
			}
		}
		group.Wait()
		equal(s.t, s.ancestors(out), []int64{raw})
		runs, total, err := s.DB.Runs(s.t.Context(), s.View(s.t, s.Viewer), store.RunFilter{}, nil, coreshed.Page{Limit: 10})
		if err != nil || total != 1 || runs[0].Status != coreshed.Completed {
			s.t.Fatal(runs, total, err)
		}
	})
}

// A log line has who and which run by their ids, and nothing that anyone has
// named.
func TestLogHasNoNames(t *testing.T) {
	s := open(t, storetest.Memory(t))
	run := uuid.New()
	s.post(201, event("START", run, datasets("inputs", "s3://secret", "secret.tif")))
	s.post(422, event("START", run, datasets("inputs", "s3://secret", "")))
	s.post(403, event("START", run), "Coreshed-Workspace", "secret")
	log := s.log.String()
	if strings.Count(log, "person="+s.Editor.ID.String()) != 3 || strings.Count(log, "run="+run.String()) != 2 || strings.Contains(log, "secret") {
		t.Error(log)
	}
}

// FuzzRequest sends what a server can be sent: whatever it is, the answer is a
// documented one, and never a fault of ours.
func FuzzRequest(f *testing.F) {
	home := "coreshed://shed.example/north-pit"
	for _, body := range []string{
		event("COMPLETE", uuid.New(), datasets("inputs", home, "a.tif"), datasets("outputs", home, "b.tif")),
		event("START", uuid.New(), datasets("inputs", "s3://x", "a.tif"), `"x": "\u0000"`),
		event("FAIL", uuid.New(), `"run": {"runId": "`+uuid.NewString()+`", "facets": {"errorMessage": {"message": "\u0000"}, "parent": {"run": {"runId": "`+uuid.NewString()+`"}, "job": {"namespace": "n", "name": "j"}}}}`),
		`{"eventTime": "2026-03-01T10:00Z", "producer": "p", "job": {"namespace": "n", "name": "j"}}`,
		`{"eventTime": "9999-12-31T23:59:59Z", "producer": "p", "dataset": {"namespace": "n", "name": "d", "facets": {"x": null}}}`,
	} {
		f.Add("POST", "", "", []byte(body))
	}
	f.Add("GET", "workspace=x", "gzip", []byte{})
	s := open(f, storetest.Memory(f))
	s.Put(f, s.Editor, "a.tif", "a")
	s.Put(f, s.Editor, "b.tif", "b")
	handler, token := s.handler(&web.Origins{Own: []string{"http://shed.example"}}), s.token(s.Editor)
	f.Fuzz(func(t *testing.T, method, query, encoding string, body []byte) {
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+lineageapi.Path, bytes.NewReader(body))
		if err != nil || method == http.MethodConnect || method == http.MethodHead {
			return
		}
		r.URL = &url.URL{Path: lineageapi.Path, RawQuery: query}
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Authorization", token)
		r.Header.Set("Content-Encoding", encoding)
		w := httptest.NewRecorder()
		apitest.Handler(t, handler).ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s %q: status %d: %s", method, body, w.Code, w.Body)
		}
	})
}
