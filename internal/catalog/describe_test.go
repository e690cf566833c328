package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/geo"
)

const footprint = `{"type": "Polygon", "coordinates": [[[5, 5], [12, 5], [12, 10], [5, 10], [5, 5]]]}`

// view is what the owner of the workspace sees.
func (s *shed) view(t fataler) coreshed.View {
	t.Helper()
	v, err := s.db.View(context.Background(), s.access.Actor, s.access.Workspace.OrgID)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// source uploads a file and returns the id of its version.
func (s *shed) source(t fataler) int64 {
	t.Helper()
	return s.put(t, s.reserve(t), []byte("content")).ID
}

// say describes a version with a document that must be good.
func (s *shed) say(t fataler, id int64, document string) coreshed.Entry {
	t.Helper()
	d, err := geo.Read([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Describe(context.Background(), s.view(t), id, d)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (s *shed) country(t fataler, name, iso3 string, year int, west, south, east, north int) {
	t.Helper()
	_, err := s.db.AddCountries(context.Background(), []coreshed.Country{{
		Name: name, ISO3: iso3, Effective: date(year),
		Border: fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%[1]d,%[2]d],[%[3]d,%[2]d],[%[3]d,%[4]d],[%[1]d,%[4]d],[%[1]d,%[2]d]]]}`, west, south, east, north),
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func date(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }

func feature(geometry, properties string) string {
	return `{"type": "Feature", "geometry": ` + geometry + `, "properties": ` + properties + `}`
}

// TestDescribe holds contract Scale v6 §9.11, cases 127 to 129 and 131, on
// uploads.
func TestDescribe(t *testing.T) {
	const properties = `{"dataStarted":"2015-01-01T00:00:00Z","dataEnded":"2015-01-02T00:00:00Z","dataTypes":["b","a"],"extra":{"k":[1]}}`
	described := coreshed.Description{
		DataStarted: date(2015), DataEnded: date(2015).AddDate(0, 0, 1), SourceStarted: date(2015), SourceEnded: date(2015).AddDate(0, 0, 1),
		Geometry: "POLYGON ((5 5, 12 5, 12 10, 5 10, 5 5))", CenterPoint: "POINT (8.5 7.5)",
		Countries: []string{}, Tags: []string{"a", "b"}, Metadata: json.RawMessage(properties),
	}
	bare := coreshed.Description{Geometry: described.Geometry, CenterPoint: described.CenterPoint, Countries: []string{}, Tags: []string{}}
	for name, tt := range map[string]struct {
		document string
		want     coreshed.Description
	}{
		"127: FeatureCollection":     {`{"type": "FeatureCollection", "features": [` + feature(footprint, properties) + `]}`, described},
		"128, 131: Feature":          {feature(footprint, properties), described},
		"129: Polygon without times": {footprint, bare},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *shed) {
				e := s.say(t, s.source(t), tt.document)
				if e.ParsedAt.IsZero() || e.ModifiedAt.Before(e.ParsedAt) {
					t.Errorf("parsed %v, modified %v", e.ParsedAt, e.ModifiedAt)
				}
				if diff := cmp.Diff(tt.want, e.Description, sameEmpty); diff != "" {
					t.Error(diff)
				}
				again, err := s.db.Entry(t.Context(), s.view(t), e.ID)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(e, again); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// sameEmpty takes no list for an empty one.
var sameEmpty = cmp.Transformer("empty", func(list []string) []string { return append([]string{}, list...) })

// TestDescribeAgain: what a document does not say stays, but for the times of
// the data; tags are added.
func TestDescribeAgain(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		s.country(t, "A", "AAA", 1900, 0, 0, 10, 10)
		id := s.source(t)
		first := s.say(t, id, feature(footprint, `{"dataEnded": "2015-01-01T00:00:00Z", "dataTypes": ["b"], "sourceSensorClass": "radar",
			"sourceSensor": "S1", "sourceCollection": "c", "sourceTask": "t", "sourceStarted": "2014-01-01T00:00:00Z"}`))
		want := coreshed.Description{
			DataStarted: date(2015), DataEnded: date(2015), SourceStarted: date(2014), SourceEnded: date(2015), // the one time counts for both
			SensorClass: "radar", Sensor: "S1", Collection: "c", Task: "t",
			Geometry: first.Geometry, CenterPoint: first.CenterPoint, Countries: []string{"AAA"}, Tags: []string{"b"}, Metadata: first.Metadata,
		}
		if diff := cmp.Diff(want, first.Description); diff != "" {
			t.Error(diff)
		}
		second := s.say(t, id, `{"type": "Feature", "properties": {"dataTypes": ["c", "b"], "sourceSensor": "S2"}}`)
		want.DataStarted, want.DataEnded, want.SourceStarted, want.SourceEnded = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		want.Sensor, want.Tags, want.Metadata = "S2", []string{"b", "c"}, json.RawMessage(`{"dataTypes":["c","b"],"sourceSensor":"S2"}`)
		if diff := cmp.Diff(want, second.Description); diff != "" {
			t.Error(diff)
		}
		third := s.say(t, id, `{"type": "Point", "coordinates": [50, 50]}`)
		want.Geometry, want.CenterPoint, want.Countries = "POINT (50 50)", "POINT (50 50)", []string{}
		if diff := cmp.Diff(want, third.Description); diff != "" {
			t.Error(diff)
		}
	})
}

// TestCountriesOfVersions: cases 68, and the day that decides on a border.
func TestCountriesOfVersions(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.source(t)
		if e := s.say(t, id, footprint); len(e.Countries) > 0 {
			t.Errorf("without borders: %v", e.Countries)
		}
		s.country(t, "TC", "TCY", 2000, 0, 0, 10, 10)
		s.country(t, "TT", "TTY", 2000, 11, 0, 19, 8)
		s.country(t, "TH", "THY", 2000, 11, 11, 15, 15)
		if diff := cmp.Diff([]string{"TCY", "TTY"}, s.say(t, id, footprint).Countries); diff != "" { // case 68
			t.Error(diff)
		}
		s.country(t, "TC", "TCY", 2010, 40, 40, 50, 50)
		for year, want := range map[int][]string{1999: nil, 2005: {"TCY", "TTY"}, 2015: {"TTY"}} {
			e := s.say(t, id, feature(footprint, fmt.Sprintf(`{"dataEnded": "%d-06-01T00:00:00Z"}`, year)))
			if diff := cmp.Diff(want, e.Countries, sameEmpty); diff != "" {
				t.Errorf("%d: %s", year, diff)
			}
			s.wantListed(t, e)
		}
	})
}

// wantListed checks that a version is found by its countries and by no others.
func (s *shed) wantListed(t fataler, e coreshed.Entry) {
	t.Helper()
	for _, iso3 := range []string{"TCY", "TTY", "THY"} {
		_, total, err := s.db.Entries(context.Background(), s.view(t), coreshed.EntryFilter{Countries: []string{iso3}}, nil, coreshed.Page{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		found := total > 0
		listed := false
		for _, c := range e.Countries {
			listed = listed || c == iso3
		}
		if found != listed {
			t.Fatalf("a list by %s has %d, the version has %v", iso3, total, e.Countries)
		}
	}
}

// TestBordersOfOthers: what another process adds counts for this one.
func TestBordersOfOthers(t *testing.T) {
	s := onDisk(t)
	other := catalog.New(catalog.Config{DB: s.db, Blobs: s.blobs})
	id := s.source(t)
	for n, iso3 := range []string{"AAA", "BBB"} {
		s.country(t, iso3, iso3, 1900, 0, 0, 10, 10)
		d, err := geo.Read([]byte(footprint))
		if err != nil {
			t.Fatal(err)
		}
		e, err := other.Describe(t.Context(), s.view(t), id, d)
		if err != nil || len(e.Countries) != n+1 {
			t.Errorf("%v, %v", e.Countries, err)
		}
	}
}

// TestRecount finds the countries of what was described before.
func TestRecount(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		inside, outside := s.source(t), s.source(t)
		s.say(t, inside, footprint)
		s.say(t, outside, `{"type": "Point", "coordinates": [50, 50]}`)
		s.source(t)
		s.country(t, "TC", "TCY", 1900, 0, 0, 10, 10)
		before, err := s.db.Entry(t.Context(), s.view(t), outside)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{1, 0} {
			got := 0
			if err := s.RecountCountries(t.Context(), s.view(t), func(_ int64, n int) { got += n }); err != nil || got != want {
				t.Errorf("%d changed, want %d: %v", got, want, err)
			}
		}
		e, err := s.db.Entry(t.Context(), s.view(t), inside)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"TCY"}, e.Countries); diff != "" {
			t.Error(diff)
		}
		s.wantListed(t, e)
		after, err := s.db.Entry(t.Context(), s.view(t), outside)
		if diff := cmp.Diff(before, after); diff != "" || err != nil {
			t.Errorf("one that has not changed did: %v, %s", err, diff)
		}
	})
}

// TestDescribeUnknown: what is not in the view is not there (case 130).
func TestDescribeUnknown(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.source(t)
		nobody := s.view(t)
		nobody.Roles, nobody.Everything = nil, false
		for _, tt := range []struct {
			view coreshed.View
			id   int64
		}{{s.view(t), id + 1000}, {nobody, id}} {
			if _, err := s.Describe(t.Context(), tt.view, tt.id, geo.Document{Task: "t"}); !errors.Is(err, coreshed.NotFound) {
				t.Errorf("%v", err)
			}
		}
		e, err := s.db.Entry(t.Context(), s.view(t), id)
		if err != nil || e.Task != "" || !e.ParsedAt.IsZero() {
			t.Errorf("%+v, %v", e.Description, err)
		}
	})
}
