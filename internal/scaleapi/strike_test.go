package scaleapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
)

// TestOldHours: hours before 1970 begin at their start, too.
func TestOldHours(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		s.send(s.Admin, "POST", "/v6/strikes/", body(t, object{"title": "Old", "configuration": strikeOn("raw")})).want(201)
		for name, at := range map[string]string{"a": "1969-12-31T22:30:00Z", "b": "1969-12-31T23:00:00Z", "c": "1970-01-01T00:30:00Z"} {
			s.put("raw", name+".txt", name)
			s.put("raw", name+".txt.metadata.json", `{"type": "Feature", "geometry": null, "properties": {"dataStarted": "`+at+`"}}`)
		}
		s.work(func() bool { return s.get(s.Admin, "/v6/ingests/?status=INGESTED").at("count") == "3" })
		a := s.get(s.Admin, "/v6/ingests/status/?started=1969-12-31T21:00:00Z&ended=1970-01-01T01:00:00Z").want(200)
		var files []string
		for i := range 5 {
			files = append(files, a.at("results", 0, "values", i, "files").(string))
		}
		if diff := cmp.Diff([]string{"0", "1", "1", "1", "0"}, files); diff != "" {
			t.Errorf("%s %s", diff, a.body)
		}
	})
}

// TestMovedStrike: the job of a strike goes with it to another workspace, and so
// does the one that only counted for a scan.
func TestMovedStrike(t *testing.T) {
	each(t, func(s *shed) {
		var raw, products int64
		fmt.Sscan(s.folder("raw"), &raw)
		fmt.Sscan(s.folder("products"), &products)
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, raw, s.Viewer.ID, coreshed.Viewer))
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, products, s.Owner.ID, coreshed.Viewer))
		for path, on := range map[string]func(string, ...object) object{"/v6/strikes/": strikeOn, "/v6/scans/": scanOn} {
			a := s.send(s.Admin, "POST", path, body(t, object{"title": "Moved", "configuration": on("raw")})).want(201)
			made, _ := strings.CutPrefix(a.header.Get("Location"), s.url)
			job := "job"
			if path == "/v6/scans/" {
				a, job = s.send(s.Admin, "POST", made+"process/", "{}").want(201), "dry_run_job"
			}
			job = "/v6/jobs/" + a.at(job, "id").(string) + "/"
			s.get(s.Viewer, job).want(200)
			s.send(s.Admin, "PATCH", made, body(t, object{"configuration": on("products")})).want(204)
			s.get(s.Viewer, job).want(404)
			s.get(s.Owner, job).want(200)
		}
	})
}

// TestScanNames: a part of a name counts with its case, in either database.
func TestScanNames(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		s.send(s.Admin, "POST", "/v6/scans/", body(t, object{"title": "My Scan", "configuration": scanOn("raw")})).want(201)
		for query, want := range map[string]string{
			"?name=y-s": "1", "?name=nothing&name=scan": "1", "?name=MY": "0", "?name=%25": "0", "?name=y_s": "0", "?name=": "1",
		} {
			if got := s.get(s.Admin, "/v6/scans/"+query).want(200).at("count"); got != want {
				t.Errorf("%s counts %v, want %s", query, got, want)
			}
		}
	})
}

// TestUnstorable: what a database cannot hold, or no path can be, is refused
// when it is configured, not when a file arrives.
func TestUnstorable(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		rule := func(member string, value any) object {
			return strikeOn("raw", object{"filename_regex": "a", member: value})
		}
		recipe := strikeOn("raw")
		recipe["recipe"] = object{"name": "r\x00"}
		queue := strikeOn("raw")
		queue["monitor"] = object{"type": "s3", "sqs_name": "q\x00"}
		for want, c := range map[string]object{
			"workspace must be a string without NUL":                                                  strikeOn("raw\x00"),
			"recipe.name must be a string without NUL":                                                recipe,
			"monitor.sqs_name must be a string without NUL":                                           queue,
			"files_to_ingest[0].filename_regex must be a string without NUL":                          rule("filename_regex", "a\x00"),
			"files_to_ingest[0].new_workspace must be a string without NUL":                           rule("new_workspace", "a\x00"),
			"files_to_ingest[0].new_file_path must be a string without NUL":                           rule("new_file_path", "a\x00"),
			"files_to_ingest[0].data_types must be a list of strings without NUL":                     rule("data_types", []string{"a\x00"}),
			"files_to_ingest[0].new_file_path: The path contains a control character.":                rule("new_file_path", "a\tb"),
			"files_to_ingest[0].new_file_path: The path is too long, must be at most 2048 characters": rule("new_file_path", strings.Repeat("a/", 1020)),
		} {
			s.send(s.Admin, "POST", "/v6/strikes/", body(t, object{"title": "x", "configuration": c})).want(400, "Strike configuration invalid: "+want)
			a := s.send(s.Admin, "POST", "/v6/strikes/validation/", body(t, object{"configuration": c})).want(200)
			if a.at("errors", 0, "description") != want {
				t.Errorf("%s, want %s", a.body, want)
			}
		}
	})
}

// TestHiddenTarget: a configuration does not tell the name of a workspace that
// its reader does not see, and can be sent back only as it was read.
func TestHiddenTarget(t *testing.T) {
	each(t, func(s *shed) {
		var raw, products int64
		fmt.Sscan(s.folder("raw"), &raw)
		fmt.Sscan(s.folder("products"), &products)
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, raw, s.Owner.ID, coreshed.Owner))
		configuration := strikeOn("raw", object{"filename_regex": "b", "new_workspace": ""}, object{"filename_regex": ".*", "new_workspace": "products"})
		made := s.send(s.Admin, "POST", "/v6/strikes/", body(t, object{"title": "x", "configuration": configuration})).want(201)
		path, _ := strings.CutPrefix(made.header.Get("Location"), s.url)
		s.put("raw", "a.txt", "one")
		s.work(func() bool { return s.get(s.Admin, "/v6/ingests/?status=INGESTED").at("count") == "1" })
		target := func(p coreshed.Person) any {
			return s.get(p, path).want(200).at("configuration", "files_to_ingest", 1, "new_workspace")
		}
		if got := target(s.Admin); got != "products" {
			t.Errorf("an admin reads %v", got)
		}
		for _, path := range []string{path, "/v6/ingests/1/"} {
			if a := s.get(s.Owner, path).want(200); strings.Contains(string(a.body), "products") {
				t.Errorf("the name is told: %s", a.body)
			}
		}
		read := s.get(s.Owner, path).json()["configuration"].(object)
		s.send(s.Owner, "PATCH", path, body(t, object{"configuration": read})).want(204)
		if got := target(s.Admin); got != "products" {
			t.Errorf("after it was sent back an admin reads %v", got)
		}
		read["monitor"].(object)["transfer_suffix"] = ".part"
		s.send(s.Owner, "PATCH", path, body(t, object{"configuration": read})).want(400)
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, products, s.Owner.ID, coreshed.Editor))
		if got := target(s.Owner); got != "products" {
			t.Errorf("one who sees it reads %v", got)
		}
		s.send(s.Owner, "PATCH", path, body(t, object{"configuration": s.get(s.Owner, path).json()["configuration"]})).want(204)
	})
}
