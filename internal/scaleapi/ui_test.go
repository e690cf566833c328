package scaleapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
)

// What Scale's web page sends, in its order and under its prefix, and what it
// reads of the answers. Contract Scale v6 §10.

// kinds tells the JSON type of a value, as a page sees it.
func kinds(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string: // at writes numbers as text
		return "text"
	case bool:
		return "bool"
	case []any:
		return "list"
	}
	return "object"
}

// reads checks the kinds of the fields that a page reads: "name kind".
func (a answer) reads(steps []any, fields ...string) {
	a.t.Helper()
	for _, f := range fields {
		name, want, _ := strings.Cut(f, " ")
		path := append([]any{}, steps...)
		for _, step := range strings.Split(name, ".") {
			path = append(path, step)
		}
		if got := kinds(a.at(path...)); !strings.Contains(want, got) {
			a.t.Errorf("%s: %s is %s, want %s", a.what, name, got, want)
		}
	}
}

// browser is a page of someone who has signed in: its requests carry the session,
// and those that change something the token that the first answer has set.
type browser struct {
	s       *shed
	session string
	token   string
}

func (s *shed) browser(p coreshed.Person) browser {
	s.t.Helper()
	b := browser{s: s, session: s.session(p)}
	b.token = formToken(s.t, b.get("/accounts/profile/"))
	return b
}

func (b browser) get(path string) answer {
	b.s.t.Helper()
	return b.s.get(anonymous, "/api/v6"+path, "Cookie", b.session)
}

func (b browser) send(method, path string, v any) answer {
	b.s.t.Helper()
	return b.s.send(anonymous, method, "/api/v6"+path, body(b.s.t, v), "Cookie", b.session+"; csrftoken="+b.token, "X-CSRFToken", b.token, "Origin", b.s.url)
}

// checks sends what a form holds to be checked, and wants no errors.
func (b browser) checks(path string, v any, warnings ...any) {
	b.s.t.Helper()
	want := object{"is_valid": true, "errors": []any{}, "warnings": append([]any{}, warnings...)}
	if diff := cmp.Diff(want, b.send("POST", path+"validation/", v).want(200).json()); diff != "" {
		b.s.t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Contract §10.1: at the start and on every page.
func TestPageStarts(t *testing.T) {
	each(t, func(s *shed) {
		session := s.session(s.Admin)
		get := func(path string) answer { return s.get(anonymous, "/api/v6"+path, "Cookie", session).want(200) }
		get("/accounts/profile/").reads(nil, "is_staff bool", "username text")
		get("/version/").reads(nil, "version text")
		get("/scheduler/").reads(nil, "is_paused bool")
		a := get("/status/")
		a.reads(nil, "nodes list", "job_types list", "scheduler object", "dependencies object")
		for _, kind := range []string{"cpus", "mem", "disk", "gpus"} {
			a.reads([]any{"resources", kind}, "total text", "unavailable text", "running text")
		}
		for name := range a.at("dependencies").(object) {
			a.reads([]any{"dependencies", name}, "OK bool", "detail.msg text", "errors list", "warnings list")
		}
		get("/queue/status/?page=1&page_size=1000").reads(nil, "count text", "results list")
		get("/load/?started=2020-01-01T00:00:00.000Z&ended=2020-01-02T00:00:00.000Z&page_size=1000").reads(nil, "results list")
		get("/nodes/?page_size=1000&is_active=true").reads(nil, "results list")
		if a := s.get(anonymous, "/api/v6/nodes/1", "Cookie", session).want(301); a.header.Get("Location") != "/api/v6/nodes/1/" {
			t.Errorf("leads to %s", a.header.Get("Location"))
		}
		// Without a session the page shows its sign-in.
		s.get(anonymous, "/api/v6/accounts/profile/").want(403)
	})
}

// Contract §10.2: pages that show files.
func TestPageShowsFiles(t *testing.T) {
	each(t, func(s *shed) {
		one, _, run := s.twoFiles()
		e := s.Entry(t, one)
		get := func(path string) answer { return s.get(s.Viewer, "/api/v6"+path).want(200) }
		first := []any{"results", 0}

		a := get(fmt.Sprintf("/files/?job_id=%d&sortField=last_modified&sortOrder=desc", run.ID))
		a.reads(first, "url text", "file_name text", "file_size text", "created text", "last_modified text")
		if link := s.get(s.Viewer, strings.TrimPrefix(a.at("results", 0, "url").(string), s.url)).want(200); string(link.body) != "0123456789" {
			t.Errorf("the link leads to %q", link.body)
		}
		get(fmt.Sprintf("/jobs/%d/input_files/", run.ID)).reads(nil, "results list")

		get(fmt.Sprintf("/files/?order=-created&page=1&page_size=25&recipe_id=%d", e.Made.Recipe)).
			reads(first, "id text", "file_name text", "job_type.title text", "job_output text", "url text", "file_path text", "last_modified text")

		const window = "/files/?page=1&created_started=2020-01-01T00:00:00.000Z&created_ended=2150-01-01T00:00:00.000Z"
		for query, count := range map[string]string{"": "2", "&file_type=PRODUCT": "2", "&file_type=SOURCE": "0", "&media_type=text/plain": "2"} {
			if got := get(window + query).at("count"); got != count {
				t.Errorf("%s counts %v, want %s", query, got, count)
			}
		}
		a = get(window)
		for i := range 2 {
			a.reads([]any{"results", i}, "id text", "created text", "file_name text", "file_type text", "media_type text", "countries list")
		}
		get(fmt.Sprintf("/files/?data_started=P9999D&source_started=P9999D&modified_started=P1D&source_sensor=1&source_sensor_class=classA"+
			"&source_collection=12345&source_task=test-task&job_output=out_name&job_type_id=%d&recipe_node=test-recipe-node&recipe_type_id=%d"+
			"&batch_id=%d&file_name=test.txt&order=-last_modified", run.Type.ID, e.Made.RecipeType.ID, e.Made.Batch.ID)).reads(first, "id text")
		get("/files/"+decimal(one)+"/").reads(nil, "id text", "meta_data object")
	})
}

// Contract §10.3: pages of workspaces, with the session of an admin.
func TestPageEditsWorkspaces(t *testing.T) {
	each(t, func(s *shed) {
		b := s.browser(s.Admin)
		wanted := object{
			"name": "", "title": "Raw images", "description": "As they come", "base_url": "http://host/raw", "is_active": true,
			"configuration": object{"broker": object{"type": "host", "host_path": s.root, "nfs_path": nil, "bucket_name": "", "credentials": "", "region_name": ""}},
		}
		b.checks("/workspaces/", wanted)
		a := b.send("POST", "/workspaces/", wanted).want(201)
		path := "/workspaces/" + a.at("id").(string) + "/"
		if want := s.url + "/api/v6" + path; a.header.Get("Location") != want {
			t.Errorf("Location is %s, want %s", a.header.Get("Location"), want)
		}

		a = b.get("/workspaces/?page=1&page_size=1000&order=-last_modified").want(200)
		if diff := cmp.Diff([]string{"raw-images", "north-pit"}, a.names("name")); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
		a.reads([]any{"results", 0}, "id text", "name text", "title text", "description text", "base_url text", "is_active bool", "created text", "deprecated null", "last_modified text")
		read := b.get(path).want(200)
		read.reads([]any{"configuration", "broker"}, "type text", "host_path text")

		// It sends back all that it has read.
		changed := read.json()
		changed["title"], changed["is_active"] = "Raw", false
		b.send("PATCH", path, changed).want(204)
		a = b.get(path).want(200)
		a.reads(nil, "deprecated text")
		if diff := cmp.Diff([]any{"Raw", false, read.at("configuration")}, []any{a.at("title"), a.at("is_active"), a.at("configuration")}); diff != "" {
			t.Errorf("changed (-want +got):\n%s", diff)
		}

		// After another type was chosen and taken back, what has no value is null.
		wanted["configuration"] = object{"broker": object{
			"type": "host", "host_path": s.root, "bucket_name": nil, "credentials": object{"access_key_id": nil, "secret_access_key": nil}, "region_name": nil,
		}}
		b.checks("/workspaces/", wanted)
		b.send("PATCH", path, wanted).want(204)
		b.get(path).want(200).reads(nil, "configuration.broker.host_path text")
	})
}
