package watch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
)

// TestScanSidecars takes what documents beside files say of them (contract
// §9.11, 124, 126, 127 and 130). A document that is broken, or of no file, keeps
// nothing from being taken.
func TestScanSidecars(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		s.put(s.raw, "a.tif", "a")
		s.put(s.raw, "a.tif.metadata.json", `{"type": "FeatureCollection", "features": [{"type": "Feature",
			"geometry": {"type": "Point", "coordinates": [1.5, 15]}, "properties": {"dataStarted": "2015-01-01T00:00:00Z", "sourceSensor": "S1", "dataTypes": ["mag"]}}]}`)
		s.put(s.raw, "sub/b.tif", "b")
		s.put(s.raw, "sub/b.tif.metadata.json", `{"type": "Feature", "properties": {"dataEnded": "2016-01-01T00:00:00Z", "newWorkspacePath": "sorted/b.tif"}}`)
		s.put(s.raw, "broken.tif", "c")
		s.put(s.raw, "broken.tif.metadata.json", `{"type": "Polygon", "coordinates": [[[1, 10], [2, 10], [2, 20], [1, 20]]]}`)
		s.put(s.raw, "plain.tif", "d")
		s.put(s.raw, "nothing.tif.metadata.json", `{"type": "Point", "coordinates": [1, 2]}`)
		s.takeAll(s.scan(rule{"filename_regex": `.*`, "data_types": []string{"scene"}}))

		year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
		want := map[string]struct {
			times        time.Time
			path, centre string
			tags, remark string
			sensor       string
			described    bool
		}{
			"a.tif":      {year(2015), "a.tif", "POINT (1.5 15)", "mag scene", "", "S1", true},
			"b.tif":      {year(2016), "sorted/b.tif", "", "scene", "", "", true},
			"broken.tif": {time.Time{}, "broken.tif", "", "scene", "ring that is not closed", "", false},
			"plain.tif":  {time.Time{}, "plain.tif", "", "scene", "", "", false},
		}
		if n := len(s.ingests()); n != len(want) {
			t.Errorf("%d ingests: %v", n, s.told())
		}
		for _, i := range s.ingests() {
			e, err := s.db.Entry(t.Context(), s.view, i.Entry)
			s.must(err)
			w := want[i.Name]
			if i.Status != coreshed.IngestIngested || !i.DataStarted.Equal(w.times) || !i.DataEnded.Equal(w.times) || !strings.Contains(i.Reason, w.remark) {
				t.Errorf("ingest of %s: %+v", i.Name, i)
			}
			if e.StoragePath != w.path || !e.DataStarted.Equal(w.times) || !e.SourceEnded.Equal(w.times) || e.CenterPoint != w.centre ||
				strings.Join(e.Tags, " ") != w.tags || e.Sensor != w.sensor || e.ParsedAt.IsZero() == w.described {
				t.Errorf("%s: %+v", i.Name, e)
			}
		}
		tree := strings.Join(s.tree(s.raw), "\n")
		if !strings.Contains(tree, "sorted/b.tif b") || strings.Contains(tree, "sub/b.tif b") {
			t.Errorf("the folder has\n%s", tree)
		}
	})
}
