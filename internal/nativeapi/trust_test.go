package nativeapi_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestDistrust(t *testing.T) {
	each(t, func(s *shed) {
		source := s.Put(t, s.Editor, "a.csv", "1").Version.ID
		r1, p1 := s.Made(t, "p1", source)
		r2, p2 := s.Made(t, "p2", p1)
		at := func(id int64, rest string) string { return fmt.Sprintf("/coreshed/v1/versions/%d%s", id, rest) }
		number := func(id int64) any { return json.Number(fmt.Sprint(id)) }
		equal(t, s.want(s.Viewer, "GET", at(p2, ""), nil, 200)["trust"], nil)

		s.want(s.Viewer, "PUT", at(source, "/distrust"), `{"reason": "wrong datum"}`, 403)
		s.want(s.Viewer, "DELETE", at(source, "/distrust"), nil, 403)
		s.want(s.Member, "PUT", at(source, "/distrust"), `{"reason": "wrong datum"}`, 404)
		s.want(s.Editor, "PUT", at(source, "/distrust"), `{}`, 422)
		bad := s.want(s.Editor, "PUT", at(source, "/distrust"), `{"reason": "wrong datum"}`, 200)["trust"].(map[string]any)
		equal(t, []any{bad["state"], bad["reason"], bad["from"]}, []any{"bad", "wrong datum", []any{}})

		stale := map[string]any{
			"state": "stale", "reason": nil, "marked_at": nil, "marked_by": nil, "from": []any{number(source)}, "hidden": json.Number("0"),
		}
		equal(t, s.want(s.Viewer, "GET", at(p2, ""), nil, 200)["trust"], any(stale))
		for _, v := range s.want(s.Viewer, "GET", at(source, "/lineage?direction=down"), nil, 200)["versions"].([]any) {
			want := any(stale)
			if v.(map[string]any)["distance"] == json.Number("0") {
				want = any(bad)
			}
			equal(t, v.(map[string]any)["trust"], want)
		}
		outputs := s.want(s.Viewer, "GET", fmt.Sprintf("/coreshed/v1/runs/%d/outputs", r2.ID), nil, 200)["results"].([]any)
		equal(t, outputs[0].(map[string]any)["version"].(map[string]any)["trust"], any(stale))

		runs := s.want(s.Viewer, "GET", at(source, "/stale-runs"), nil, 200)
		equal(t, runs["total"], any(json.Number("2")))
		for i, r := range runs["results"].([]any) {
			equal(t, r.(map[string]any)["run"], number([]int64{r1.ID, r2.ID}[i]))
		}
		s.want(s.Member, "GET", at(source, "/stale-runs"), nil, 404)
		s.want(s.Viewer, "GET", at(source, "/stale-runs?limit=0"), nil, 422)

		equal(t, s.want(s.Editor, "DELETE", at(source, "/distrust"), nil, 200)["trust"], nil)
		equal(t, s.want(s.Viewer, "GET", at(p2, ""), nil, 200)["trust"], nil)
	})
}
