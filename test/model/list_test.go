package model

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
)

// listed is what the model says of an entry in Scale's list.
type listed struct {
	ID           int64   `json:"id"`
	FileName     string  `json:"file_name"`
	FilePath     string  `json:"file_path"`
	FileType     string  `json:"file_type"`
	FileSize     int64   `json:"file_size"`
	IsDeleted    bool    `json:"is_deleted"`
	Deleted      *string `json:"deleted"`
	IsSuperseded bool    `json:"is_superseded"`
	Superseded   *string `json:"superseded"`
	Created      string  `json:"created"`
	LastModified string  `json:"last_modified"`
	DataStarted  *string `json:"data_started"`
	DataEnded    *string `json:"data_ended"`
	SourceSensor *string `json:"source_sensor"`
	Countries    []string
	Job          *struct{ ID int64 }
}

type page struct {
	Count   int64    `json:"count"`
	Next    *string  `json:"next"`
	Results []listed `json:"results"`
}

func (e *entry) listed() listed {
	l := listed{
		ID: e.id, FileName: e.name, FilePath: e.place, FileType: e.kind, FileSize: e.size,
		IsDeleted: e.file.deleted != 0, Deleted: stamp(e.file.deleted), IsSuperseded: e.superseded != 0, Superseded: stamp(e.superseded),
		Created: *stamp(e.created), LastModified: *stamp(e.modified), DataStarted: stamp(e.started), DataEnded: stamp(e.ended),
		Countries: append([]string{}, e.countries...),
	}
	if e.sensor != "" {
		l.SourceSensor = &e.sensor
	}
	if e.job != 0 {
		l.Job = &struct{ ID int64 }{e.job}
	}
	return l
}

// stamp is how Scale writes a time.
func stamp(micros int64) *string {
	if micros == 0 {
		return nil
	}
	layout := "2006-01-02T15:04:05.000000Z"
	if micros%1e6 == 0 {
		layout = "2006-01-02T15:04:05Z"
	}
	text := time.UnixMicro(micros).UTC().Format(layout)
	return &text
}

// check compares everything that both APIs show with the model.
func (m *model) check(t *rapid.T) {
	want := []listed{}
	for _, e := range m.sorted("last_modified") {
		want = append(want, e.listed())
	}
	got := get[page](m.families, t.Fatalf, "/v6/files/?page_size=1000")
	if diff := gocmp.Diff(want, got.Results); diff != "" || got.Count != int64(len(want)) {
		t.Fatalf("/v6/files/, of %d (model: %d):\n%s", got.Count, len(want), diff)
	}
	m.checkEvo(t, false)
	m.checkEvo(t, true)
}

// checkEvo compares the list of files, live or deleted.
func (m *model) checkEvo(t *rapid.T, deleted bool) {
	type evo struct {
		ID   coreshed.UUID `json:"file_id"`
		Path string        `json:"path"` // of the folder
		Name string        `json:"name"`
		Size int64         `json:"size"`
	}
	var files []*file
	for _, f := range m.files {
		if len(f.versions) > 0 && (f.deleted != 0) == deleted {
			files = append(files, f)
		}
	}
	// The row ids of files are in the order in which they were made.
	slices.SortStableFunc(files, func(a, b *file) int { return cmp.Compare(a.created, b.created) })
	want := []evo{}
	for _, f := range files {
		folder, name := coreshed.SplitPath(f.path)
		want = append(want, evo{f.uuid, folder, name, f.current().size})
	}
	got := get[struct{ Files []evo }](m.families, t.Fatalf, fmt.Sprintf("%s?deleted=%v&order_by=created_at", m.families.files, deleted))
	if diff := gocmp.Diff(want, got.Files); diff != "" {
		t.Fatalf("Evo's list, deleted %v:\n%s", deleted, diff)
	}
}

// keys compares entries by a field; what has no value comes last.
var keys = map[string]func(a, b *entry) int{
	"id":            func(a, b *entry) int { return cmp.Compare(a.id, b.id) },
	"last_modified": func(a, b *entry) int { return cmp.Compare(a.modified, b.modified) },
	"created":       func(a, b *entry) int { return cmp.Compare(a.created, b.created) },
	"file_name":     func(a, b *entry) int { return cmp.Compare(coreshed.FoldPath(a.name), coreshed.FoldPath(b.name)) },
	"file_path":     func(a, b *entry) int { return cmp.Compare(strings.ToLower(a.place), strings.ToLower(b.place)) },
	"file_size":     func(a, b *entry) int { return cmp.Compare(a.size, b.size) },
	"file_type":     func(a, b *entry) int { return cmp.Compare(a.kind, b.kind) },
	"data_started":  func(a, b *entry) int { return nullsLast(a.started, b.started) },
	"source_sensor": func(a, b *entry) int { return nullsLast(a.sensor, b.sensor) },
	"superseded":    func(a, b *entry) int { return nullsLast(a.superseded, b.superseded) },
	"job__id":       func(a, b *entry) int { return nullsLast(a.job, b.job) },
}

func nullsLast[T cmp.Ordered](a, b T) int {
	var zero T
	switch {
	case a == b:
		return 0
	case a == zero:
		return 1
	case b == zero:
		return -1
	}
	return cmp.Compare(a, b)
}

// sorted returns the entries in an order; the id is the last key, in the
// direction of the one before.
func (m *model) sorted(order ...string) []*entry {
	list := slices.Clone(m.entries)
	slices.SortFunc(list, func(a, b *entry) int {
		sign := 1
		for _, term := range order {
			if sign = 1; strings.HasPrefix(term, "-") {
				sign = -1
			}
			if c := keys[field(term)](a, b); c != 0 {
				return sign * c
			}
		}
		return sign * cmp.Compare(a.id, b.id)
	})
	return list
}

// filter is a parameter of the list, with what it lets through.
type filter struct {
	name string
	draw func(m *model, t *rapid.T) string
	ok   func(e *entry, value string) bool
}

func of(values ...string) func(*model, *rapid.T) string {
	return func(_ *model, t *rapid.T) string { return rapid.SampledFrom(values).Draw(t, "value") }
}

// when draws a time of an entry, or about it.
func when(at func(*entry) int64) func(*model, *rapid.T) string {
	return func(m *model, t *rapid.T) string {
		micros := at(m.any(t)) + rapid.Int64Range(-1, 1).Draw(t, "off")
		return *stamp(max(micros, 1))
	}
}

func parsed(value string) int64 {
	at, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		panic(err)
	}
	return at.UnixMicro()
}

var filters = []filter{
	{"file_name", of("a.csv", "A.csv", "out.tif", "none"), func(e *entry, v string) bool { return e.name == v }},
	{"file_name_search", of("A.C", "log_", "%", "o", "OUT.T", "_1.l"), func(e *entry, v string) bool {
		return strings.Contains(coreshed.FoldPath(e.name), coreshed.FoldPath(v))
	}},
	{"file_type", of("SOURCE", "PRODUCT", "x"), func(e *entry, v string) bool { return e.kind == v }},
	{"media_type", of("text/csv", "image/tiff"), func(e *entry, v string) bool { return coreshed.MediaType(e.name) == v }},
	{"source_sensor", of("S1", "s1", ""), func(e *entry, v string) bool { return e.sensor != "" && e.sensor == v }},
	{"countries", of("TCT", "TCE", "tct"), func(e *entry, v string) bool { return slices.Contains(e.countries, v) }},
	{"job_output", of("OUTPUT", "none"), func(e *entry, v string) bool { return e.job != 0 && v == "OUTPUT" }},
	{"job_type_name", of("parse", "none"), func(e *entry, v string) bool { return e.job != 0 && v == "parse" }},
	{"job_id", func(m *model, t *rapid.T) string { return strconv.FormatInt(m.any(t).job, 10) },
		func(e *entry, v string) bool { return e.job != 0 && strconv.FormatInt(e.job, 10) == v }},
	{"created_started", when(func(e *entry) int64 { return e.created }), func(e *entry, v string) bool { return e.created >= parsed(v) }},
	{"created_ended", when(func(e *entry) int64 { return e.created }), func(e *entry, v string) bool { return e.created <= parsed(v) }},
	{"modified_started", when(func(e *entry) int64 { return e.modified }), func(e *entry, v string) bool { return e.modified >= parsed(v) }},
	{"modified_ended", when(func(e *entry) int64 { return e.modified }), func(e *entry, v string) bool { return e.modified <= parsed(v) }},
	{"data_started", when(func(e *entry) int64 { return e.started }), func(e *entry, v string) bool { return e.started != 0 && e.started >= parsed(v) }},
	{"data_ended", when(func(e *entry) int64 { return e.ended }), func(e *entry, v string) bool { return e.ended != 0 && e.ended <= parsed(v) }},
}

// list asks for a filtered and sorted list, page by page.
func (m *model) list(t *rapid.T) {
	if len(m.entries) == 0 {
		t.Skip("no entries")
	}
	q := url.Values{}
	want := m.sorted("last_modified")
	if order := rapid.SliceOfNDistinct(rapid.SampledFrom(orders()), 0, 2, field).Draw(t, "order"); len(order) > 0 {
		q["order"] = order
		want = m.sorted(order...)
	}
	for _, f := range rapid.SliceOfNDistinct(rapid.SampledFrom(filters), 0, 3, func(f filter) string { return f.name }).Draw(t, "filters") {
		for range rapid.IntRange(1, map[bool]int{true: 1, false: 2}[one(f.name)]).Draw(t, "values") {
			q.Add(f.name, f.draw(m, t))
		}
		want = slices.DeleteFunc(want, func(e *entry) bool {
			return !slices.ContainsFunc(q[f.name], func(v string) bool { return f.ok(e, v) })
		})
	}
	if !ordered(q, "created") || !ordered(q, "modified") || !ordered(q, "data") {
		t.Skip("an empty range, which is refused")
	}
	m.pages(t, q, want)
}

// one reports whether a parameter has one value alone.
func one(name string) bool {
	return name == "file_name_search" || strings.HasSuffix(name, "_started") || strings.HasSuffix(name, "_ended")
}

// ordered reports whether a range is one.
func ordered(q url.Values, name string) bool {
	from, until := q.Get(name+"_started"), q.Get(name+"_ended")
	return from == "" || until == "" || parsed(from) < parsed(until)
}

func field(order string) string { return strings.TrimPrefix(order, "-") }

func orders() []string {
	var list []string
	for name := range keys {
		list = append(list, name, "-"+name)
	}
	slices.Sort(list)
	return list
}

// pages goes through a list by its links.
func (m *model) pages(t *rapid.T, q url.Values, want []*entry) {
	ids := []int64{}
	for _, e := range want {
		ids = append(ids, e.id)
	}
	q.Set("page_size", strconv.Itoa(rapid.IntRange(1, 5).Draw(t, "page size")))
	got := []int64{}
	for next := "/v6/files/?" + q.Encode(); next != ""; {
		p := get[page](m.families, t.Fatalf, next)
		if p.Count != int64(len(want)) {
			t.Fatalf("%s counts %d, want %d", next, p.Count, len(want))
		}
		for _, r := range p.Results {
			got = append(got, r.ID)
		}
		next = ""
		if p.Next != nil {
			next = strings.TrimPrefix(*p.Next, m.url)
		}
	}
	if diff := gocmp.Diff(ids, got); diff != "" {
		t.Fatalf("%v:\n%s", q, diff)
	}
}
