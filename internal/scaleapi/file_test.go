package scaleapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/scaleapi"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func day(n int) time.Time { return time.Date(2016, 1, n, 0, 0, 0, 0, time.UTC) }

// describe says what a version is about, in those countries.
func (s *shed) describe(id int64, d coreshed.Description, countries ...string) {
	s.t.Helper()
	_, err := s.DB.Describe(s.t.Context(), s.View(s.t, s.Editor), id, d, func(context.Context, string, time.Time) ([]string, error) { return countries, nil })
	s.must(err)
}

// product makes a version the output of a run of a job type, in a recipe and a
// batch, and returns the run.
func (s *shed) product(id int64, jobType string) coreshed.Run {
	s.t.Helper()
	view := s.View(s.t, s.Editor)
	batch, _, err := s.DB.RecordBatch(s.t.Context(), view, s.Workspace.ID, store.NewBatch{Title: "My Batch", Description: "All of it"})
	s.must(err)
	recipe, _, err := s.DB.RecordRecipe(s.t.Context(), view, s.Workspace.ID, store.NewRecipe{
		Type: store.NewRecipeType{Name: "my-recipe", Title: "My Recipe"}, Batch: batch.ID,
	})
	s.must(err)
	run := storetest.NewRun()
	run.Type = store.NewJobType{Name: jobType, Version: "1.0.0", Title: "Test " + jobType}
	run.Recipe, run.Node = recipe.ID, "test-recipe-node"
	run.Outputs = []store.Output{{Name: "out_name", Version: coreshed.Ref{ID: id}}}
	run.End = &store.RunEnd{Status: coreshed.Completed}
	return s.Record(s.t, run)
}

// twoFiles are what the reference's tests have: an output with all there is, and
// one of another job type a day later. It returns their ids and the first one's
// run.
func (s *shed) twoFiles() (one, two int64, run coreshed.Run) {
	s.t.Helper()
	one = s.upload("folder/test.txt", "0123456789").Version.ID
	run = s.product(one, "test1")
	s.describe(one, coreshed.Description{
		SourceStarted: day(1), SourceEnded: day(2), DataStarted: day(1), DataEnded: day(2).Add(time.Millisecond),
		SensorClass: "classA", Sensor: "1", Collection: "12345", Task: "test-task", Tags: []string{"type2", "type1"},
		Geometry: "POLYGON ((1 10, 2 10, 2 20, 1 20, 1 10))", CenterPoint: "POINT (1.5 15)",
		Metadata: json.RawMessage(`{"cloud_cover":0.1,"name":"ä<b>"}`),
	}, "ABC", "TST")
	two = s.upload("other.txt", "x").Version.ID
	other := storetest.NewRun()
	other.Type = store.NewJobType{Name: "test2", Version: "1.0.0"}
	other.Outputs = []store.Output{{Name: "other_output", Version: coreshed.Ref{ID: two}}}
	other.End = &store.RunEnd{Status: coreshed.Completed}
	s.Record(s.t, other)
	s.describe(two, coreshed.Description{SourceStarted: day(2), SourceEnded: day(3)})
	return one, two, run
}

// Contract Scale v6 §9.1, cases 1 to 5: what is refused.
func TestListFilesRefuses(t *testing.T) {
	s := open(t, storetest.Memory(t))
	const format = "Invalid ISO timestamp format for parameter: "
	for _, c := range []struct{ query, detail string }{
		{"data_started=hello", format + "data_started"},                                             // case 1
		{"data_started=1970-01-01T00:00:00", format + "data_started"},                               // case 2
		{"started=1970-01-01T00:00:00Z&data_ended=hello", format + "data_ended"},                    // case 3
		{"data_started=1970-01-01T00:00:00Z&data_ended=1970-01-02T00:00:00", format + "data_ended"}, // case 4
		{"data_started=1970-01-02T00:00:00Z&data_ended=1970-01-01T00:00:00", format + "data_ended"}, // case 5
		{"data_started=1970-01-02T00:00:00Z&data_ended=1970-01-01T00:00:00Z", "Start time must come before end time"},
		{"source_started=PT1H&source_ended=PT2H", "Start time must come before end time"},
		{"created_started=1970-01-01T00:00:00Z&created_ended=1970-01-01T01:00:00%2B01:00", "Start and end values must be different"},
		{"modified_started=", format + "modified_started"},
		{"modified_ended=2015-01-01T00:00:00+00:00", format + "modified_ended"}, // the plus sign arrives as a blank
		{"job_id=", `Parameter must be a valid integer: "job_id"`},
		{"job_type_id=1&job_type_id=x", `Parameter must be a valid integer: "job_type_id"`},
		{"recipe_id=1.5", `Parameter must be a valid integer: "recipe_id"`},
		{"batch_id=%00", `Parameter must be a valid integer: "batch_id"`},
		{"file_name=a%00b", `Parameter must be a valid string: "file_name"`},
		{"countries=%ff", `Parameter must be a valid string: "countries"`},
		{"order=nothing", `Cannot sort by "nothing".`},
		{"a=%zz", "The query string has a malformed percent-escape."},
	} {
		s.get(s.Viewer, "/v6/files/?"+c.query).want(400, c.detail)
	}
}

// Cases 6 to 18, and what filters mean beside them.
func TestListFiles(t *testing.T) {
	each(t, func(s *shed) {
		one, two, run := s.twoFiles()
		e := s.Entry(t, one)
		both, first, none := decimal(one)+" "+decimal(two), decimal(one), ""
		for _, c := range []struct{ query, want string }{
			{"created_started=1900-01-01T00:00:00Z&created_ended=2150-01-01T00:00:00Z", both}, // case 6
			{"source_started=2016-01-01T00:00:00Z&source_ended=2016-01-03T00:00:00Z", both},   // case 7
			{"countries=TST", first},                       // case 8
			{"source_sensor_class=classA", first},          // case 9
			{"source_sensor=1", first},                     // case 10
			{"source_collection=12345", first},             // case 11
			{"source_task=test-task", first},               // case 12
			{"job_type_id=" + decimal(run.Type.ID), first}, // case 13
			{"job_type_name=test1", first},                 // case 14
			{"file_name=test.txt", first},                  // case 15
			{"job_output=out_name", first},                 // case 16
			{"recipe_node=test-recipe-node", first},        // case 17
			{"", both},                                     // case 18
			{"job_id=" + decimal(run.ID) + "&sortField=last_modified&sortOrder=desc", first},
			{"recipe_id=" + decimal(e.Made.Recipe) + "&order=-created", first},
			{"recipe_type_id=" + decimal(e.Made.RecipeType.ID), first},
			{"batch_id=" + decimal(e.Made.Batch.ID), first},
			{"batch_id=" + decimal(e.Made.Batch.ID) + "&file_name=other.txt", none},
			{"file_name=other.txt&file_name=test.txt", both},
			{"countries=TST&countries=ABC", first}, // once
			{"countries=tst", none}, {"countries=", none},
			{"file_name=", none}, {"file_name=TEST.TXT", none}, {"file_name=test.txt,other.txt", none},
			{"file_name_search=TEST", first}, {"file_name_search=.txt", both}, {"file_name_search=", both},
			{"file_name_search=%25", none}, {"file_name_search=t_st", none}, {"file_name_search=%5C", none},
			{"file_type=PRODUCT", both}, {"file_type=SOURCE", none}, {"file_type=nothing", none},
			{"media_type=text/plain", both}, {"media_type=TEXT/plain", none},
			{"job_id=999999999999999999999999", none}, {"job_id=-1", none}, {"job_id=0", none},
			{"data_started=2016-01-01T00:00:00Z", first},
			{"data_ended=2016-01-02T00:00:00Z", none},
			{"data_ended=2016-01-02T00:00:00.001Z", first},
			{"source_started=2016-01-01T00:00:00.000001Z", decimal(two)},
			{"source_ended=2016-01-02T00:00:00Z", first},
			{"created_started=PT1H", both}, {"created_ended=PT1H", none}, {"modified_started=P", none},
			{"started=hello&name=x&is_published=maybe&workspace=0&type=y", both}, // no parameters of this list
			{"source_sensor=1&source_sensor_class=classB", none},
		} {
			a := s.get(s.Viewer, "/v6/files/?"+c.query).want(200)
			ids := []string{}
			for _, r := range a.json()["results"].([]any) {
				ids = append(ids, fmt.Sprint(r.(object)["id"]))
			}
			if got := strings.Join(ids, " "); got != c.want || a.at("count") != decimal(int64(len(ids))) {
				t.Errorf("%s: %q of %v, want %q", c.query, got, a.at("count"), c.want)
			}
		}
	})
}

// Parameters of a body count too, after those of the query.
func TestListFilesByBody(t *testing.T) {
	s := open(t, storetest.Memory(t))
	s.Put(t, s.Editor, "a.txt", "x")
	s.Put(t, s.Editor, "b.txt", "x")
	names := func(query, body string, headers ...string) string {
		return strings.Join(s.send(s.Viewer, "GET", "/v6/files/"+query, body, headers...).want(200).names("file_name"), " ")
	}
	for _, c := range []struct{ got, want string }{
		{names("", `{"file_name": "a.txt"}`), "a.txt"},
		{names("", `{"file_name": ["b.txt", "a.txt"], "order": "-file_name"}`), "b.txt a.txt"},
		{names("?file_name=b.txt", `{"file_name": "a.txt"}`), "b.txt"},
		{names("", `{"page_size": 1}`), "a.txt b.txt"},
		{names("", "file_name=b.txt", "Content-Type", "application/x-www-form-urlencoded"), "b.txt"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	s.send(s.Viewer, "GET", "/v6/files/", "{").want(400, "JSON parse error - unexpected EOF")
	s.send(s.Viewer, "GET", "/v6/files/", "x", "Content-Type", "text/plain").want(415, `Unsupported media type "text/plain" in request.`)
}

// All fields of a file with everything, in the exact form of the wire; case 20.
func TestFileDetails(t *testing.T) {
	at := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)
	storetest.EachAt(t, func() time.Time { return at }, func(t *testing.T, db *store.DB) {
		s := open(t, db, func(c *scaleapi.Config) { c.Now = func() time.Time { return at } })
		one, two, run := s.twoFiles()
		s.Put(t, s.Editor, "folder/test.txt", "newer")
		e := s.Entry(t, one)
		a := s.get(s.Viewer, "/v6/files/"+decimal(one)+"/").want(200)
		want := fmt.Sprintf(`{"id":%d,"file_name":"test.txt","workspace":{"id":%d,"name":"%s"},"data_type_tags":["type1","type2"],`+
			`"media_type":"text/plain","file_type":"PRODUCT","file_size":10,"file_path":"folder/test.txt","is_deleted":false,`+
			`"url":"%s/v6/files/%d/content/","created":"2017-01-01T00:00:00Z","deleted":null,`+
			`"data_started":"2016-01-01T00:00:00Z","data_ended":"2016-01-02T00:00:00.001000Z",`+
			`"source_started":"2016-01-01T00:00:00Z","source_ended":"2016-01-02T00:00:00Z",`+
			`"source_sensor_class":"classA","source_sensor":"1","source_collection":"12345","source_task":"test-task",`+
			`"last_modified":"2017-01-01T00:00:00Z","geometry":"POLYGON ((1 10, 2 10, 2 20, 1 20, 1 10))","center_point":"POINT (1.5 15)",`+
			`"countries":["ABC","TST"],"job_type":{"id":%d,"name":"test1","version":"1.0.0","title":"Test test1","description":"",`+
			`"is_active":true,"is_system":false,"is_paused":false,"is_published":true,"icon_code":"f1b2","unmet_resources":null},`+
			`"job":{"id":%d},"job_exe":{"id":%d},"job_output":"out_name",`+
			`"recipe_type":{"id":%d,"name":"my-recipe","title":"My Recipe","description":"","revision_num":1},"recipe":{"id":%d},`+
			`"recipe_node":"test-recipe-node","batch":{"id":%d,"title":"My Batch","description":"All of it","created":"2017-01-01T00:00:00Z"},`+
			`"is_superseded":true,"superseded":"2017-01-01T00:00:00.000001Z"`,
			one, s.Workspace.ID, s.Workspace.Name, s.url, one, run.Type.ID, run.ID, e.Made.Execution,
			e.Made.RecipeType.ID, e.Made.Recipe, e.Made.Batch.ID)
		got, _, _ := strings.Cut(string(a.body), `,"meta_data":`)
		if diff := cmp.Diff(strings.ReplaceAll(want, `,"`, ",\n\""), strings.ReplaceAll(got, `,"`, ",\n\"")); diff != "" {
			t.Errorf("details (-want +got):\n%s", diff)
		}
		meta := object{"cloud_cover": json.Number("0.1"), "name": "ä<b>", "job_name": "test1", "job_version": "1.0.0", "url": a.at("url")}
		if diff := cmp.Diff(any(meta), a.at("meta_data")); diff != "" {
			t.Errorf("meta_data (-want +got):\n%s", diff)
		}
		for _, name := range []string{"ancestors", "descendants", "sources", "uuid"} {
			if _, ok := a.json()[name]; ok {
				t.Errorf("%s is there", name)
			}
		}

		// A list has the same but for meta_data.
		listed := s.get(s.Viewer, "/v6/files/?job_type_name=test1").want(200).at("results", 0)
		details := a.json()
		delete(details, "meta_data")
		if diff := cmp.Diff(any(details), listed); diff != "" {
			t.Errorf("listed otherwise (-details +listed):\n%s", diff)
		}
		if meta := s.get(s.Viewer, "/v6/files/"+decimal(two)+"/").want(200).json()["meta_data"]; meta == nil {
			t.Error("meta_data is null")
		}

		s.get(s.Viewer, "/v6/files/12345/").want(404, "Not found.") // case 20
		s.get(s.Viewer, "/v6/files/"+decimal(math.MaxInt64)+"/").want(404, "Not found.")
	})
}

// Case 69; and a source has no provenance, and says so in full.
func TestSourceDetails(t *testing.T) {
	s := open(t, storetest.Memory(t))
	f := s.Put(t, s.Editor, "a.bin", "x")
	if err := s.DB.DeleteFile(t.Context(), s.Access(t, s.Editor), f.UUID); err != nil {
		t.Fatal(err)
	}
	got := s.get(s.Viewer, "/v6/files/"+decimal(f.Version.ID)+"/").want(200).json()
	if got["is_deleted"] != true || got["deleted"] == nil || got["file_type"] != "SOURCE" {
		t.Errorf("deleted source: %v", got)
	}
	for _, name := range []string{
		"data_started", "data_ended", "source_started", "source_ended", "source_sensor_class", "source_sensor", "source_collection", "source_task",
		"geometry", "center_point", "job_type", "job", "job_exe", "job_output", "recipe_type", "recipe", "recipe_node", "batch", "superseded",
	} {
		if v, ok := got[name]; !ok || v != nil {
			t.Errorf("%s is %v (%v), want null", name, v, ok)
		}
	}
	if diff := cmp.Diff([]any{[]any{}, []any{}, object{}}, []any{got["countries"], got["data_type_tags"], got["meta_data"]}); diff != "" {
		t.Errorf("empty values (-want +got):\n%s", diff)
	}
}
