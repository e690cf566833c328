package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

const square = `{"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}`

func day(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }

func testCountry() coreshed.Country {
	return coreshed.Country{
		Name: "Test Country", FIPS: "TC", GMI: "TCY", ISO2: "TY", ISO3: "TCY", ISONum: 123, Border: square, Effective: day(2000),
	}
}

// TestCountries holds contract Scale v6 §9.5, cases 70 to 73.
func TestCountries(t *testing.T) {
	now := day(2026)
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		want := testCountry()
		if n, err := db.AddCountries(t.Context(), []coreshed.Country{want}); n != 1 || err != nil {
			t.Fatalf("added %d: %v", n, err)
		}
		want.ID, want.CreatedAt = 1, now
		got, err := db.Country(t.Context(), want.Name) // case 70
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if _, err := db.Country(t.Context(), "Nowhere"); !errors.Is(err, coreshed.NotFound) { // case 71
			t.Errorf("an unknown country: %v", err)
		}

		const border = `{"type":"Polygon","coordinates":[[[0,0],[5,0],[5,5],[0,5],[0,0]]]}`
		must(t, db.ChangeBorder(t.Context(), want.Name, border, day(2010))) // case 72
		changed := want
		changed.ID, changed.Border, changed.Effective = 2, border, day(2010)
		got, err = db.Country(t.Context(), want.Name)
		must(t, err)
		if diff := cmp.Diff(changed, got); diff != "" {
			t.Error(diff)
		}
		all, _, err := db.Borders(t.Context())
		must(t, err)
		if diff := cmp.Diff([]coreshed.Country{want, changed}, all); diff != "" {
			t.Error(diff)
		}
		err = db.ChangeBorder(t.Context(), "Nowhere", border, day(2010)) // case 73
		if !errors.Is(err, coreshed.NotFound) {
			t.Errorf("a border of an unknown country: %v", err)
		}
	})
}

func TestAddingCountriesAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first, other := testCountry(), testCountry()
		other.Name, other.ISO3 = "Another", "ANR"
		must1(t, db.AddCountries, first)
		before, err := db.BordersMark(t.Context())
		must(t, err)
		if n, err := db.AddCountries(t.Context(), []coreshed.Country{first}); n != 0 || err != nil {
			t.Errorf("again: %d, %v", n, err)
		}
		changed := first
		changed.Border = `{"type":"Polygon","coordinates":[]}`
		for name, list := range map[string][]coreshed.Country{
			"with another border": {other, changed},
			"without a code":      {other, {Name: "A", Border: square, Effective: day(2000)}},
		} {
			if _, err := db.AddCountries(t.Context(), list); !errors.Is(err, coreshed.Conflict) && !errors.Is(err, coreshed.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if after, err := db.BordersMark(t.Context()); err != nil || after != before {
			t.Errorf("what was refused left something: %v, %v, %v", before, after, err)
		}
		changed.Effective = day(2001)
		must1(t, db.AddCountries, changed)
		if after, err := db.BordersMark(t.Context()); err != nil || after == before {
			t.Errorf("a new border changes nothing: %v, %v", after, err)
		}
		list, err := db.Countries(t.Context())
		must(t, err)
		if len(list) != 2 || list[0].Border != "" || list[1].Effective != day(2001) {
			t.Errorf("%v", list)
		}
	})
}

func must1[T any](t *testing.T, add func(ctx context.Context, list []T) (int, error), v T) {
	t.Helper()
	_, err := add(t.Context(), []T{v})
	must(t, err)
}
