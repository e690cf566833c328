package scaleapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/watch"
)

// folder makes a workspace with a folder of its own, and returns its id.
func (s *shed) folder(title string) string {
	s.t.Helper()
	dir := filepath.Join(s.root, title)
	s.must(os.MkdirAll(dir, 0o755))
	path := s.create(title, object{"broker": object{"type": "host", "host_path": dir}})
	return strings.TrimSuffix(strings.TrimPrefix(path, "/v6/workspaces/"), "/")
}

// put makes a file in the folder of a workspace, written an hour ago.
func (s *shed) put(workspace, name, content string) {
	s.t.Helper()
	file := filepath.Join(s.root, workspace, name)
	s.must(os.MkdirAll(filepath.Dir(file), 0o755))
	s.must(os.WriteFile(file, []byte(content), 0o644))
	at := time.Now().Add(-time.Hour)
	s.must(os.Chtimes(file, at, at))
}

// work lets the watchers and the ingests do what there is to do.
func (s *shed) work(until func() bool) {
	s.t.Helper()
	w := watch.New(watch.Config{DB: s.DB, Catalog: s.catalog, Holder: "test", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan struct{}, 2)
	go func() { w.Run(ctx); ended <- struct{}{} }()
	go func() { s.catalog.IngestAll(ctx, "test"); ended <- struct{}{} }()
	for deadline := time.Now().Add(20 * time.Second); !until(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Error("the work does not end")
			break
		}
	}
	stop()
	<-ended
	<-ended
}

func strikeOn(workspace string, rules ...object) object {
	if rules == nil {
		rules = []object{{"filename_regex": ".*txt", "data_types": []string{"t1"}}}
	}
	return object{"workspace": workspace, "monitor": object{"type": "dir-watcher", "transfer_suffix": "_tmp"}, "files_to_ingest": rules}
}

func scanOn(workspace string, rules ...object) object {
	c := strikeOn(workspace, rules...)
	delete(c, "monitor")
	c["scanner"] = object{"type": "dir", "transfer_suffix": "_tmp"}
	return c
}

// Contract Scale v6 §5.2 and §9.13, 156.
func TestStrikes(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		s.folder("products")
		post := func(p coreshed.Person, b object) answer { return s.send(p, "POST", "/v6/strikes/", body(t, b)) }
		post(s.Admin, object{"title": "x"}).want(400, `Missing required parameter: "configuration"`)
		post(s.Admin, object{"configuration": strikeOn("raw")}).want(400, `Missing required parameter: "title"`)
		post(s.Admin, object{"title": "x", "configuration": 5}).want(400, `Parameter must be a valid JSON object: "configuration"`)
		post(s.Admin, object{"title": strings.Repeat("x", 51), "configuration": strikeOn("raw")}).want(400)

		a := post(s.Admin, object{"title": "My Strike", "description": "Text", "configuration": strikeOn("raw")}).want(201)
		path, _ := strings.CutPrefix(a.header.Get("Location"), s.url)
		if a.at("name") != "my-strike" || a.at("job", "job_type", "name") != "scale-strike" || a.at("job", "job_type", "is_system") != true || a.at("job", "status") != "QUEUED" {
			t.Errorf("made %s", a.body)
		}
		if diff := cmp.Diff(a.json(), s.get(s.Admin, path).want(200).json()); diff != "" {
			t.Errorf("details differ: %s", diff)
		}
		second := post(s.Admin, object{"title": "My Strike", "configuration": strikeOn("raw", object{"filename_regex": "a", "new_workspace": "products"})}).want(201)
		if name := second.at("name").(string); !strings.HasPrefix(name, "my-strike-") || len(name) != len("my-strike-")+19 {
			t.Errorf("the second is named %s", name)
		}
		for query, want := range map[string]string{
			"": "2", "?name=my-strike": "1", "?name=my": "0", "?started=2999-01-01T00:00:00Z": "0", "?order=-title&order=id": "2",
		} {
			if got := s.get(s.Admin, "/v6/strikes/"+query).want(200).at("count"); got != want {
				t.Errorf("%s counts %v, want %s", query, got, want)
			}
		}
		s.get(s.Admin, "/v6/strikes/?order=nothing").want(400)

		s.send(s.Admin, "PATCH", path, body(t, object{"title": "", "description": nil})).want(204)
		s.send(s.Admin, "PATCH", path, body(t, object{"title": "Other", "configuration": strikeOn("products")})).want(204)
		a = s.get(s.Admin, path).want(200)
		if a.at("title") != "Other" || a.at("name") != "my-strike" || a.at("description") != "Text" || a.at("configuration", "workspace") != "products" {
			t.Errorf("edited to %s", a.body)
		}
		s.send(s.Admin, "PATCH", path, body(t, object{"configuration": object{}})).want(400, "Strike configuration invalid: workspace is required")
		s.get(s.Admin, "/v6/strikes/99999/").want(404, "Not found.")
		s.send(s.Admin, "PATCH", "/v6/strikes/99999/", "{}").want(404)

		// Others see nothing of it, and owners of another workspace may not use it.
		if got := s.get(s.Owner, "/v6/strikes/").want(200).at("count"); got != "0" {
			t.Errorf("another owner counts %v", got)
		}
		s.get(s.Owner, path).want(404)
		post(s.Owner, object{"title": "x", "configuration": strikeOn("raw")}).want(400, `Strike configuration invalid: the workspace "raw" does not exist or is not active`)
		post(anonymous, object{"title": "x", "configuration": strikeOn("raw")}).want(403)
	})
}

// TestStrikeRights: an owner of the workspace may, who may write to where the
// rules lead; others who see it may only look.
func TestStrikeRights(t *testing.T) {
	each(t, func(s *shed) {
		var id, products int64
		fmt.Sscan(s.folder("raw"), &id)
		fmt.Sscan(s.folder("products"), &products)
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, id, s.Owner.ID, coreshed.Owner))
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, id, s.Viewer.ID, coreshed.Viewer))
		send := func(p coreshed.Person, c object) answer {
			return s.send(p, "POST", "/v6/strikes/", body(t, object{"title": "x", "configuration": c}))
		}
		a := send(s.Owner, strikeOn("raw")).want(201)
		path, _ := strings.CutPrefix(a.header.Get("Location"), s.url)
		send(s.Viewer, strikeOn("raw")).want(403)
		s.get(s.Viewer, path).want(200)
		s.send(s.Viewer, "PATCH", path, "{}").want(403)
		s.send(s.Viewer, "POST", "/v6/strikes/validation/", body(t, object{"configuration": strikeOn("raw")})).want(200)
		leads := strikeOn("raw", object{"filename_regex": "a", "new_workspace": "products"})
		send(s.Owner, leads).want(400)
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, products, s.Owner.ID, coreshed.Viewer))
		send(s.Owner, leads).want(403)
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, products, s.Owner.ID, coreshed.Editor))
		send(s.Owner, leads).want(201)
	})
}

// TestStrikeSecrets: only admins see them, and what was read can be sent back.
func TestStrikeSecrets(t *testing.T) {
	each(t, func(s *shed) {
		var id int64
		fmt.Sscan(s.folder("raw"), &id)
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, id, s.Viewer.ID, coreshed.Viewer))
		c := strikeOn("raw")
		c["monitor"].(object)["credentials"] = object{"access_key_id": "AKIA", "secret_access_key": "quiet", "session_token": "loud"}
		a := s.send(s.Admin, "POST", "/v6/strikes/", body(t, object{"title": "x", "configuration": c})).want(201)
		path, _ := strings.CutPrefix(a.header.Get("Location"), s.url)
		secret := func(p coreshed.Person) any {
			return s.get(p, path).want(200).at("configuration", "monitor", "credentials", "secret_access_key")
		}
		if a.at("configuration", "monitor", "credentials", "secret_access_key") != "************" || secret(s.Admin) != "quiet" || secret(s.Viewer) != "************" {
			t.Errorf("secrets: %s, %v, %v", a.body, secret(s.Admin), secret(s.Viewer))
		}
		stored, err := s.DB.StrikeOf(t.Context(), 1)
		if err != nil || strings.Contains(string(stored.Configuration), "quiet") {
			t.Errorf("stored in clear: %s, %v", stored.Configuration, err)
		}
		credentials := func(p coreshed.Person) any {
			return s.get(p, path).want(200).at("configuration", "monitor", "credentials")
		}
		all := object{"access_key_id": "************", "secret_access_key": "************", "session_token": "************"}
		if diff := cmp.Diff(any(all), credentials(s.Viewer)); diff != "" { // whatever is in them
			t.Error(diff)
		}
		all["access_key_id"] = "AKIB"
		c["monitor"].(object)["credentials"] = all
		s.send(s.Admin, "PATCH", path, body(t, object{"configuration": c})).want(204)
		want := object{"access_key_id": "AKIB", "secret_access_key": "quiet", "session_token": "loud"}
		if diff := cmp.Diff(any(want), credentials(s.Admin)); diff != "" {
			t.Errorf("after it was sent back: %s", diff)
		}
		s.send(s.Admin, "POST", "/v6/strikes/", body(t, object{"title": "x", "configuration": c})).want(400)
		c["monitor"].(object)["credentials"] = object{}
		s.send(s.Admin, "PATCH", path, body(t, object{"configuration": c})).want(204)
		if diff := cmp.Diff(any(object{}), credentials(s.Viewer)); diff != "" { // nor is there what is not
			t.Error(diff)
		}
	})
}

// Contract Scale v6 §9.13, 156 and 157, and §10.3.
func TestStrikeValidation(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		with := func(change func(c object)) object {
			c := strikeOn("raw")
			change(c)
			return c
		}
		for name, tt := range map[string]struct {
			c              object
			wrong, warning string
		}{
			"good":                {strikeOn("raw"), "", ""},
			"no suffix":           {with(func(c object) { c["monitor"] = object{"type": "dir-watcher"} }), "", "missing_transfer_suffix"},
			"empty suffix":        {with(func(c object) { c["monitor"] = object{"type": "dir-watcher", "transfer_suffix": ""} }), "", "missing_transfer_suffix"},
			"suffix is no text":   {with(func(c object) { c["monitor"] = object{"type": "dir-watcher", "transfer_suffix": 5} }), "monitor.transfer_suffix must be a string", ""},
			"empty recipe":        {with(func(c object) { c["recipe"] = object{} }), "", ""},
			"unknown recipe":      {with(func(c object) { c["recipe"] = object{"name": "none"} }), `the recipe type "none", or its revision, does not exist`, ""},
			"nameless recipe":     {with(func(c object) { c["recipe"] = object{"revision_num": 1} }), "recipe.name is required", ""},
			"no monitor":          {with(func(c object) { delete(c, "monitor") }), "monitor is required", ""},
			"unknown monitor":     {with(func(c object) { c["monitor"] = object{"type": "ftp"} }), "'ftp' is an invalid monitor type", ""},
			"monitor of a bucket": {with(func(c object) { c["monitor"] = object{"type": "s3", "sqs_name": "q"} }), `the type "s3" does not go with the broker of the workspace "raw"`, ""},
			"no queue":            {with(func(c object) { c["monitor"] = object{"type": "s3", "sqs_name": ""} }), "monitor.sqs_name is required", ""},
			"half credentials": {with(func(c object) {
				c["monitor"] = object{"type": "s3", "sqs_name": "q", "credentials": object{"access_key_id": "x"}}
			}), "monitor.credentials.secret_access_key is required", ""},
			"version 2.0":        {with(func(c object) { c["version"] = "2.0" }), "", ""},
			"version 1.0":        {with(func(c object) { c["version"] = "1.0" }), "1.0 is an unsupported version number", ""},
			"unknown member":     {with(func(c object) { c["mount"] = "x" }), `the configuration has an unknown member "mount"`, ""},
			"no rules":           {with(func(c object) { c["files_to_ingest"] = []object{} }), "files_to_ingest must be a list that is not empty", ""},
			"rule without regex": {strikeOn("raw", object{}), "files_to_ingest[0].filename_regex is required", ""},
			"bad regex":          {strikeOn("raw", object{"filename_regex": "("}), "files_to_ingest[0].filename_regex: error parsing regexp: missing closing ): `(`", ""},
			"absolute path":      {strikeOn("raw", object{"filename_regex": "a", "new_file_path": "/a"}), "files_to_ingest[0].new_file_path must be a relative path inside the workspace", ""},
			"path outside":       {strikeOn("raw", object{"filename_regex": "a", "new_file_path": "a/../../b"}), "files_to_ingest[0].new_file_path must be a relative path inside the workspace", ""},
			"unknown target":     {strikeOn("raw", object{"filename_regex": "a", "new_workspace": "x"}), `the workspace "x" does not exist or is not active`, ""},
			"unknown workspace":  {strikeOn("nowhere"), `the workspace "nowhere" does not exist or is not active`, ""},
			"empty tag":          {strikeOn("raw", object{"filename_regex": "a", "data_types": []string{""}}), "files_to_ingest[0].data_types must be a list of strings that are not empty", ""},
		} {
			a := s.send(s.Admin, "POST", "/v6/strikes/validation/", body(t, object{"title": "x", "configuration": tt.c})).want(200)
			wrong, warning := "", ""
			if list := a.json()["errors"].([]any); len(list) > 0 {
				wrong = a.at("errors", 0, "description").(string)
				if a.at("errors", 0, "name") != "INVALID_STRIKE_CONFIGURATION" {
					t.Errorf("%s: %s", name, a.body)
				}
			}
			if list := a.json()["warnings"].([]any); len(list) > 0 {
				warning = a.at("warnings", 0, "name").(string)
			}
			if wrong != tt.wrong || warning != tt.warning || a.at("is_valid") != (tt.wrong == "") {
				t.Errorf("%s: %s", name, a.body)
			}
		}
		s.send(s.Admin, "POST", "/v6/strikes/validation/", "{}").want(400, `Missing required parameter: "configuration"`)
		s.send(s.Admin, "POST", "/v6/scans/validation/", body(t, object{"configuration": strikeOn("raw")})).want(200)
		a := s.send(s.Admin, "POST", "/v6/scans/validation/", body(t, object{"configuration": object{"workspace": "raw"}})).want(200)
		if a.at("errors", 0, "name") != "INVALID_SCAN_CONFIGURATION" {
			t.Errorf("of a scan: %s", a.body)
		}
	})
}

// Contract Scale v6 §5.3, §9.13 (156, 159) and §10.3.
func TestScans(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		for _, name := range []string{"a.txt", "sub/b.txt", "c.txt_tmp", "d.doc"} {
			s.put("raw", name, name)
		}
		a := s.send(s.Admin, "POST", "/v6/scans/", body(t, object{"title": "My Scan", "configuration": scanOn("raw")})).want(201)
		if a.at("job") != nil || a.at("dry_run_job") != nil || a.at("file_count") != "0" {
			t.Errorf("made %s", a.body)
		}
		path, _ := strings.CutPrefix(a.header.Get("Location"), s.url)
		s.send(s.Admin, "PATCH", path, body(t, object{"title": "Our Scan"})).want(204)
		a = s.send(s.Admin, "POST", path+"process/", "{}").want(201)
		if a.at("job") != nil || a.at("dry_run_job", "status") != "QUEUED" || a.at("title") != "Our Scan" {
			t.Errorf("a dry run began as %s", a.body)
		}
		s.work(func() bool { return s.get(s.Admin, path).at("dry_run_job", "status") == "COMPLETED" })
		if a := s.get(s.Admin, path); a.at("file_count") != "3" || s.get(s.Admin, "/v6/ingests/").at("count") != "0" {
			t.Errorf("a dry run left %s", a.body)
		}
		s.send(s.Admin, "POST", path+"process/", `{"ingest": "perhaps"}`).want(400, `Parameter must be a valid boolean: "ingest"`)
		s.send(s.Admin, "POST", path+"process/", `{"ingest": true}`).want(201)
		s.send(s.Admin, "POST", path+"process/", `{"ingest": true}`).want(409, "Ingest Scan already launched")
		s.send(s.Admin, "PATCH", path, body(t, object{"title": "x"})).want(409, "Ingest Scan already launched")
		s.work(func() bool { return s.get(s.Admin, "/v6/ingests/?status=INGESTED").at("count") == "2" })
		if diff := cmp.Diff([]string{"a.txt", "b.txt"}, s.get(s.Admin, "/v6/files/?order=file_name").names("file_name")); diff != "" {
			t.Errorf("files: %s", diff)
		}
		for query, want := range map[string]string{"": "1", "?name=my-sc": "1", "?name=nothing": "0"} {
			if got := s.get(s.Admin, "/v6/scans/"+query).want(200).at("count"); got != want {
				t.Errorf("%s counts %v, want %s", query, got, want)
			}
		}

		a = s.send(s.Admin, "POST", "/v6/scans/", body(t, object{"title": "Next", "configuration": scanOn("raw")})).want(201)
		id := a.at("id").(string)
		a = s.send(s.Admin, "POST", "/v6/scans/"+id+"/process/", `{"ingest": true}`).want(201)
		c := s.send(s.Admin, "POST", "/v6/scans/cancel/"+id+"/", "").want(202)
		if c.at("id") != id || c.at("canceled_jobs", 0) != a.at("job", "id") {
			t.Errorf("canceled %s", c.body)
		}
		if got := s.get(s.Admin, "/v6/scans/"+id+"/").at("job", "status"); got != "CANCELED" {
			t.Errorf("the job is %v", got)
		}
		s.send(s.Owner, "POST", "/v6/scans/cancel/"+id+"/", "").want(404)
		s.send(s.Admin, "POST", "/v6/scans/cancel/99999/", "").want(404)
	})
}

// Contract Scale v6 §5.4, §9.13 (156) and §10.3.
func TestIngests(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		a := s.send(s.Admin, "POST", "/v6/strikes/", body(t, object{"title": "My Strike", "configuration": strikeOn("raw")})).want(201)
		strike := a.at("id").(string)
		s.put("raw", "a.txt", "one")
		s.put("raw", "b.txt", "three")
		s.put("raw", "c.doc", "two")
		s.work(func() bool {
			return s.get(s.Admin, "/v6/ingests/?status=INGESTED").at("count") == "2" && s.get(s.Admin, "/v6/ingests/?status=DEFERRED").at("count") == "1"
		})
		for query, want := range map[string]string{
			"": "3", "?status=INGESTED&status=DEFERRED": "3", "?status=ERRORED": "0", "?status=nonsense": "0",
			"?strike_id=" + strike: "3", "?strike_id=99999": "0", "?scan_id=1": "0", "?file_name=txt": "2", "?file_name=TXT": "0",
			"?started=PT1H": "3", "?ended=2000-01-01T00:00:00Z": "0", "?file_name=": "3", "?file_name=%25": "0",
			"?order=-last_modified&page=1&page_size=10&status=INGESTED&strike_id=" + strike: "2",
		} {
			if got := s.get(s.Admin, "/v6/ingests/"+query).want(200).at("count"); got != want {
				t.Errorf("%s counts %v, want %s", query, got, want)
			}
		}
		for _, field := range []string{
			"file_name", "file_size", "strike.id", "status", "last_modified", "transfer_started", "transfer_ended", "ingest_started", "ingest_ended",
		} {
			s.get(s.Admin, "/v6/ingests/?order="+field).want(200)
			s.get(s.Admin, "/v6/ingests/?order=-"+field).want(200)
		}
		s.get(s.Admin, "/v6/ingests/?strike_id=x").want(400, `Parameter must be a valid integer: "strike_id"`)
		s.get(s.Admin, "/v6/ingests/?order=reason").want(400)

		list := s.get(s.Admin, "/v6/ingests/?order=file_name&order=id").want(200)
		if list.at("results", 0, "strike", "title") != "My Strike" || list.at("results", 0, "source_file", "is_parsed") != false ||
			list.at("results", 0, "workspace", "title") != "raw" || list.at("results", 2, "source_file") != nil ||
			list.at("results", 2, "reason") != "No rule takes a file with this name." {
			t.Errorf("list: %s", list.body)
		}
		id := list.at("results", 0, "id").(string)
		d := s.get(s.Admin, "/v6/ingests/"+id+"/").want(200)
		if d.at("file_path") != "ingesting/a.txt" || d.at("strike", "configuration", "workspace") != "raw" ||
			d.at("workspace", "configuration", "broker", "type") != "host" || d.at("file_size") != "3" || d.at("data_type_tags", 0) != "t1" {
			t.Errorf("details: %s", d.body)
		}
		s.get(s.Admin, "/v6/ingests/99999/").want(404, "Not found.")
		s.get(s.Admin, "/v6/ingests/a.txt/").want(404)
		s.get(s.Admin, "/v6/ingests/"+id+"/jobs").want(301)
		if got := s.get(s.Admin, "/v6/ingests/"+id+"/jobs/").want(200).at("count"); got != "0" {
			t.Errorf("%v jobs", got)
		}
		last := list.at("results", 2, "id").(string)
		s.get(s.Admin, "/v6/ingests/"+last+"/jobs/").want(200)

		if got := s.get(s.Owner, "/v6/ingests/").want(200).at("count"); got != "0" {
			t.Errorf("one who does not see the workspace counts %v", got)
		}
		s.get(s.Owner, "/v6/ingests/"+id+"/").want(404)
		s.checkIngestStatus(t, strike)
	})
}

func (s *shed) checkIngestStatus(t *testing.T, strike string) {
	t.Helper()
	s.get(s.Admin, "/v6/ingests/status/?started=2015-01-01T00:00:00Z&ended=2015-02-02T00:00:00Z").want(400, "Time range must be between 0 and 31 days, 0:00:00")
	a := s.get(s.Admin, "/v6/ingests/status/?started=2015-01-01T00:00:00Z&ended=2015-01-02T05:00:00Z").want(200)
	if n := len(a.json()["results"].([]any)[0].(object)["values"].([]any)); n != 30 || a.at("results", 0, "most_recent") != nil {
		t.Errorf("%d hours: %s", n, a.body)
	}
	a = s.get(s.Admin, "/v6/ingests/status/?page_size=1000&use_ingest_time=true&started=PT1H&ended=PT0S").want(200)
	if a.at("results", 0, "strike", "id") != strike || a.at("results", 0, "files") != "2" || a.at("results", 0, "size") != "8" {
		t.Errorf("by ingest time: %s", a.body)
	}
	a = s.get(s.Admin, "/v6/ingests/status/?use_ingest_time=false").want(200)
	if a.at("results", 0, "files") != "0" {
		t.Errorf("by data time: %s", a.body)
	}
	s.get(s.Admin, "/v6/ingests/status/?use_ingest_time=x").want(400)
}

// queueOn is a configuration of a strike on a bucket that hears from a queue.
func queueOn(workspace string, monitor object) object {
	c := strikeOn(workspace)
	c["monitor"] = monitor
	return c
}

// TestStrikeQueueRights: an owner cannot lead a secret that they do not know to
// another server, and sends back what they read.
func TestStrikeQueueRights(t *testing.T) {
	each(t, func(s *shed) {
		var id int64
		path := s.create("cores", bucket())
		_, err := fmt.Sscanf(path, "/v6/workspaces/%d/", &id)
		s.must(err)
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, id, s.Owner.ID, coreshed.Owner))
		other := s.create("others", bucket())
		_, err = fmt.Sscanf(other, "/v6/workspaces/%d/", &id)
		s.must(err)
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, id, s.Owner.ID, coreshed.Owner))
		make1 := func(monitor object) string {
			a := s.send(s.Admin, "POST", "/v6/strikes/", body(t, object{"title": "x", "configuration": queueOn("cores", monitor)})).want(201)
			path, _ := strings.CutPrefix(a.header.Get("Location"), s.url)
			return path
		}
		queue := func(members ...string) object {
			o := object{"type": "s3", "sqs_name": "q", "region_name": "us-east-1", "endpoint_url": "http://" + nobody}
			for i := 0; i < len(members); i += 2 {
				o[members[i]] = members[i+1]
			}
			return o
		}
		with := func(monitor object, secret string) object {
			monitor["credentials"] = object{"access_key_id": "************", "secret_access_key": secret}
			return monitor
		}
		send := func(path string, c any) answer {
			return s.send(s.Owner, "PATCH", path, body(t, object{"configuration": c}))
		}
		known := queue()
		known["credentials"] = object{"access_key_id": "AKIA", "secret_access_key": "quiet"}
		path = make1(known)
		for name, c := range map[string]object{
			"endpoint":  queueOn("cores", with(queue("endpoint_url", "http://evil.example"), "************")),
			"queue":     queueOn("cores", with(queue("sqs_name", "mine"), "************")),
			"region":    queueOn("cores", with(queue("region_name", "eu-west-1"), "************")),
			"finder":    queueOn("cores", with(queue("type", "s3-list"), "************")),
			"workspace": queueOn("others", with(queue(), "************")),
		} {
			if a := send(path, c); a.status != 400 {
				t.Errorf("another %s: %d %s", name, a.status, a.body)
			}
		}
		send(path, s.get(s.Owner, path).at("configuration")).want(204)
		rules := queueOn("cores", with(queue(), "************"))
		rules["files_to_ingest"] = []object{{"filename_regex": ".*tif"}}
		send(path, rules).want(204)
		got := s.get(s.Admin, path)
		if got.at("configuration", "monitor", "credentials", "secret_access_key") != "quiet" || got.at("configuration", "files_to_ingest", 0, "filename_regex") != ".*tif" {
			t.Errorf("after other rules: %s", got.body)
		}

		path = make1(queue()) // on the server's own rights
		as := s.get(s.Owner, path).at("configuration").(object)
		send(path, as).want(204)
		as["recipe"] = object{} // as Scale's page sends it
		send(path, as).want(204)
		as["files_to_ingest"] = []object{{"filename_regex": ".*tif"}}
		send(path, as).want(403)
	})
}

// TestOwnWorkspaceAsTarget: a rule that names the workspace of the file leaves it
// there.
func TestOwnWorkspaceAsTarget(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		c := strikeOn("raw", object{"filename_regex": ".*txt", "new_workspace": "raw"})
		s.send(s.Admin, "POST", "/v6/strikes/", body(t, object{"title": "x", "configuration": c})).want(201)
		s.put("raw", "a.txt", "one")
		s.work(func() bool { return s.get(s.Admin, "/v6/ingests/?status=INGESTED").at("count") == "1" })
		a := s.get(s.Admin, "/v6/ingests/").want(200)
		if a.at("count") != "1" || a.at("results", 0, "new_workspace") != nil || a.at("results", 0, "new_file_path") != "" ||
			a.at("results", 0, "source_file", "file_path") != "ingesting/a.txt" {
			t.Errorf("it came to %s", a.body)
		}
		// One that an older server has left behind stays, too, and shows both.
		s.put("raw", "b.txt", "three")
		strike, err := s.DB.StrikeOf(t.Context(), 1)
		s.must(err)
		lease := store.Lease{Name: "strike", Holder: "test"}
		if mine, err := s.DB.Lease(t.Context(), lease.Name, lease.Holder, time.Minute); !mine || err != nil {
			t.Fatal(mine, err)
		}
		old := store.Arrival{Status: coreshed.IngestQueued, Name: "b.txt", Path: "b.txt", Size: 5, NewWorkspace: strike.Workspace}
		s.must(s.DB.SaveArrivals(t.Context(), lease, store.ArrivalsOf(strike.Origin, false), []*store.Arrival{&old}))
		s.must(s.DB.EditStrike(t.Context(), s.View(t, s.Admin), 1, coreshed.OriginEdit{Configuration: json.RawMessage(`{}`), Workspace: strike.Workspace}))
		s.work(func() bool { return s.get(s.Admin, "/v6/ingests/?status=INGESTED").at("count") == "2" })
		d := s.get(s.Admin, fmt.Sprintf("/v6/ingests/%d/", old.ID)).want(200)
		if d.at("workspace", "title") != "raw" || d.at("new_workspace", "title") != "raw" || d.at("source_file", "file_path") != "b.txt" {
			t.Errorf("details: %s", d.body)
		}
	})
}
