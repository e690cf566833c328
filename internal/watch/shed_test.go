package watch_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob/mem"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/watch"
)

// shed is a watcher over two workspaces with folders, "raw" and "products", and
// one without, "kept".
type shed struct {
	t       testing.TB
	people  *storetest.Shed
	db      *store.DB
	blobs   *mem.Store
	clock   *clock
	opener  *broker.Opener
	catalog *catalog.Catalog
	watcher *watch.Watcher
	view    coreshed.View
	raw     string // folder
	other   string // folder of products
	ids     map[string]int64
}

// clock is the time of day, moved ahead: at first to one in the morning, UTC, so
// that what a test does is all on one day.
type clock struct{ ahead atomic.Int64 }

func newClock() *clock {
	now := time.Now().UTC()
	c := &clock{}
	c.advance(now.Truncate(24 * time.Hour).Add(25 * time.Hour).Sub(now))
	return c
}

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// day is how the paths that rules want name this day.
func (c *clock) day() string { return c.now().UTC().Format("2006/01/02") }

func each(t *testing.T, test func(t *testing.T, s *shed)) {
	t.Helper()
	c := newClock()
	storetest.EachAt(t, c.now, func(t *testing.T, db *store.DB) { test(t, open(t, db, c)) })
}

func open(t testing.TB, db *store.DB, c *clock) *shed {
	t.Helper()
	top := t.TempDir()
	s := &shed{
		t: t, people: storetest.New(t, db), db: db, blobs: mem.New(), clock: c, ids: map[string]int64{},
		raw: filepath.Join(top, "raw"), other: filepath.Join(top, "products"),
	}
	var err error
	s.opener, err = broker.NewOpener(broker.Bounds{Roots: []string{top}})
	s.must(err)
	s.restart()
	s.workspace("raw", s.raw)
	s.workspace("products", s.other)
	s.workspace("kept", "")
	s.view, err = db.View(t.Context(), coreshed.Actor{ID: s.people.Owner.ID}, s.people.Org.ID)
	s.must(err)
	return s
}

// restart is what a new process has: nothing but the stores.
func (s *shed) restart() {
	s.catalog = catalog.New(catalog.Config{DB: s.db, Blobs: s.blobs, Opener: s.opener, Now: s.clock.now})
	s.watcher = watch.New(watch.Config{DB: s.db, Catalog: s.catalog, Holder: "test", Log: slog.New(slog.DiscardHandler), Now: s.clock.now})
}

func (s *shed) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shed) workspace(name, folder string) {
	s.t.Helper()
	ctx := context.Background()
	w, err := s.db.AddWorkspace(ctx, s.people.Org.ID, s.people.Owner.ID, name, coreshed.WorkspaceEdit{})
	s.must(err)
	s.ids[name] = w.ID
	if folder == "" {
		return
	}
	s.must(os.MkdirAll(folder, 0o755))
	storage, err := s.catalog.Configure(ctx, fmt.Appendf(nil, `{"broker": {"type": "host", "host_path": %q}}`, folder), store.Storage{Workspace: w.ID})
	s.must(err)
	a, err := s.db.OwnAccess(ctx, w.ID)
	s.must(err)
	s.must(s.db.SetStorage(ctx, a, storage))
}

// rule is one of files_to_ingest.
type rule map[string]any

var everything = rule{"filename_regex": ".*"}

func configuration(finder string, members map[string]any, rules ...rule) json.RawMessage {
	document := map[string]any{"workspace": "raw", finder: members, "files_to_ingest": rules}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return text
}

// strike makes a strike on raw and returns its id.
func (s *shed) strike(rules ...rule) int64 {
	s.t.Helper()
	made, err := s.db.AddStrike(context.Background(), s.view, coreshed.Origin{
		Workspace: s.ids["raw"], Title: "Watch raw",
		Configuration: configuration("monitor", map[string]any{"type": "dir-watcher", "transfer_suffix": "_tmp"}, rules...),
	})
	s.must(err)
	return made.ID
}

// scan makes a scan on raw and returns its id.
func (s *shed) scan(rules ...rule) int64 {
	s.t.Helper()
	made, err := s.db.AddScan(context.Background(), s.view, coreshed.Origin{
		Workspace: s.ids["raw"], Title: "Look at raw",
		Configuration: configuration("scanner", map[string]any{"type": "dir", "transfer_suffix": "_tmp"}, rules...),
	})
	s.must(err)
	return made.ID
}

// takeAll processes a scan to its end.
func (s *shed) takeAll(id int64) coreshed.Scan {
	s.t.Helper()
	_, err := s.db.ProcessScan(context.Background(), s.view, id, true)
	s.must(err)
	s.watcher.Walk(context.Background(), id)
	s.perform()
	scan, err := s.db.Scan(context.Background(), s.view, id)
	s.must(err)
	return scan
}

// put makes a file that was written an hour ago.
func (s *shed) put(folder, name, content string) {
	s.t.Helper()
	s.putAt(folder, name, content, s.clock.now().Add(-time.Hour))
}

func (s *shed) putAt(folder, name, content string, at time.Time) {
	s.t.Helper()
	file := filepath.Join(folder, filepath.FromSlash(name))
	s.must(os.MkdirAll(filepath.Dir(file), 0o755))
	s.must(os.WriteFile(file, []byte(content), 0o644))
	s.must(os.Chtimes(file, at, at))
}

// pass lets a strike look once, a minute later.
func (s *shed) pass(id int64) {
	s.t.Helper()
	s.clock.advance(time.Minute)
	s.must(s.watcher.Pass(context.Background(), id))
}

// perform ends every ingest that can be ended, however long that takes.
func (s *shed) perform() {
	s.t.Helper()
	for range 50 {
		work, err := s.catalog.ClaimIngests(context.Background(), "test", 100)
		s.must(err)
		for _, w := range work {
			s.catalog.Ingest(context.Background(), w)
		}
		if len(work) > 0 {
			continue
		}
		n := len(s.ingests(coreshed.IngestQueued)) + len(s.ingests(coreshed.IngestIngesting))
		if n == 0 {
			return
		}
		s.clock.advance(5 * time.Minute)
	}
	s.t.Fatal("ingests do not end")
}

// ingests returns the ingests with these statuses, all without one, in order.
func (s *shed) ingests(status ...coreshed.IngestStatus) []coreshed.Ingest {
	s.t.Helper()
	list, _, err := s.db.Ingests(context.Background(), s.view, coreshed.IngestFilter{Status: status},
		[]coreshed.Order{{Field: "id"}}, coreshed.Page{Limit: 10_000})
	s.must(err)
	return list
}

// told is what tests compare of ingests: name, path and status.
func (s *shed) told() []string {
	s.t.Helper()
	var list []string
	for _, i := range s.ingests() {
		list = append(list, fmt.Sprintf("%s %s %s", i.Name, i.Path, i.Status))
	}
	return list
}

// entries returns where each entry lies, and its state, sorted.
func (s *shed) entries() []string {
	s.t.Helper()
	list, _, err := s.db.Entries(context.Background(), s.view, coreshed.EntryFilter{}, []coreshed.Order{{Field: "id"}}, coreshed.Page{Limit: 10_000})
	s.must(err)
	texts := []string{}
	for _, e := range list {
		texts = append(texts, fmt.Sprintf("%s %s %s", e.Workspace.Name, e.StoragePath, e.State))
	}
	sort.Strings(texts)
	return texts
}

// tree lists the files below a folder with their contents.
func (s *shed) tree(folder string) []string {
	s.t.Helper()
	list := []string{}
	s.must(filepath.WalkDir(folder, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(p)
		rel, _ := filepath.Rel(folder, p)
		list = append(list, filepath.ToSlash(rel)+" "+strings.TrimSpace(string(content)))
		return err
	}))
	sort.Strings(list)
	return list
}

func sum(body []byte) []byte {
	h := sha256.Sum256(body)
	return h[:]
}

func sorted(list []string) []string {
	sort.Strings(list)
	return list
}
