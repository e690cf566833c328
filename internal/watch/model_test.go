package watch_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/fsnames"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// model is a folder that people and programs write to while a strike watches
// it: what lies at its top, and what was taken away by those who put it there.
type model struct {
	s      *shed
	strike int64
	names  []string          // that files may have
	top    map[string]string // name → content
	serial int               // makes contents
}

// TestModel lets files appear, grow, be renamed, replaced and removed, between
// passes, ingests that are cut short, and restarts. In the end all that was left
// lying is where it belongs, taken once, and nothing else is in the catalogue.
func TestModel(t *testing.T) {
	c := newClock()
	storetest.EachUnsynced(t, c.now, func(t *testing.T, db *store.DB) {
		s := open(t, db, c)
		names := fsnames.Kept(t, "a.tif", "b.tif", "B.tif", "c.doc", "d")
		rapid.Check(t, func(rt *rapid.T) {
			m := fresh(t, s, names)
			rt.Repeat(map[string]func(*rapid.T){
				"appear":  m.appear,
				"grow":    m.grow,
				"rename":  m.rename,
				"replace": m.replace,
				"remove":  m.remove,
				"pass":    m.pass,
				"stopped": m.stopped,
				"ingest":  m.ingest,
				"restart": func(*rapid.T) { s.restart() },
				"":        m.check,
			})
			m.settle(rt)
		})
	})
}

// fresh gives a round a workspace and a strike of its own.
func fresh(t *testing.T, s *shed, names []string) *model {
	t.Helper()
	suffix := fmt.Sprintf("-%x", rand.Uint64())
	s.raw = filepath.Join(filepath.Dir(s.other), "raw"+suffix)
	s.workspace("raw"+suffix, s.raw)
	s.ids["raw"] = s.ids["raw"+suffix]
	view, err := s.db.View(t.Context(), coreshed.Actor{ID: s.people.Owner.ID}, s.people.Org.ID)
	s.must(err)
	s.view = view
	// Rounds see nothing of each other.
	s.view.Everything = false
	s.view.Roles = map[int64]coreshed.Role{s.ids["raw"]: coreshed.Owner}
	strike := s.strike(rule{"filename_regex": `(?i).*\.tif`}, rule{"filename_regex": "d", "new_file_path": "sorted"})
	return &model{s: s, strike: strike, names: names, top: map[string]string{}}
}

// content is new, or one that others have had.
func (m *model) content(t *rapid.T) string {
	if rapid.IntRange(0, 3).Draw(t, "again") == 0 {
		return "again " + m.s.raw
	}
	m.serial++
	return fmt.Sprintf("%s %d", m.s.raw, m.serial)
}

func (m *model) write(name, content string, age time.Duration) {
	m.s.putAt(m.s.raw, name, content, m.s.clock.now().Add(-age))
	m.top[name] = content
}

// age is how long ago a file was written: a moment, or an hour.
func age(t *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "age")
}

func (m *model) appear(t *rapid.T) {
	name := rapid.SampledFrom(m.names).Draw(t, "name") + rapid.SampledFrom([]string{"", "_tmp"}).Draw(t, "suffix")
	if _, there := m.top[name]; !there {
		m.write(name, m.content(t), age(t))
	}
}

// some draws a file that lies at the top still.
func (m *model) some(t *rapid.T) string {
	var list []string
	for name := range m.top {
		list = append(list, name)
	}
	if len(list) == 0 {
		t.Skip("no file")
	}
	sort.Strings(list)
	return rapid.SampledFrom(list).Draw(t, "file")
}

func (m *model) grow(t *rapid.T) {
	name := m.some(t)
	m.write(name, m.top[name]+"+", age(t))
}

func (m *model) replace(t *rapid.T) {
	name := m.some(t)
	m.write(name, m.content(t), age(t))
}

func (m *model) rename(t *rapid.T) {
	from := m.some(t)
	to := strings.TrimSuffix(from, "_tmp")
	if to == from {
		to = from + "_tmp"
	}
	if _, there := m.top[to]; there {
		t.Skip("taken")
	}
	m.s.must(os.Rename(filepath.Join(m.s.raw, from), filepath.Join(m.s.raw, to)))
	m.top[to] = m.top[from]
	delete(m.top, from)
}

func (m *model) remove(t *rapid.T) {
	name := m.some(t)
	m.s.must(os.Remove(filepath.Join(m.s.raw, name)))
	delete(m.top, name)
}

// pass looks, after a moment or a minute. An empty folder is as good as one that
// is not there.
func (m *model) pass(t *rapid.T) {
	m.s.clock.advance(rapid.SampledFrom([]time.Duration{time.Second, time.Minute}).Draw(t, "after"))
	_ = m.s.watcher.Pass(context.Background(), m.strike) // what failed is tried again
	m.look()
}

// stopped is a pass that ends anywhere, as if the process did.
func (m *model) stopped(t *rapid.T) {
	m.s.clock.advance(time.Minute)
	ctx, stop := context.WithTimeout(context.Background(), time.Duration(rapid.IntRange(0, 4000).Draw(t, "µs"))*time.Microsecond)
	defer stop()
	_ = m.s.watcher.Pass(ctx, m.strike)
	m.s.restart()
	m.look()
}

// look finds out what has been taken from the top.
func (m *model) look() {
	for name := range m.top {
		if _, err := os.Lstat(filepath.Join(m.s.raw, name)); err != nil {
			delete(m.top, name)
		}
	}
}

// ingest performs some ingests, or begins them and is killed.
func (m *model) ingest(t *rapid.T) {
	work, err := m.s.catalog.ClaimIngests(context.Background(), "test", rapid.IntRange(1, 3).Draw(t, "ingests"))
	m.s.must(err)
	for _, w := range work {
		switch rapid.SampledFrom([]string{"whole", "stopped", "killed"}).Draw(t, "how") {
		case "whole":
			m.s.catalog.Ingest(context.Background(), w)
		case "stopped":
			ctx, stop := context.WithTimeout(context.Background(), time.Duration(rapid.IntRange(0, 2000).Draw(t, "µs"))*time.Microsecond)
			m.s.catalog.Ingest(ctx, w)
			stop()
		}
	}
	m.s.clock.advance(time.Minute)
}

// check holds at any time: no place has two entries, and no ingest that has
// ended well lacks one.
func (m *model) check(t *rapid.T) {
	places := map[string]bool{}
	for _, e := range m.s.entries() {
		if places[e] {
			t.Fatalf("registered twice: %s", e)
		}
		places[e] = true
	}
	for _, i := range m.s.ingests(coreshed.IngestIngested, coreshed.IngestDuplicate) {
		if i.Entry == 0 {
			t.Fatalf("ended without an entry: %+v", i)
		}
	}
}

// settle lets everything end, and compares.
func (m *model) settle(t *rapid.T) {
	s := m.s
	s.put(s.raw, "last.doc", "so that the folder is not empty")
	for name := range m.top {
		if final := strings.TrimSuffix(name, "_tmp"); final != name {
			if _, there := m.top[final]; there {
				s.must(os.Remove(filepath.Join(s.raw, name)))
				continue
			}
			s.must(os.Rename(filepath.Join(s.raw, name), filepath.Join(s.raw, final)))
		}
	}
	for range 4 {
		s.clock.advance(time.Hour)
		s.must(s.watcher.Pass(context.Background(), m.strike))
		s.perform()
	}
	var entries []string
	for _, i := range s.ingests(coreshed.IngestTransferring, coreshed.IngestTransferred) {
		t.Fatalf("still on its way: %+v", i)
	}
	below := map[string]bool{}
	for _, line := range s.tree(s.raw) {
		name, _, _ := strings.Cut(line, " ")
		if !strings.Contains(name, "/") {
			t.Fatalf("left at the top: %s; %v", name, s.told())
		}
		below[name] = true
	}
	list, _, err := s.db.Entries(context.Background(), s.view, coreshed.EntryFilter{}, nil, coreshed.Page{Limit: 10_000})
	s.must(err)
	for _, e := range list {
		info, err := os.Stat(filepath.Join(s.raw, filepath.FromSlash(e.StoragePath)))
		if err != nil || info.Size() != e.Size || e.State != coreshed.InPlace {
			t.Fatalf("entry %d of %s: %d bytes, %s; %v", e.ID, e.StoragePath, e.Size, e.State, err)
		}
		entries = append(entries, e.StoragePath)
	}
	m.wantEachOnce(t, below, entries)
}

// wantEachOnce wants each file below, but deferred ones, to be one entry or the
// duplicate of one, and no other entries.
func (m *model) wantEachOnce(t *rapid.T, below map[string]bool, entries []string) {
	accounted := map[string]int{}
	for _, p := range entries {
		accounted[p]++
	}
	for _, i := range m.s.ingests(coreshed.IngestDuplicate) {
		accounted[i.Path]++
	}
	for p := range below {
		want := 1
		if strings.HasPrefix(p, "deferred/") {
			want = 0
		}
		if accounted[p] != want {
			t.Fatalf("%s is there %d times, want %d: %v", p, accounted[p], want, m.s.told())
		}
		delete(accounted, p)
	}
	if len(accounted) > 0 {
		t.Fatalf("in the catalogue, and not there: %v", accounted)
	}
}
