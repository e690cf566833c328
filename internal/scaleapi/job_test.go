package scaleapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/geo"
	"github.com/coreshed/coreshed/internal/store"
)

// works is a shed with what was made by what: a batch with a recipe of two jobs,
// one of which has failed; a job of its own that waits; and one in a workspace
// that the viewer does not see.
type works struct {
	*shed
	batch           store.BatchEntry
	recipe          coreshed.Recipe
	source, product int64
	parse, detect   coreshed.Run
	waiting, hidden coreshed.Run
}

func at(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }

func (s *shed) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func eachWorks(t *testing.T, test func(w *works)) {
	t.Helper()
	each(t, func(s *shed) {
		w := &works{shed: s}
		w.record()
		test(w)
	})
}

func (w *works) record() {
	w.t.Helper()
	ctx, view := w.t.Context(), w.View(w.t, w.Editor)
	w.source = w.upload("raw/a.tif", "12345").Version.ID
	w.describe(w.source, `{"type": "Feature", "properties": {"dataStarted": "2026-01-01T00:00:00Z", "sourceSensor": "S1", "sourceSensorClass": "radar"}}`)
	recipeType := store.NewRecipeType{
		Name: "mine", Title: "Mine", Description: "Finds mines.",
		Definition: json.RawMessage(`{"nodes": {"parse": {"dependencies": []}, "detect": {"dependencies": [{"name": "parse"}]}, "good": {"dependencies": []}}}`),
	}
	var err error
	w.batch, _, err = w.DB.RecordBatch(ctx, view, w.Workspace.ID, store.NewBatch{Title: "March", Description: "All of it", Type: &recipeType, Estimated: 3})
	w.must(err)
	w.recipe, _, err = w.DB.RecordRecipe(ctx, view, w.Workspace.ID, store.NewRecipe{
		Type: recipeType, Batch: w.batch.ID, Conditions: []store.NewCondition{{Node: "good", Processed: true}},
		Inputs: []coreshed.Input{{Name: "IN", Version: coreshed.Ref{ID: w.source}}}, Values: json.RawMessage(`{"depth": 3}`),
	})
	w.must(err)
	w.parse = w.Record(w.t, store.NewRun{
		Type:   store.NewJobType{Name: "parse", Version: "1.0", Title: "Parse", Description: "Reads.", IconCode: "f013", Manifest: json.RawMessage(`{"job": {"name": "parse"}}`)},
		Recipe: w.recipe.ID, Node: "parse", MaxTries: 3, Values: json.RawMessage(`{"depth": 3}`),
		Inputs:   []coreshed.Input{{Name: "IN", Version: coreshed.Ref{ID: w.source}}},
		QueuedAt: at(0), Start: &store.RunStart{At: at(1), Host: "node-1", Timeout: 60, Resources: json.RawMessage(`{"cpus": 1}`)},
	})
	w.must(w.DB.UpdateRun(ctx, view, w.parse.ID, store.RunUpdate{Progress: []coreshed.TaskUpdate{{Task: "t1", Status: "RUNNING", At: at(1), Document: json.RawMessage(`{"n": 1}`)}}}))
	w.product = w.Upload(w.t, w.parse.ID, "a.json", "made")
	w.must(w.DB.EndRun(ctx, view, w.parse.ID, store.RunEnd{Status: coreshed.Completed, At: at(2), Output: json.RawMessage(`{"count": 7}`)}))
	w.detect = w.Record(w.t, store.NewRun{
		Type: store.NewJobType{Name: "detect", Version: "2.0"}, Recipe: w.recipe.ID, Node: "detect",
		Inputs: []coreshed.Input{{Name: "OUT", Version: coreshed.Ref{ID: w.product}}}, Start: &store.RunStart{At: at(3)},
	})
	w.must(w.DB.EndRun(ctx, view, w.detect.ID, store.RunEnd{
		Status: coreshed.Failed, At: at(4), Error: json.RawMessage(`{"id": 5, "name": "disk", "title": "Disk full", "category": "SYSTEM"}`),
	}))
	w.waiting = w.Record(w.t, store.NewRun{Type: store.NewJobType{Name: "parse", Version: "1.1"}, Status: coreshed.Pending})
	w.hidden = w.recordElsewhere()
}

// recordElsewhere records a run that only the owner and the admin see.
func (w *works) recordElsewhere() coreshed.Run {
	w.t.Helper()
	other := w.AddWorkspace(w.t, "South pit")
	r, _, err := w.DB.RecordRun(w.t.Context(), w.View(w.t, w.Owner), other.ID, store.NewRun{
		Type: store.NewJobType{Name: "parse", Version: "1.0"}, Start: &store.RunStart{},
	})
	w.must(err)
	return r
}

func (w *works) describe(id int64, document string) {
	w.t.Helper()
	d, err := geo.Read([]byte(document))
	w.must(err)
	_, err = w.catalog.Describe(w.t.Context(), w.View(w.t, w.Editor), id, d)
	w.must(err)
}

// ids are the ids of the results, in order.
func (a answer) ids() []string {
	a.t.Helper()
	out := []string{}
	for _, e := range a.json()["results"].([]any) {
		out = append(out, e.(map[string]any)["id"].(json.Number).String())
	}
	return out
}

func idTexts(ids ...int64) []string {
	out := []string{}
	for _, id := range ids {
		out = append(out, fmt.Sprint(id))
	}
	return out
}

func (w *works) wantIDs(path string, ids ...int64) {
	w.t.Helper()
	if diff := cmp.Diff(idTexts(ids...), w.get(w.Viewer, path).want(200).ids()); diff != "" {
		w.t.Errorf("%s: %s", path, diff)
	}
}

func TestJobs(t *testing.T) {
	eachWorks(t, func(w *works) {
		w.wantIDs("/v6/jobs/?order=id", w.parse.ID, w.detect.ID, w.waiting.ID)
		if n := w.get(w.Owner, "/v6/jobs/").want(200).at("count"); n != "4" {
			t.Errorf("the owner sees %v jobs", n)
		}
		if n := w.get(w.Member, "/v6/jobs/").want(200).at("count"); n != "0" {
			t.Errorf("a member without a role sees %v jobs", n)
		}
		got := w.get(w.Viewer, fmt.Sprintf("/v6/jobs/?job_id=%d", w.parse.ID)).want(200).json()["results"].([]any)[0].(map[string]any)
		want := map[string]any{
			"id": number(w.parse.ID), "status": "COMPLETED", "is_superseded": false, "superseded_job": nil, "superseded": nil,
			"job_type": map[string]any{
				"id": number(w.parse.Type.ID), "name": "parse", "version": "1.0", "title": "Parse", "description": "Reads.", "is_active": true,
				"is_system": false, "is_paused": false, "is_published": true, "icon_code": "f013", "unmet_resources": nil,
			},
			"job_type_rev": map[string]any{"id": number(w.parse.Revision.ID), "job_type": ref(w.parse.Type.ID), "revision_num": number(1)},
			"event":        map[string]any{"id": number(w.parse.Event.ID), "type": "USER", "occurred": got["event"].(map[string]any)["occurred"]},
			"ingest_event": nil,
			"recipe": map[string]any{
				"id": number(w.recipe.ID), "recipe_type_rev": ref(w.recipe.Revision.ID), "event": ref(w.recipe.Event.ID),
				"recipe_type": w.recipeType(),
			},
			"batch": w.batchRef(), "node": map[string]any{"id": nil, "hostname": "node-1"}, "error": nil,
			"max_tries": number(3), "num_exes": number(1), "input_file_size": number(1),
			"input_files":    []any{map[string]any{"id": number(w.source), "name": "IN", "file_name": "a.tif"}},
			"source_started": "2026-01-01T00:00:00Z", "source_ended": "2026-01-01T00:00:00Z",
			"source_sensor_class": "radar", "source_sensor": "S1", "source_collection": nil, "source_task": nil,
			"queued": "2026-03-01T00:00:00Z", "started": "2026-03-01T01:00:00Z", "ended": "2026-03-01T02:00:00Z",
			"created": got["created"], "last_modified": got["last_modified"], "last_status_change": got["last_status_change"],
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func number(n int64) json.Number  { return json.Number(fmt.Sprint(n)) }
func ref(id int64) map[string]any { return map[string]any{"id": number(id)} }

func (w *works) recipeType() map[string]any {
	return map[string]any{"id": number(w.recipe.Type.ID), "name": "mine", "title": "Mine", "description": "Finds mines.", "revision_num": number(1)}
}

func (w *works) batchRef() map[string]any {
	return map[string]any{
		"id": number(w.batch.ID), "title": "March", "description": "All of it",
		"created": stampText(w.batch.CreatedAt),
	}
}

func stampText(t time.Time) string {
	if t.Nanosecond() == 0 {
		return t.UTC().Format("2006-01-02T15:04:05Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

func TestJobFilters(t *testing.T) {
	eachWorks(t, func(w *works) {
		p, d, wait := w.parse.ID, w.detect.ID, w.waiting.ID
		for query, want := range map[string][]int64{
			"":                             {p, d, wait},
			"status=FAILED":                {d},
			"status=FAILED&status=PENDING": {d, wait},
			"status=nothing":               {},
			"status=":                      {},
			fmt.Sprintf("job_id=%d&job_id=%d", p, wait):     {p, wait},
			"job_id=99999999999999999999":                   {},
			fmt.Sprintf("job_type_id=%d", w.detect.Type.ID): {d},
			"job_type_name=parse":                           {p, wait},
			fmt.Sprintf("batch_id=%d", w.batch.ID):          {p, d},
			fmt.Sprintf("recipe_id=%d", w.recipe.ID):        {p, d},
			"error_category=SYSTEM":                         {d},
			"error_category=DATA":                           {},
			"error_id=5":                                    {d},
			"error_id=6":                                    {},
			"source_sensor=S1&source_sensor_class=radar":    {p, d},
			"source_sensor=S2":                              {},
			"source_started=2026-01-01T00:00:00Z&source_ended=2026-01-02T00:00:00Z": {p, d},
			"source_started=2026-01-01T00:00:01Z":                                   {},
			"started=PT1H":                                                          {p, d, wait},
			"ended=PT1H":                                                            {},
			"is_superseded=true":                                                    {},
			"is_superseded=f":                                                       {p, d, wait},
			"sortField=last_modified&sortOrder=desc":                                {p, d, wait},
		} {
			w.wantIDs("/v6/jobs/?order=id&"+query, want...)
		}
		w.wantIDs("/v6/jobs/?order=-job_type.name&order=-id", wait, p, d)
		w.wantIDs("/v6/jobs/?order=id&page=2&page_size=2", wait)
		for _, query := range []string{
			"started=hello", "started=2026-01-01T00:00:00", "source_ended=1", "job_id=a", "job_id=", "error_id=x", "is_superseded=maybe", "order=nothing",
			"started=2026-01-02T00:00:00Z&ended=2026-01-01T00:00:00Z",
		} {
			w.get(w.Viewer, "/v6/jobs/?"+query).want(400)
		}
		w.get(w.Viewer, "/v6/jobs/?page=9").want(404, "Invalid page.")
	})
}

func TestJobDetails(t *testing.T) {
	eachWorks(t, func(w *works) {
		path := fmt.Sprintf("/v6/jobs/%d/", w.parse.ID)
		got := w.get(w.Viewer, path).want(200)
		for _, tt := range []struct {
			want  any
			steps []any
		}{
			{map[string]any{"files": map[string]any{"IN": []any{number(w.source)}}, "json": map[string]any{"depth": number(3)}}, []any{"input"}},
			{map[string]any{"files": map[string]any{"OUTPUT": []any{number(w.product)}}, "json": map[string]any{"count": number(7)}}, []any{"output"}},
			{map[string]any{"cpus": number(1)}, []any{"resources"}},
			{map[string]any{"job": map[string]any{"name": "parse"}}, []any{"job_type_rev", "manifest"}},
			{"1", []any{"job_type_rev", "revision_num"}},
			{"COMPLETED", []any{"execution", "status"}},
			{"1", []any{"execution", "exe_num"}},
			{"node-1", []any{"execution", "node", "hostname"}},
			{nil, []any{"superseded_by_job"}},
			{nil, []any{"root_superseded_job"}},
		} {
			if diff := cmp.Diff(tt.want, got.at(tt.steps...)); diff != "" {
				t.Errorf("%v: %s", tt.steps, diff)
			}
		}
		if got.at("event", "description") == nil {
			t.Error("the event has no description")
		}
		for _, path := range []string{fmt.Sprintf("/v6/jobs/%d/", w.hidden.ID), "/v6/jobs/999999/", "/v6/jobs/x/"} {
			w.get(w.Viewer, path).want(404, "Not found.")
		}
		w.get(w.Admin, fmt.Sprintf("/v6/jobs/%d/", w.hidden.ID)).want(200)
		w.send(w.Admin, "DELETE", path, "").want(405)
	})
}

func TestSupersededJobs(t *testing.T) {
	eachWorks(t, func(w *works) {
		again := w.Record(t, store.NewRun{Type: store.NewJobType{Name: "detect", Version: "2.0"}, Supersedes: w.detect.ID})
		old := w.get(w.Viewer, fmt.Sprintf("/v6/jobs/%d/", w.detect.ID)).want(200)
		if old.at("is_superseded") != true || old.at("superseded") == nil || old.at("superseded_by_job", "id") != fmt.Sprint(again.ID) {
			t.Errorf("%s", old.body)
		}
		if got := w.get(w.Viewer, fmt.Sprintf("/v6/jobs/%d/", again.ID)).want(200).at("superseded_job", "id"); got != fmt.Sprint(w.detect.ID) {
			t.Errorf("it supersedes %v", got)
		}
		w.wantIDs("/v6/jobs/?is_superseded=true", w.detect.ID)
	})
}

func TestExecutions(t *testing.T) {
	eachWorks(t, func(w *works) {
		view := w.View(t, w.Editor)
		w.must(w.DB.StartRun(t.Context(), view, w.detect.ID, store.RunStart{Try: "second", At: at(5)}))
		base := fmt.Sprintf("/v6/jobs/%d/executions/", w.detect.ID)
		list := w.get(w.Viewer, base).want(200)
		if list.at("count") != "2" || list.at("results", 0, "exe_num") != "2" || list.at("results", 0, "status") != "RUNNING" ||
			list.at("results", 1, "status") != "FAILED" || list.at("results", 1, "error", "name") != "disk" {
			t.Errorf("%s", list.body)
		}
		if n := w.get(w.Viewer, base+"?status=FAILED").want(200).at("count"); n != "1" {
			t.Errorf("%v failed", n)
		}
		first := w.get(w.Viewer, base+"1/").want(200)
		if first.at("job", "id") != fmt.Sprint(w.detect.ID) || first.at("ended") != "2026-03-01T04:00:00Z" {
			t.Errorf("%s", first.body)
		}
		done := w.get(w.Viewer, fmt.Sprintf("/v6/jobs/%d/executions/1/", w.parse.ID)).want(200)
		want := []any{map[string]any{"task_id": "t1", "status": "RUNNING", "when": "2026-03-01T01:00:00Z", "details": map[string]any{"n": number(1)}}}
		if diff := cmp.Diff(want, done.at("task_results", "tasks")); diff != "" || done.at("timeout") != "60" {
			t.Errorf("%s %s", diff, done.body)
		}
		w.get(w.Viewer, base+"9/").want(404)
		w.get(w.Viewer, fmt.Sprintf("/v6/jobs/%d/executions/", w.hidden.ID)).want(404)
		w.get(w.Viewer, fmt.Sprintf("/v6/jobs/%d/executions/1/", w.hidden.ID)).want(404)
	})
}

func TestInputFiles(t *testing.T) {
	eachWorks(t, func(w *works) {
		for _, tt := range []struct {
			base, input string
		}{
			{fmt.Sprintf("/v6/jobs/%d/input_files/", w.parse.ID), "job_input"},
			{fmt.Sprintf("/v6/recipes/%d/input_files/", w.recipe.ID), "recipe_input"},
		} {
			for query, want := range map[string][]int64{
				"": {w.source}, "file_name=a.tif": {w.source}, "file_name=b.tif": {}, "file_name=": {},
				tt.input + "=IN": {w.source}, tt.input + "=OTHER": {},
				"started=2026-01-01T00:00:00Z&time_field=source": {w.source},
				"started=2026-01-01T00:00:00Z&time_field=data":   {w.source},
				"ended=2026-01-01T00:00:00Z&time_field=data":     {w.source},
				"started=2026-01-02T00:00:00Z&time_field=source": {},
				"started=PT1H":                          {w.source},
				"started=PT1H&time_field=last_modified": {w.source},
				"ended=PT1H&time_field=last_modified":   {},
			} {
				w.wantIDs(tt.base+"?"+query, want...)
			}
			w.get(w.Viewer, tt.base+"?time_field=created").want(400, `Parameter "time_field" values must be one of: ['source', 'data', 'last_modified']`)
			w.get(w.Viewer, tt.base+"?time_field=").want(400)
			w.get(w.Viewer, tt.base+"?started=x").want(400)
			if got := w.get(w.Viewer, tt.base).want(200).at("results", 0, "file_path"); got != "raw/a.tif" {
				t.Errorf("%v", got)
			}
			w.get(w.Member, tt.base).want(404)
		}
		w.get(w.Viewer, "/v6/jobs/999999/input_files/").want(404)
	})
}

func TestRecipes(t *testing.T) {
	eachWorks(t, func(w *works) {
		got := w.get(w.Viewer, "/v6/recipes/").want(200).json()["results"].([]any)[0].(map[string]any)
		want := map[string]any{
			"id": number(w.recipe.ID), "recipe_type": w.recipeType(),
			"recipe_type_rev": map[string]any{"id": number(w.recipe.Revision.ID), "recipe_type": ref(w.recipe.Type.ID), "revision_num": number(1)},
			"event":           map[string]any{"id": number(w.recipe.Event.ID), "type": "USER", "occurred": got["event"].(map[string]any)["occurred"]},
			"ingest_event":    nil, "batch": w.batchRef(), "recipe": nil, "is_superseded": false, "superseded_recipe": nil,
			"input_file_size": number(1), "source_started": "2026-01-01T00:00:00Z", "source_ended": "2026-01-01T00:00:00Z",
			"source_sensor_class": "radar", "source_sensor": "S1", "source_collection": nil, "source_task": nil,
			"jobs_total": number(2), "jobs_pending": number(0), "jobs_blocked": number(0), "jobs_queued": number(0), "jobs_running": number(0),
			"jobs_failed": number(1), "jobs_completed": number(1), "jobs_canceled": number(0),
			"sub_recipes_total": number(0), "sub_recipes_completed": number(0), "is_completed": false,
			"created": got["created"], "completed": nil, "superseded": nil, "last_modified": got["last_modified"],
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for query, found := range map[string]bool{
			"recipe_type_name=mine": true, "recipe_type_name=other": false, "is_completed=false": true, "is_completed=true": false,
			fmt.Sprintf("recipe_id=%d", w.recipe.ID): true, "recipe_id=1000000": false, fmt.Sprintf("batch_id=%d", w.batch.ID): true,
			fmt.Sprintf("recipe_type_id=%d", w.recipe.Type.ID): true, "root_recipe_id=1000000": false, "source_sensor=S1": true, "is_superseded=true": false,
			"started=PT1H": true, "ended=PT1H": false,
		} {
			if n := w.get(w.Viewer, "/v6/recipes/?order=-created&"+query).want(200).at("count"); (n == "1") != found {
				t.Errorf("%s finds %v", query, n)
			}
		}
		w.get(w.Viewer, "/v6/recipes/?is_completed=x").want(400)
		if n := w.get(w.Member, "/v6/recipes/").want(200).at("count"); n != "0" {
			t.Errorf("a member without a role sees %v recipes", n)
		}
	})
}

func TestRecipeDetails(t *testing.T) {
	eachWorks(t, func(w *works) {
		view := w.View(t, w.Editor)
		_, _, err := w.DB.RecordRecipe(t.Context(), view, w.Workspace.ID, store.NewRecipe{
			Type: store.NewRecipeType{Name: "inner"}, Parent: w.recipe.ID, ParentNode: "sub",
		})
		w.must(err)
		got := w.get(w.Viewer, fmt.Sprintf("/v6/recipes/%d/", w.recipe.ID)).want(200)
		for _, tt := range []struct {
			want  any
			steps []any
		}{
			{map[string]any{"files": map[string]any{"IN": []any{number(w.source)}}, "json": map[string]any{"depth": number(3)}}, []any{"input"}},
			{[]any{map[string]any{"name": "parse"}}, []any{"details", "nodes", "detect", "dependencies"}},
			{"job", []any{"details", "nodes", "detect", "node_type", "node_type"}},
			{"FAILED", []any{"details", "nodes", "detect", "node_type", "status"}},
			{fmt.Sprint(w.parse.ID), []any{"details", "nodes", "parse", "node_type", "job_id"}},
			{"condition", []any{"details", "nodes", "good", "node_type", "node_type"}},
			{true, []any{"details", "nodes", "good", "node_type", "is_processed"}},
			{"recipe", []any{"details", "nodes", "sub", "node_type", "node_type"}},
			{"inner", []any{"details", "nodes", "sub", "node_type", "recipe_type_name"}},
			{"1", []any{"sub_recipes_total"}},
			{"parse", []any{"job_types", 0, "name"}},
			{"inner", []any{"sub_recipe_types", 0, "name"}},
			{nil, []any{"superseded_by_recipe"}},
		} {
			if diff := cmp.Diff(tt.want, got.at(tt.steps...)); diff != "" {
				t.Errorf("%v: %s", tt.steps, diff)
			}
		}
		w.get(w.Viewer, "/v6/recipes/999999/").want(404, "Not found.")
		w.get(w.Member, fmt.Sprintf("/v6/recipes/%d/", w.recipe.ID)).want(404)
	})
}

func TestBatches(t *testing.T) {
	eachWorks(t, func(w *works) {
		got := w.get(w.Viewer, "/v6/batches/").want(200).json()["results"].([]any)[0].(map[string]any)
		want := map[string]any{
			"id": number(w.batch.ID), "title": "March", "description": "All of it", "created": stampText(w.batch.CreatedAt),
			"recipe_type":     w.recipeType(),
			"recipe_type_rev": map[string]any{"id": number(w.recipe.Revision.ID), "recipe_type": ref(w.recipe.Type.ID), "revision_num": number(1)},
			"event":           map[string]any{"id": number(w.batch.Event.ID), "type": "USER", "occurred": got["event"].(map[string]any)["occurred"]},
			"is_superseded":   false, "root_batch": got["root_batch"], "superseded_batch": nil, "is_creation_done": got["is_creation_done"],
			"jobs_total": number(2), "jobs_pending": number(0), "jobs_blocked": number(0), "jobs_queued": number(0), "jobs_running": number(0),
			"jobs_failed": number(1), "jobs_completed": number(1), "jobs_canceled": number(0),
			"recipes_estimated": number(3), "recipes_total": number(1), "recipes_completed": number(0),
			"superseded": nil, "last_modified": got["last_modified"],
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for query, found := range map[string]bool{
			fmt.Sprintf("recipe_type_id=%d", w.recipe.Type.ID): true, "recipe_type_id=1000000": false, "is_superseded=true": false,
			"started=PT1H": true, "root_batch_id=1000000": false,
		} {
			if n := w.get(w.Viewer, "/v6/batches/?order=-last_modified&"+query).want(200).at("count"); (n == "1") != found {
				t.Errorf("%s finds %v", query, n)
			}
		}
		details := w.get(w.Viewer, fmt.Sprintf("/v6/batches/%d/", w.batch.ID)).want(200)
		if diff := cmp.Diff(map[string]any{}, details.at("definition")); diff != "" || details.at("event", "description") == nil {
			t.Errorf("%s %s", diff, details.body)
		}
		w.get(w.Viewer, "/v6/batches/999999/").want(404)
		w.get(w.Member, fmt.Sprintf("/v6/batches/%d/", w.batch.ID)).want(404)
	})
}

func TestJobTypes(t *testing.T) {
	eachWorks(t, func(w *works) {
		w.wantIDs("/v6/job-types/", w.detect.Type.ID, w.parse.Type.ID, w.waiting.Type.ID)
		w.wantIDs("/v6/job-types/?order=-id", w.waiting.Type.ID, w.detect.Type.ID, w.parse.Type.ID)
		for query, want := range map[string][]int64{
			"keyword=PAR": {w.parse.Type.ID, w.waiting.Type.ID}, "keyword=reads.": {w.parse.Type.ID}, "keyword=%25": {}, "keyword=": {w.detect.Type.ID, w.parse.Type.ID, w.waiting.Type.ID},
			"is_active=false": {}, "is_system=true": {}, fmt.Sprintf("id=%d", w.parse.Type.ID): {w.parse.Type.ID}, "name=detect": {w.detect.Type.ID},
		} {
			w.wantIDs("/v6/job-types/?"+query, want...)
		}
		w.wantIDs("/v6/job-types/parse/", w.parse.Type.ID, w.waiting.Type.ID)
		w.wantIDs("/v6/job-types/none/")
		names := w.get(w.Viewer, "/v6/job-type-names/").want(200)
		want := []any{
			map[string]any{"name": "detect", "title": "detect", "description": "", "icon_code": "f1b2", "num_versions": number(1), "latest_version": "2.0", "versions": []any{"2.0"}},
			map[string]any{"name": "parse", "title": "parse", "description": "", "icon_code": "f1b2", "num_versions": number(2), "latest_version": "1.1", "versions": []any{"1.0", "1.1"}},
		}
		if diff := cmp.Diff(want, names.at("results")); diff != "" || names.at("count") != "2" {
			t.Errorf("%s %s", diff, names.body)
		}
		details := w.get(w.Viewer, "/v6/job-types/parse/1.0/").want(200)
		if diff := cmp.Diff(any(map[string]any{"job": map[string]any{"name": "parse"}}), details.at("manifest")); diff != "" || details.at("revision_num") != "1" {
			t.Errorf("%s %s", diff, details.body)
		}
		w.wantIDs("/v6/job-types/parse/1.0/revisions/", w.parse.Revision.ID)
		if got := w.get(w.Viewer, "/v6/job-types/parse/1.0/revisions/1/").want(200).at("manifest", "job", "name"); got != "parse" {
			t.Errorf("%v", got)
		}
		for _, path := range []string{"/v6/job-types/parse/9.9/", "/v6/job-types/parse/9.9/revisions/", "/v6/job-types/parse/1.0/revisions/0/", "/v6/job-types/parse/1.0/revisions/2/", "/v6/job-types/" + url.PathEscape("a b") + "/1/"} {
			w.get(w.Viewer, path).want(404, "Not found.")
		}
		if n := w.get(w.Stranger, "/v6/job-types/").status; n == 200 && w.get(w.Stranger, "/v6/job-types/").at("count") != "0" {
			t.Error("a stranger sees job types")
		}
	})
}

func TestJobTypeStatus(t *testing.T) {
	eachWorks(t, func(w *works) {
		got := w.get(w.Viewer, "/v6/job-types/status/?started=2026-01-01T00:00:00Z").want(200)
		type counted struct{ kind, status, category, count string }
		counts := func(a answer) []counted {
			list := []counted{}
			for _, r := range a.json()["results"].([]any) {
				kind := r.(map[string]any)["job_type"].(map[string]any)
				for _, c := range r.(map[string]any)["job_counts"].([]any) {
					c := c.(map[string]any)
					category, _ := c["category"].(string)
					list = append(list, counted{kind["name"].(string) + kind["version"].(string), c["status"].(string), category, c["count"].(json.Number).String()})
				}
			}
			return list
		}
		want := []counted{{"detect2.0", "FAILED", "SYSTEM", "1"}, {"parse1.0", "COMPLETED", "", "1"}, {"parse1.1", "PENDING", "", "1"}}
		if diff := cmp.Diff(want, counts(got), cmp.AllowUnexported(counted{})); diff != "" {
			t.Error(diff)
		}
		if n := len(got.json()["results"].([]any)); n != 3 {
			t.Errorf("%d job types", n)
		}
		w.get(w.Viewer, "/v6/job-types/status/?started=x").want(400)
		pending := w.get(w.Viewer, "/v6/job-types/pending/").want(200)
		if pending.at("count") != "1" || pending.at("results", 0, "job_type", "version") != "1.1" || pending.at("results", 0, "count") != "1" || pending.at("results", 0, "longest_pending") == nil {
			t.Errorf("%s", pending.body)
		}
		if running := w.get(w.Viewer, "/v6/job-types/running/").want(200); running.at("count") != "0" {
			t.Errorf("%s", running.body)
		}
		if running := w.get(w.Owner, "/v6/job-types/running/").want(200); running.at("count") != "1" || running.at("results", 0, "longest_running") == nil {
			t.Errorf("%s", running.body)
		}
		failures := w.get(w.Viewer, "/v6/job-types/system-failures/").want(200)
		if failures.at("count") != "1" || failures.at("results", 0, "error", "name") != "disk" || failures.at("results", 0, "count") != "1" {
			t.Errorf("%s", failures.body)
		}
	})
}

func TestRecipeTypes(t *testing.T) {
	eachWorks(t, func(w *works) {
		w.wantIDs("/v6/recipe-types/", w.recipe.Type.ID)
		w.wantIDs("/v6/recipe-types/?keyword=FINDS", w.recipe.Type.ID)
		w.wantIDs("/v6/recipe-types/?is_active=false")
		details := w.get(w.Viewer, "/v6/recipe-types/mine/").want(200)
		if details.at("title") != "Mine" || details.at("definition", "nodes", "good") == nil {
			t.Errorf("%s", details.body)
		}
		w.wantIDs("/v6/recipe-types/mine/revisions/", w.recipe.Revision.ID)
		if got := w.get(w.Viewer, "/v6/recipe-types/mine/revisions/1/").want(200); got.at("recipe_type", "name") != "mine" || got.at("definition", "nodes") == nil {
			t.Errorf("%s", got.body)
		}
		w.get(w.Viewer, "/v6/recipe-types/none/").want(404)
		w.get(w.Viewer, "/v6/recipe-types/mine/revisions/2/").want(404)
		w.get(w.Viewer, "/v6/recipe-types/mine/revisions/0/").want(404)
	})
}

// TestDashboard sends what the start page and the pages of jobs ask for, in
// their order (contract §10.1, §10.2).
func TestDashboard(t *testing.T) {
	eachWorks(t, func(w *works) {
		for _, path := range []string{
			"/api/v6/accounts/profile/", "/api/v6/version/", "/api/v6/scheduler/", "/api/v6/status/",
			"/api/v6/job-types/status/", "/api/v6/jobs/?page=1&page_size=25&order=-last_modified&started=2026-01-01T00:00:00.000Z&ended=2030-01-01T00:00:00.000Z",
			"/api/v6/jobs/", "/api/v6/job-types/?page=1&page_size=1000&order=title", "/api/v6/job-type-names/",
			"/api/v6/queue/status/", "/api/v6/load/?started=PT3H", "/api/v6/nodes/",
			"/api/v6/recipes/?order=-created&page=1&page_size=25", "/api/v6/recipe-types/?page_size=1000", "/api/v6/batches/?order=-last_modified",
			fmt.Sprintf("/api/v6/jobs/%d/", w.parse.ID), fmt.Sprintf("/api/v6/jobs/%d/executions/", w.parse.ID),
		} {
			w.get(w.Viewer, path).want(200)
		}
		inputs := w.get(w.Viewer, fmt.Sprintf("/api/v6/jobs/%d/input_files/", w.parse.ID)).want(200)
		outputs := w.get(w.Viewer, fmt.Sprintf("/api/v6/files/?job_id=%d&sortField=last_modified&sortOrder=desc", w.parse.ID)).want(200)
		products := w.get(w.Viewer, fmt.Sprintf("/api/v6/files/?order=-created&page=1&page_size=25&recipe_id=%d", w.recipe.ID)).want(200)
		for _, tt := range []struct {
			a  answer
			id int64
		}{{inputs, w.source}, {outputs, w.product}, {products, w.product}} {
			if diff := cmp.Diff(idTexts(tt.id), tt.a.ids()); diff != "" {
				t.Errorf("%s: %s", tt.a.what, diff)
			}
			for _, field := range []string{"url", "file_name", "file_size", "created", "last_modified"} {
				if tt.a.at("results", 0, field) == nil {
					t.Errorf("%s: no %s", tt.a.what, field)
				}
			}
		}
		if products.at("results", 0, "job_type", "title") != "Parse" || products.at("results", 0, "job_output") != "OUTPUT" {
			t.Errorf("%s", products.body)
		}
		// Pages ask without the final slash too.
		if got := w.get(w.Viewer, fmt.Sprintf("/api/v6/jobs/%d", w.parse.ID)).want(301); got.header.Get("Location") != fmt.Sprintf("/api/v6/jobs/%d/", w.parse.ID) {
			t.Errorf("%v", got.header)
		}
	})
}

// TestCountersFollowTheView: what happens in a workspace that the caller does
// not see is in no counter.
func TestCountersFollowTheView(t *testing.T) {
	eachWorks(t, func(w *works) {
		_, _, err := w.DB.RecordRun(t.Context(), w.View(t, w.Owner), w.hidden.Workspace.ID, store.NewRun{
			Type: store.NewJobType{Name: "parse", Version: "1.0"}, Recipe: w.recipe.ID, Node: "elsewhere",
		})
		w.must(err)
		for person, want := range map[coreshed.Person]string{w.Viewer: "2", w.Owner: "3"} {
			for _, path := range []string{"/v6/batches/%d/", "/v6/recipes/%d/"} {
				id := w.batch.ID
				if path == "/v6/recipes/%d/" {
					id = w.recipe.ID
				}
				if got := w.get(person, fmt.Sprintf(path, id)).want(200).at("jobs_total"); got != want {
					t.Errorf("%s shows %v jobs, want %s", path, got, want)
				}
			}
		}
		nodes := w.get(w.Viewer, fmt.Sprintf("/v6/recipes/%d/", w.recipe.ID)).want(200).at("details", "nodes").(map[string]any)
		if _, shown := nodes["elsewhere"]; shown || len(nodes) != 3 {
			t.Errorf("%v", nodes)
		}
	})
}
