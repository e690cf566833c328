package evoapi_test

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

// A log line has who, what and where by their ids, and nothing that anyone has
// named: not even what was sent in place of an id.
func TestLogHasIDsAndNoNames(t *testing.T) {
	s := open(t, storetest.Memory(t))
	var log bytes.Buffer
	handler := web.Log{
		Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: web.NewMetrics(prometheus.NewRegistry()),
		Next: s.handler(&web.Origins{Own: []string{"http://localhost"}}),
	}
	line := func(method, path string) string {
		log.Reset()
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", s.signedIn(s.Editor))
		handler.ServeHTTP(httptest.NewRecorder(), r)
		return log.String()
	}
	who := " person=" + s.Editor.ID.String() + " org=" + s.Org.ID.String() + " workspace=" + s.Workspace.UUID.String()
	file := uuid.NewString()
	for path, want := range map[string]string{
		"GET " + s.files("/"+file+"?file_name=secret"): who + " file=" + file + " ",
		"GET " + s.files("/path/secret/plan.csv"):      who + " ",
		"PUT " + s.files("/path/secret/plan.csv"):      who + " file=",
		"GET " + s.files("/secret.csv"):                who + " error=",
		"GET " + s.files("?author=secret"):             who + " error=",
		"GET " + s.workspaces("/secret"):               " error=",
	} {
		method, path, _ := strings.Cut(path, " ")
		if got := line(method, path); !strings.Contains(got, want) || strings.Contains(got, "secret") {
			t.Errorf("%s: want%sin\n%s", path, want, got)
		}
	}
}

// No answer is kept by a cache: it is for one caller, and may be untrue in a
// moment.
func TestAnswersAreNotCached(t *testing.T) {
	s := open(t, storetest.Memory(t))
	for _, path := range []string{s.files(""), s.files("/path/x"), s.files("/x"), s.here(""), s.workspaces(""), "/evo/identity/v2/discovery", "/file/health_check"} {
		if a := s.send(s.Viewer, "GET", path); a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", a.what, a.header)
		}
	}
}
