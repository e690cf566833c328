package scaleapi_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/store"
)

// What the pages of jobs, recipes and batches read without asking whether it is
// there. Contract Scale v6 §10.2.

func TestPageShowsJobs(t *testing.T) {
	eachWorks(t, func(w *works) {
		b := w.browser(w.Admin)
		again, _, err := w.DB.RecordRun(t.Context(), w.View(t, w.Editor), w.Workspace.ID, store.NewRun{
			Type: store.NewJobType{Name: "parse", Version: "1.1"}, Supersedes: w.parse.ID, Start: &store.RunStart{},
		})
		w.must(err)
		a := b.get("/jobs/?order=-last_modified&page=1&page_size=10&job_type_name=parse&job_type_version=1.0&include_superseded=true").want(200)
		a.reads([]any{"results", 0}, "job_type.title text", "job_type.icon_code text", "status text", "created text", "last_modified text")
		a = b.get(fmt.Sprintf("/jobs/%d/", again.ID)).want(200)
		a.reads(nil, "job_type.title text", "job_type.version text", "job_type.icon_code text", "status text", "last_status_change text", "event.type text",
			"event.occurred text", "input.json object", "output.json object", "execution.status text", "execution.ended null", "execution.last_modified text",
			"superseded_job.job_type.manifest.job.title text", "superseded_job.job_type.manifest.job.jobVersion text")
		if got := a.at("superseded_job", "job_type", "manifest", "job", "title"); got != "Parse" {
			t.Errorf("it supersedes %v", got)
		}
		ended := b.get(fmt.Sprintf("/jobs/%d/", w.parse.ID)).want(200)
		if at, end := ended.at("execution", "last_modified"), ended.at("execution", "ended"); at != end {
			t.Errorf("an execution was last modified at %v and ended at %v", at, end)
		}
		for _, version := range []string{"1.0", "1.1"} { // the second was recorded without a manifest
			b.get("/job-types/parse/"+version+"/").want(200).reads(nil, "title text", "icon_code text", "manifest.job object", "configuration object")
		}
		b.get(fmt.Sprintf("/jobs/%d/executions/", again.ID)).want(200).reads([]any{"results", 0}, "status text", "created text")
	})
}

// A run may supersede one of a workspace that the caller does not see.
func TestPageHidesJobs(t *testing.T) {
	eachWorks(t, func(w *works) {
		again, _, err := w.DB.RecordRun(t.Context(), w.View(t, w.Owner), w.Workspace.ID, store.NewRun{
			Type: store.NewJobType{Name: "parse", Version: "1.0"}, Supersedes: w.hidden.ID,
		})
		w.must(err)
		path := fmt.Sprintf("/v6/jobs/%d/", again.ID)
		if got := w.get(w.Viewer, path).want(200).at("superseded_job"); got != nil {
			t.Errorf("the viewer sees %v", got)
		}
		if got := w.get(w.Owner, path).want(200).at("superseded_job", "id"); got != decimal(w.hidden.ID) {
			t.Errorf("the owner sees %v", got)
		}
	})
}

func TestPageShowsRecipes(t *testing.T) {
	eachWorks(t, func(w *works) {
		b := w.browser(w.Admin)
		b.get("/recipe-types/?page=1&page_size=1000&is_active=true").want(200)
		b.get("/recipes/?order=recipe_type.name&page=1&page_size=10").want(200).
			reads([]any{"results", 0}, "recipe_type.title text", "recipe_type.name text", "created text", "last_modified text")
		a := b.get(fmt.Sprintf("/recipes/%d/", w.recipe.ID)).want(200)
		a.reads(nil, "recipe_type.name text", "recipe_type_rev.revision_num text", "recipe_type_rev.recipe_type.id text", "recipe_type_rev.recipe_type.name text",
			"recipe_type_rev.recipe_type.title text", "recipe_type_rev.definition object", "details.nodes object", "job_types list", "sub_recipe_types list")
		d := b.get("/recipe-types/" + a.at("recipe_type", "name").(string) + "/").want(200)
		d.reads(nil, "definition object")
		if diff := cmp.Diff([]any{[]any{}, []any{}}, []any{d.at("job_types"), d.at("sub_recipe_types")}); diff != "" {
			t.Errorf("of a definition of another form %s", diff)
		}
	})
}

// The page draws a recipe from its definition, and looks there for what its nodes
// are called.
func TestPageDrawsRecipes(t *testing.T) {
	eachWorks(t, func(w *works) {
		r, _, err := w.DB.RecordRecipe(t.Context(), w.View(t, w.Editor), w.Workspace.ID, store.NewRecipe{Type: store.NewRecipeType{
			Name: "outer", Definition: json.RawMessage(`{"input": {"files": [], "json": []}, "nodes": {
				"p": {"dependencies": [], "input": {}, "node_type": {"node_type": "job", "job_type_name": "parse", "job_type_version": "1.0", "job_type_revision": 1}},
				"m": {"dependencies": [{"name": "p"}], "input": {}, "node_type": {"node_type": "recipe", "recipe_type_name": "mine", "recipe_type_revision": 1}},
				"x": {"dependencies": [], "input": {}, "node_type": {"node_type": "job", "job_type_name": "gone", "job_type_version": "1"}}}}`),
		}})
		w.must(err)
		a := w.get(w.Viewer, "/v6/recipe-types/"+r.Type.Name+"/").want(200)
		a.reads([]any{"job_types", 0}, "title text", "version text", "icon_code text", "is_published bool", "manifest.job object")
		got := []any{a.at("title"), len(a.at("job_types").([]any)), a.at("job_types", 0, "name"), a.at("job_types", 0, "version"), len(a.at("sub_recipe_types").([]any)), a.at("sub_recipe_types", 0, "title")}
		if diff := cmp.Diff([]any{"outer", 1, "parse", "1.0", 1, "Mine"}, got); diff != "" {
			t.Errorf("%s %s", diff, a.body)
		}
	})
}

func TestPageShowsBatches(t *testing.T) {
	eachWorks(t, func(w *works) {
		b := w.browser(w.Admin)
		editor := w.View(t, w.Editor)
		second, _, err := w.DB.RecordBatch(t.Context(), editor, w.Workspace.ID, store.NewBatch{Title: "April", Supersedes: w.batch.ID})
		w.must(err)
		third, _, err := w.DB.RecordBatch(t.Context(), editor, w.Workspace.ID, store.NewBatch{Title: "May", Supersedes: second.ID})
		w.must(err)
		a := b.get("/batches/?order=-id&page=1&page_size=10&is_creation_done=false").want(200)
		for i := range 2 { // without a recipe type
			a.reads([]any{"results", i}, "title text", "recipe_type.title text", "recipe_type.description text", "root_batch.id text", "jobs_total text", "recipes_total text")
		}
		a = b.get(fmt.Sprintf("/batches/%d/", third.ID)).want(200)
		a.reads(nil, "recipe_type.name text", "configuration object", "definition object")
		for field, want := range map[string]string{"root_batch": "March", "superseded_batch": "April"} {
			if got := a.at(field, "title"); got != want {
				t.Errorf("%s is %v, want %s", field, got, want)
			}
		}

		// One of a workspace that the caller does not see is not there.
		far := w.AddWorkspace(t, "Far pit")
		owner := w.View(t, w.Owner)
		hidden, _, err := w.DB.RecordBatch(t.Context(), owner, far.ID, store.NewBatch{Title: "Secret"})
		w.must(err)
		seen, _, err := w.DB.RecordBatch(t.Context(), owner, w.Workspace.ID, store.NewBatch{Title: "June", Supersedes: hidden.ID})
		w.must(err)
		path := fmt.Sprintf("/v6/batches/%d/", seen.ID)
		got := w.get(w.Viewer, path).want(200)
		if diff := cmp.Diff([]any{nil, nil}, []any{got.at("root_batch"), got.at("superseded_batch")}); diff != "" {
			t.Errorf("the viewer sees %s", diff)
		}
		if got := w.get(w.Owner, path).want(200).at("superseded_batch", "title"); got != "Secret" {
			t.Errorf("the owner sees %v", got)
		}
	})
}

// The charts of the first page stay empty, with times that the page has not yet.
func TestPageShowsNoMetrics(t *testing.T) {
	each(t, func(s *shed) {
		a := s.get(s.Viewer, "/api/v6/metrics/job-types/plot-data/?choice_id=1&column=completed_count&column=failed_count&dataType=job-types"+
			"&started=undefined&ended=undefined&group=overview&page=1&page_size=null").want(200)
		a.reads(nil, "count text", "results list")
	})
}
