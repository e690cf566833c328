package scaleapi_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// Contract Scale v6 §2.8, §7 and §10: the fields that Scale's page sorts by, in
// one order whatever the database. What has no value comes last, or first in
// reverse.
func TestJobOrder(t *testing.T) {
	eachWorks(t, func(w *works) {
		p, d, wait := w.parse.ID, w.detect.ID, w.waiting.ID
		for field, want := range map[string][]int64{
			"node.hostname": {p, d, wait}, "node__hostname": {p, d, wait}, "node": {p, d, wait},
			"error.category": {d, p, wait}, "error__title": {d, p, wait},
			"job_type.title": {d, wait, p}, "job_type.name&order=job_type.version": {d, p, wait}, "started": {p, d, wait}, "ended": {p, d, wait},
			"queued&order=id": {p, d, wait}, "superseded": {p, d, wait}, "is_superseded": {p, d, wait}, "status": {p, d, wait},
			"source_sensor": {p, d, wait}, "source_sensor_class": {p, d, wait}, "source_started": {p, d, wait}, "source_ended": {p, d, wait},
			"source_collection": {p, d, wait}, "source_task": {p, d, wait}, "input_file_size&order=id": {wait, d, p},
			"batch": {p, d, wait}, "batch.title": {p, d, wait}, "recipe.id": {p, d, wait}, "recipe.recipe_type.title": {p, d, wait},
			"last_modified": {p, d, wait}, "created": {p, d, wait},
		} {
			if got := w.get(w.Viewer, "/v6/jobs/?order="+field).want(200).ids(); !slices.Equal(got, idTexts(want...)) {
				t.Errorf("%s: %v, want %v", field, got, want)
			}
		}
		for field, want := range map[string][]int64{
			"-node.hostname": {wait, d, p}, "-started": {wait, d, p}, "-error.category": {wait, p, d}, "-batch.title": {wait, d, p},
		} {
			if got := w.get(w.Viewer, "/v6/jobs/?order="+field).want(200).ids(); !slices.Equal(got, idTexts(want...)) {
				t.Errorf("%s: %v, want %v", field, got, want)
			}
		}
		typeless, _, err := w.DB.RecordBatch(t.Context(), w.View(t, w.Editor), w.Workspace.ID, store.NewBatch{Title: "A"})
		w.must(err)
		for list, want := range map[string][]int64{
			"batches/?order=recipe_type": {w.batch.ID, typeless.ID}, "batches/?order=-recipe_type.title": {typeless.ID, w.batch.ID},
			"batches/?order=title": {typeless.ID, w.batch.ID}, "recipes/?order=recipe_type__title": {w.recipe.ID},
			"recipes/?order=-completed&order=batch.title&order=source_sensor&order=input_file_size": {w.recipe.ID},
		} {
			if got := w.get(w.Viewer, "/v6/"+list).want(200).ids(); !slices.Equal(got, idTexts(want...)) {
				t.Errorf("%s: %v, want %v", list, got, want)
			}
		}
		w.get(w.Viewer, "/v6/recipe-types/?order=-deprecated").want(200)
		w.get(w.Viewer, "/v6/job-types/?order=deprecated&order=title").want(200)
		w.get(w.Viewer, "/v6/jobs/?order=error").want(400)
	})
}

// TestNestedRights: what a list tells of batches and recipes besides is only of
// those that the caller sees.
func TestNestedRights(t *testing.T) {
	eachWorks(t, func(w *works) {
		other, owner := w.AddWorkspace(t, "West pit"), w.View(t, w.Owner)
		var batches []store.BatchEntry
		for _, title := range []string{"Z secret", "A secret"} {
			b, _, err := w.DB.RecordBatch(t.Context(), owner, other.ID, store.NewBatch{Title: title})
			w.must(err)
			batches = append(batches, b)
		}
		r, _, err := w.DB.RecordRecipe(t.Context(), owner, other.ID, store.NewRecipe{Type: store.NewRecipeType{Name: "far", Title: "Far"}, Batch: batches[0].ID})
		w.must(err)
		for i, b := range batches {
			n := store.NewRun{Type: store.NewJobType{Name: "far", Version: "1"}, Batch: b.ID, Start: &store.RunStart{}}
			if i == 0 {
				n.Recipe, n.Node = r.ID, "n"
			}
			run, _, err := w.DB.RecordRun(t.Context(), owner, w.Workspace.ID, n)
			w.must(err)
			w.Upload(t, run.ID, fmt.Sprintf("far/%d.json", i), "made")
		}
		counted := w.get(w.Owner, "/v6/batches/?order=id").want(200)
		for i, want := range [][2]string{{"2", "1"}, {"1", "1"}, {"1", "0"}} {
			if counted.at("results", i, "jobs_total") != want[0] || counted.at("results", i, "recipes_total") != want[1] {
				t.Errorf("batch %d: %s", i, counted.body)
			}
		}
		for _, list := range []string{"jobs/?job_type_name=far", "files/?job_type_name=far"} {
			nested := func(p coreshed.Person) (titles []any) {
				for _, v := range w.get(p, "/v6/"+list+"&order=id").want(200).json()["results"].([]any) {
					b, _ := v.(object)["batch"].(object)
					titles = append(titles, b["title"])
				}
				return titles
			}
			if diff := cmp.Diff([]any{nil, nil}, nested(w.Viewer)); diff != "" {
				t.Errorf("%s: the viewer sees %s", list, diff)
			}
			if diff := cmp.Diff([]any{"Z secret", "A secret"}, nested(w.Owner)); diff != "" {
				t.Errorf("%s: the owner sees %s", list, diff)
			}
			seen, all := w.get(w.Viewer, "/v6/"+list+"&order=batch__title").want(200).ids(), w.get(w.Viewer, "/v6/"+list+"&order=id").want(200).ids()
			if diff := cmp.Diff(all, seen); diff != "" {
				t.Errorf("%s: the order tells of hidden batches: %s", list, diff)
			}
		}
		for p, want := range map[*coreshed.Person]bool{&w.Viewer: false, &w.Owner: true} {
			a := w.get(*p, "/v6/jobs/?job_type_name=far&order=id").want(200)
			if got := a.at("results", 0, "recipe") != nil; got != want {
				t.Errorf("the recipe of a job: %s", a.body)
			}
			a = w.get(*p, "/v6/jobs/"+a.at("results", 0, "id").(string)+"/").want(200)
			if (a.at("recipe") != nil) != want || (a.at("batch") != nil) != want {
				t.Errorf("details of a job: %s", a.body)
			}
		}
	})
}
