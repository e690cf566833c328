package model

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/apitest"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// entry is a version as the rules have it. Times are microseconds; 0 is none.
type entry struct {
	id                            int64
	file                          *file
	name, place, kind             string
	size                          int64
	created, modified, superseded int64
	published, unpublished        int64
	held                          bool  // waits for its run to be published
	sources                             // what it is made of
	started, ended                int64 // of the data
	run                           *run  // that made it; nil for a source
	key                           string
	inPlace                       bool // its bytes are where they were found
	content                       int64
	countries                     []string
}

func (e *entry) isPublished() bool { return e.published != 0 && e.unpublished == 0 }

// sources is what an entry or a run says of what it is made of. Times of sources
// are those of their data.
type sources struct {
	class, sensor, collection, task string
	sourceStarted, sourceEnded      int64
}

// file is an address with its versions, in the order in which they joined.
type file struct {
	path              string
	uuid              coreshed.UUID
	versions          []*entry
	held              []*entry
	created, modified int64
	deleted           int64
	key               string // of a product
}

func (f *file) live() bool      { return f.deleted == 0 && len(f.versions) > 0 }
func (f *file) current() *entry { return f.versions[len(f.versions)-1] }

// run is a run that has begun, with its one output.
type run struct {
	id, kind           int64 // and its job type
	name               string
	node               string // "" when it is in no recipe
	recipe, recipeType int64
	batch              int64
	of                 sources
	inputs             []*entry
	made               *entry // nil until it is uploaded
	status             coreshed.RunStatus
}

// model is a workspace in memory, beside the one in the store.
type model struct {
	*families
	shed    *storetest.Shed
	access  coreshed.Access
	view    coreshed.View // of the editor
	now     *time.Time
	files   []*file
	entries []*entry
	runs    []*run
	places  map[string]*file // registered in place
}

// TestModel drives a workspace through everything that makes, changes and
// removes entries, and compares what both APIs list with a model of the rules.
func TestModel(t *testing.T) {
	now := time.Now()
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		client := &http.Client{Transport: apitest.Transport(t, nil)} // reading the documents takes a while
		rapid.Check(t, func(rt *rapid.T) {
			s := storetest.New(t, db)
			m := &model{families: serve(t, s, client), shed: s, access: s.Access(t, s.Editor), view: s.View(t, s.Editor), now: &now, places: map[string]*file{}}
			rt.Repeat(map[string]func(*rapid.T){
				"":          m.check,
				"upload":    m.upload,
				"place":     m.place,
				"describe":  m.describe,
				"start":     m.start,
				"output":    m.output,
				"end":       m.end,
				"publish":   m.publishAgain,
				"unpublish": m.unpublish,
				"delete":    m.delete,
				"restore":   m.restore,
				"list":      m.list,
				"evo":       m.evo,
			})
		})
	})
}

// tick moves the clock and returns it, in microseconds.
func (m *model) tick(t *rapid.T) int64 {
	*m.now = m.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "tick")) * time.Microsecond)
	return m.now.UnixMicro()
}

func (m *model) must(t *rapid.T, what string, err error) {
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// paths are few, so that they meet; two differ by case alone.
var paths = []string{"a.csv", "A.csv", "b/core.tif", "b/Log_1.las", "b/log%1.las"}

func (m *model) at(path string) *file {
	for _, f := range m.files {
		if f.live() && coreshed.FoldPath(f.path) == coreshed.FoldPath(path) {
			return f
		}
	}
	return nil
}

// free is the path that a file gets that wants this one.
func (m *model) free(path string) string {
	for n := 0; ; n++ {
		candidate := path
		if n > 0 {
			candidate = coreshed.NumberedPath(path, n)
		}
		if m.at(candidate) == nil {
			return candidate
		}
	}
}

// add makes an entry.
func (m *model) add(id int64, f *file, e entry, now int64) *entry {
	e.id, e.file, e.created, e.modified = id, f, now, now
	_, e.name = coreshed.SplitPath(e.place)
	m.entries = append(m.entries, &e)
	return &e
}

// join puts an entry at the end of its file's sequence.
func (m *model) join(e *entry, now int64) {
	f := e.file
	for _, v := range f.versions {
		if v.superseded == 0 {
			v.superseded, v.modified = now, now
		}
	}
	if len(f.versions) == 0 {
		f.path, f.created = m.free(f.path), now
	}
	f.versions, f.modified = append(f.versions, e), now
}

func (m *model) upload(t *rapid.T) {
	path := rapid.SampledFrom(paths).Draw(t, "path")
	now := m.tick(t)
	got := m.shed.Put(m.t, m.shed.Editor, path, content(len(m.entries)))
	f := m.at(path)
	if f == nil {
		f = &file{path: path, uuid: got.UUID}
		m.files = append(m.files, f)
	}
	// A version keeps the path that its file had.
	e := m.add(got.Version.ID, f, entry{place: f.path, kind: "SOURCE", size: got.Version.Size}, now)
	m.join(e, now)
}

// content is of a length that tells entries apart.
func content(n int) string { return fmt.Sprintf("%0*d", n%7+1, n%10) }

// place registers a file that lies in a folder: a new one, one that has
// changed, or one that is as it was.
func (m *model) place(t *rapid.T) {
	path := rapid.SampledFrom(paths).Draw(t, "path")
	bytes := rapid.Int64Range(1, 2).Draw(t, "content")
	now := m.tick(t)
	r, err := m.shed.DB.AddInPlace(t.Context(), m.access, store.Place{Path: path, Size: bytes, Modified: time.UnixMicro(bytes)})
	f := m.places[path]
	same := f != nil && f.newestPlaced().content == bytes
	if same && f.deleted != 0 {
		if coreshed.KindOf(err) != coreshed.Gone {
			t.Fatalf("in place, deleted: %v", err)
		}
		return
	}
	m.must(t, "in place", err)
	if same {
		if e := f.newestPlaced(); !e.inPlace {
			e.inPlace, e.modified = true, now
		}
		return
	}
	m.overwritten(path, now)
	if f == nil || f.deleted != 0 {
		f = &file{path: path, uuid: r.File}
		m.files = append(m.files, f)
		m.places[path] = f
	}
	e := m.add(r.Version, f, entry{place: path, kind: "SOURCE", size: bytes, inPlace: true, content: bytes}, now)
	m.join(e, now)
}

// newestPlaced is the version of a file that was registered last.
func (f *file) newestPlaced() *entry {
	for _, e := range slices.Backward(f.versions) {
		if e.content != 0 {
			return e
		}
	}
	return nil
}

func (m *model) overwritten(path string, now int64) {
	for _, e := range m.entries {
		if e.inPlace && e.place == path {
			e.inPlace, e.modified = false, now
		}
	}
}

func (m *model) describe(t *rapid.T) {
	e := m.any(t)
	text := func(field string) string { return rapid.SampledFrom([]string{"", "S1", "s1", "S2"}).Draw(t, field) }
	said := coreshed.Description{SensorClass: text("class"), Sensor: text("sensor"), Collection: text("collection"), Task: text("task")}
	if rapid.Bool().Draw(t, "dated") {
		said.DataStarted = time.UnixMicro(1000 * rapid.Int64Range(1, 4).Draw(t, "started")).UTC()
		said.DataEnded = said.DataStarted.Add(time.Duration(rapid.Int64Range(0, 2).Draw(t, "lasts")) * time.Millisecond)
	}
	if rapid.Bool().Draw(t, "located") {
		said.Geometry = rapid.SampledFrom(slices.Sorted(maps.Keys(touched))).Draw(t, "geometry")
		said.CenterPoint = said.Geometry
	}
	now := m.tick(t)
	_, err := m.shed.DB.Describe(t.Context(), m.view, e.id, said,
		func(_ context.Context, geometry string, _ time.Time) ([]string, error) { return touched[geometry], nil })
	m.must(t, "describe", err)
	e.modified, e.started, e.ended = now, micros(said.DataStarted), micros(said.DataEnded)
	e.class, e.sensor = cmp.Or(said.SensorClass, e.class), cmp.Or(said.Sensor, e.sensor)
	e.collection, e.task = cmp.Or(said.Collection, e.collection), cmp.Or(said.Task, e.task)
	if e.run == nil {
		e.sourceStarted, e.sourceEnded = e.started, e.ended
	}
	if said.Geometry != "" {
		e.countries = touched[said.Geometry]
	}
}

// touched are geometries with the countries that they touch.
var touched = map[string][]string{"POINT (1 2)": {"TCT"}, "POINT (3 4)": {"TCE", "TCT"}, "POINT (5 6)": {"TCE"}}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// any is an entry, or the end of this step.
func (m *model) any(t *rapid.T) *entry {
	if len(m.entries) == 0 {
		t.Skip("no entries")
	}
	return rapid.SampledFrom(m.entries).Draw(t, "entry")
}

func (m *model) delete(t *rapid.T) {
	f := m.anyFile(t, (*file).live)
	now := m.tick(t)
	m.must(t, "delete", m.shed.DB.DeleteFile(t.Context(), m.access, f.uuid))
	f.deleted = now
	m.touch(f, now)
}

func (m *model) restore(t *rapid.T) {
	f := m.anyFile(t, func(f *file) bool { return f.deleted != 0 })
	now := m.tick(t)
	_, err := m.shed.DB.RestoreFile(t.Context(), m.access, f.uuid)
	m.must(t, "restore", err)
	f.path, f.deleted = m.free(f.path), 0
	m.touch(f, now)
}

// touch is what happens to all versions of a file, those of running runs too.
func (m *model) touch(f *file, now int64) {
	for _, e := range m.entries {
		if e.file == f {
			e.modified = now
		}
	}
}

func (m *model) anyFile(t *rapid.T, ok func(*file) bool) *file {
	var list []*file
	for _, f := range m.files {
		if ok(f) {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		t.Skip("no such file")
	}
	return rapid.SampledFrom(list).Draw(t, "file")
}
