package store_test

import (
	"encoding/json"
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
		view, nowhere := s.View(t, s.Editor), func(string, time.Time) ([]string, error) { return nil, nil }
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
