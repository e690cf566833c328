//go:build ring2

package catalog_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/s3test"
)

// TestInBucket registers what lies in a bucket, reads it, and finds it changed,
// gone, and out of reach.
func TestInBucket(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		server := s3test.Start(t)
		opener, err := broker.NewOpener(broker.Bounds{Endpoints: []string{strings.TrimPrefix(server.URL, "http://")}})
		if err != nil {
			t.Fatal(err)
		}
		s.Catalog = catalog.New(catalog.Config{DB: s.db, Blobs: s.blobs, Opener: opener, Now: s.clock.now})
		stored := s.configure(t, server.Configuration())
		if strings.Contains(stored.Configuration, server.SecretKey) || strings.Contains(stored.Configuration, server.AccessKey) {
			t.Errorf("stored as %s", stored.Configuration)
		}
		b, err := s.Broker(t.Context(), s.access.Workspace.ID)
		if err != nil {
			t.Fatal(err)
		}
		put := func(key string, content []byte) {
			t.Helper()
			if _, err := b.Put(t.Context(), key, bytes.NewReader(content), int64(len(content)), broker.PutOptions{Replace: true}); err != nil {
				t.Fatal(err)
			}
		}
		content := random(300_000)
		put("survey/grid.tif", content)
		put("other", []byte("x"))
		at, other := s.register(t, "survey/grid.tif"), s.register(t, "other")
		s.want(t, at, content)
		if got := s.read(t, at, 100_000, 50_000); !bytes.Equal(got, content[100_000:150_000]) {
			t.Error("a range has other bytes")
		}
		if errs := s.hashAll(t); errs != nil {
			t.Errorf("hashing: %v", errs)
		}
		s.want(t, at, content)

		put("survey/grid.tif", random(300_000)) // of the same size
		s.wantLost(t, at, coreshed.ChangedOutside)
		if again := s.register(t, "survey/grid.tif"); again.File != at.File || again.VersionID == at.VersionID {
			t.Errorf("registered again it is %+v, it was %+v", again, at)
		}
		if err := b.Delete(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		s.wantLost(t, other, coreshed.Missing)
		put("other", []byte("x"))
		if _, err := s.RecheckNext(t.Context(), s.slot(t, other).Version.ID-1, nil); err != nil {
			t.Error(err)
		}
		s.want(t, other, []byte("x"))

		if err := server.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(t.Context(), s.slot(t, other), 0, 1); !errors.Is(err, coreshed.BadGateway) {
			t.Errorf("Open without the server = %v, want BadGateway", err)
		}
	})
}
