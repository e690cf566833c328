package catalog_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// reaching is a shed whose workspace lies in a folder, which it returns.
func reaching(t *testing.T, s *shed) string {
	t.Helper()
	dir := t.TempDir()
	opener, err := broker.NewOpener(broker.Bounds{Roots: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	s.Catalog = catalog.New(catalog.Config{DB: s.db, Blobs: s.blobs, Opener: opener, Now: s.clock.now})
	s.configure(t, fmt.Sprintf(`{"broker": {"type": "host", "host_path": %q}}`, dir))
	return dir
}

func (s *shed) configure(t *testing.T, document string) store.Storage {
	t.Helper()
	before, err := s.db.StorageOf(t.Context(), s.access.Workspace.ID)
	if err != nil {
		t.Fatal(err)
	}
	after, err := s.Configure(t.Context(), []byte(document), before)
	if err != nil {
		t.Fatalf("Configure %s: %v", document, err)
	}
	if err := s.db.SetStorage(t.Context(), s.access, after); err != nil {
		t.Fatal(err)
	}
	return after
}

func TestBroker(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.access.Workspace.ID
		if _, err := s.Broker(t.Context(), id); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("Broker of a workspace without one = %v, want NotFound", err)
		}
		dir := reaching(t, s)
		b, err := s.Broker(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Put(t.Context(), "a.las", strings.NewReader("depth"), 5, broker.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		// Another folder counts at once.
		s.configure(t, fmt.Sprintf(`{"broker": {"type": "host", "host_path": %q}}`, filepath.Join(dir, "sub")))
		b, err = s.Broker(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Open(t.Context(), "a.las"); !errors.Is(err, broker.ErrUnavailable) {
			t.Errorf("Open in a folder that is not there = %v, want ErrUnavailable", err)
		}
		before := store.Storage{Workspace: id}
		_, err = s.Configure(t.Context(), fmt.Appendf(nil, `{"broker": {"type": "host", "host_path": %q}}`, filepath.Dir(dir)), before)
		var invalid *broker.ConfigError
		if !errors.As(err, &invalid) || invalid.Name != broker.InvalidBroker {
			t.Errorf("Configure out of bounds = %v, want %s", err, broker.InvalidBroker)
		}
		if err := s.db.DeleteWorkspace(t.Context(), s.access); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Broker(t.Context(), id); !errors.Is(err, coreshed.Gone) || !strings.Contains(err.Error(), "archived") {
			t.Errorf("Broker of a deleted workspace = %v, want Gone: archived", err)
		}
	})
}
