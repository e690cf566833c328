package nativeapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func describing(id int64) string { return fmt.Sprintf("/coreshed/v1/versions/%d/description", id) }

func TestDescribe(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "Survey/mag.tif", "1,2")
		path := describing(f.Version.ID)
		document := `{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1.5, 15, 7]},
			"properties": {"dataStarted": "2015-01-01T00:00:00Z", "dataTypes": ["mag"], "sourceSensor": "S1", "line": 1234567890123456789}}`
		want := map[string]any{
			"data_started": "2015-01-01T00:00:00.000000Z", "data_ended": "2015-01-01T00:00:00.000000Z",
			"source_started": "2015-01-01T00:00:00.000000Z", "source_ended": "2015-01-01T00:00:00.000000Z",
			"source_sensor_class": nil, "source_sensor": "S1", "source_collection": nil, "source_task": nil,
			"geometry": "POINT Z (1.5 15 7)", "center_point": "POINT (1.5 15)", "countries": []any{}, "tags": []any{"mag"},
			"metadata": map[string]any{
				"dataStarted": "2015-01-01T00:00:00Z", "dataTypes": []any{"mag"}, "sourceSensor": "S1", "line": json.Number("1234567890123456789"),
			},
		}
		for range 2 { // it can be repeated
			equal(t, any(s.want(s.Editor, "PUT", path, document, 200)), any(want))
		}
		equal(t, any(s.want(s.Viewer, "GET", path, nil, 200)), any(want))
		version := s.want(s.Viewer, "GET", strings.TrimSuffix(path, "/description"), nil, 200)
		equal(t, version["description"], any(want))
		if version["described_at"] == nil {
			t.Error("the version does not say when it was described")
		}
	})
}

func TestDescribeRefusals(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "a.tif", "1")
		path := describing(f.Version.ID)
		good := `{"type": "Point", "coordinates": [1, 2]}`
		before := s.want(s.Editor, "GET", path, nil, 200)
		got := s.want(s.Viewer, "PUT", path, good, 403)
		equal(t, got["permitted_roles"], any([]any{"editor", "owner"}))
		equal(t, s.want(s.Member, "PUT", path, good, 404), s.want(s.Member, "PUT", describing(999999), good, 404))
		s.want(s.Stranger, "PUT", path, good, 404)
		for _, body := range []string{"", "{", "[]", `{"type": "Point"}`, `{"type": "Feature", "properties": {"dataStarted": "yesterday"}}`,
			`{"type": "Polygon", "coordinates": [[[1, 10], [2, 10], [2, 20], [1, 20]]]}`, `"` + strings.Repeat("x", 5<<20) + `"`} {
			s.want(s.Editor, "PUT", path, body, 422)
		}
		s.want(s.Editor, "POST", path, good, 405)
		equal(t, s.want(s.Editor, "GET", path, nil, 200), before)
	})
}
