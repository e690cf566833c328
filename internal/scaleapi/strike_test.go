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
		s.must(s.DB.Grant(t.Context(), raw, s.Viewer.ID, coreshed.Viewer))
		s.must(s.DB.Grant(t.Context(), products, s.Owner.ID, coreshed.Viewer))
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
