package evoapi_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob/mem"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/leased"
	"github.com/coreshed/coreshed/internal/store"
)

// purge removes versions for good.
func (s *shed) purge(t *testing.T, n store.NewPurge) {
	t.Helper()
	n.Scope = coreshed.PurgeLineage
	view := s.View(t, s.Owner)
	p, err := s.DB.PlanPurge(t.Context(), view, n)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = s.DB.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint); err != nil {
		t.Fatal(err)
	}
	c := catalog.New(catalog.Config{DB: s.DB, Blobs: mem.New(), Log: slog.New(slog.DiscardHandler)})
	leased.NewRunner(s.DB, "test", slog.New(slog.DiscardHandler)).Do(t.Context(), "purge", func(ctx context.Context, l store.Lease) {
		if err := c.Purge(ctx, l, p.ID); err != nil {
			t.Error(err)
		}
	})
}

// TestPurged: what was purged is gone for who may see the workspace, by its id
// alone, and was never there for others.
func TestPurged(t *testing.T) {
	each(t, func(s *shed) {
		s.Put(t, s.Editor, "a.csv", "one")
		first := s.Put(t, s.Editor, "lives.csv", "old")
		last := s.Put(t, s.Editor, "lives.csv", "new")
		f := s.Put(t, s.Editor, "a.csv", "two")
		s.purge(t, store.NewPurge{Versions: []int64{first.Version.ID}, Files: []coreshed.UUID{f.UUID}})

		for _, query := range []string{"", "?deleted=true", "?version_id=" + version(f)} {
			s.send(s.Viewer, "GET", s.files(id(f)+query)).want(410, "/files/gone")
			s.send(s.Member, "GET", s.files(id(f)+query)).want(403)
		}
		s.send(s.Viewer, "GET", s.files("/path/a.csv")).want(404, "/files/not-found")
		for _, method := range []string{"DELETE", "PUT"} {
			s.send(s.Editor, method, s.files(id(f))).want(410, "/files/gone")
			s.send(s.Viewer, method, s.files(id(f))).want(403)
		}
		s.send(s.Editor, "PUT", s.files(id(f)+"?deleted=false")).want(410, "/files/gone")

		s.send(s.Viewer, "GET", s.files(id(first)+"?version_id="+version(first))).want(410, "/files/gone")
		s.send(s.Viewer, "GET", s.files("/path/lives.csv?version_id="+version(first))).want(404)
		s.send(s.Viewer, "GET", s.files(id(last)+"?version_id=7")).want(404)
		s.send(s.Viewer, "GET", s.files(id(last))).want(200)

		// The path is free for another file.
		if next := s.Put(t, s.Editor, "a.csv", "three"); next.UUID == f.UUID {
			t.Error("the file is back")
		}
		s.send(s.Viewer, "GET", s.files(id(f))).want(410)
	})
}

func version(f coreshed.File) string { return decimal(f.Version.VersionID) }
