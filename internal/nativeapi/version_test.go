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
			{"GET", "/coreshed/v1/versions/1?a=%zz", 400},
		} {
			s.want(s.Viewer, tt.method, tt.path, nil, tt.status)
		}
		s.want(s.Stranger, "GET", "/coreshed/v1/versions/1", nil, 404)
		s.tokens[s.Viewer] = "Bearer none"
		s.want(s.Viewer, "GET", "/coreshed/v1/versions/1", nil, 401)
	})
}
