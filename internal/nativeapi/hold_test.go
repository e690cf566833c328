package nativeapi_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

func TestHolds(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "a/b.csv", "1")
		const holds = "/coreshed/v1/holds"
		onFile := map[string]any{"file": f.UUID, "reason": "case 17"}
		first := s.want(s.Owner, "POST", holds, onFile, 201)
		equal(t, []any{first["kind"], first["path"], first["version"], first["direction"], first["in_force"], first["lifted_by"]},
			[]any{"file", "a/b.csv", nil, nil, true, nil})
		equal(t, first["created_by"].(map[string]any)["id"], any(s.Owner.ID.String()))
		until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		second := s.want(s.Admin, "POST", holds, map[string]any{"version": f.Version.ID, "direction": "both", "reason": "x", "until": until}, 201)
		third := s.want(s.Owner, "POST", holds, map[string]any{"workspace": s.Workspace.UUID, "reason": "y"}, 201)
		equal(t, []any{second["kind"], second["direction"], third["kind"], third["file_id"]}, []any{"version", "both", "workspace", nil})

		path := fmt.Sprintf("%s/%s", holds, first["hold"])
		equal(t, s.want(s.Viewer, "GET", path, nil, 200), first)
		equal(t, s.want(s.Viewer, "GET", holds+"?file_id="+f.UUID.String(), nil, 200)["results"], any([]any{second, first}))
		for _, p := range []coreshed.Person{s.Editor, s.Viewer} {
			s.want(p, "POST", holds, onFile, 403)
			s.want(p, "DELETE", path, nil, 403)
		}
		for _, p := range []coreshed.Person{s.Member, s.Stranger} {
			s.want(p, "POST", holds, onFile, 404)
			s.want(p, "GET", path, nil, 404)
			s.want(p, "DELETE", path, nil, 404)
			equal(t, s.want(p, "GET", holds, nil, 200)["results"], any([]any{}))
		}

		lifted := s.want(s.Owner, "DELETE", path, nil, 200)
		equal(t, []any{lifted["in_force"], lifted["lifted_at"] != nil}, []any{false, true})
		equal(t, s.want(s.Owner, "DELETE", path, nil, 200), lifted)
		here := holds + "?workspace=" + s.Workspace.UUID.String()
		equal(t, s.want(s.Viewer, "GET", here+"&in_force=true", nil, 200)["results"], any([]any{third, second}))
		equal(t, s.want(s.Viewer, "GET", here+"&in_force=false&limit=1", nil, 200)["results"], any([]any{lifted}))
	})
}

func TestHoldRefusals(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "a.csv", "1")
		for body, status := range map[string]int{
			`[]`: 400, `{`: 400, `{}`: 422, `{"reason": "x"}`: 422, `{"version": 1, "file": "` + f.UUID.String() + `", "reason": "x"}`: 422,
			`{"version": "1", "reason": "x"}`: 422, `{"file": "x", "reason": "x"}`: 422, `{"x": 1}`: 422,
			`{"file": "` + f.UUID.String() + `"}`:                                                 422,
			`{"file": "` + f.UUID.String() + `", "reason": "x", "direction": "up"}`:               422,
			`{"file": "` + f.UUID.String() + `", "reason": "x", "until": "2001-01-01"}`:           422,
			`{"file": "` + f.UUID.String() + `", "reason": "x", "until": "2001-01-01T00:00:00Z"}`: 422,
			`{"file": "` + uuid.NewString() + `", "reason": "x"}`:                                 404,
			`{"version": 999999, "reason": "x"}`:                                                  404,
			fmt.Sprintf(`{"version": %d, "reason": "x", "direction": "x"}`, f.Version.ID):         422,
		} {
			s.want(s.Owner, "POST", "/coreshed/v1/holds", body, status)
		}
		s.want(s.Owner, "GET", "/coreshed/v1/holds/999999", nil, 404)
		s.want(s.Owner, "DELETE", "/coreshed/v1/holds/x", nil, 422)
		s.want(s.Owner, "GET", "/coreshed/v1/holds?in_force=x", nil, 422)
	})
}

// TestHeldBy: a version says what keeps it from being removed, and no more than the
// caller may know.
func TestHeldBy(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "a.csv", "1")
		_, made := s.Made(t, "made.tif", f.Version.ID)
		path := func(id int64) string { return fmt.Sprintf("/coreshed/v1/versions/%d", id) }
		equal(t, s.want(s.Viewer, "GET", path(f.Version.ID), nil, 200)["held_by"], nil)
		h := s.Hold(t, store.NewHold{Version: made, Direction: coreshed.Up})
		for _, id := range []int64{made, f.Version.ID} {
			equal(t, s.want(s.Viewer, "GET", path(id), nil, 200)["held_by"], any(m{"hold": number(h.ID), "reason": "case 17"}))
		}

		// By what was made where the caller sees nothing.
		home := s.Workspace
		s.Workspace = s.AddWorkspace(t, "secret")
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Editor.ID, coreshed.Editor))
		_, secret := s.Made(t, "secret.tif", made)
		s.Hold(t, store.NewHold{Version: secret, Direction: coreshed.Up, Reason: "secret case"})
		s.Workspace = home
		_, err := s.DB.LiftHold(t.Context(), s.View(t, s.Owner), h.ID)
		s.must(err)
		equal(t, s.want(s.Viewer, "GET", path(made), nil, 200)["held_by"], any(m{"hold": nil, "reason": nil}))
		equal(t, at(s.want(s.Owner, "GET", path(made), nil, 200), "held_by", "reason"), any("secret case"))
	})
}
