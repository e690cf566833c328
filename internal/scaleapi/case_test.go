package scaleapi_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/scaleapi"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestFileWithEverything: case 19, with its values. A file that has provenance is
// a product here, whatever it was before.
func TestFileWithEverything(t *testing.T) {
	at := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)
	storetest.EachAt(t, func() time.Time { return at }, func(t *testing.T, db *store.DB) {
		s := open(t, db, func(c *scaleapi.Config) { c.Now = func() time.Time { return at } })
		id := s.upload("some/my_file.png", strings.Repeat("x", 1000)).Version.ID
		run := s.product(id, "test1")
		s.describe(id, coreshed.Description{DataStarted: at, DataEnded: at, SourceStarted: at, SourceEnded: at, Geometry: "POINT (1 2)"}, "TST")
		s.Put(t, s.Editor, "some/my_file.png", "newer")
		a := s.get(s.Viewer, "/v6/files/"+decimal(id)+"/").want(200)
		for _, c := range []struct {
			got  any
			want string
		}{
			{a.at("id"), decimal(id)}, {a.at("file_name"), "my_file.png"}, {a.at("file_type"), "PRODUCT"}, {a.at("media_type"), "image/png"},
			{a.at("file_size"), "1000"}, {a.at("file_path"), "some/my_file.png"}, {a.at("workspace", "id"), decimal(s.Workspace.ID)},
			{a.at("is_deleted"), "false"}, {a.at("data_started"), "2017-01-01T00:00:00Z"}, {a.at("data_ended"), "2017-01-01T00:00:00Z"},
			{a.at("source_started"), "2017-01-01T00:00:00Z"}, {a.at("source_ended"), "2017-01-01T00:00:00Z"}, {a.at("countries", 0), "TST"},
			{a.at("job", "id"), decimal(run.ID)}, {a.at("job_exe", "id"), decimal(s.Entry(t, id).Made.Execution)}, {a.at("job_output"), "out_name"},
			{a.at("recipe_node"), "test-recipe-node"}, {a.at("batch", "title"), "My Batch"}, {a.at("is_superseded"), "true"},
			{a.at("superseded").(string)[:19], "2017-01-01T00:00:00"}, // a microsecond later: no two versions are of one time
		} {
			if got := fmt.Sprint(c.got); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		}
		for _, name := range []string{"ancestors", "descendants", "sources"} {
			if _, ok := a.json()[name]; ok {
				t.Errorf("%s is there", name)
			}
		}
	})
}

// TestBrokerWorkspace: cases 76 to 78. A workspace over a folder, by a
// configuration of version 1.0.
func TestBrokerWorkspace(t *testing.T) {
	each(t, func(s *shed) {
		post := func(configuration object) answer {
			return s.send(s.Admin, "POST", "/v6/workspaces/", body(t, object{"title": "Raw", "description": "Scenes", "configuration": configuration}))
		}
		a := post(object{"version": "1.0", "broker": object{"type": "host", "host_path": s.root}}).want(201)
		for _, c := range []struct {
			got  any
			want string
		}{
			{a.at("name"), "raw"}, {a.at("title"), "Raw"}, {a.at("description"), "Scenes"}, {a.at("configuration", "broker", "type"), "host"}, {a.at("is_active"), "true"},
		} {
			if fmt.Sprint(c.got) != c.want { // case 76
				t.Errorf("got %v, want %s", c.got, c.want)
			}
		}
		s.must(os.WriteFile(filepath.Join(s.root, "a.txt"), []byte("scene"), 0o644))
		id := s.placed("raw", "a.txt")
		if got := s.get(s.Admin, "/v6/files/"+decimal(id)+"/content/").want(200); string(got.body) != "scene" { // case 77
			t.Errorf("it reads %q", got.body)
		}
		a = post(object{"broker": object{"type": "host"}}).want(400) // case 78
		if detail := a.at("detail").(string); !strings.Contains(detail, "host_path") {
			t.Errorf("without host_path: %s", detail)
		}
	})
}

// placed registers a file that lies in a workspace's folder, and returns its
// version.
func (s *shed) placed(workspace, name string) int64 {
	s.t.Helper()
	ws, err := s.DB.WorkspaceByName(s.t.Context(), workspace)
	s.must(err)
	access, err := s.DB.Access(s.t.Context(), coreshed.Actor{ID: s.Admin.ID}, s.Org.ID, ws.UUID)
	s.must(err)
	info, err := os.Stat(filepath.Join(s.root, workspace, name))
	if err != nil {
		info, err = os.Stat(filepath.Join(s.root, name))
	}
	s.must(err)
	_, err = s.DB.AddInPlace(s.t.Context(), access, store.Place{Path: name, Size: info.Size(), Modified: info.ModTime()})
	s.must(err)
	f, err := s.DB.FileByPath(s.t.Context(), access, name, 0)
	s.must(err)
	return f.Version.ID
}

// TestFilesOfTwoWorkspaces: cases 56 to 58, 62, 63 and 69. Each file is read from the
// folder that it lies in, in the order that they are asked for.
func TestFilesOfTwoWorkspaces(t *testing.T) {
	each(t, func(s *shed) {
		one := s.folder("one")
		s.folder("two")
		var ids []int64
		for _, f := range []struct{ workspace, name string }{{"one", "a.txt"}, {"two", "a.txt"}, {"one", "b.json"}, {"two", "c"}, {"one", "c"}} {
			s.put(f.workspace, f.name, f.workspace+" "+f.name)
			ids = append(ids, s.placed(f.workspace, f.name))
		}
		content := func(id int64) answer { return s.get(s.Admin, "/v6/files/"+decimal(id)+"/content/") }
		var read []string
		for _, id := range ids { // case 56
			read = append(read, string(content(id).want(200).body))
		}
		if got := strings.Join(read, ", "); got != "one a.txt, two a.txt, one b.json, two c, one c" {
			t.Errorf("read %s", got)
		}
		for i, want := range []string{"text/plain", "text/plain", "application/json", "application/octet-stream"} { // case 62
			if got := s.get(s.Admin, "/v6/files/"+decimal(ids[i])+"/").at("media_type"); got != want {
				t.Errorf("%d is %v, want %s", i, got, want)
			}
		}
		s.must(os.RemoveAll(filepath.Join(s.root, "two"))) // case 63
		content(ids[1]).want(502)
		content(ids[0]).want(200)
		s.send(s.Admin, "PATCH", "/v6/workspaces/"+one+"/", `{"is_active": false}`).want(204) // case 57
		content(ids[0]).want(502)
		s.send(s.Admin, "PATCH", "/v6/workspaces/"+one+"/", `{"is_active": true}`).want(204)
		content(ids[0]).want(200)

		// Case 58: what is deleted is sent while its bytes are kept.
		ws, err := s.DB.WorkspaceByName(t.Context(), "one")
		s.must(err)
		access, err := s.DB.Access(t.Context(), coreshed.Actor{ID: s.Admin.ID}, s.Org.ID, ws.UUID)
		s.must(err)
		f, err := s.DB.FileByPath(t.Context(), access, "a.txt", 0)
		s.must(err)
		s.must(s.DB.DeleteFile(t.Context(), access, f.UUID))
		if a := s.get(s.Admin, "/v6/files/"+decimal(ids[0])+"/").want(200); a.at("is_deleted") != true || a.at("deleted") == nil { // case 69
			t.Errorf("deleted: %s", a.body)
		}
		content(ids[0]).want(200)
	})
}

// TestMovesInTwoWorkspaces: cases 59 to 61. What arrives is moved within its own
// workspace; nothing moves in one that is not active, and it does once it is.
func TestMovesInTwoWorkspaces(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("one")
		two := s.folder("two")
		for _, ws := range []string{"one", "two"} {
			c := strikeOn(ws, object{"filename_regex": ".*txt", "new_file_path": "sorted"})
			s.send(s.Admin, "POST", "/v6/strikes/", body(t, object{"title": ws, "configuration": c})).want(201)
			s.put(ws, "a.txt", ws)
			s.put(ws, "b.txt", ws)
		}
		active := func(yes string) {
			s.send(s.Admin, "PATCH", "/v6/workspaces/"+two+"/", `{"is_active": `+yes+`}`).want(204)
		}
		moved := func(ws string) int {
			list, err := filepath.Glob(filepath.Join(s.root, ws, "sorted", "*", "*", "*", "?.txt"))
			s.must(err)
			return len(list)
		}
		active("false")
		s.work(func() bool { return moved("one") == 2 })
		if n := moved("two"); n != 0 {
			t.Errorf("%d files were moved in a workspace that is not active", n)
		}
		active("true")
		s.work(func() bool { return moved("two") == 2 })
	})
}

// TestFilesOfSource: cases 122 and 123.
func TestFilesOfSource(t *testing.T) {
	each(t, func(s *shed) {
		// Two products of one source, in two batches: the filter finds one.
		source := s.upload("source.tif", "1").Version.ID
		var products, batches []int64
		for i, name := range []string{"x.tif", "y.tif"} {
			batch, _, err := s.DB.RecordBatch(t.Context(), s.View(t, s.Editor), s.Workspace.ID, store.NewBatch{Title: name})
			s.must(err)
			run := storetest.NewRun(source)
			run.Batch, run.Values = batch.ID, json.RawMessage(fmt.Sprintf(`{"n": %d}`, i))
			r := s.Record(t, run)
			products, batches = append(products, s.Upload(t, r.ID, name, name)), append(batches, batch.ID)
			s.End(t, r.ID, coreshed.Completed)
		}
		for i := range products { // case 122
			if got := strings.Join(s.get(s.Viewer, "/v6/files/?batch_id="+decimal(batches[i])).want(200).ids(), " "); got != decimal(products[i]) {
				t.Errorf("batch %d: %s, want %d", i, got, products[i])
			}
		}

		// A window takes what lies in it, and not what only overlaps it.
		s.describe(source, coreshed.Description{DataStarted: day(10), DataEnded: day(20)})
		for query, want := range map[string]string{ // case 123
			"data_started=2016-01-09T00:00:00Z&data_ended=2016-01-21T00:00:00Z": decimal(source),
			"data_started=2016-01-10T00:00:00Z&data_ended=2016-01-20T00:00:00Z": decimal(source),
			"data_started=2016-01-11T00:00:00Z&data_ended=2016-01-21T00:00:00Z": "",
			"data_started=2016-01-09T00:00:00Z&data_ended=2016-01-19T00:00:00Z": "",
			"data_started=2016-01-12T00:00:00Z&data_ended=2016-01-13T00:00:00Z": "",
		} {
			if got := strings.Join(s.get(s.Viewer, "/v6/files/?"+query).want(200).ids(), " "); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	})
}

// TestProductUpdates: cases 140 and 141. Products by when they have changed, in
// that order, and by the type of their jobs. What was never published is there
// too: nothing is left out of this list.
func TestProductUpdates(t *testing.T) {
	var now time.Time
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		s := open(t, db)
		source := s.Put(t, s.Editor, "a.tif", "1").Version.ID
		made := func(jobType string, status coreshed.RunStatus) string {
			now = now.Add(time.Hour)
			run := storetest.NewRun(source)
			run.Type.Name = jobType
			r := s.Record(t, run)
			id := s.Upload(t, r.ID, jobType+".tif", "x")
			s.End(t, r.ID, status)
			return decimal(id)
		}
		one, two, failed, three := made("one", coreshed.Completed), made("two", coreshed.Completed), made("failed", coreshed.Failed), made("three", coreshed.Completed)
		for query, want := range map[string]string{
			"":                                       one + " " + two + " " + failed + " " + three,
			"&modified_started=2026-03-01T14:00:00Z": two + " " + failed + " " + three,
			"&modified_started=2026-03-01T13:00:00Z&modified_ended=2026-03-01T14:00:00Z": one + " " + two,
			"&job_type_name=two&job_type_name=three":                                     two + " " + three, // case 141
			"&order=-last_modified&job_type_name=two&job_type_name=three":                three + " " + two,
		} {
			if got := strings.Join(s.get(s.Viewer, "/v6/files/?file_type=PRODUCT"+query).want(200).ids(), " "); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
	})
}

// TestActiveWorkspaces: case 152. Which workspaces are active, of those that
// there are.
func TestActiveWorkspaces(t *testing.T) {
	each(t, func(s *shed) {
		off := s.create("Off", s.host())
		s.send(s.Admin, "PATCH", off, `{"is_active": false}`).want(204)
		active := map[string]any{}
		for _, w := range s.get(s.Admin, "/v6/workspaces/").want(200).json()["results"].([]any) {
			active[w.(object)["name"].(string)] = w.(object)["is_active"]
		}
		if len(active) != 2 || active["off"] != false || active["north-pit"] != true {
			t.Errorf("active: %v", active)
		}
		s.get(s.Admin, "/v6/workspaces/999999/").want(404)
	})
}

// TestIngestsOfTwo: cases 120 and 156. Ingests by what has found them, their
// file and their status; and an element of the status for each strike, also for
// one that has found nothing.
func TestIngestsOfTwo(t *testing.T) {
	each(t, func(s *shed) {
		for _, title := range []string{"raw", "other", "idle"} {
			s.folder(title)
		}
		s.put("raw", "a.txt", "one")
		s.put("raw", "b.doc", "two")
		s.put("other", "c.txt", "three")
		post := func(path string, b object) string {
			return s.send(s.Admin, "POST", path, body(t, b)).want(201).at("id").(string)
		}
		strike := post("/v6/strikes/", object{"title": "Strike", "configuration": strikeOn("raw")})
		idle := post("/v6/strikes/", object{"title": "Idle", "configuration": strikeOn("idle")})
		scan := post("/v6/scans/", object{"title": "Scan", "configuration": scanOn("other")})
		post("/v6/scans/"+scan+"/process/", object{"ingest": true})
		count := func(query string) any { return s.get(s.Admin, "/v6/ingests/?"+query).want(200).at("count") }
		s.work(func() bool { return count("status=INGESTED") == "2" && count("status=DEFERRED") == "1" })
		for query, want := range map[string]string{
			"": "3", "status=INGESTED": "2", "status=DEFERRED": "1", "strike_id=" + strike: "2", "scan_id=" + scan: "1",
			"strike_id=" + strike + "&strike_id=" + idle: "2", "strike_id=" + idle: "0", "file_name=a.txt": "1",
			"file_name=a.txt&status=INGESTED": "1", "file_name=a.txt&status=DEFERRED": "0", // case 120
		} {
			if got := count(query); got != want {
				t.Errorf("%s counts %v, want %s", query, got, want)
			}
		}
		a := s.get(s.Admin, "/v6/ingests/status/?use_ingest_time=true&started=PT1H&ended=PT0S").want(200)
		files := map[string]string{}
		for i := range a.json()["results"].([]any) {
			files[a.at("results", i, "strike", "id").(string)] = a.at("results", i, "files").(string)
		}
		if len(files) != 2 || files[strike] != "1" || files[idle] != "0" {
			t.Errorf("status: %v", files)
		}

		// No recipe of that name; and another workspace, in which the strike goes on.
		unknown := strikeOn("raw")
		unknown["recipe"] = object{"name": "none"}
		s.send(s.Admin, "POST", "/v6/strikes/", body(t, object{"title": "x", "configuration": unknown})).want(400)
		s.send(s.Admin, "PATCH", "/v6/strikes/"+strike+"/", body(t, object{"configuration": strikeOn("other")})).want(204)
		s.put("other", "d.txt", "four")
		s.work(func() bool { return count("strike_id="+strike+"&file_name=d.txt&status=INGESTED") == "1" })
	})
}
