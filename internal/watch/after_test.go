package watch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// TestStrikeSidecars takes what documents beside files say, and the files
// whatever they say.
func TestStrikeSidecars(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(rule{"filename_regex": "copy", "new_workspace": "products"}, rule{"filename_regex": ".*", "data_types": []string{"raw"}})
		const good = `{"type": "Feature", "geometry": {"type": "Point", "coordinates": [121.5, -30.5]},
			"properties": {"dataStarted": "2026-01-01T00:00:00Z", "sourceSensor": "S1", "dataTypes": ["scene"]}}`
		for name, document := range map[string]string{"good.tif": good, "copy.tif": good, "broken.tif": `{"type": "Feature"`, "none.tif": ""} {
			s.put(s.raw, name, name)
			if document != "" {
				s.put(s.raw, name+".metadata.json", document)
			}
		}
		s.pass(id)
		s.perform()
		remarks := map[string]string{}
		for _, i := range s.ingests() {
			if i.Status != coreshed.IngestIngested {
				t.Errorf("%s is %s: %s", i.Name, i.Status, i.Reason)
			}
			remarks[i.Name] = i.Reason
			e, err := s.db.Entry(t.Context(), s.view, i.Entry)
			s.must(err)
			described := strings.HasPrefix(i.Name, "good") || strings.HasPrefix(i.Name, "copy")
			if (e.Sensor == "S1") != described || (e.Geometry != "") != described || e.ParsedAt.IsZero() == described || i.DataStarted.IsZero() == described {
				t.Errorf("%s: %+v", i.Name, e.Description)
			}
			if i.Name == "good.tif" {
				if diff := cmp.Diff([]string{"raw", "scene"}, e.Tags); diff != "" {
					t.Error(diff)
				}
			}
		}
		if remarks["good.tif"] != "" || !strings.Contains(remarks["broken.tif"], "is not JSON") {
			t.Errorf("remarks: %v", remarks)
		}
		same(t, "raw", []string{
			"ingesting/broken.tif broken.tif", `ingesting/broken.tif.metadata.json {"type": "Feature"`,
			"ingesting/good.tif good.tif", "ingesting/good.tif.metadata.json " + good,
			"ingesting/none.tif none.tif",
		}, s.tree(s.raw))
		same(t, "products", []string{"ingesting/copy.tif copy.tif", "ingesting/copy.tif.metadata.json " + good}, s.tree(s.other))
	})
}

// TestSidecarsOfOneName describes each of several files of one name by the
// document that came with it, wherever the rule has put those before.
func TestSidecarsOfOneName(t *testing.T) {
	for what, r := range map[string]rule{
		"moved":  {"filename_regex": ".*", "new_file_path": "sorted"},
		"copied": {"filename_regex": ".*", "new_workspace": "products"},
		"kept":   {"filename_regex": ".*", "new_workspace": "kept"},
		"left":   everything,
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, s *shed) {
				id := s.strike(r)
				s.put(s.raw, "other.doc", "so that the folder is never empty")
				sensors := []string{"S1", "S2", "", "S3"}
				for n, sensor := range sensors {
					if sensor != "" {
						s.put(s.raw, "a.tif.metadata.json", `{"type": "Feature", "properties": {"sourceSensor": "`+sensor+`"}}`)
					}
					s.put(s.raw, "a.tif", fmt.Sprintf("content %d", n))
					s.pass(id)
					s.perform()
				}
				var got []string
				for _, i := range s.ingests() {
					e, err := s.db.Entry(t.Context(), s.view, i.Entry)
					s.must(err)
					if i.Name == "a.tif" {
						got = append(got, e.Sensor)
					}
				}
				same(t, "sensors", sensors, got)
				for _, line := range s.tree(s.raw) {
					if strings.HasPrefix(line, "a.tif") || (what != "left" && strings.HasPrefix(line, "ingesting/a")) {
						t.Errorf("left over: %s", line)
					}
				}
			})
		})
	}
}

// TestSidecarGoesWhereTheDocumentSays leaves no document behind that would
// describe the next file of the name.
func TestSidecarGoesWhereTheDocumentSays(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(everything)
		const document = `{"type": "Feature", "properties": {"sourceSensor": "S1", "newWorkspacePath": "sorted/a.tif"}}`
		s.put(s.raw, "a.tif.metadata.json", document)
		s.put(s.raw, "a.tif", "one")
		s.pass(id)
		s.perform()
		s.put(s.raw, "a.tif", "two")
		s.pass(id)
		s.perform()
		same(t, "raw", []string{"ingesting/a.tif two", "sorted/a.tif one", "sorted/a.tif.metadata.json " + document}, s.tree(s.raw))
		for _, i := range s.ingests() {
			if i.Status != coreshed.IngestIngested || i.Reason != "" {
				t.Errorf("%s: %s %s", i.Path, i.Status, i.Reason)
			}
		}
	})
}

// TestRecipe starts the recipe of a configuration with each file, once.
func TestRecipe(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		definition := json.RawMessage(`{"input": {"files": [{"name": "scene"}, {"name": "other"}]}}`)
		_, err := s.db.EnsureRecipeType(t.Context(), s.view, store.NewRecipeType{Name: "tiles", Definition: definition})
		s.must(err)
		_, err = s.db.EnsureRecipeType(t.Context(), s.view, store.NewRecipeType{Name: "idle", Definition: json.RawMessage(`{}`)})
		s.must(err)
		s.put(s.raw, "a.tif", "one")
		s.put(s.raw, "b.tif", "two")
		s.put(s.raw, "sub/b.tif", "two")
		for _, recipe := range []string{"tiles", "idle", "none"} {
			var document map[string]any
			s.must(json.Unmarshal(configuration("scanner", map[string]any{"type": "dir"}, everything), &document))
			document["recipe"] = map[string]any{"name": recipe}
			text, err := json.Marshal(document)
			s.must(err)
			made, err := s.db.AddScan(t.Context(), s.view, coreshed.Origin{Workspace: s.ids["raw"], Title: recipe, Configuration: text})
			s.must(err)
			s.takeAll(made.ID)
		}
		recipes, total, err := s.db.Recipes(t.Context(), s.view, store.RecipeFilter{}, nil, coreshed.Page{Limit: 10})
		s.must(err)
		if total != 2 {
			t.Fatalf("%d recipes, want one a file: %+v", total, recipes)
		}
		for _, r := range recipes {
			if r.Type.Name != "tiles" || r.InputSize != 3 || r.Event == nil || r.Event.Type != "SCAN_INGEST" || r.IngestEvent == 0 || !r.CompletedAt.IsZero() {
				t.Errorf("recipe: %+v", r)
			}
		}
	})
}

// TestRun lets the watcher find strikes, scans and files by itself, and stop.
func TestRun(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan struct{}, 2)
		go func() { s.watcher.Run(ctx); ended <- struct{}{} }()
		go func() { s.catalog.IngestAll(ctx, "test"); ended <- struct{}{} }()
		id := s.strike(everything)
		s.put(s.raw, "a.tif", "one")
		s.await("the first file", func() bool { return len(s.entries()) == 1 })
		// A hint is enough: the next pass is a minute away.
		s.put(s.raw, "b.tif", "two")
		s.await("a file that a hint told of", func() bool { return len(s.entries()) == 2 })
		s.put(s.raw, "c.tif_tmp", "three")
		s.must(os.Rename(filepath.Join(s.raw, "c.tif_tmp"), filepath.Join(s.raw, "c.tif")))
		s.await("a file that was renamed", func() bool { return len(s.entries()) == 3 })
		scan := s.scan(rule{"filename_regex": "nothing"})
		_, err := s.db.ProcessScan(t.Context(), s.view, scan, true)
		s.must(err)
		s.await("the scan", func() bool {
			got, err := s.db.Scan(context.Background(), s.view, scan)
			s.must(err)
			return got.Job.Status == "COMPLETED"
		})
		strike, err := s.db.StrikeOf(t.Context(), id)
		s.must(err)
		if strike.Job.Status != "RUNNING" {
			t.Errorf("the strike's job is %s", strike.Job.Status)
		}
		stop()
		<-ended
		<-ended
	})
}

func (s *shed) await(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not come: %v", what, s.told())
		}
	}
}
