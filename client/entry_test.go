package client_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

func TestDescribe(t *testing.T) {
	s, ctx := start(t), t.Context()
	first := s.put(t, "a/x.tif", "one")
	s.put(t, "a/x.tif", "two!")
	e, err := s.files.Entry(ctx, client.Path("/a/x.tif"), first.VersionID)
	if err != nil {
		t.Fatal(err)
	}
	if e.VersionID != first.VersionID || e.Path != "a/x.tif" || e.Size != 3 || e.Type != coreshed.Source || e.MediaType != "image/tiff" || !e.DescribedAt.IsZero() {
		t.Errorf("got %+v", e)
	}
	const document = `{"type":"Feature","geometry":{"type":"Point","coordinates":[1.5,15]},"properties":{"dataEnded":"2026-01-01T00:00:00Z","dataTypes":["mag"]}}`
	got, err := s.client.Describe(ctx, e.ID, []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want := client.Description{
		DataStarted: day, DataEnded: day, SourceStarted: day, SourceEnded: day, Geometry: "POINT (1.5 15)", CenterPoint: "POINT (1.5 15)",
		Countries: []string{}, Tags: []string{"mag"}, Metadata: []byte(`{"dataEnded":"2026-01-01T00:00:00Z","dataTypes":["mag"]}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	e, err = s.files.Entry(ctx, client.ID(first.FileID), first.VersionID)
	if diff := cmp.Diff(want, e.Description); diff != "" || err != nil || e.DescribedAt.IsZero() {
		t.Errorf("%v, %s", err, diff)
	}
	current, err := s.files.Entry(ctx, client.ID(first.FileID), 0)
	if err != nil || current.Size != 4 || current.Description.Geometry != "" {
		t.Errorf("got %+v, %v", current, err)
	}
	if _, err := s.files.Entry(ctx, client.Path("none"), 0); !errors.Is(err, coreshed.NotFound) {
		t.Errorf("an unknown path is %v", err)
	}
	if _, err := s.client.Describe(ctx, e.ID, []byte(`{}`)); !errors.Is(err, coreshed.Invalid) {
		t.Errorf("a document without a type is %v", err)
	}
}
