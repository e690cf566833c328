package nativeapi_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestGetVersion(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "Survey/collar.csv", "1,2")
		path := fmt.Sprintf("/coreshed/v1/versions/%d", f.Version.ID)
		got := s.want(s.Viewer, "GET", path, nil, 200)
		equal(t, got["path"], any("Survey/collar.csv"))
		equal(t, got["file_id"], any(f.UUID.String()))
		equal(t, got["version_id"], any(fmt.Sprint(f.Version.VersionID)))
		equal(t, got["size"], any(json.Number("3")))
		equal(t, got["made_by"], nil)
		s.want(s.Admin, "GET", path, nil, 200)

		// Nothing tells that it exists.
		equal(t, s.want(s.Member, "GET", path, nil, 404), s.want(s.Member, "GET", "/coreshed/v1/versions/999999", nil, 404))
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(s *shed) {
		for _, tt := range []struct {
			method, path string
			status       int
		}{
			{"GET", "/coreshed/v1/versions/x", 422},
			{"GET", "/coreshed/v1/versions/0", 422},
			{"GET", "/coreshed/v1/versions/99999999999999999999", 422},
			{"GET", "/coreshed/v1/versions/1/", 404},
			{"GET", "/coreshed/v1/none", 404},
			{"GET", "/coreshed/v2/versions/1", 404},
			{"DELETE", "/coreshed/v1/versions/1", 405},
			{"GET", "/coreshed/v1/versions/1%2Fdescription", 422}, // a slash in an id is part of it
			{"GET", "/coreshed/v1/versions/1?a=%zz", 400},
		} {
			s.want(s.Viewer, tt.method, tt.path, nil, tt.status)
		}
		s.want(s.Stranger, "GET", "/coreshed/v1/versions/1", nil, 404)
		s.tokens[s.Viewer] = "Bearer none"
		s.want(s.Viewer, "GET", "/coreshed/v1/versions/1", nil, 401)
	})
}

func TestFindVersion(t *testing.T) {
	each(t, func(s *shed) {
		first := s.Put(t, s.Editor, "Survey/a b.csv", "1")
		second := s.Put(t, s.Editor, "survey/A B.csv", "22")
		base := "/coreshed/v1/workspaces/" + s.Workspace.UUID.String() + "/version"
		for query, want := range map[string]int64{
			"path=Survey%2Fa+b.csv": second.Version.ID, "path=%2Fsurvey%2FA+B.CSV": second.Version.ID,
			fmt.Sprintf("path=Survey/a%%20b.csv&version_id=%d", first.Version.VersionID): first.Version.ID,
			"file_id=" + first.UUID.String():                                             second.Version.ID,
			fmt.Sprintf("file_id=%s&version_id=%d", first.UUID, first.Version.VersionID): first.Version.ID,
		} {
			equal(t, s.want(s.Viewer, "GET", base+"?"+query, nil, 200)["id"], any(json.Number(fmt.Sprint(want))))
		}
		for query, status := range map[string]int{
			"": 422, "path=": 422, "path=a&file_id=" + first.UUID.String(): 422, "file_id=x": 422, "path=a&version_id=0": 422, "path=a&version_id=x": 422,
			"path=none": 404, "path=..": 400, "path=survey": 404, "path=Survey/a+b.csv&version_id=1": 404,
		} {
			s.want(s.Viewer, "GET", base+"?"+query, nil, status)
		}
		s.want(s.Member, "GET", base+"?path=Survey/a+b.csv", nil, 403)
		s.must(s.DB.DeleteFile(t.Context(), s.Access(t, s.Editor), first.UUID))
		s.want(s.Viewer, "GET", base+"?path=Survey/a+b.csv", nil, 404)
		s.want(s.Viewer, "GET", base+"?file_id="+first.UUID.String(), nil, 200)
		other := s.AddWorkspace(t, "South pit")
		s.want(s.Owner, "GET", "/coreshed/v1/workspaces/"+other.UUID.String()+"/version?file_id="+first.UUID.String(), nil, 404)
	})
}
