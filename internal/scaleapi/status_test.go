package scaleapi_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/scaleapi"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestProfile(t *testing.T) {
	s := open(t, storetest.Memory(t))
	a := s.get(s.Admin, "/v6/accounts/profile/").want(200)
	if a.at("is_staff") != true || a.at("username") != s.Admin.Email || a.at("email") != s.Admin.Email || a.at("first_name") != "Admin" || a.at("last_name") != "" {
		t.Errorf("admin: %s", a.body)
	}
	if a := s.get(s.Owner, "/v6/accounts/profile/").want(200); a.at("is_staff") != false {
		t.Errorf("owner: %s", a.body)
	}
	s.get(anonymous, "/v6/accounts/profile/").want(403, noCredentials)
	open := open(t, storetest.Memory(t), func(c *scaleapi.Config) { c.Anonymous = true })
	if a := open.get(anonymous, "/v6/accounts/profile/").want(401); len(a.body) > 0 {
		t.Errorf("body %q", a.body)
	}
}

// What pages of Scale's web interface ask for all the time.
func TestStatus(t *testing.T) {
	s := open(t, storetest.Memory(t))
	if a := s.get(anonymous, "/v6/version/").want(200); string(a.body) != `{"version":"test"}`+"\n" {
		t.Errorf("version: %s", a.body)
	}
	if a := s.get(s.Viewer, "/v6/scheduler/").want(200); a.at("is_paused") != false {
		t.Errorf("scheduler: %s", a.body)
	}
	a := s.get(s.Viewer, "/v6/status/").want(200)
	for _, kind := range []string{"cpus", "mem", "disk", "gpus"} {
		for _, what := range []string{"total", "unavailable", "running"} {
			if a.at("resources", kind, what) != "0" {
				t.Errorf("%s %s is %v", kind, what, a.at("resources", kind, what))
			}
		}
	}
	if diff := cmp.Diff([]any{true, "READY"}, []any{a.at("dependencies", "blobs", "OK"), a.at("scheduler", "state", "name")}); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	s.blobsDown = errors.New("disk on fire at /secret")
	a = s.get(s.Viewer, "/v6/status/").want(200)
	if a.at("dependencies", "blobs", "OK") != false || a.at("dependencies", "blobs", "errors", 0, "NO_ANSWER") != "It does not answer." || a.at("dependencies", "metadata", "OK") != true {
		t.Errorf("status: %s", a.body)
	}
}

func TestEmptyReads(t *testing.T) {
	s := open(t, storetest.Memory(t))
	for _, path := range []string{"/v6/queue/status/", "/v6/load/", "/v6/metrics/ingest/plot-data/", "/v6/nodes/", "/v6/errors/"} {
		if got := s.get(s.Viewer, path).want(200).at("count"); got != "0" {
			t.Errorf("%s counts %v", path, got)
		}
		s.get(anonymous, path).want(403, noCredentials)
	}
	s.get(s.Viewer, "/v6/load/?started=x").want(400, "Invalid ISO timestamp format for parameter: started")
	s.get(s.Viewer, "/v6/nodes/1").want(301)
	s.get(s.Viewer, "/v6/nodes/1/").want(404)
}
