package store_test

import (
	"encoding/json"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// eachClock is storetest.Each with a Shed and a clock that moves when told.
func eachClock(t *testing.T, test func(t *testing.T, s *storetest.Shed, tick func() time.Time)) {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		test(t, storetest.New(t, db), func() time.Time {
			now = now.Add(time.Minute)
			return now
		})
	})
}

// standing is what publishing changes of an entry.
type standing struct{ Ever, Published, Superseded bool }

func (s standing) of(e coreshed.Entry) standing {
	return standing{!e.PublishedAt.IsZero(), !e.PublishedAt.IsZero() && e.Unpublished.IsZero(), e.Superseded}
}

func standingOf(t *testing.T, s *storetest.Shed, id int64) standing {
	t.Helper()
	return standing{}.of(s.Entry(t, id))
}

// TestPublish: contract case 136, and that nothing of a run is its file's current
// version before.
func TestPublish(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, tick func() time.Time) {
		a, before := s.Access(t, s.Viewer), fileCount(t, s)
		r := s.Record(t, storetest.NewRun(s.Put(t, s.Editor, "a.tif", "1").Version.ID))
		var ids []int64
		for _, name := range []string{"1.tif", "2.tif", "3.tif"} {
			id := s.Upload(t, r.ID, name, name)
			ids = append(ids, id)
			e := s.Entry(t, id)
			wantEqual(t, []any{e.Type, e.Name, e.MediaType, standingOf(t, s, id)}, []any{coreshed.Product, name, "image/tiff", standing{}})
			_, err := s.DB.FileByPath(t.Context(), a, e.Path, 0)
			wantIs(t, err, coreshed.NotFound)
			_, err = s.DB.FileByID(t.Context(), a, e.FileUUID, e.VersionID)
			wantIs(t, err, coreshed.NotFound)
		}
		wantEqual(t, fileCount(t, s), before+1)
		when := tick()
		s.End(t, r.ID, coreshed.Completed)
		for _, id := range ids {
			e := s.Entry(t, id)
			wantEqual(t, []any{standingOf(t, s, id), e.PublishedAt, e.ModifiedAt}, []any{standing{true, true, false}, when, when})
			f, err := s.DB.FileByPath(t.Context(), a, e.Path, 0)
			wantIs(t, err, nil)
			wantEqual(t, f.Version.ID, id)
		}
		wantEqual(t, fileCount(t, s), before+4)
		tick()
		s.End(t, r.ID, coreshed.Completed) // again: nothing happens
		wantEqual(t, s.Entry(t, ids[0]).PublishedAt, when)
	})
}

func fileCount(t *testing.T, s *storetest.Shed) int64 {
	t.Helper()
	_, n, err := s.DB.Files(t.Context(), s.Access(t, s.Viewer), coreshed.Filter{}, nil, coreshed.Page{Limit: 1})
	wantIs(t, err, nil)
	u, err := s.DB.Usage(t.Context(), s.Workspace.ID)
	wantIs(t, err, nil)
	wantEqual(t, u.Live, n)
	return n
}

// TestFailedRun: what a failed run has made is an entry and never published, and
// the same product as that of another try (case 148).
func TestFailedRun(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, _ func() time.Time) {
		source := s.Put(t, s.Editor, "a.tif", "1").Version.ID
		r := s.Record(t, storetest.NewRun(source))
		bad := s.Upload(t, r.ID, "out.tif", "bad")
		s.End(t, r.ID, coreshed.Failed)
		wantEqual(t, standingOf(t, s, bad), standing{})
		wantIs(t, s.DB.PublishRun(t.Context(), s.View(t, s.Editor), r.ID), coreshed.Conflict)

		// Another try of it makes the file.
		wantIs(t, s.DB.StartRun(t.Context(), s.View(t, s.Editor), r.ID, store.RunStart{Try: "2"}), nil)
		good := s.Upload(t, r.ID, "out.tif", "good")
		s.End(t, r.ID, coreshed.Completed)
		wantEqual(t, []standing{standingOf(t, s, bad), standingOf(t, s, good)}, []standing{{}, {true, true, false}})
		f, g := s.Entry(t, bad), s.Entry(t, good)
		wantEqual(t, []any{f.FileUUID, f.ProductKey}, []any{g.FileUUID, g.ProductKey}) // the same thing
		got, err := s.DB.FileByID(t.Context(), s.Access(t, s.Viewer), g.FileUUID, 0)
		wantIs(t, err, nil)
		wantEqual(t, got.Version.ID, good)
		versions, err := s.DB.Versions(t.Context(), s.Access(t, s.Viewer), got.ID)
		if err != nil || len(versions) != 1 {
			t.Errorf("the file shows %d versions, %v", len(versions), err)
		}
	})
}

// TestPublishSuperseded: contract case 137.
func TestPublishSuperseded(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, _ func() time.Time) {
		source := s.Put(t, s.Editor, "a.tif", "1").Version.ID
		r := s.Record(t, storetest.NewRun(source))
		id := s.Upload(t, r.ID, "out.tif", "1")
		next := storetest.NewRun(source)
		next.Supersedes = r.ID
		s.Record(t, next)
		s.End(t, r.ID, coreshed.Completed)
		wantEqual(t, standingOf(t, s, id), standing{})
		wantIs(t, s.DB.PublishRun(t.Context(), s.View(t, s.Editor), r.ID), nil)
		wantEqual(t, standingOf(t, s, id), standing{})
		_, _, err := s.DB.RecordRun(t.Context(), s.View(t, s.Editor), s.Workspace.ID, next)
		wantIs(t, err, coreshed.Conflict) // one supersedes it already
	})
}

// TestPublishUnpublishes: contract case 138.
func TestPublishUnpublishes(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, tick func() time.Time) {
		source := s.Put(t, s.Editor, "a.tif", "1").Version.ID
		runs, ids := make([]int64, 3), make([]int64, 3)
		for i := range runs {
			n := storetest.NewRun(source)
			if i > 0 {
				n.Supersedes = runs[i-1]
			}
			n.Values = json.RawMessage(`{"n": ` + string(rune('0'+i)) + `}`) // other products each
			r := s.Record(t, n)
			runs[i], ids[i] = r.ID, s.Upload(t, r.ID, "out.tif", "x")
			if i < 2 {
				s.End(t, r.ID, coreshed.Completed)
				wantEqual(t, standingOf(t, s, ids[i]), standing{true, true, false})
			}
		}
		when := tick()
		s.End(t, runs[2], coreshed.Completed)
		for _, id := range ids[:2] {
			wantEqual(t, standingOf(t, s, id), standing{true, false, false})
		}
		// The first was taken back when the second was published.
		wantEqual(t, s.Entry(t, ids[1]).Unpublished, when)
		wantEqual(t, standingOf(t, s, ids[2]), standing{true, true, false})
		wantEqual(t, s.Entry(t, ids[2]).PublishedAt, when)
		r, err := s.DB.Run(t.Context(), s.View(t, s.Viewer), runs[2])
		wantIs(t, err, nil)
		wantEqual(t, []int64{r.Supersedes, r.RootSuperseded}, []int64{runs[1], runs[0]})

		// The whole line is taken back, also when the one between never published.
		first, id := s.Made(t, "line.tif", source)
		second := storetest.NewRun(source)
		second.Supersedes = first.ID
		third := storetest.NewRun(source)
		third.Supersedes = s.Record(t, second).ID
		third.Values = json.RawMessage(`{"n": 3}`)
		last := s.Record(t, third)
		made := s.Upload(t, last.ID, "line.tif", "x")
		when = tick()
		s.End(t, last.ID, coreshed.Completed)
		e := s.Entry(t, id)
		wantEqual(t, []any{standingOf(t, s, id), e.Unpublished, standingOf(t, s, made)},
			[]any{standing{true, false, false}, when, standing{true, true, false}})
	})
}

// TestPublishSupersedes: contract case 139, also across workspaces, and that a
// file has the versions in the order in which they were published.
func TestPublishSupersedes(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, tick func() time.Time) {
		source := s.Put(t, s.Editor, "a.tif", "1").Version.ID
		_, old := s.Made(t, "out.tif", source)
		home := s.Workspace
		s.Workspace = s.AddWorkspace(t, "elsewhere")
		wantIs(t, s.DB.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Editor.ID, coreshed.Editor), nil)
		tick()
		_, other := s.Made(t, "out.tif", source)
		if a, b := s.Entry(t, old), s.Entry(t, other); a.ProductKey != b.ProductKey || a.FileUUID == b.FileUUID {
			t.Fatalf("keys %s and %s, files %s and %s", a.ProductKey, b.ProductKey, a.FileUUID, b.FileUUID)
		}
		wantEqual(t, standingOf(t, s, old), standing{true, false, true})
		s.Workspace = home

		// Two runs at once: the one that is published last is current.
		first, second := s.Record(t, storetest.NewRun(source)), s.Record(t, storetest.NewRun(source))
		one := s.Upload(t, first.ID, "out.tif", "one")
		two := s.Upload(t, second.ID, "out.tif", "two")
		s.End(t, second.ID, coreshed.Completed)
		when := tick()
		s.End(t, first.ID, coreshed.Completed)
		wantEqual(t, []standing{standingOf(t, s, other), standingOf(t, s, one), standingOf(t, s, two)},
			[]standing{{true, false, true}, {true, true, false}, {true, false, true}})
		e := s.Entry(t, two)
		wantEqual(t, []time.Time{e.SupersededAt, e.Unpublished, s.Entry(t, one).PublishedAt}, []time.Time{when, when, when})
		f, err := s.DB.FileByID(t.Context(), s.Access(t, s.Viewer), e.FileUUID, 0)
		wantIs(t, err, nil)
		versions, err := s.DB.Versions(t.Context(), s.Access(t, s.Viewer), f.ID)
		wantIs(t, err, nil)
		var ids []int64
		for _, v := range versions {
			ids = append(ids, v.Version.ID)
		}
		wantEqual(t, ids, []int64{one, two, old})
		wantEqual(t, f.Version.ID, one)
	})
}

// TestUnpublish takes a run's products back, and publishes them again.
func TestUnpublish(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, tick func() time.Time) {
		r, id := s.Made(t, "out.tif", s.Put(t, s.Editor, "a.tif", "1").Version.ID)
		v := s.View(t, s.Editor)
		when := tick()
		for range 2 {
			wantIs(t, s.DB.UnpublishRun(t.Context(), v, r.ID), nil)
			e := s.Entry(t, id)
			wantEqual(t, []any{standingOf(t, s, id), e.Unpublished, e.DeletedAt.IsZero()}, []any{standing{true, false, false}, when, true})
			tick()
		}
		wantIs(t, s.DB.PublishRun(t.Context(), v, r.ID), nil)
		wantEqual(t, standingOf(t, s, id), standing{true, true, false})
	})
}

// TestProduct: cases 143, 145 to 147 and 149 to 151.
func TestProduct(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, _ func() time.Time) {
		v := s.View(t, s.Editor)
		day := func(d int) time.Time { return time.Date(2015, 5, d, 0, 0, 0, 0, time.UTC) }
		source := func(name, sensor string, started, ended int) int64 {
			id := s.Put(t, s.Editor, name, "12").Version.ID
			_, err := s.DB.Describe(t.Context(), v, id, coreshed.Description{DataStarted: day(started), DataEnded: day(ended), Sensor: sensor}, nil)
			wantIs(t, err, nil)
			return id
		}
		a, b := source("a.tif", "S1", 4, 6), source("b.tif", "S2", 3, 5)
		batch, _, err := s.DB.RecordBatch(t.Context(), v, s.Workspace.ID, store.NewBatch{Title: "May"})
		wantIs(t, err, nil)
		recipe, _, err := s.DB.RecordRecipe(t.Context(), v, s.Workspace.ID, store.NewRecipe{Type: store.NewRecipeType{Name: "tiles"}, Batch: batch.ID})
		wantIs(t, err, nil)

		n := storetest.NewRun(a, b)
		n.Recipe, n.Node = recipe.ID, "cut"
		n.Type.Manifest = json.RawMessage(`{"job": {"packageVersion": "1.0.0"}}`)
		r := s.Record(t, n)
		wantEqual(t, []any{r.SourceStarted, r.SourceEnded, r.Sensor, r.InputSize, r.Batch.ID, r.Recipe.ID, r.Node},
			[]any{day(3), day(6), "S2", int64(4), batch.ID, recipe.ID, "cut"})
		slot, err := s.ReserveOutput(t, r.ID, store.NewOutput{Name: "TILE", File: "sub/x.json", MediaType: "application/x", Prefix: storetest.Prefix()})
		wantIs(t, err, nil)
		again, err := s.ReserveOutput(t, r.ID, store.NewOutput{Name: "TILE", File: "sub/x.json", Prefix: storetest.Prefix()})
		wantIs(t, err, nil)
		wantEqual(t, again, slot) // announced again
		id := s.Commit(t, slot.Reservation, "{}").ID
		again, err = s.ReserveOutput(t, r.ID, store.NewOutput{Name: "TILE", File: "sub/x.json", Prefix: storetest.Prefix()})
		wantIs(t, err, nil)
		wantEqual(t, again, store.OutputSlot{StoragePath: slot.StoragePath, Version: id})
		second := s.Upload(t, r.ID, "y.tif", "{}")
		s.End(t, r.ID, coreshed.Completed)

		e := s.Entry(t, id)
		tries, err := s.DB.Executions(t.Context(), v, r.ID)
		wantIs(t, err, nil)
		wantEqual(t, []any{e.Type, e.Name, e.MediaType, e.Size, e.Made.Job, e.Made.Execution, e.Made.Output, e.Made.Recipe, e.Made.Node, e.Made.Batch.ID},
			[]any{coreshed.Product, "x.json", "application/x", int64(2), r.ID, tries[0].ID, "TILE", recipe.ID, "cut", batch.ID})
		wantEqual(t, []any{e.Made.JobType.Name, e.Made.RecipeType.Name}, []any{"parse", "tiles"})
		wantEqual(t, []any{e.SourceStarted, e.SourceEnded, e.Sensor, e.DataStarted.IsZero(), len(e.Tags)}, []any{day(3), day(6), "S2", true, 0})
		wantEqual(t, string(e.Metadata), `{"job_name":"parse","job_version":"1.0","package_version":"1.0.0"}`)
		if want := "recipes/tiles/revision_1/jobs/parse/1.0/2015/05/03/job_exe_"; !strings.HasPrefix(e.StoragePath, want) || !strings.HasSuffix(e.StoragePath, "/sub/x.json") {
			t.Errorf("storage path %s", e.StoragePath) // 154, 155
		}
		if key := s.Entry(t, second).ProductKey; key == e.ProductKey || len(key) != 32 { // 147
			t.Errorf("keys %s and %s", key, e.ProductKey)
		}

		same := func(what string, n store.NewRun, file string) bool {
			r := s.Record(t, n)
			return s.Entry(t, s.Upload(t, r.ID, file, what)).ProductKey == e.ProductKey
		}
		if !same("inputs", storetest.NewRun(b, a), "x.json") { // in whatever order
			t.Error("the same inputs make another product")
		}
		other := storetest.NewRun(a, b)
		other.Type.Version = "2.0"
		valued := storetest.NewRun(a, b)
		valued.Values = json.RawMessage(`{"n": 1}`)
		for what, n := range map[string]store.NewRun{"149": storetest.NewRun(a), "150": other, "151": valued} {
			if same(what, n, "x.json") {
				t.Errorf("%s: the same product", what)
			}
		}
	})
}

// TestProductPaths: contract case 153, and which file an output joins.
func TestProductPaths(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, _ func() time.Time) {
		a := s.Access(t, s.Viewer)
		source := s.Put(t, s.Editor, "a.tif", "1").Version.ID
		_, plain := s.Made(t, "out.tif", source)
		e := s.Entry(t, plain)
		if !strings.HasPrefix(e.StoragePath, "jobs/parse/1.0/unknown_source_data_time/2026/03/01/job_exe_") {
			t.Errorf("storage path %s", e.StoragePath)
		}

		put := func(p string, suffix bool, values string) (int64, error) {
			n := storetest.NewRun(source)
			n.Values = json.RawMessage(values)
			r := s.Record(t, n)
			slot, err := s.ReserveOutput(t, r.ID, store.NewOutput{Name: "OUT", File: "x", Path: p, Suffix: suffix, Prefix: storetest.Prefix()})
			if err != nil {
				return 0, err
			}
			id := s.Commit(t, slot.Reservation, p).ID
			s.End(t, r.ID, coreshed.Completed)
			return id, nil
		}
		// A file of its own, then the same product at another path: the same file.
		one, err := put("x/out.csv", false, `{"n":1}`)
		wantIs(t, err, nil)
		again, err := put("y/out.csv", false, `{"n":1}`)
		wantIs(t, err, nil)
		first, second := s.Entry(t, one), s.Entry(t, again)
		wantEqual(t, []any{first.FileUUID, second.Path, second.StoragePath}, []any{second.FileUUID, "x/out.csv", "y/out.csv"})

		// Another product is refused there, or takes a number.
		_, err = put("X/out.csv", false, `{"n":2}`)
		wantIs(t, err, coreshed.Conflict)
		numbered, err := put("X/out.csv", true, `{"n":2}`)
		wantIs(t, err, nil)
		wantEqual(t, s.Entry(t, numbered).Path, "X/out (1).csv")

		// A source's file takes the product in, and its version is superseded.
		f := s.Put(t, s.Editor, "s/out.csv", "by hand")
		joined, err := put("s/out.csv", false, `{"n":3}`)
		wantIs(t, err, nil)
		wantEqual(t, []any{s.Entry(t, joined).FileUUID, s.Entry(t, f.Version.ID).Superseded}, []any{f.UUID, true})
		got, err := s.DB.FileByPath(t.Context(), a, "s/out.csv", 0)
		wantIs(t, err, nil)
		wantEqual(t, got.Version.ID, joined)

		// Whoever uploads to the path in the meantime has it.
		r := s.Record(t, storetest.NewRun(source))
		slot, err := s.ReserveOutput(t, r.ID, store.NewOutput{Name: "OUT", File: "x", Path: "late/out.csv", Prefix: storetest.Prefix()})
		wantIs(t, err, nil)
		late := s.Commit(t, slot.Reservation, "x").ID
		mine := s.Put(t, s.Editor, "late/out.csv", "mine")
		s.End(t, r.ID, coreshed.Completed)
		wantEqual(t, []string{s.Entry(t, mine.Version.ID).Path, path.Base(s.Entry(t, late).Path)}, []string{"late/out.csv", "out (1).csv"})
	})
}

// TestOutputUploads: what is announced and not uploaded leaves nothing, and a run
// that has ended takes no more.
func TestOutputUploads(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, _ func() time.Time) {
		v := s.View(t, s.Editor)
		n := storetest.NewRun()
		n.Start = nil
		waiting := s.Record(t, n)
		_, err := s.ReserveOutput(t, waiting.ID, store.NewOutput{Name: "OUT", File: "x", Prefix: storetest.Prefix()})
		wantIs(t, err, coreshed.Conflict)

		r := s.Record(t, storetest.NewRun())
		slot, err := s.ReserveOutput(t, r.ID, store.NewOutput{Name: "OUT", File: "x", Prefix: storetest.Prefix()})
		wantIs(t, err, nil)
		wantIs(t, s.DB.EndRun(t.Context(), v, r.ID, store.RunEnd{Status: coreshed.Completed}), coreshed.Conflict)
		got, err := s.DB.Run(t.Context(), v, r.ID)
		wantIs(t, err, nil)
		wantEqual(t, got.Status, coreshed.Running)
		wantIs(t, s.DB.EndRun(t.Context(), v, r.ID, store.RunEnd{Status: coreshed.Completed, SkipMissing: true}), nil)
		_, err = s.DB.Commit(t.Context(), storetest.Whole(s.Workspace.UUID, slot.Reservation, "x"))
		wantIs(t, err, coreshed.NotFound)
		_, err = s.ReserveOutput(t, r.ID, store.NewOutput{Name: "OUT", File: "x", Prefix: storetest.Prefix()})
		wantIs(t, err, coreshed.Conflict)
		_, total, _, err := s.DB.RunOutputs(t.Context(), v, r.ID, coreshed.Page{Limit: 5})
		wantIs(t, err, nil)
		wantEqual(t, []any{total, fileCount(t, s)}, []any{int64(0), int64(0)})
		for _, bad := range []string{"../x", "a/../b", "x/", ""} {
			r := s.Record(t, storetest.NewRun())
			if _, err := s.ReserveOutput(t, r.ID, store.NewOutput{Name: "OUT", File: bad}); err == nil {
				t.Errorf("took %q", bad)
			}
		}
	})
}

// links are the links of a run, as ancestor → descendant; 0 is none.
func links(t *testing.T, s *storetest.Shed, run int64) [][2]int64 {
	t.Helper()
	list, err := store.Links(t.Context(), s.DB, run)
	wantIs(t, err, nil)
	return list
}

// TestAncestry: contract cases 132 to 135 and 142.
func TestAncestry(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, _ func() time.Time) {
		v := s.View(t, s.Editor)
		put := func(name string) int64 { return s.Put(t, s.Editor, name, name).Version.ID }
		s1, s2 := put("1.tif"), put("2.tif")
		r := s.Record(t, storetest.NewRun(s1))
		wantEqual(t, links(t, s, r.ID), [][2]int64{{s1, 0}}) // 132

		_, p1 := s.Made(t, "p1", s1, s2)
		_, p2 := s.Made(t, "p2", p1)
		_, lone := s.Made(t, "lone")
		// 133, 135
		third := s.Record(t, storetest.NewRun(p1, p2, lone))
		wantEqual(t, links(t, s, third.ID), [][2]int64{{s1, 0}, {s2, 0}})
		out := s.Upload(t, third.ID, "p3", "x") // 134
		wantEqual(t, links(t, s, third.ID), [][2]int64{{s1, out}, {s2, out}})
		more := s.Upload(t, third.ID, "p4", "y")
		wantEqual(t, links(t, s, third.ID), [][2]int64{{s1, out}, {s1, more}, {s2, out}, {s2, more}})

		ancestors, err := s.DB.Ancestors(t.Context(), v, p2) // 142
		wantIs(t, err, nil)
		if len(ancestors) != 2 || ancestors[0].ID != s1 || ancestors[1].ID != s2 {
			t.Errorf("ancestors %v", ancestors)
		}

		// A source that turns out to be a product: what was made from it comes from
		// that run's sources.
		upload := put("made.tif")
		after := s.Record(t, storetest.NewRun(upload))
		end := s.Upload(t, after.ID, "end", "x")
		s0 := put("0.tif")
		maker := s.Record(t, storetest.NewRun(s0))
		wantIs(t, s.DB.AdoptOutputs(t.Context(), v, maker.ID, []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: upload}}}), nil)
		wantEqual(t, [][][2]int64{links(t, s, maker.ID), links(t, s, after.ID)}, [][][2]int64{{{s0, upload}}, {{s0, end}}})
		// And an input that is told later.
		wantIs(t, s.DB.UpdateRun(t.Context(), v, maker.ID, store.RunUpdate{Inputs: []coreshed.Input{{Name: "MORE", Version: coreshed.Ref{ID: s1}}}}), nil)
		wantEqual(t, [][][2]int64{links(t, s, maker.ID), links(t, s, after.ID)},
			[][][2]int64{{{s1, upload}, {s0, upload}}, {{s1, end}, {s0, end}}})

		// Nothing comes from itself.
		wantIs(t, s.DB.AdoptOutputs(t.Context(), v, after.ID, []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: s0}}}), coreshed.Conflict)
		wantIs(t, s.DB.AdoptOutputs(t.Context(), v, after.ID, []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: upload}}}), coreshed.Conflict)
		wantIs(t, s.DB.UpdateRun(t.Context(), v, after.ID, store.RunUpdate{Inputs: []coreshed.Input{{Name: "IN", Version: coreshed.Ref{ID: end}}}}), coreshed.Conflict)

		// A product of two runs comes from the sources of both.
		both := s.Record(t, storetest.NewRun(s2))
		wantIs(t, s.DB.AdoptOutputs(t.Context(), v, both.ID, []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: end}}}), nil)
		wantEqual(t, links(t, s, both.ID), [][2]int64{{s2, end}})
		wantEqual(t, s.Entry(t, end).Made.Job, after.ID)
	})
}

// TestRecipes: nodes, sub-recipes, conditions, and what superseding a recipe
// takes back.
func TestRecipes(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, tick func() time.Time) {
		v := s.View(t, s.Editor)
		source := s.Put(t, s.Editor, "a.tif", "123").Version.ID
		n := store.NewRecipe{
			Key: "r1", Type: store.NewRecipeType{Name: "tiles", Definition: json.RawMessage(`{"nodes":{}}`)},
			Inputs:     []coreshed.Input{{Name: "IN", Version: coreshed.Ref{ID: source}}},
			Conditions: []store.NewCondition{{Node: "big"}},
		}
		old, created, err := s.DB.RecordRecipe(t.Context(), v, s.Workspace.ID, n)
		wantIs(t, err, nil)
		wantEqual(t, []any{created, old.InputSize, old.Revision.Number, old.Type.Name}, []any{true, int64(3), int64(1), "tiles"})
		again, created, err := s.DB.RecordRecipe(t.Context(), v, s.Workspace.ID, n)
		wantIs(t, err, nil)
		wantEqual(t, []any{again, created}, []any{old, false})
		changed := n
		changed.Values = json.RawMessage(`{"n":1}`)
		_, _, err = s.DB.RecordRecipe(t.Context(), v, s.Workspace.ID, changed)
		wantIs(t, err, coreshed.Conflict)
		wantIs(t, s.DB.SetCondition(t.Context(), v, old.ID, store.NewCondition{Node: "big", Processed: true, Accepted: true}), nil)
		wantIs(t, s.DB.SetCondition(t.Context(), v, old.ID, store.NewCondition{Node: "none"}), coreshed.NotFound)

		node := func(recipe int64, name string) (coreshed.Run, int64) {
			n := storetest.NewRun(source)
			n.Recipe, n.Node, n.Values = recipe, name, json.RawMessage(`{"node":"`+name+`"}`)
			r := s.Record(t, n)
			id := s.Upload(t, r.ID, name+".tif", name)
			s.End(t, r.ID, coreshed.Completed)
			return r, id
		}
		kept, keptOut := node(old.ID, "kept")
		redone, redoneOut := node(old.ID, "redone")
		sub, _, err := s.DB.RecordRecipe(t.Context(), v, s.Workspace.ID, store.NewRecipe{Type: store.NewRecipeType{Name: "sub"}, Parent: old.ID, ParentNode: "sub"})
		wantIs(t, err, nil)
		wantEqual(t, []int64{sub.Parent, sub.Root}, []int64{old.ID, old.ID})
		_, innerOut := node(sub.ID, "inner")
		taken := storetest.NewRun(source)
		taken.Recipe, taken.Node = old.ID, "kept"
		_, _, err = s.DB.RecordRun(t.Context(), v, s.Workspace.ID, taken)
		wantIs(t, err, coreshed.Conflict)
		wantIs(t, s.DB.CompleteRecipe(t.Context(), v, sub.ID, time.Time{}), nil)
		wantIs(t, s.DB.CompleteRecipe(t.Context(), v, old.ID, time.Time{}), nil)

		got, err := s.DB.Recipe(t.Context(), v, old.ID)
		wantIs(t, err, nil)
		wantEqual(t, got.Counts, coreshed.RecipeCounts{Jobs: map[coreshed.RunStatus]int64{coreshed.Completed: 2}, SubRecipes: 1, SubRecipesComplete: 1})
		nodes, err := s.DB.RecipeNodes(t.Context(), v, old.ID)
		wantIs(t, err, nil)
		if len(nodes) != 4 || !nodes[0].Condition.Accepted || nodes[1].Run != kept.ID || nodes[3].Recipe != sub.ID {
			t.Errorf("nodes %+v", nodes)
		}

		when := tick()
		next := store.NewRecipe{Type: store.NewRecipeType{Name: "tiles"}, Supersedes: old.ID, CarriedOver: []string{"kept"}}
		bad := next
		bad.CarriedOver = []string{"none"}
		_, _, err = s.DB.RecordRecipe(t.Context(), v, s.Workspace.ID, bad)
		wantIs(t, err, coreshed.Invalid)
		successor, _, err := s.DB.RecordRecipe(t.Context(), v, s.Workspace.ID, next)
		wantIs(t, err, nil)
		nodes, err = s.DB.RecipeNodes(t.Context(), v, successor.ID)
		wantIs(t, err, nil)
		wantEqual(t, nodes, []coreshed.RecipeNode{{Name: "kept", Run: kept.ID}})
		wantEqual(t, []standing{standingOf(t, s, keptOut), standingOf(t, s, redoneOut), standingOf(t, s, innerOut)},
			[]standing{{true, true, false}, {true, false, false}, {true, false, false}})
		wantEqual(t, s.Entry(t, redoneOut).Unpublished, when)
		run, err := s.DB.Run(t.Context(), v, redone.ID)
		wantIs(t, err, nil)
		wantEqual(t, run.SupersededAt, when)
		_, _, err = s.DB.RecordRecipe(t.Context(), v, s.Workspace.ID, next)
		wantIs(t, err, coreshed.Conflict)

		// A definition that changes is a new revision.
		kind, err := s.DB.EnsureRecipeType(t.Context(), v, store.NewRecipeType{Name: "tiles", Definition: json.RawMessage(`{"nodes":{"a":1}}`)})
		wantIs(t, err, nil)
		wantEqual(t, kind.Revision, int64(2))
		revisions, many, err := s.DB.RecipeTypeRevisions(t.Context(), v, kind.ID, coreshed.Page{Offset: 1, Limit: 1})
		wantIs(t, err, nil)
		first, err := s.DB.RecipeTypeRevision(t.Context(), v, kind.ID, 1)
		wantIs(t, err, nil)
		if many != 2 || len(revisions) != 1 || revisions[0].Number != 1 || string(first.Document) != `{"nodes":{}}` {
			t.Errorf("revisions %+v, the first %s", revisions, first.Document)
		}
	})
}

func TestBatches(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, _ func() time.Time) {
		v := s.View(t, s.Editor)
		n := store.NewBatch{Key: "b", Title: "May", Type: &store.NewRecipeType{Name: "tiles"}, Estimated: 2}
		b, created, err := s.DB.RecordBatch(t.Context(), v, s.Workspace.ID, n)
		wantIs(t, err, nil)
		again, repeated, err := s.DB.RecordBatch(t.Context(), v, s.Workspace.ID, n)
		wantIs(t, err, nil)
		wantEqual(t, []any{created, repeated, again, b.CreationDone, b.RecipeType.Name}, []any{true, false, b, false, "tiles"})
		n.Title = "June"
		_, _, err = s.DB.RecordBatch(t.Context(), v, s.Workspace.ID, n)
		wantIs(t, err, coreshed.Conflict)
		n.Key, n.Title = "c", strings.Repeat("x", 51)
		_, _, err = s.DB.RecordBatch(t.Context(), v, s.Workspace.ID, n)
		wantIs(t, err, coreshed.Invalid)

		_, _, err = s.DB.RecordRecipe(t.Context(), v, s.Workspace.ID, store.NewRecipe{Type: *n.Type, Batch: b.ID})
		wantIs(t, err, nil)
		run := storetest.NewRun()
		run.Batch = b.ID
		s.Record(t, run)
		wantIs(t, s.DB.CompleteBatch(t.Context(), v, b.ID), nil)
		b, err = s.DB.Batch(t.Context(), v, b.ID)
		wantIs(t, err, nil)
		wantEqual(t, []any{b.CreationDone, b.Recipes, b.RecipesCompleted, b.Jobs[coreshed.Running]}, []any{true, int64(1), int64(0), int64(1)})

		next := store.NewBatch{Title: "July", Supersedes: b.ID}
		successor, _, err := s.DB.RecordBatch(t.Context(), v, s.Workspace.ID, next)
		wantIs(t, err, nil)
		wantEqual(t, []int64{successor.Root, successor.Supersedes}, []int64{b.ID, b.ID})
		_, _, err = s.DB.RecordBatch(t.Context(), v, s.Workspace.ID, next)
		wantIs(t, err, coreshed.Conflict)
		member := s.View(t, s.Member)
		_, err = s.DB.Batch(t.Context(), member, b.ID)
		wantIs(t, err, coreshed.NotFound)
		run.Batch = 1 << 40
		_, _, err = s.DB.RecordRun(t.Context(), v, s.Workspace.ID, run)
		wantIs(t, err, coreshed.NotFound)
	})
}

// TestPublishOlder: a run whose products have been made anew in their files is
// not published again, and a version that is not its file's current one stays
// superseded.
func TestPublishOlder(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, tick func() time.Time) {
		v := s.View(t, s.Editor)
		source := s.Put(t, s.Editor, "a.tif", "1").Version.ID
		older, one := s.Made(t, "out.tif", source)
		tick()
		newer, two := s.Made(t, "out.tif", source)
		wantIs(t, s.DB.PublishRun(t.Context(), v, older.ID), coreshed.Conflict)
		wantIs(t, s.DB.UnpublishRun(t.Context(), v, newer.ID), nil)
		wantIs(t, s.DB.PublishRun(t.Context(), v, older.ID), coreshed.Conflict)
		wantIs(t, s.DB.PublishRun(t.Context(), v, newer.ID), nil)
		wantEqual(t, []standing{standingOf(t, s, one), standingOf(t, s, two)}, []standing{{true, false, true}, {true, true, false}})

		// Somebody uploads to the file of a product.
		path := s.Entry(t, two).Path
		tick()
		s.Put(t, s.Editor, path, "other")
		wantIs(t, s.DB.UnpublishRun(t.Context(), v, newer.ID), nil)
		wantIs(t, s.DB.PublishRun(t.Context(), v, newer.ID), nil)
		wantEqual(t, standingOf(t, s, two), standing{true, true, true})
	})
}

// TestPublishBesideOthers: publishing supersedes nothing in workspaces that the
// publisher may not change.
func TestPublishBesideOthers(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, tick func() time.Time) {
		source := s.Put(t, s.Editor, "a.tif", "1").Version.ID
		_, product := s.Made(t, "out.tif", source)
		north := s.Editor
		s.Workspace, s.Editor = s.AddWorkspace(t, "South pit"), s.Viewer
		wantIs(t, s.DB.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Editor.ID, coreshed.Editor), nil)
		tick()
		_, same := s.Made(t, "out.tif", source)
		wantEqual(t, s.Entry(t, product).ProductKey, s.Entry(t, same).ProductKey)
		wantEqual(t, []standing{standingOf(t, s, product), standingOf(t, s, same)}, []standing{{true, true, false}, {true, true, false}})
		// Who may change both makes one of them.
		wantIs(t, s.DB.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, north.ID, coreshed.Editor), nil)
		s.Editor = north
		tick()
		_, last := s.Made(t, "out.tif", source)
		wantEqual(t, []standing{standingOf(t, s, product), standingOf(t, s, same), standingOf(t, s, last)},
			[]standing{{true, false, true}, {true, false, true}, {true, true, false}})
	})
}

// TestLateInputs: what a run makes is known by all its inputs, those too that are
// told after its outputs.
func TestLateInputs(t *testing.T) {
	eachClock(t, func(t *testing.T, s *storetest.Shed, tick func() time.Time) {
		v := s.View(t, s.Editor)
		source := s.Put(t, s.Editor, "a.tif", "1").Version.ID
		made := func(path, told string) coreshed.UUID {
			n := storetest.NewRun()
			if told == "at once" {
				n = storetest.NewRun(source)
			}
			r := s.Record(t, n)
			slot, err := s.ReserveOutput(t, r.ID, store.NewOutput{Name: "OUT", Path: path, Prefix: storetest.Prefix()})
			wantIs(t, err, nil)
			late := func() {
				wantIs(t, s.DB.UpdateRun(t.Context(), v, r.ID, store.RunUpdate{Inputs: storetest.NewRun(source).Inputs}), nil)
			}
			if told == "when it is announced" {
				late()
			}
			s.Commit(t, slot.Reservation, told)
			if told == "when it is there" {
				late()
			}
			tick()
			s.End(t, r.ID, coreshed.Completed)
			return slot.FileUUID
		}
		for _, told := range []string{"when it is there", "when it is announced"} {
			path := told + "/out " + told + ".tif"
			first := made(path, told)
			wantEqual(t, made(path, "at once"), first)
		}
	})
}
