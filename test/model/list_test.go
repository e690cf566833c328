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
	Class        *string `json:"source_sensor_class"`
	Sensor       *string `json:"source_sensor"`
	Collection   *string `json:"source_collection"`
	Task         *string `json:"source_task"`
	Started      *string `json:"source_started"`
	Ended        *string `json:"source_ended"`
	Node         *string `json:"recipe_node"`
	Countries    []string
	Job          *ref
	JobType      *ref `json:"job_type"`
	Recipe       *ref
	RecipeType   *ref `json:"recipe_type"`
	Batch        *ref
}

type ref struct{ ID int64 }

func refOf(id int64) *ref {
	if id == 0 {
		return nil
	}
	return &ref{id}
}

func textOf(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

type page struct {
	Count   int64    `json:"count"`
	Next    *string  `json:"next"`
	Results []listed `json:"results"`
}

// maker is the run that made an entry, or one that says nothing.
func (e *entry) maker() run {
	if e.run == nil {
		return run{}
	}
	return *e.run
}

func (e *entry) listed() listed {
	l := listed{
		ID: e.id, FileName: e.name, FilePath: e.place, FileType: e.kind, FileSize: e.size,
		IsDeleted: e.file.deleted != 0, Deleted: stamp(e.file.deleted), IsSuperseded: e.superseded != 0, Superseded: stamp(e.superseded),
		Created: *stamp(e.created), LastModified: *stamp(e.modified), DataStarted: stamp(e.started), DataEnded: stamp(e.ended),
		Countries: append([]string{}, e.countries...),
		Class:     textOf(e.class), Sensor: textOf(e.sensor), Collection: textOf(e.collection), Task: textOf(e.task),
		Started: stamp(e.sourceStarted), Ended: stamp(e.sourceEnded),
	}
	r := e.maker()
	l.Node = textOf(r.node)
	l.Job, l.JobType, l.Recipe, l.RecipeType, l.Batch = refOf(r.id), refOf(r.kind), refOf(r.recipe), refOf(r.recipeType), refOf(r.batch)
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
	var files []*file
	for _, f := range m.files {
		if len(f.versions) > 0 && (f.deleted != 0) == deleted {
			files = append(files, f)
		}
	}
	// The row ids of files are in the order in which they were made.
	slices.SortStableFunc(files, func(a, b *file) int { return cmp.Compare(a.created, b.created) })
	got := get[evoPage](m.families, t.Fatalf, fmt.Sprintf("%s?deleted=%v&order_by=created_at", m.families.files, deleted))
	if diff := gocmp.Diff(evoOf(files), got.Files); diff != "" {
		t.Fatalf("Evo's list, deleted %v:\n%s", deleted, diff)
	}
}

// evo asks for a filtered and sorted list of files, page by page.
func (m *model) evo(t *rapid.T) {
	var files []*file
	for _, f := range m.files {
		if f.live() {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		t.Skip("no files")
	}
	q := url.Values{}
	if rapid.Bool().Draw(t, "by name") {
		name := rapid.SampledFrom([]string{"A.C", "log_", "%", "o", "OUT.T"}).Draw(t, "name")
		q.Set("file_name", name)
		files = slices.DeleteFunc(files, func(f *file) bool {
			_, base := coreshed.SplitPath(f.path)
			return !strings.Contains(coreshed.FoldPath(base), coreshed.FoldPath(name))
		})
	}
	if rapid.Bool().Draw(t, "by time") {
		at := m.any(t).created
		q.Set("created_at", "gte:"+*stamp(at))
		files = slices.DeleteFunc(files, func(f *file) bool { return f.created < at })
	}
	desc := rapid.Bool().Draw(t, "descending")
	slices.SortStableFunc(files, func(a, b *file) int { return cmp.Compare(a.created, b.created) })
	q.Set("order_by", "created_at")
	if desc {
		q.Set("order_by", "desc:created_at")
		slices.Reverse(files)
	}
	limit := rapid.IntRange(1, 3).Draw(t, "limit")
	q.Set("limit", strconv.Itoa(limit))
	got := []evoFile{}
	for more := true; more; {
		q.Set("offset", strconv.Itoa(len(got)))
		p := get[evoPage](m.families, t.Fatalf, m.families.files+"?"+q.Encode())
		if p.Total != len(files) {
			t.Fatalf("%v counts %d, want %d", q, p.Total, len(files))
		}
		got = append(got, p.Files...)
		more = len(p.Files) == limit
	}
	if diff := gocmp.Diff(evoOf(files), got); diff != "" {
		t.Fatalf("Evo's list %v:\n%s", q, diff)
	}
}

type evoFile struct {
	ID   coreshed.UUID `json:"file_id"`
	Path string        `json:"path"` // of the folder
	Name string        `json:"name"`
	Size int64         `json:"size"`
}

type evoPage struct {
	Total int
	Files []evoFile
}

func evoOf(files []*file) []evoFile {
	list := []evoFile{}
	for _, f := range files {
		folder, name := coreshed.SplitPath(f.path)
		list = append(list, evoFile{f.uuid, folder, name, f.current().size})
	}
	return list
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
	"data_ended":    func(a, b *entry) int { return nullsLast(a.ended, b.ended) },
	"superseded":    func(a, b *entry) int { return nullsLast(a.superseded, b.superseded) },
	"deleted":       func(a, b *entry) int { return nullsLast(a.file.deleted, b.file.deleted) },
	"is_deleted":    func(a, b *entry) int { return cmp.Compare(min(a.file.deleted, 1), min(b.file.deleted, 1)) },
	"is_superseded": func(a, b *entry) int { return cmp.Compare(min(a.superseded, 1), min(b.superseded, 1)) },
	"media_type":    func(a, b *entry) int { return cmp.Compare(coreshed.MediaType(a.name), coreshed.MediaType(b.name)) },

	"source_started":      func(a, b *entry) int { return nullsLast(a.sourceStarted, b.sourceStarted) },
	"source_ended":        func(a, b *entry) int { return nullsLast(a.sourceEnded, b.sourceEnded) },
	"source_sensor_class": func(a, b *entry) int { return nullsLast(a.class, b.class) },
	"source_sensor":       func(a, b *entry) int { return nullsLast(a.sensor, b.sensor) },
	"source_collection":   func(a, b *entry) int { return nullsLast(a.collection, b.collection) },
	"source_task":         func(a, b *entry) int { return nullsLast(a.task, b.task) },

	"job__id":         func(a, b *entry) int { return nullsLast(a.maker().id, b.maker().id) },
	"job_type__id":    func(a, b *entry) int { return nullsLast(a.maker().kind, b.maker().kind) },
	"job_type__name":  func(a, b *entry) int { return nullsLast(a.maker().name, b.maker().name) },
	"recipe__id":      func(a, b *entry) int { return nullsLast(a.maker().recipe, b.maker().recipe) },
	"recipe_node":     func(a, b *entry) int { return nullsLast(a.maker().node, b.maker().node) },
	"recipe_type__id": func(a, b *entry) int { return nullsLast(a.maker().recipeType, b.maker().recipeType) },
	"batch__id":       func(a, b *entry) int { return nullsLast(a.maker().batch, b.maker().batch) },
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
	said("source_sensor_class", func(e *entry) string { return e.class }, "S1", "s1", ""),
	said("source_sensor", func(e *entry) string { return e.sensor }, "S1", "s1", ""),
	said("source_collection", func(e *entry) string { return e.collection }, "S1", "S2", ""),
	said("source_task", func(e *entry) string { return e.task }, "S1", "S2", ""),
	said("job_type_name", func(e *entry) string { return e.maker().name }, "parse", "grid", "none"),
	said("recipe_node", func(e *entry) string { return e.maker().node }, "cut", "join", "none"),
	numbered("job_id", func(r run) int64 { return r.id }),
	numbered("job_type_id", func(r run) int64 { return r.kind }),
	numbered("recipe_id", func(r run) int64 { return r.recipe }),
	numbered("recipe_type_id", func(r run) int64 { return r.recipeType }),
	numbered("batch_id", func(r run) int64 { return r.batch }),
	since("source_started", func(e *entry) int64 { return e.sourceStarted }),
	until("source_ended", func(e *entry) int64 { return e.sourceEnded }),
	{"countries", of("TCT", "TCE", "tct"), func(e *entry, v string) bool { return slices.Contains(e.countries, v) }},
	{"job_output", of("OUTPUT", "none"), func(e *entry, v string) bool { return e.run != nil && v == "OUTPUT" }},
	since("created_started", func(e *entry) int64 { return e.created }),
	until("created_ended", func(e *entry) int64 { return e.created }),
	since("modified_started", func(e *entry) int64 { return e.modified }),
	until("modified_ended", func(e *entry) int64 { return e.modified }),
	since("data_started", func(e *entry) int64 { return e.started }),
	until("data_ended", func(e *entry) int64 { return e.ended }),
}

// said is a filter of what an entry says; one that says nothing is not found.
func said(name string, get func(*entry) string, values ...string) filter {
	return filter{name, of(values...), func(e *entry, v string) bool { return get(e) != "" && get(e) == v }}
}

// numbered is a filter by an id of what made an entry.
func numbered(name string, id func(run) int64) filter {
	return filter{name, func(m *model, t *rapid.T) string { return strconv.FormatInt(id(m.any(t).maker()), 10) },
		func(e *entry, v string) bool { return id(e.maker()) != 0 && strconv.FormatInt(id(e.maker()), 10) == v }}
}

func since(name string, at func(*entry) int64) filter {
	return filter{name, when(at), func(e *entry, v string) bool { return at(e) != 0 && at(e) >= parsed(v) }}
}

func until(name string, at func(*entry) int64) filter {
	return filter{name, when(at), func(e *entry, v string) bool { return at(e) != 0 && at(e) <= parsed(v) }}
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
	if !ordered(q, "created") || !ordered(q, "modified") || !ordered(q, "data") || !ordered(q, "source") {
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
