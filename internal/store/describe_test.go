package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestDescribeProduct holds contract Scale v6 §6.4: a product's times are its
// own, those of its sources stay, and so does what was added to its metadata.
func TestDescribeProduct(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view := s.View(t, s.Editor)
		source := s.Put(t, s.Editor, "a.tif", "12345").Version.ID
		_, err := db.Describe(t.Context(), view, source, coreshed.Description{DataStarted: day(2001), DataEnded: day(2002), Sensor: "S1"}, nowhere)
		must(t, err)
		_, id := s.Made(t, "a.json", source)
		before := s.Entry(t, id)
		got, err := db.Describe(t.Context(), view, id, coreshed.Description{
			DataEnded: day(2003), Task: "t", Metadata: json.RawMessage(`{"dataEnded":"2003-01-01T00:00:00Z","job_name":"mine","x":1}`),
		}, nowhere)
		must(t, err)
		if !got.DataStarted.IsZero() || !got.DataEnded.Equal(day(2003)) || !got.ParsedAt.IsZero() {
			t.Errorf("times %v to %v, parsed %v", got.DataStarted, got.DataEnded, got.ParsedAt)
		}
		if !got.SourceStarted.Equal(day(2001)) || !got.SourceEnded.Equal(day(2002)) || got.Sensor != "S1" || got.Task != "t" {
			t.Errorf("sources %+v, before %+v", got.Description, before.Description)
		}
		var metadata, was map[string]any
		must(t, json.Unmarshal(got.Metadata, &metadata))
		must(t, json.Unmarshal(before.Metadata, &was))
		want := map[string]any{"dataEnded": "2003-01-01T00:00:00Z", "x": 1.0}
		for name, v := range was {
			want[name] = v
		}
		if diff := cmp.Diff(want, metadata); diff != "" || want["job_name"] != "parse" {
			t.Errorf("%s", diff)
		}
	})
}

// TestCountriesAside: countries are found while others write, and what those
// change meanwhile counts.
func TestCountriesAside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view, ctx := s.View(t, s.Editor), t.Context()
		id := s.Put(t, s.Editor, "a.tif", "12345").Version.ID
		again := func(ctx context.Context, geometry string, at time.Time) error {
			_, err := db.Describe(ctx, view, id, coreshed.Description{Geometry: geometry, DataStarted: at}, nowhere)
			return err
		}
		must(t, again(ctx, "POINT (1 1)", day(2001)))
		var asked []string
		find := func(ctx context.Context, geometry string, at time.Time) ([]string, error) {
			asked = append(asked, fmt.Sprint(geometry, " ", at.Year()))
			var err error
			switch len(asked) {
			case 1:
				err = again(ctx, "POINT (2 2)", day(2002))
			case 2:
				must1(t, db.AddCountries, testCountry())
			}
			return []string{fmt.Sprint("C", len(asked))}, err
		}
		got, err := db.Describe(ctx, view, id, coreshed.Description{Task: "t", DataStarted: day(2003)}, find)
		must(t, err)
		want := []string{"POINT (1 1) 2003", "POINT (2 2) 2003", "POINT (2 2) 2003"}
		if diff := cmp.Diff(want, asked) + cmp.Diff([]string{"C3"}, got.Countries); diff != "" || got.Task != "t" {
			t.Errorf("%+v: %s", got.Description, diff)
		}

		asked = nil
		_, changed, err := db.RecountCountries(ctx, view, 0, 10, func(ctx context.Context, geometry string, at time.Time) ([]string, error) {
			asked = append(asked, fmt.Sprint(geometry, " ", at.Year()))
			if len(asked) == 1 {
				return nil, again(ctx, "POINT (4 4)", day(2004))
			}
			return []string{"C9"}, nil
		})
		if err != nil || changed != 1 {
			t.Errorf("%d changed: %v", changed, err)
		}
		want = []string{"POINT (2 2) 2003", "POINT (4 4) 2004"}
		if diff := cmp.Diff(want, asked) + cmp.Diff([]string{"C9"}, s.Entry(t, id).Countries); diff != "" {
			t.Error(diff)
		}
	})
}

// TestCountriesNobodyWaitsFor: who goes away while countries are found has
// changed nothing.
func TestCountriesNobodyWaitsFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view, id := s.View(t, s.Editor), s.Put(t, s.Editor, "a.tif", "12345").Version.ID
		said := coreshed.Description{Geometry: "POINT (1 1)"}
		_, err := db.Describe(t.Context(), view, id, said, nowhere)
		must(t, err)
		before := s.Entry(t, id)
		ctx, cancel := context.WithCancel(t.Context())
		gone := func(ctx context.Context, _ string, _ time.Time) ([]string, error) {
			cancel()
			return []string{"C1"}, ctx.Err()
		}
		said.Task = "t"
		if _, err := db.Describe(ctx, view, id, said, gone); !errors.Is(err, context.Canceled) {
			t.Errorf("described: %v", err)
		}
		if _, _, err := db.RecountCountries(ctx, view, 0, 10, gone); !errors.Is(err, context.Canceled) {
			t.Errorf("recounted: %v", err)
		}
		if diff := cmp.Diff(before, s.Entry(t, id)); diff != "" {
			t.Error(diff)
		}
	})
}

func nowhere(context.Context, string, time.Time) ([]string, error) { return nil, nil }
