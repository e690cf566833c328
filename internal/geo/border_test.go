package geo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/geo"
)

// rectangle is a GeoJSON polygon.
func rectangle(west, south, east, north float64) string {
	return fmt.Sprintf(`{"type": "Polygon", "coordinates": [[[%[1]v, %[2]v], [%[3]v, %[2]v], [%[3]v, %[4]v], [%[1]v, %[4]v], [%[1]v, %[2]v]]]}`, west, south, east, north)
}

func year(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }

func borders(t testing.TB, rows ...coreshed.Country) *geo.Borders {
	t.Helper()
	b, err := geo.NewBorders(rows)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func countries(t testing.TB, b *geo.Borders, g geo.Geometry, at time.Time) []string {
	t.Helper()
	codes, err := b.Of(t.Context(), g, at)
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// TestCountries: case 68, and what touching means.
func TestCountries(t *testing.T) {
	b := borders(t,
		coreshed.Country{Name: "Test Country", ISO3: "TC", Border: rectangle(0, 0, 10, 10), Effective: year(2000)},
		coreshed.Country{Name: "Test Territory", ISO3: "TT", Border: rectangle(11, 0, 19, 8), Effective: year(2000)},
		coreshed.Country{Name: "Test Hamlet", ISO3: "TH", Border: rectangle(11, 11, 15, 15), Effective: year(2000)},
		coreshed.Country{Name: "Ring", ISO3: "RG", Effective: year(2000), Border: `{"type": "MultiPolygon", "coordinates": [[` +
			`[[40, 0], [60, 0], [60, 20], [40, 20], [40, 0]], [[45, 5], [55, 5], [55, 15], [45, 15], [45, 5]]]]}`})
	for text, want := range map[string][]string{
		rectangle(5, 5, 12, 10):                                                                    {"TC", "TT"}, // case 68
		rectangle(10, 10, 11, 11):                                                                  {"TC", "TH"}, // corners touch
		rectangle(10, 2, 11, 3):                                                                    {"TC", "TT"}, // edges touch
		rectangle(2, 2, 3, 3):                                                                      {"TC"},       // inside
		rectangle(-90, -80, 90, 80):                                                                {"RG", "TC", "TH", "TT"},
		rectangle(46, 6, 54, 14):                                                                   nil, // in the hole
		rectangle(45, 6, 54, 14):                                                                   {"RG"},
		rectangle(46, 6, 54, 19):                                                                   {"RG"},
		rectangle(20, 0, 30, 10):                                                                   nil,
		`{"type": "Point", "coordinates": [10, 5]}`:                                                {"TC"},
		`{"type": "Point", "coordinates": [10.0001, 5]}`:                                           nil,
		`{"type": "Point", "coordinates": [0, 0]}`:                                                 {"TC"},
		`{"type": "Point", "coordinates": [5, 5, 100]}`:                                            {"TC"},
		`{"type": "Point", "coordinates": [50, 10]}`:                                               nil,
		`{"type": "Point", "coordinates": [50, 5]}`:                                                {"RG"},
		`{"type": "MultiPoint", "coordinates": [[5, 5], [12, 12]]}`:                                {"TC", "TH"},
		`{"type": "LineString", "coordinates": [[-5, 5], [30, 5]]}`:                                {"TC", "TT"},
		`{"type": "LineString", "coordinates": [[-1, 1], [1, -1]]}`:                                {"TC"}, // through a corner
		`{"type": "LineString", "coordinates": [[-1, 0.9], [0.9, -1]]}`:                            nil,
		`{"type": "LineString", "coordinates": [[10, 4], [10, 4]]}`:                                {"TC"},
		`{"type": "LineString", "coordinates": [[10.5, 0], [10.5, 10]]}`:                           nil,
		`{"type": "Polygon", "coordinates": [[[1, 1], [12, 12], [12, 1], [1, 12], [1, 1]]]}`:       {"TC", "TH", "TT"}, // crosses itself
		`{"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [5, 5]}]}`: {"TC"},
		`{"type": "Polygon", "coordinates": []}`:                                                   nil,
	} {
		if diff := cmp.Diff(want, countries(t, b, read(t, text).Geometry, year(2020))); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// TestBordersInForce: a border counts from its day on until the next of its
// name, and the one in force is chosen before it is tested.
func TestBordersInForce(t *testing.T) {
	b := borders(t,
		coreshed.Country{Name: "A", ISO3: "AAA", Border: rectangle(20, 0, 30, 10), Effective: year(2010)},
		coreshed.Country{Name: "A", ISO3: "AAA", Border: rectangle(0, 0, 10, 10), Effective: year(2000)},
		coreshed.Country{Name: "A again", ISO3: "AAA", Border: rectangle(0, 0, 1, 1), Effective: year(2015)},
		coreshed.Country{Name: "B", ISO3: "BBB", Border: rectangle(0, 0, 10, 10), Effective: year(2005)})
	old, moved := read(t, rectangle(0, 0, 1, 1)).Geometry, read(t, rectangle(25, 5, 26, 6)).Geometry
	for _, tt := range []struct {
		g    geo.Geometry
		at   time.Time
		want []string
	}{
		{old, year(1999), nil},
		{old, year(2000), []string{"AAA"}},
		{old, year(2005), []string{"AAA", "BBB"}},
		{old, year(2010).Add(-time.Microsecond), []string{"AAA", "BBB"}},
		{old, year(2010), []string{"BBB"}},
		{old, year(2015), []string{"AAA", "BBB"}},
		{moved, year(2009), nil},
		{moved, year(2010), []string{"AAA"}},
	} {
		if diff := cmp.Diff(tt.want, countries(t, b, tt.g, tt.at)); diff != "" {
			t.Errorf("%s at %d: %s", tt.g.WKT(), tt.at.Year(), diff)
		}
	}
	if got := countries(t, borders(t), old, year(2020)); got != nil {
		t.Errorf("without countries: %v", got)
	}
}

// TestCountriesNobodyWaitsFor ends with its context.
func TestCountriesNobodyWaitsFor(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := borders(t, coreshed.Country{Name: "A", ISO3: "AAA", Border: rectangle(0, 0, 10, 10), Effective: year(2000)})
	if codes, err := b.Of(ctx, read(t, rectangle(0, 0, 1, 1)).Geometry, year(2020)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", codes, err)
	}
}

// TestTouchingIsExact: a point on a slanted border is found wherever the
// border's ends lie, and its neighbour is not.
func TestTouchingIsExact(t *testing.T) {
	for n := range 2000 {
		r := rand.New(rand.NewPCG(1, uint64(n)))
		x, y := r.Float64()*100, r.Float64()*50
		// Powers of two, so that the point between is on the line to the last bit.
		dx, dy := float64(int(1)<<r.IntN(5)), float64(int(1)<<r.IntN(5))
		x, y = math.Round(x*1024)/1024, math.Round(y*1024)/1024
		border := fmt.Sprintf(`{"type": "Polygon", "coordinates": [[[%v, %v], [%v, %v], [%v, %v], [%[1]v, %[2]v]]]}`, x, y, x+2*dx, y+2*dy, x+2*dx, y)
		b := borders(t, coreshed.Country{Name: "A", ISO3: "AAA", Border: border, Effective: year(2000)})
		on := read(t, fmt.Sprintf(`{"type": "Point", "coordinates": [%v, %v]}`, x+dx, y+dy)).Geometry
		off := read(t, fmt.Sprintf(`{"type": "Point", "coordinates": [%v, %v]}`, x+dx, math.Nextafter(y+dy, 90))).Geometry
		if countries(t, b, on, year(2001)) == nil || countries(t, b, off, year(2001)) != nil {
			t.Fatalf("%s: on it %v, beside it %v", border, countries(t, b, on, year(2001)), countries(t, b, off, year(2001)))
		}
	}
}

// star is an area around a point with many corners.
func star(r *rand.Rand, x, y, size float64, corners int) string {
	var ring []string
	for i := range corners {
		angle := 2 * math.Pi * float64(i) / float64(corners)
		d := size * (0.3 + 0.7*r.Float64())
		ring = append(ring, fmt.Sprintf("[%.6f, %.6f]", x+d*math.Cos(angle), y+d*math.Sin(angle)))
	}
	return `{"type": "Polygon", "coordinates": [[` + strings.Join(append(ring, ring[0]), ", ") + `]]}`
}

// TestIndexFindsWhatEachBorderSays compares many borders at once with each
// alone, and both ways round.
func TestIndexFindsWhatEachBorderSays(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var rows []coreshed.Country
	for i := range 40 {
		rows = append(rows, coreshed.Country{
			Name: fmt.Sprint(i), ISO3: fmt.Sprintf("C%02d", i), Effective: year(2000),
			Border: star(r, r.Float64()*40, r.Float64()*40, 1+r.Float64()*8, 4+r.IntN(40)),
		})
	}
	all := borders(t, rows...)
	for range 200 {
		text := star(r, r.Float64()*40, r.Float64()*40, 0.1+r.Float64()*6, 3+r.IntN(30))
		var alone, round []string
		for _, row := range rows {
			g := read(t, text).Geometry
			alone = append(alone, countries(t, borders(t, row), g, year(2001))...)
			if countries(t, borders(t, coreshed.Country{Border: text, ISO3: "X"}), read(t, row.Border).Geometry, year(2001)) != nil {
				round = append(round, row.ISO3)
			}
		}
		got := countries(t, all, read(t, text).Geometry, year(2001))
		if diff := cmp.Diff(alone, got) + cmp.Diff(round, got); diff != "" {
			t.Fatalf("%s: %s", text, diff)
		}
	}
}

func TestReadCountries(t *testing.T) {
	file := `{"name": "countries", "crs": {"a": [1]}, "features": [
		{"type": "Feature", "properties": {"ADMIN": "Grenada", "ISO_A3": "GRD", "ISO_A2": "GD", "ISO_N3": "308", "FIPS_10_": -99, "GMI_CNTRY": "GRD", "FIPS": "GJ"}, "geometry": ` + rectangle(0, 0, 1, 1) + `},
		{"type": "Feature", "properties": {"ADMIN": "France", "ISO_A3": "-99", "ISO_A3_EH": "FRA", "ISO_N3": 250}, "geometry": ` + rectangle(2, 0, 3, 1) + `},
		{"type": "Feature", "properties": {"ADMIN": "France", "ISO_A3_EH": "FRA"}, "geometry": ` + rectangle(4, 0, 5, 1) + `},
		{"type": "Feature", "id": "TCY", "properties": {"name": "By its id"}, "geometry": {"type": "MultiPolygon", "coordinates": [[[[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 0, 1]]]]}},
		{"type": "Feature", "properties": {"name": "Sea"}, "geometry": null}], "type": "FeatureCollection"}`
	got, skipped, err := geo.ReadCountries(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range got {
		if d, err := geo.Read([]byte(c.Border)); err != nil || d.Geometry.IsEmpty() {
			t.Errorf("border of %s: %v", c.Name, err)
		}
		got[i].Border = ""
	}
	want := []coreshed.Country{
		{Name: "Grenada", FIPS: "GJ", GMI: "GRD", ISO2: "GD", ISO3: "GRD", ISONum: 308},
		{Name: "France", ISO3: "FRA", ISONum: 250},
		{Name: "By its id", ISO3: "TCY"},
	}
	if diff := cmp.Diff(want, got) + cmp.Diff([]string{"Sea"}, skipped); diff != "" {
		t.Error(diff)
	}
}

func TestReadCountriesRefuses(t *testing.T) {
	one := func(properties, geometry string) string {
		return `{"type": "FeatureCollection", "features": [{"properties": ` + properties + `, "geometry": ` + geometry + `}]}`
	}
	for text, want := range map[string]string{
		"":                                 "is no GeoJSON FeatureCollection: it ends too early",
		"[]":                               "is no GeoJSON FeatureCollection",
		"{}":                               "is no GeoJSON FeatureCollection",
		`{"features": {}}`:                 "is no GeoJSON FeatureCollection",
		`{"features": [`:                   "it ends too early",
		`{"features": [{}`:                 "it ends too early",
		`{"features": []}`:                 "no feature has an ISO 3166 alpha-3 code",
		`{"features": [1]}`:                "feature 1: it is no JSON object",
		`{"features": [{"a" 1}]}`:          "at byte ",
		one(`null`, rectangle(0, 0, 1, 1)): "no feature has an ISO 3166 alpha-3 code",
		one(`{"iso3": "GRD", "name": "Grenada"}`, `null`):                        "feature 1: Grenada: it has no geometry",
		one(`{"iso3": "GRD"}`, `{"type": "Point", "coordinates": [1, 2]}`):       "feature 1: GRD: its geometry is no area",
		one(`{"iso3": "GRD"}`, `{"type": "Polygon", "coordinates": []}`):         "feature 1: GRD: its geometry is empty",
		one(`{"iso3": "GRD"}`, `{"type": "Polygon", "coordinates": [[[1, 2]]]}`): "feature 1: GRD: The feature has a ring that is not closed",
		`{"features": [{"properties": {"iso3": "AAA", "name": "A"}, "geometry": ` + rectangle(0, 0, 1, 1) + `},
			{"properties": {"iso3": "BBB", "name": "A"}, "geometry": ` + rectangle(0, 0, 1, 1) + `}]}`: `feature 2: "A" has the code BBB, and had AAA before`,
	} {
		if _, _, err := geo.ReadCountries(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want …%s…", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{feature, box, rectangle(-180, -90, 180, 90), `{"type": "GeometryCollection", "geometries": [` + box + `]}`,
		`{"type": "MultiPoint", "coordinates": [[1, 2, 3], [4, 5]]}`, `{"type": "LineString", "coordinates": [[1e-300, 2], [3, 4]]}`} {
		f.Add([]byte(text))
	}
	world := borders(f, coreshed.Country{Name: "A", ISO3: "AAA", Border: rectangle(-30, -30, 30, 30), Effective: year(2000)})
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := geo.Read(data)
		if err != nil {
			return
		}
		wkt, centre := d.Geometry.WKT(), d.Geometry.Centre()
		if (wkt == "") != centre.IsEmpty() {
			t.Errorf("%s has the centre %s", wkt, centre.WKT())
		}
		again, err := geo.ReadWKT(wkt)
		if err != nil || again.WKT() != wkt {
			t.Errorf("%s is read as %s: %v", wkt, again.WKT(), err)
		}
		if raw, err := again.GeoJSON(); wkt != "" && (err != nil || !json.Valid(raw)) {
			t.Errorf("%s as GeoJSON: %s: %v", wkt, raw, err)
		}
		countries(t, world, d.Geometry, year(2020))
	})
}
