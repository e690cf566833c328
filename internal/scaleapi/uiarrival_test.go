package scaleapi_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the pages of strikes, scans and ingests send and read. Contract Scale v6
// §10.3.

// form is what a page holds of a strike or scan: a new one has a name that
// nobody has given it.
func form(configuration object) object {
	return object{"name": "untitled", "title": "Images", "description": nil, "configuration": configuration}
}

func TestPageEditsStrikes(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		b := s.browser(s.Admin)
		b.get("/workspaces/?order=title&page=1&page_size=1000").want(200)
		b.get("/recipe-types/?order=title&page=1&page_size=1000&is_active=true").want(200).reads(nil, "results list")

		// Members that a broker's type has nothing to do with are sent along, and so
		// is what the page shows of the rules. The region is that of a bucket's queue,
		// and taken from the wrong place.
		rule := object{"filename_regex": ".*txt", "data_types": "", "new_workspace": nil, "new_file_path": ""}
		for _, monitor := range []object{
			{"type": "dir-watcher", "transfer_suffix": "_tmp", "sqs_name": nil, "credentials": nil, "region_name": nil},
			{"type": "dir-watcher", "transfer_suffix": "_tmp", "sqs_name": "", "credentials": object{}, "region_name": ""},
			{"type": "dir-watcher", "transfer_suffix": "_tmp", "credentials": "", "region_name": object{"0": "d", "1": "i"}},
		} {
			for _, recipe := range []any{object{}, nil, ""} {
				b.checks("/strikes/", form(object{
					"workspace": "raw", "monitor": monitor, "recipe": recipe, "files_to_ingest": []object{rule},
					"files_to_ingest_display": []object{{"label": "{}", "value": rule}},
				}))
			}
		}
		saved := form(object{
			"workspace": "raw", "recipe": object{}, "files_to_ingest": []object{{"filename_regex": ".*txt"}},
			"monitor": object{"type": "dir-watcher", "sqs_name": nil, "region_name": object{"0": "d", "1": "i"}},
		})
		a := b.send("POST", "/strikes/", saved).want(201)
		path := "/strikes/" + a.at("id").(string) + "/"

		a = b.get("/strikes/?order=title&page=1&page_size=1000").want(200)
		a.reads([]any{"results", 0}, "id text", "title text", "description null", "job.id text", "job.status text", "created text", "last_modified text")
		read := b.get(path).want(200)
		read.reads(nil, "name text", "title text", "job.id text", "job.status text", "job.job_type.title text", "job.job_type.icon_code text",
			"configuration.workspace text", "configuration.monitor.type text", "configuration.files_to_ingest list")

		// It sends back all that it has read.
		changed := read.json()
		changed["description"] = "As they come"
		b.send("PATCH", path, changed).want(204)
		if a := b.get(path); a.at("description") != "As they come" || !cmp.Equal(a.at("configuration"), read.at("configuration")) {
			t.Errorf("changed: %s", a.body)
		}
		b.get("/strikes/99999/").want(404)
	})
}

// A queue without keys of its own is read by the server's rights.
func TestPageEditsQueueStrikes(t *testing.T) {
	each(t, func(s *shed) {
		s.create("cores", bucket())
		b := s.browser(s.Admin)
		for _, monitor := range []object{
			{"type": "s3", "sqs_name": "q", "transfer_suffix": nil, "credentials": object{"access_key_id": nil, "secret_access_key": nil}, "region_name": nil},
			{"type": "s3", "sqs_name": "q", "credentials": object{}, "region_name": object{"0": "s", "1": "3"}},
			{"type": "s3", "sqs_name": "q", "region_name": object{"0": "s", "1": "3"}},
		} {
			c := object{"workspace": "cores", "monitor": monitor, "recipe": object{}, "files_to_ingest": []object{{"filename_regex": ".*txt"}}}
			b.checks("/strikes/", form(c))
			a := b.send("POST", "/strikes/", form(c)).want(201)
			b.get("/strikes/"+a.at("id").(string)+"/").want(200).reads(nil, "configuration.monitor.sqs_name text")
		}
	})
}

func TestPageRunsScans(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		s.put("raw", "a.txt", "one")
		s.put("raw", "sub/b.txt", "three")
		b := s.browser(s.Admin)
		c := object{"workspace": "raw", "scanner": object{"type": "dir", "transfer_suffix": ""}, "recipe": "", "recursive": nil, "files_to_ingest": []object{{"filename_regex": ".*txt"}}}
		b.checks("/scans/", form(c))
		c["recursive"] = ""
		b.checks("/scans/", form(c))
		delete(c, "recursive")
		c["resursive"] = false // as the page spells it
		b.checks("/scans/", form(c))
		a := b.send("POST", "/scans/", form(c)).want(201)
		path := "/scans/" + a.at("id").(string) + "/"
		const list = "/scans/?page=1&page_size=20&started=2020-01-01T00:00:00.000Z&ended=2150-01-01T00:00:00.000Z&order="
		b.get(list+"-last_modified").want(200).reads([]any{"results", 0}, "name text", "file_count text", "job null", "created text", "last_modified text")
		for _, column := range []string{"name", "file_count", "job", "created"} {
			b.get(list + column).want(200)
		}

		changed := b.get(path).want(200).json()
		changed["title"] = "All images"
		b.send("PATCH", path, changed).want(204)
		b.send("POST", path+"process/", object{"ingest": true}).want(201)
		read := b.get(path).want(200)
		read.reads(nil, "title text", "job.id text", "job.status text", "job.job_type.icon_code text", "configuration.files_to_ingest list", "configuration.recursive bool")
		s.work(func() bool { return b.get("/ingests/?status=INGESTED").at("count") == "1" })
		if a := b.get(list + "name&name=images"); a.at("results", 0, "file_count") != "1" || a.at("results", 0, "job", "job_type", "title") != "Scale Scan" {
			t.Errorf("not below its folder: %s", a.body)
		}
		b.send("POST", path+"process/", object{"ingest": true}).want(409)
		b.send("POST", "/scans/cancel/"+a.at("id").(string)+"/", changed).want(202)
	})
}

func TestPageShowsIngests(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		b := s.browser(s.Admin)
		a := b.send("POST", "/strikes/", form(strikeOn("raw"))).want(201)
		strike := a.at("id").(string)
		const window = "started=2020-01-01T00:00:00.000Z&ended=2150-01-01T00:00:00.000Z"
		b.get("/ingests/?order=-last_modified&page=1&page_size=10&"+window).want(200).reads(nil, "count text", "results list")
		s.put("raw", "a.txt", "one")
		s.put("raw", "b.doc", "two")
		s.work(func() bool {
			return b.get("/ingests/?status=INGESTED").at("count") == "1" && b.get("/ingests/?status=DEFERRED").at("count") == "1"
		})
		a = b.get("/ingests/?order=-strike.id&page=1&page_size=10&" + window + "&status=INGESTED&status=DEFERRED&strike_id=" + strike).want(200)
		for i := range 2 {
			a.reads([]any{"results", i}, "id text", "file_name text", "file_size text", "strike.title text", "status text", "bytes_transferred text",
				"transfer_started text", "transfer_ended text", "ingest_started text null", "ingest_ended text null", "job null")
		}
		id := a.at("results", 0, "id").(string)
		b.get("/ingests/"+id+"/").want(200).reads(nil, "file_path text", "file_name text", "media_type text", "workspace.title text", "status text")
		if a := b.get("/ingests/" + id + "/jobs").want(301); a.header.Get("Location") != "/api/v6/ingests/"+id+"/jobs/" {
			t.Errorf("leads to %s", a.header.Get("Location"))
		}
		b.get("/ingests/"+id+"/jobs/").want(200).reads(nil, "results list")
		for _, times := range []string{"", "&started=2026-01-01T00:00:00.000Z&ended=2026-01-08T00:00:00.000Z"} {
			a := b.get("/ingests/status/?page_size=1000&use_ingest_time=true" + times).want(200)
			a.reads([]any{"results", 0}, "strike.id text", "strike.title text", "values list")
			a.reads([]any{"results", 0, "values", 0}, "time text", "files text", "size text")
		}
	})
}
