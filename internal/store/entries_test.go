package store_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// entries is a shed with entries in three workspaces that differ in all that
// lists filter and sort by, and what each view should see of them.
type entries struct {
	*storetest.Shed
	all   []coreshed.Entry
	views map[string]coreshed.View
}

func newEntries(t *testing.T, db *store.DB) *entries {
	s := &entries{Shed: storetest.New(t, db), views: map[string]coreshed.View{}}
	first := s.Workspace
	for i := range 3 {
		if i > 0 {
			s.Workspace = s.AddWorkspace(t, fmt.Sprintf("Pit %d", i))
		}
		for n := range 20 {
			s.add(t, i, n)
		}
	}
	s.Workspace = first
	s.describeTypes(t)
	must(t, db.IndexNames(t.Context(), 40)) // and 20 that wait
	for name, p := range map[string]coreshed.Person{"admin": s.Admin, "viewer": s.Viewer, "member": s.Member} {
		v, err := db.View(t.Context(), coreshed.Actor{ID: p.ID}, s.Org.ID)
		must(t, err)
		s.views[name] = v
	}
	for id := range s.read(t) {
		e, err := db.Entry(t.Context(), s.views["admin"], id)
		must(t, err)
		e.FileUUID, e.Path = coreshed.UUID{}, "" // which lists leave out
		s.all = append(s.all, e)
	}
	return s
}

// read returns the ids of all entries of the organisation.
func (s *entries) read(t *testing.T) map[int64]bool {
	ids := map[int64]bool{}
	list, total, err := s.DB.Entries(t.Context(), s.views["admin"], coreshed.EntryFilter{}, nil, coreshed.Page{Limit: 1000})
	must(t, err)
	if int64(len(list)) != total || total != 60 {
		t.Fatalf("%d entries of %d", len(list), total)
	}
	for _, e := range list {
		ids[e.ID] = true
	}
	return ids
}

// add makes the n-th entry of the i-th workspace: every column takes few
// values, some of them none.
func (s *entries) add(t *testing.T, i, n int) {
	name := []string{"a.csv", "A.csv", "b_.tif", "\u00c9cole.json", "e\u0301cole.JSON", "100%.csv"}[n%6]
	a := s.Access(t, s.Owner)
	f := s.Put(t, s.Owner, fmt.Sprintf("%d/%s", n, name), "x")
	v, err := s.DB.Versions(t.Context(), a, f.ID)
	must(t, err)
	some := func(value any, step int) any {
		if (n+i)%step == 0 {
			return nil
		}
		return value
	}
	text := func(prefix string, values, step int) any { return some(fmt.Sprint(prefix, n%values), step) }
	modified := int64(1000*(n%8)) << (n % 4 * 11) // in several spans
	must(t, s.DB.Exec(t.Context(), `UPDATE versions SET data_started = $2, data_ended = $3, source_started = $4, source_ended = $5,
		source_sensor_class = $6, source_sensor = $7, source_collection = $8, source_task = $9, job_id = $10, job_exe_id = $11,
		job_type_id = $12, job_output = $13, recipe_id = $14, recipe_type_id = $15, recipe_node = $16, batch_id = $17,
		countries = $18, tags = $19, geometry = $20, center_point = $20, modified_at = $21, created_at = $22, file_type = $23,
		size = $24, superseded_at = $25, deleted_at = $26, media_type = $27 WHERE id = $1`,
		v[0].Version.ID, some(int64(n%4*1000), 5), some(int64(n%5*1000), 6), some(int64(n%3*1000), 7), some(int64(n%6*1000), 4),
		text("Class", 3, 4), text("sensor", 4, 5), text("c", 5, 6), text("t", 2, 3), some(int64(1+n%7), 3), some(int64(1+n%7), 3),
		some(int64(1+n%3), 3), text("OUT", 2, 3), some(int64(1+n%4), 4), some(int64(1+n%2), 4), text("Node", 3, 4), some(int64(1+n%2), 2),
		[]string{"", "AAA", "AAA BBB", "BBB CCC"}[n%4], []string{"[]", `["a"]`, `["a","b"]`}[n%3], some("POINT (1 2)", 3),
		modified, int64(500*(n%9)), []string{"SOURCE", "PRODUCT"}[n%2],
		int64(n%5), some(int64(n%3), 3), some(int64(n%4), 2), []string{"text/CSV", "image/tiff", "application/json"}[n%3]))
	for _, iso3 := range strings.Fields([]string{"", "AAA", "AAA BBB", "BBB CCC"}[n%4]) {
		must(t, s.DB.Exec(t.Context(), `INSERT INTO version_countries (iso3, modified_at, version_row, workspace_id)
			VALUES ($1, $2, $3, $4)`, iso3, modified, v[0].Version.ID, a.Workspace.ID))
	}
}

func (s *entries) describeTypes(t *testing.T) {
	v, err := s.DB.View(t.Context(), coreshed.Actor{ID: s.Admin.ID}, s.Org.ID)
	must(t, err)
	for i, name := range []string{"extract", "Extract", "assay"} {
		must(t, s.DB.Exec(t.Context(), `INSERT INTO job_types (id, org_id, name, version, title, icon_code, is_paused, created_at, modified_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)`, int64(i+1), v.Org, name, "1.0", fmt.Sprint("T", i), []any{nil, "f013"}[i%2], int64(i%2)))
	}
	for i := range 2 {
		must(t, s.DB.Exec(t.Context(), `INSERT INTO recipe_types (id, org_id, name, title, created_at, modified_at) VALUES ($1, $2, $3, $4, 0, 0)`,
			int64(i+1), v.Org, fmt.Sprint("r", i), fmt.Sprint("R", i)))
		must(t, s.DB.Exec(t.Context(), `INSERT INTO batches (id, org_id, title, created_at, modified_at) VALUES ($1, $2, $3, $4, 0)`,
			int64(i+1), v.Org, fmt.Sprint("B", i), int64(9-i)))
	}
	s.views["admin"] = v
}

// TestEntries compares what Entries returns with what the fields of the entries
// themselves say.
func TestEntries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newEntries(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			view := s.views[rapid.SampledFrom([]string{"admin", "admin", "viewer", "member"}).Draw(rt, "view")]
			f := drawFilter(rt)
			order := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) coreshed.Order {
				return coreshed.Order{Field: rapid.SampledFrom(store.EntryFields()).Draw(t, "field"), Desc: rapid.Bool().Draw(t, "desc")}
			}), 0, 3, func(o coreshed.Order) coreshed.OrderField { return o.Field }).Draw(rt, "order")
			page := coreshed.Page{Offset: rapid.Int64Range(0, 20).Draw(rt, "offset"), Limit: rapid.Int64Range(0, 10).Draw(rt, "limit")}

			got, total, err := db.Entries(rt.Context(), view, f, order, page)
			if err != nil {
				rt.Fatal(err)
			}
			want := s.matching(view, f, order)
			if total != int64(len(want)) {
				rt.Errorf("%d in all, want %d", total, len(want))
			}
			want = want[min(page.Offset, int64(len(want))):min(page.Offset+page.Limit, int64(len(want)))]
			if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				rt.Error(diff)
			}
			err = db.EntriesEach(rt.Context(), view, f, order, page, func(way string, ids []int64, n int64) {
				if diff := gocmp.Diff(idsOf(want), ids, cmpopts.EquateEmpty()); diff != "" || n != total {
					rt.Errorf("%s: %d of %d: %s", way, n, total, diff)
				}
			})
			if err != nil {
				rt.Fatal(err)
			}
		})
	})
}

func idsOf(entries []coreshed.Entry) []int64 {
	ids := make([]int64, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return ids
}

func drawFilter(t *rapid.T) coreshed.EntryFilter {
	texts := func(values ...string) []string {
		if !rapid.Bool().Draw(t, "filtered") || !rapid.Bool().Draw(t, "really") {
			return nil
		}
		return rapid.SliceOfN(rapid.SampledFrom(append(values, "nothing", "", "\x00", "\xff")), 0, 3).Draw(t, "values")
	}
	ids := func() []int64 {
		if !rapid.Bool().Draw(t, "filtered") || !rapid.Bool().Draw(t, "really") {
			return nil
		}
		return rapid.SliceOfN(rapid.Int64Range(0, 9), 0, 40).Draw(t, "ids")
	}
	window := func() (w coreshed.Window) {
		at := rapid.Int64Range(0, 8)
		if rapid.IntRange(0, 3).Draw(t, "from") == 0 {
			v := at.Draw(t, "at") * 1000
			w.From = &v
		}
		if rapid.IntRange(0, 3).Draw(t, "until") == 0 {
			v := at.Draw(t, "at") * 1000
			w.Until = &v
		}
		return w
	}
	return coreshed.EntryFilter{
		Data: window(), Source: window(), Created: window(), Modified: window(),
		SensorClass: texts("Class0", "Class1", "class1"), Sensor: texts("sensor1", "sensor2"), Collection: texts("c1", "c2"), Task: texts("t0", "t1"),
		Type: texts("SOURCE", "PRODUCT"), MediaType: texts("text/CSV", "image/tiff"), Name: texts("a.csv", "A.csv", "\u00c9cole.json"),
		NameContains: rapid.SampledFrom([]string{"", "", "", "A", "_", "%", ".", "cole", "\u00e9CO", "E\u0301", "\\", "nothing", "a.c", ".CSV", "cole.json", "00%.", "\"le\" OR", "elo"}).Draw(t, "search"),
		Job:          ids(), JobType: ids(), Recipe: ids(), RecipeType: ids(), Batch: ids(),
		JobTypeName: texts("extract", "Extract"), JobOutput: texts("OUT0", "OUT1"), RecipeNode: texts("Node1"), Countries: texts("AAA", "BBB", "aaa"),
	}
}

func (s *entries) matching(view coreshed.View, f coreshed.EntryFilter, order []coreshed.Order) []coreshed.Entry {
	if len(order) == 0 {
		order = []coreshed.Order{{Field: "last_modified"}}
	}
	var found []coreshed.Entry
	for _, e := range s.all {
		if view.Sees(e.Workspace.ID) && matches(e, f) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b coreshed.Entry) int {
		for _, o := range append(order[:len(order):len(order)], coreshed.Order{Field: "id", Desc: order[len(order)-1].Desc}) {
			c := compareField(shown(a, o.Field), shown(b, o.Field))
			if c != 0 && o.Desc {
				return -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return found
}

func matches(e coreshed.Entry, f coreshed.EntryFilter) bool {
	in := func(w coreshed.Window, start, end time.Time) bool {
		return (w.From == nil || !start.IsZero() && start.UnixMicro() >= *w.From) && (w.Until == nil || !end.IsZero() && end.UnixMicro() <= *w.Until)
	}
	is := func(values []string, v ...string) bool {
		return values == nil || slices.ContainsFunc(v, func(v string) bool { return v != "" && slices.Contains(values, v) })
	}
	id := func(values []int64, v any) bool {
		return values == nil || v != nil && slices.Contains(values, v.(int64))
	}
	name := ""
	if e.Made.JobType != nil {
		name = e.Made.JobType.Name
	}
	return in(f.Data, e.DataStarted, e.DataEnded) && in(f.Source, e.SourceStarted, e.SourceEnded) &&
		in(f.Created, e.CreatedAt, e.CreatedAt) && in(f.Modified, e.ModifiedAt, e.ModifiedAt) &&
		is(f.SensorClass, e.SensorClass) && is(f.Sensor, e.Sensor) && is(f.Collection, e.Collection) && is(f.Task, e.Task) &&
		is(f.Type, string(e.Type)) && is(f.MediaType, e.MediaType) && is(f.Name, e.Name) &&
		strings.Contains(coreshed.FoldPath(e.Name), coreshed.FoldPath(f.NameContains)) &&
		id(f.Job, shown(e, "job")) && id(f.JobType, shown(e, "job_type")) && id(f.Recipe, shown(e, "recipe")) &&
		id(f.RecipeType, shown(e, "recipe_type")) && id(f.Batch, shown(e, "batch")) &&
		is(f.JobTypeName, name) && is(f.JobOutput, e.Made.Output) && is(f.RecipeNode, e.Made.Node) && is(f.Countries, e.Countries...)
}

// shown is what an entry has in a field: a text, a number, or nil.
func shown(e coreshed.Entry, field coreshed.OrderField) any {
	number := func(n int64) any {
		if n == 0 {
			return nil
		}
		return n
	}
	truth := func(b bool) any { return map[bool]int64{true: 1}[b] }
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	at := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return t.UnixMicro()
	}
	outer, inner, nested := strings.Cut(string(field), "__")
	if nested && outer != "workspace" && inner != "id" {
		return shownOf(e.Made, outer, inner)
	}
	m := e.Made
	switch outer {
	case "id":
		return e.ID
	case "file_name":
		return coreshed.FoldPath(e.Name)
	case "file_type":
		return string(e.Type)
	case "file_size":
		return e.Size
	case "file_path":
		return strings.Map(lower, e.StoragePath)
	case "url":
		return e.Workspace.BaseURL + "/" + e.StoragePath
	case "media_type":
		return strings.ToLower(e.MediaType)
	case "data_type_tags":
		return strings.ReplaceAll(fmt.Sprintf("%q", e.Tags), " ", ",")
	case "is_deleted":
		return truth(!e.DeletedAt.IsZero())
	case "deleted":
		return at(e.DeletedAt)
	case "is_superseded":
		return truth(e.Superseded)
	case "superseded":
		return at(e.SupersededAt)
	case "created":
		return e.CreatedAt.UnixMicro()
	case "last_modified":
		return e.ModifiedAt.UnixMicro()
	case "data_started":
		return at(e.DataStarted)
	case "data_ended":
		return at(e.DataEnded)
	case "source_started":
		return at(e.SourceStarted)
	case "source_ended":
		return at(e.SourceEnded)
	case "source_sensor_class":
		return text(e.SensorClass)
	case "source_sensor":
		return text(e.Sensor)
	case "source_collection":
		return text(e.Collection)
	case "source_task":
		return text(e.Task)
	case "geometry":
		return text(e.Geometry)
	case "center_point":
		return text(e.CenterPoint)
	case "countries":
		return strings.Join(e.Countries, " ")
	case "workspace":
		if inner == "name" {
			return e.Workspace.Name
		}
		return e.Workspace.ID
	case "job":
		return number(m.Job)
	case "job_exe":
		return number(m.Execution)
	case "job_output":
		return text(m.Output)
	case "recipe":
		return number(m.Recipe)
	case "recipe_node":
		return text(m.Node)
	case "job_type", "recipe_type", "batch":
		return shownOf(m, outer, "id")
	}
	panic("no such field: " + string(field))
}

func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// shownOf is what a nested object has in a field.
func shownOf(m coreshed.Provenance, object, field string) any {
	var v reflect.Value
	switch {
	case object == "job_type" && m.JobType != nil:
		v = reflect.ValueOf(*m.JobType)
	case object == "recipe_type" && m.RecipeType != nil:
		v = reflect.ValueOf(*m.RecipeType)
	case object == "batch" && m.Batch != nil:
		v = reflect.ValueOf(*m.Batch)
	default:
		return nil
	}
	name := strings.NewReplacer("_num", "", "_", "").Replace(field)
	if name == "created" {
		return m.Batch.CreatedAt.UnixMicro()
	}
	v = v.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
	switch v.Kind() {
	case reflect.Bool:
		return map[bool]int64{true: 1}[v.Bool()]
	case reflect.String:
		if s := v.String(); s != "" || field != "icon_code" && field != "unmet_resources" {
			return s
		}
		return nil
	}
	return v.Int()
}

// compareField puts what has no value last.
func compareField(a, b any) int {
	switch {
	case a == nil || b == nil:
		return cmp.Compare(map[bool]int{true: 1}[a == nil], map[bool]int{true: 1}[b == nil])
	case reflect.TypeOf(a).Kind() == reflect.String:
		return cmp.Compare(a.(string), b.(string))
	}
	return cmp.Compare(a.(int64), b.(int64))
}

func TestEntriesRefuseUnknownOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		v, err := db.View(t.Context(), coreshed.Actor{ID: s.Admin.ID}, s.Org.ID)
		must(t, err)
		for _, field := range []coreshed.OrderField{"", "?", "pk", "etag", "v.id; DROP TABLE versions"} {
			_, _, err := db.Entries(t.Context(), v, coreshed.EntryFilter{}, []coreshed.Order{{Field: field}}, coreshed.Page{Limit: 1})
			wantKind(t, string(field), err, coreshed.Invalid)
		}
	})
}
