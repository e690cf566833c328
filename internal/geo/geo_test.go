package geo_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/geo"
)

const (
	box     = `{"type": "Polygon", "coordinates": [[[1, 10], [2, 10], [2, 20], [1, 20], [1, 10]]]}`
	boxWKT  = "POLYGON ((1 10, 2 10, 2 20, 1 20, 1 10))"
	props   = `{"dataStarted": "2015-01-01T00:00:00Z", "dataEnded": "2015-01-01T05:30:00+05:00", "dataTypes": ["b", "a", "b"], "newWorkspacePath": "new/path/a.txt"}`
	feature = `{"type": "Feature", "geometry": ` + box + `, "properties": ` + props + `}`
)

func read(t *testing.T, text string) geo.Document {
	t.Helper()
	d, err := geo.Read([]byte(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return d
}

// TestDocuments holds contract Scale v6 §9.6, cases 79 to 83 and 131.
func TestDocuments(t *testing.T) {
	described := geo.Document{
		DataStarted: time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC), DataEnded: time.Date(2015, 1, 1, 0, 30, 0, 0, time.UTC),
		Tags: []string{"a", "b"}, Path: "new/path/a.txt",
		Properties: []byte(strings.ReplaceAll(strings.ReplaceAll(props, ": ", ":"), ", ", ",")),
	}
	for name, tt := range map[string]struct {
		text string
		want geo.Document
		wkt  string
	}{
		"79: FeatureCollection":          {`{"type": "FeatureCollection", "features": [` + feature + `, {"type": "Broken"}]}`, described, boxWKT},
		"80: Feature":                    {feature, described, boxWKT},
		"81: without properties":         {`{"type": "Feature", "geometry": ` + box + `}`, geo.Document{}, boxWKT},
		"81: properties null":            {`{"type": "Feature", "properties": null, "geometry": ` + box + `}`, geo.Document{}, boxWKT},
		"82: POLYGON":                    {strings.Replace(feature, "Polygon", "POLYGON", 1), described, boxWKT},
		"82: all in capitals":            {strings.NewReplacer("Polygon", "POLYGON", `"Feature"`, `"FEATURE"`).Replace(feature), described, boxWKT},
		"83: bare geometry":              {box, geo.Document{}, boxWKT},
		"131: all that can be said":      {feature, described, boxWKT},
		"no geometry":                    {`{"type": "Feature", "properties": ` + props + `}`, described, ""},
		"geometry null":                  {`{"type": "Feature", "geometry": null, "properties": ` + props + `}`, described, ""},
		"no properties and no geometry":  {`{"type": "Feature"}`, geo.Document{}, ""},
		"a byte order mark before it":    {"\uFEFF" + feature, described, boxWKT},
		"members of other specification": {`{"type": "Feature", "bbox": [1, 2, 3], "id": {}, "geometry": ` + box + `}`, geo.Document{}, boxWKT},
	} {
		t.Run(name, func(t *testing.T) {
			got := read(t, tt.text)
			if wkt := got.Geometry.WKT(); wkt != tt.wkt {
				t.Errorf("geometry %s, want %s", wkt, tt.wkt)
			}
			got.Geometry = geo.Geometry{}
			if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b geo.Geometry) bool { return true })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSourceFields(t *testing.T) {
	d := read(t, `{"type": "Feature", "properties": {"sourceStarted": "2020-2-3 4:05Z", "sourceEnded": "2020-02-03T04:05:06.1234567-0500",
		"sourceSensorClass": "radar", "sourceSensor": "S1", "sourceCollection": "12345", "sourceTask": null, "other": {"a": [1, {}]}}}`)
	want := coreshed.Description{
		SourceStarted: time.Date(2020, 2, 3, 4, 5, 0, 0, time.UTC), SourceEnded: time.Date(2020, 2, 3, 9, 5, 6, 123456000, time.UTC),
		SensorClass: "radar", Sensor: "S1", Collection: "12345", Metadata: d.Properties,
	}
	if diff := cmp.Diff(want, d.Description()); diff != "" {
		t.Error(diff)
	}
}

// TestRefused: case 85, and whatever else is no document.
func TestRefused(t *testing.T) {
	with := func(name, value string) string {
		return `{"type": "Feature", "properties": {"` + name + `": ` + value + `}}`
	}
	deep := strings.Repeat(`{"type": "GeometryCollection", "geometries": [`, 12) + box + strings.Repeat(`]}`, 12)
	for name, text := range map[string]string{
		"85: open ring":          `{"type": "Polygon", "coordinates": [[[1, 10], [2, 10], [2, 20], [1, 20]]]}`,
		"ring of three":          `{"type": "Polygon", "coordinates": [[[1, 10], [2, 10], [1, 10]]]}`,
		"empty ring":             `{"type": "Polygon", "coordinates": [[]]}`,
		"no features":            `{"type": "FeatureCollection", "features": []}`,
		"features missing":       `{"type": "FeatureCollection"}`,
		"features an object":     `{"type": "FeatureCollection", "features": {}}`,
		"feature a geometry":     `{"type": "FeatureCollection", "features": [` + box + `]}`,
		"feature null":           `{"type": "FeatureCollection", "features": [null]}`,
		"type missing":           `{"geometry": ` + box + `}`,
		"type a number":          `{"type": 1}`,
		"type unknown":           `{"type": "Circle", "coordinates": [1, 2]}`,
		"geometry without type":  `{"type": "Feature", "geometry": {}}`,
		"geometry a text":        `{"type": "Feature", "geometry": "POINT (1 2)"}`,
		"feature in a feature":   `{"type": "Feature", "geometry": {"type": "Feature"}}`,
		"coordinates missing":    `{"type": "Point"}`,
		"coordinates null":       `{"type": "Point", "coordinates": null}`,
		"null among coordinates": `{"type": "Point", "coordinates": [1, null]}`,
		"text among coordinates": `{"type": "Point", "coordinates": [1, "2"]}`,
		"one number":             `{"type": "Point", "coordinates": [1]}`,
		"too deep":               `{"type": "Point", "coordinates": [[1, 2]]}`,
		"not deep enough":        `{"type": "Polygon", "coordinates": [[1, 2], [3, 4], [1, 2]]}`,
		"line of one":            `{"type": "LineString", "coordinates": [[1, 2]]}`,
		"beyond numbers":         `{"type": "Point", "coordinates": [1e999, 2]}`,
		"in metres":              `{"type": "Point", "coordinates": [500000, 4649776]}`,
		"latitude":               `{"type": "Point", "coordinates": [1, 90.1]}`,
		"collections too deep":   deep,
		"properties a list":      `{"type": "Feature", "properties": []}`,
		"properties too deep":    with("a", strings.Repeat("[", 200)+strings.Repeat("]", 200)),
		"no zone":                with("dataStarted", `"2015-01-01T00:00:00"`),
		"a date":                 with("dataEnded", `"2015-01-01"`),
		"small z":                with("dataStarted", `"2015-01-01T00:00:00z"`),
		"empty time":             with("dataStarted", `""`),
		"a number of seconds":    with("dataStarted", `1420070400`),
		"a duration":             with("dataStarted", `"PT3H"`),
		"ends before it starts":  `{"type": "Feature", "properties": {"dataStarted": "2015-01-02T00:00:00Z", "dataEnded": "2015-01-01T00:00:00Z"}}`,
		"tags a text":            with("dataTypes", `"a"`),
		"tag a number":           with("dataTypes", `[1]`),
		"tag empty":              with("dataTypes", `[""]`),
		"tag with NUL":           with("dataTypes", `["a\u0000"]`),
		"sensor a number":        with("sourceSensor", `1`),
		"sensor too long":        with("sourceSensor", `"`+strings.Repeat("x", 251)+`"`),
		"path absolute":          with("newWorkspacePath", `"/etc/passwd"`),
		"path outside":           with("newWorkspacePath", `"a/../../b"`),
		"path nowhere":           with("newWorkspacePath", `"."`),
		"empty":                  "",
		"not JSON":               "{",
		"two documents":          box + box,
		"not UTF-8":              `{"type": "Feature", "properties": {"a": "` + "\xff" + `"}}`,
		"a list":                 "[]",
		"null":                   "null",
		"too long":               `{"type": "Feature", "properties": {"a": "` + strings.Repeat("x", geo.MaxDocument) + `"}}`,
		"too many positions":     `{"type": "MultiPoint", "coordinates": [` + strings.Repeat("[1,2],", 100_001) + `[1,2]]}`,
	} {
		if d, err := geo.Read([]byte(text)); !errors.Is(err, coreshed.Invalid) {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
}

func TestDocumentsOfProducts(t *testing.T) {
	if _, err := geo.ReadProduct([]byte(feature)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{
		`{"type": "FeatureCollection", "features": [` + feature + `]}`,
		`{"type": "GeometryCollection", "geometries": [` + box + `]}`,
		`{"type": "Feature", "geometry": {"type": "GEOMETRYCOLLECTION", "geometries": [` + box + `]}}`,
	} {
		if _, err := geo.Read([]byte(text)); err != nil {
			t.Error(err)
		}
		if _, err := geo.ReadProduct([]byte(text)); !errors.Is(err, coreshed.Invalid) {
			t.Errorf("%v: %s", err, text)
		}
	}
}

// TestWKT holds contract §3.5.
func TestWKT(t *testing.T) {
	for text, want := range map[string]string{
		`{"type": "Point", "coordinates": [1.5, 15]}`:                                  "POINT (1.5 15)",
		`{"type": "Point", "coordinates": [1.1, -0.3, 7]}`:                             "POINT Z (1.1 -0.3 7)",
		`{"type": "Point", "coordinates": [1.1, -0.3, 7, 9]}`:                          "POINT Z (1.1 -0.3 7)",
		`{"type": "Point", "coordinates": [-0.0, 0.1]}`:                                "POINT (0 0.1)",
		`{"type": "Point", "coordinates": [1e-7, 2E1]}`:                                "POINT (0.0000001 20)",
		`{"type": "Point", "coordinates": [0.30000000000000004, -61.665747100000004]}`: "POINT (0.3 -61.6657471)",
		`{"type": "Point", "coordinates": [0.3333333333333333, 12.345678901234567]}`:   "POINT (0.3333333333333333 12.34567890123457)",
		box: boxWKT,
		`{"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]}`:             "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))",
		`{"type": "LineString", "coordinates": [[1, 2], [3, 4]]}`:                                   "LINESTRING (1 2, 3 4)",
		`{"type": "LineString", "coordinates": [[1, 2, 3], [3, 4]]}`:                                "LINESTRING (1 2, 3 4)",
		`{"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}`:                                   "MULTIPOINT ((1 2), (3 4))",
		`{"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]}`:          "MULTILINESTRING ((1 2, 3 4), (5 6, 7 8))",
		`{"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]}`:  "GEOMETRYCOLLECTION (POINT (1 2))",
		`{"type": "Polygon", "coordinates": []}`:                                                    "",
		`{"type": "Point", "coordinates": []}`:                                                      "",
		`{"type": "GeometryCollection", "geometries": []}`:                                          "",
		`{"type": "GeometryCollection", "geometries": [{"type": "MultiPoint", "coordinates": []}]}`: "",
	} {
		d := read(t, text)
		got := d.Geometry.WKT()
		if got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
		again, err := geo.ReadWKT(got)
		if err != nil || again.WKT() != got {
			t.Errorf("%s is read as %s: %v", got, again.WKT(), err)
		}
	}
}

// TestCentre: case 84, and the rules of contract §6.2.
func TestCentre(t *testing.T) {
	for text, want := range map[string]string{
		box: "POINT (1.5 15)",
		`{"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], [[2, 0], [4, 0], [4, 4], [2, 4], [2, 0]]]}`:               "POINT (1 2)",
		`{"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]], [[[10, 0], [13, 0], [13, 1], [10, 1], [10, 0]]]]}`: "POINT (8.75 0.5)",
		`{"type": "LineString", "coordinates": [[0, 0], [1, 0], [1, 3]]}`:                                                                        "POINT (0.875 1.125)",
		`{"type": "MultiPoint", "coordinates": [[0, 0], [1, 0], [2, 3]]}`:                                                                        "POINT (1 1)",
		`{"type": "Point", "coordinates": [1, 2, 3]}`:                                                                                            "POINT (1 2)",
		`{"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [50, 50]}, ` + box + `]}`:                                "POINT (1.5 15)",
		`{"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [0, 0], [0, 0]]]}`:                                                                 "POINT (1 0)",
		`{"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}`:                                                         "POINT (1 1)",
		`{"type": "LineString", "coordinates": [[3, 4], [3, 4]]}`:                                                                                "POINT (3 4)",
		`{"type": "Polygon", "coordinates": [[[3, 4], [3, 4], [3, 4], [3, 4]]]}`:                                                                 "POINT (3 4)",
		`{"type": "Polygon", "coordinates": []}`:                                                                                                 "",
	} {
		if got := read(t, text).Geometry.Centre().WKT(); got != want {
			t.Errorf("the centre of %s is %q, want %q", text, got, want)
		}
	}
}
