package nativeapi_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/coreshed/coreshed"
)

// TestRecipe records a batch with a recipe of two runs, and a successor.
func TestRecipe(t *testing.T) {
	each(t, func(s *shed) {
		b := s.want(s.Editor, "POST", s.ws("/batches"), m{"id": "b", "title": "May", "type": m{"name": "tiles"}, "recipes_estimated": 1}, 201)
		s.want(s.Editor, "POST", s.ws("/batches"), m{"id": "b", "title": "May", "type": m{"name": "tiles"}, "recipes_estimated": 1}, 200)
		s.want(s.Editor, "POST", s.ws("/batches"), m{"id": "b", "title": "June"}, 409)
		batch := fmt.Sprintf("/coreshed/v1/batches/%v", b["batch"])
		body := m{"id": "r", "type": m{"name": "tiles", "definition": m{"nodes": m{}}}, "batch": b["batch"], "conditions": []m{{"node": "big"}}}
		r := s.want(s.Editor, "POST", s.ws("/recipes"), body, 201)
		recipe := fmt.Sprintf("/coreshed/v1/recipes/%v", r["recipe"])
		s.want(s.Editor, "POST", s.ws("/recipes"), body, 200)
		s.want(s.Editor, "POST", s.ws("/recipes"), m{"id": "r", "type": m{"name": "other"}}, 409)
		run := s.want(s.Editor, "POST", s.ws("/runs"), m{
			"type": m{"name": "cut", "version": "1"}, "recipe": r["recipe"], "node": "cut", "start": m{}, "end": m{"status": "COMPLETED"},
		}, 201)
		equal(t, []any{run["batch"], run["recipe_type"], run["node"]}, []any{b["batch"], "tiles", "cut"})
		s.want(s.Editor, "POST", recipe+"/conditions", m{"node": "big", "processed": true, "accepted": true}, 200)
		s.want(s.Editor, "POST", recipe+"/conditions", m{"node": "none"}, 404)
		s.want(s.Viewer, "POST", recipe+"/conditions", m{"node": "big"}, 403)
		s.want(s.Viewer, "POST", recipe+"/complete", nil, 403)
		done := s.want(s.Editor, "POST", recipe+"/complete", nil, 200)
		equal(t, []any{at(done, "nodes", 0, "condition", "accepted"), at(done, "nodes", 1, "run"), at(done, "runs", "COMPLETED")},
			[]any{true, run["run"], json.Number("1")})
		equal(t, s.want(s.Viewer, "GET", "/coreshed/v1/recipes?batch="+fmt.Sprint(b["batch"])+"&type=tiles", nil, 200)["total"], any(json.Number("1")))

		s.want(s.Viewer, "POST", batch+"/complete", nil, 403)
		b = s.want(s.Editor, "POST", batch+"/complete", nil, 200)
		equal(t, []any{b["recorded"], b["recipes"], b["recipes_completed"], at(b, "runs", "COMPLETED")},
			[]any{true, json.Number("1"), json.Number("1"), json.Number("1")})
		equal(t, s.want(s.Viewer, "GET", "/coreshed/v1/batches", nil, 200)["total"], any(json.Number("1")))

		next := s.want(s.Editor, "POST", s.ws("/recipes"), m{"type": m{"name": "tiles"}, "supersedes": r["recipe"], "carried_over": []string{"cut"}}, 201)
		equal(t, []any{at(next, "nodes", 0, "run"), at(next, "nodes", 0, "original")}, []any{run["run"], false})
		equal(t, s.want(s.Viewer, "GET", recipe, nil, 200)["superseded"], any(true))
		for _, path := range []string{recipe, batch} {
			s.want(s.Member, "GET", path, nil, 404)
		}
		for _, bad := range []m{{}, {"type": m{}}, {"type": m{"name": "x"}, "parent": -1}, {"type": m{"name": "x"}, "carried_over": []string{"a"}}} {
			s.want(s.Editor, "POST", s.ws("/recipes"), bad, 422)
		}
		s.want(s.Editor, "POST", s.ws("/recipes"), m{"type": m{"name": "x"}, "parent": 999, "parent_node": "n"}, 404)
	})
}

// TestRecipeElsewhere records in a workspace of the caller's what belongs to a
// batch of another, in which the caller is a viewer.
func TestRecipeElsewhere(t *testing.T) {
	each(t, func(s *shed) {
		theirs := s.want(s.Editor, "POST", s.ws("/batches"), m{"title": "May", "type": m{"name": "tiles"}}, 201)["batch"]
		own := s.AddWorkspace(t, "Own")
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, own.ID, s.Viewer.ID, coreshed.Editor))
		base := "/coreshed/v1/workspaces/" + own.UUID.String()
		recipe, run := m{"type": m{"name": "tiles"}, "batch": theirs}, m{"type": m{"name": "cut", "version": "1"}, "batch": theirs}
		for path, body := range map[string]m{"/batches": {"supersedes": theirs}, "/recipes": recipe, "/runs": run} {
			s.want(s.Viewer, "POST", base+path, body, 403)
			s.want(s.Stranger, "POST", base+path, body, 403)
		}
		b := s.want(s.Editor, "GET", fmt.Sprintf("/coreshed/v1/batches/%v", theirs), nil, 200)
		equal(t, []any{b["superseded"], b["recipes"]}, []any{false, json.Number("0")})

		s.must(s.DB.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Viewer.ID, coreshed.Editor))
		s.want(s.Viewer, "POST", base+"/recipes", recipe, 201)
		s.want(s.Viewer, "POST", base+"/runs", run, 201)
		s.want(s.Viewer, "POST", base+"/batches", m{"supersedes": theirs}, 201)
	})
}
