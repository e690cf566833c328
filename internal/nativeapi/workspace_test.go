package nativeapi_test

import (
	"encoding/json"
	"testing"
)

func TestRetention(t *testing.T) {
	each(t, func(s *shed) {
		path := "/coreshed/v1/workspaces/" + s.Workspace.UUID.String()
		first := s.want(s.Viewer, "GET", path, nil, 200)
		equal(t, []any{first["title"], first["retention"]}, []any{"North pit", nil})
		equal(t, s.want(s.Owner, "PATCH", path, `{"retention": 86400}`, 200)["retention"], any(json.Number("86400")))
		equal(t, s.want(s.Owner, "PATCH", path, `{}`, 200)["retention"], any(json.Number("86400")))
		equal(t, s.want(s.Viewer, "GET", path, nil, 200)["retention"], any(json.Number("86400")))
		s.want(s.Editor, "PATCH", path, `{"retention": 1}`, 403)
		s.want(s.Member, "GET", path, nil, 403)
		for _, bad := range []string{`0`, `-1`, `1.5`, `"1"`, `9223372036854775807`, `{}`} {
			s.want(s.Owner, "PATCH", path, `{"retention": `+bad+`}`, 422)
		}
		equal(t, s.want(s.Admin, "PATCH", path, `{"retention": null}`, 200), first)
	})
}
