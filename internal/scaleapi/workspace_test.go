package scaleapi_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// body writes JSON.
func body(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

type object = map[string]any

// host is a configuration of a folder that the server may use.
func (s *shed) host() object { return object{"broker": object{"type": "host", "host_path": s.root}} }

// create makes a workspace as the admin and returns its path.
func (s *shed) create(title string, configuration object) string {
	s.t.Helper()
	a := s.send(s.Admin, "POST", "/v6/workspaces/", body(s.t, object{"title": title, "configuration": configuration})).want(201)
	path, ours := strings.CutPrefix(a.header.Get("Location"), s.url)
	if !ours || path != "/v6/workspaces/"+a.at("id").(string)+"/" {
		s.t.Fatalf("Location is %q", a.header.Get("Location"))
	}
	return path
}

// Contract Scale v6 §9.3, cases 21 to 24.
func TestListWorkspaces(t *testing.T) {
	each(t, func(s *shed) {
		if err := s.DB.DeleteWorkspace(t.Context(), s.Access(t, s.Owner)); err != nil {
			t.Fatal(err)
		}
		s.create("ws1", s.host())
		second := s.create("ws2", s.host())
		a := s.get(s.Admin, "/v6/workspaces/?order=-is_active&order=name").want(200)
		if diff := cmp.Diff([]string{"ws1", "ws2", "north-pit"}, a.names("name")); diff != "" {
			t.Errorf("case 21 (-want +got):\n%s", diff)
		}
		first := a.json()["results"].([]any)[0].(object)
		for _, name := range []string{"total_size", "used_size", "configuration"} {
			if _, ok := first[name]; ok {
				t.Errorf("case 21: %s is there", name)
			}
		}
		if first["title"] != "ws1" || first["is_active"] != true || first["deprecated"] != nil || first["description"] != nil {
			t.Errorf("case 21: %v", first)
		}
		for query, want := range map[string]string{
			"?name=ws1":                         "ws1", // case 22
			"?order=name&name=ws1&name=ws2":     "ws1 ws2",
			"?order=name":                       "north-pit ws1 ws2", // case 23
			"":                                  "north-pit ws1 ws2",
			"?order=-name":                      "ws2 ws1 north-pit", // case 24
			"?order=deprecated":                 "north-pit ws1 ws2",
			"?order=-deprecated":                "ws2 ws1 north-pit",
			"?order=-title":                     "ws2 ws1 north-pit",
			"?name=":                            "",
			"?name=WS1":                         "",
			"?started=2999-01-01T00:00:00Z":     "",
			"?ended=2999-01-01T00:00:00Z":       "north-pit ws1 ws2",
			"?order=-last_modified&name=ws2":    "ws2",
			"?order=description&order=base_url": "north-pit ws1 ws2",
		} {
			if got := strings.Join(s.get(s.Admin, "/v6/workspaces/"+query).want(200).names("name"), " "); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		s.get(s.Admin, "/v6/workspaces/?started=PT1H&ended=PT2H").want(400, "Start time must come before end time")
		s.get(s.Admin, "/v6/workspaces/?order=configuration").want(400)
		s.get(s.Owner, "/v6/workspaces/").want(200)
		if got := s.get(s.Owner, "/v6/workspaces/").at("count"); got != "0" {
			t.Errorf("one without a role counts %v", got)
		}
		s.get(s.Owner, second).want(404)
	})
}

// Cases 25 to 28, and what else a new workspace can be.
func TestCreateWorkspace(t *testing.T) {
	each(t, func(s *shed) {
		post := func(p coreshed.Person, b any) answer { return s.send(p, "POST", "/v6/workspaces/", body(t, b)) }
		const missing = `Missing required parameter: "configuration"`
		post(s.Admin, object{"title": "x"}).want(400, missing)                                       // case 25
		post(s.Admin, object{"title": "x", "json_config": 123}).want(400, missing)                   // case 26
		post(s.Admin, object{"title": "x", "json_config": object{"broker": 123}}).want(400, missing) // case 27
		post(s.Admin, object{"title": "x", "configuration": object{}}).want(400)                     // no broker
		post(s.Admin, object{"title": "x", "configuration": 123}).want(400, `Parameter must be a valid JSON object: "configuration"`)
		post(s.Admin, object{"configuration": s.host()}).want(400, `Missing required parameter: "title"`)
		post(s.Admin, object{"title": "", "configuration": s.host()}).want(400)
		post(s.Admin, object{"title": strings.Repeat("x", 61), "configuration": s.host()}).want(400)
		post(s.Admin, object{"title": "x", "is_active": "maybe", "configuration": s.host()}).want(400, `Parameter must be a valid boolean: "is_active"`)
		post(s.Admin, object{"title": "x", "base_url": "javascript:alert(1)", "configuration": s.host()}).want(400)
		post(s.Admin, object{"title": "x", "description": strings.Repeat("x", 501), "configuration": s.host()}).want(400)
		post(s.Admin, object{"title": "a\x00b", "configuration": s.host()}).want(400)
		post(s.Admin, object{"title": "x", "configuration": object{"broker": object{"type": "host", "host_path": "/etc"}}}).want(400)
		if got := s.get(s.Admin, "/v6/workspaces/").at("count"); got != "1" {
			t.Errorf("refusals left %v workspaces", got)
		}

		a := post(s.Admin, object{ // case 28
			"title": "Workspace Title", "name": "ignored", "description": "Text", "base_url": "http://host/my/path/",
			"is_active": false, "configuration": s.host(),
		}).want(201)
		got := a.json()
		for _, name := range []string{"id", "created", "last_modified", "deprecated"} {
			if got[name] == nil {
				t.Errorf("case 28: %s is null", name)
			}
			delete(got, name)
		}
		want := object{
			"name": "workspace-title", "title": "Workspace Title", "description": "Text", "base_url": "http://host/my/path/",
			"is_active": false, "configuration": s.host(),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("case 28 (-want +got):\n%s", diff)
		}

		// Titles and names are given once.
		a = post(s.Admin, object{"title": "Workspace Title", "configuration": s.host()}).want(201)
		if name := a.at("name").(string); !regexp.MustCompile(`^workspace-title-[0-9a-f]{19}$`).MatchString(name) || a.at("title") != "Workspace Title" {
			t.Errorf("a taken name gave %s", a.body)
		}
		if a = post(s.Admin, object{"title": "Workspace Title", "configuration": s.host()}).want(201); a.at("title") != "Workspace Title (1)" {
			t.Errorf("a taken title gave %s", a.body)
		}
	})
}

// Cases 31 to 33, and what else can be changed.
func TestEditWorkspace(t *testing.T) {
	each(t, func(s *shed) {
		path := s.create("Before", s.host())
		patch := func(b any) answer { return s.send(s.Admin, "PATCH", path, body(t, b)) }
		read := func() answer { return s.get(s.Admin, path).want(200) }
		if a := patch(object{"title": "After", "description": "Text", "is_active": false}).want(204); len(a.body) > 0 { // case 31
			t.Errorf("case 31: %s", a.body)
		}
		if a := read(); a.at("title") != "After" || a.at("name") != "before" || a.at("description") != "Text" || a.at("is_active") != false || a.at("deprecated") == nil {
			t.Errorf("case 31: %s", a.body)
		}
		nfs := object{"version": "6", "broker": object{"type": "nfs", "nfs_path": "host:/my/path"}}
		patch(object{"configuration": nfs}).want(204) // case 32
		if a := read(); a.at("configuration", "broker", "nfs_path") != "host:/my/path" {
			t.Errorf("case 32: %s", a.body)
		}
		patch(object{"configuration": object{"version": "BAD", "broker": object{"type": "nfs"}}}).want(400) // case 33
		patch(object{"configuration": 1}).want(400)
		patch(object{"is_active": "x"}).want(400)
		patch(object{"title": "North pit"}).want(400)
		patch(object{"is_active": "", "configuration": ""}).want(204)
		patch(object{"is_active": "true", "title": "", "description": nil, "base_url": "", "name": "other"}).want(204)
		if a := read(); a.at("title") != "After" || a.at("name") != "before" || a.at("description") != "Text" || a.at("is_active") != true || a.at("deprecated") != nil {
			t.Errorf("empty values: %s", a.body)
		}
		s.send(s.Admin, "PATCH", "/v6/workspaces/999999/", "{}").want(404)
		s.send(s.Admin, "DELETE", path, "").want(405)
		s.send(s.Admin, "PUT", path, "{}").want(405)

		mine := "/v6/workspaces/" + decimal(s.Workspace.ID) + "/"
		s.send(s.Owner, "PATCH", mine, `{"description": "By its owner", "configuration": {"broker": {"type": "coreshed"}}}`).want(204)
		s.send(s.Owner, "PATCH", mine, body(t, object{"configuration": ownFromPage})).want(204)
		s.send(s.Owner, "PATCH", mine, `{"configuration": {"broker": {"type": "coreshed", "host_path": "/srv"}}}`).want(400)
		s.send(s.Owner, "PATCH", mine, `{"configuration": {"broker": {"type": "coreshed"}, "extra": ""}}`).want(400)
		s.send(s.Admin, "PATCH", path, body(t, object{"configuration": ownFromPage})).want(400)
		s.send(s.Editor, "PATCH", mine, `{"description": "x"}`).want(403, noPermission)
		s.send(s.Member, "PATCH", mine, `{"description": "x"}`).want(404)
	})
}

// ownFromPage is the configuration of a workspace without a folder or bucket, as
// the form of Scale's web page sends it back.
var ownFromPage = object{"version": "6", "broker": object{
	"type": "coreshed", "host_path": "", "nfs_path": "", "bucket_name": nil, "region_name": "",
	"credentials": object{"access_key_id": "", "secret_access_key": ""},
}}

// TestValidateOwnStorage: such a workspace may stay as it is, and no other may
// become one.
func TestValidateOwnStorage(t *testing.T) {
	s := open(t, storetest.Memory(t))
	s.create("In a folder", s.host())
	for title, want := range map[string]bool{s.Workspace.Title: true, "In a folder": false, "New": false} {
		a := s.send(s.Admin, "POST", "/v6/workspaces/validation/", body(t, object{"title": title, "configuration": ownFromPage})).want(200)
		if a.at("is_valid") != want || len(a.json()["warnings"].([]any)) > 0 {
			t.Errorf("%s: %s", title, a.body)
		}
	}
}

// Cases 34 to 38.
func TestValidateWorkspace(t *testing.T) {
	each(t, func(s *shed) {
		validate := func(b object) answer { return s.send(s.Viewer, "POST", "/v6/workspaces/validation/", body(t, b)) }
		a := validate(object{"name": "ws", "title": "Ws", "configuration": s.host()}).want(200) // case 34
		if diff := cmp.Diff(object{"errors": []any{}, "is_valid": true, "warnings": []any{}}, a.json()); diff != "" {
			t.Errorf("case 34 (-want +got):\n%s", diff)
		}
		validate(object{"title": "Ws"}).want(400, `Missing required parameter: "configuration"`)                                  // case 35
		validate(object{"title": "Ws", "configuration": 123}).want(400, `Parameter must be a valid JSON object: "configuration"`) // case 36
		validate(object{"configuration": s.host()}).want(400, `Missing required parameter: "title"`)
		for name, configuration := range map[string]object{
			"INVALID_CONFIGURATION": {"broker": 123}, // case 37
			"INVALID_BROKER":        {"broker": object{"type": "s3"}},
			"INVALID_VERSION":       {"broker": object{"type": "host", "host_path": s.root}, "version": "BAD"},
		} {
			a := validate(object{"title": "Ws", "configuration": configuration}).want(200)
			if a.at("is_valid") != false || a.at("errors", 0, "name") != name {
				t.Errorf("%s: %s", name, a.body)
			}
		}
		path := s.create("Ws test", s.host()) // case 38
		nfs := object{"broker": object{"type": "nfs", "nfs_path": "host:/my/path"}}
		warned := func(p coreshed.Person, b object) []any {
			return s.send(p, "POST", "/v6/workspaces/validation/", body(t, b)).want(200).json()["warnings"].([]any)
		}
		want := []any{object{"name": "broker_type", "description": "Changing the broker type may disrupt queued/running jobs."}}
		for _, b := range []object{
			{"name": "ws-test", "title": "Any", "configuration": nfs}, {"title": "Ws test", "configuration": nfs},
		} {
			if diff := cmp.Diff(want, warned(s.Admin, b)); diff != "" {
				t.Errorf("case 38 (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]any{}, warned(s.Viewer, b)); diff != "" {
				t.Errorf("a workspace that the caller does not see (-want +got):\n%s", diff)
			}
		}
		s.get(s.Admin, path).want(200)
		s.send(anonymous, "POST", "/v6/workspaces/validation/", "{}").want(403, noCredentials)
	})
}

// TestValidateBucket contacts the bucket, for those who may learn what it says.
func TestValidateBucket(t *testing.T) {
	s := open(t, storetest.Memory(t))
	own := object{"access_key_id": "AKIA", "secret_access_key": "x"}
	for what, tt := range map[string]struct {
		person      coreshed.Person
		credentials any
		want        []any
	}{
		"own credentials":       {s.Viewer, own, []any{object{"name": "bucket_access", "description": "The bucket cannot be reached with these credentials."}}},
		"the server's, admin":   {s.Admin, nil, []any{object{"name": "bucket_access", "description": "The bucket cannot be reached with these credentials."}}},
		"the server's, another": {s.Viewer, nil, []any{}},
	} {
		bucket := object{"type": "s3", "bucket_name": "b", "endpoint_url": "http://" + nobody, "credentials": tt.credentials}
		a := s.send(tt.person, "POST", "/v6/workspaces/validation/", body(t, object{"title": "Ws", "configuration": object{"broker": bucket}})).want(200)
		if diff := cmp.Diff(object{"errors": []any{}, "is_valid": true, "warnings": tt.want}, a.json()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}
