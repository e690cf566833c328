package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/openlineage"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// told is a run of which events tell, as the editor sends them.
type told struct {
	*storetest.Shed
	t      testing.TB
	run    uuid.UUID
	sender coreshed.Person
	second int
}

func tell(t testing.TB, s *storetest.Shed) *told {
	return &told{Shed: s, t: t, run: uuid.New(), sender: s.Editor}
}

// ns is what the workspace is called in events.
func (r *told) ns() string { return "coreshed://shed.example/" + r.Workspace.Name }

// event is an event a second after the one before. The parts are members of it.
func (r *told) event(kind string, parts ...string) openlineage.Event {
	r.t.Helper()
	r.second++
	return r.read(kind, r.second, parts...)
}

func (r *told) read(kind string, second int, parts ...string) openlineage.Event {
	r.t.Helper()
	text := fmt.Sprintf(`{"eventType": %q, "eventTime": "2026-03-01T10:00:%02dZ", "producer": "p", "schemaURL": "s",
		"run": {"runId": %q}, "job": {"namespace": "survey", "name": "tile"}`, kind, second, r.run)
	e, err := openlineage.Read([]byte(strings.Join(append([]string{text}, parts...), ", ") + "}"))
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

func (r *told) send(e openlineage.Event) error {
	r.t.Helper()
	return r.DB.AddLineageEvent(r.t.Context(), r.View(r.t, r.sender), store.LineageEvent{Event: e, Hosts: []string{"shed.example"}})
}

// say sends a new event, which must be taken.
func (r *told) say(kind string, parts ...string) {
	r.t.Helper()
	if err := r.send(r.event(kind, parts...)); err != nil {
		r.t.Fatal(err)
	}
}

// data is a member of an event: a list of files of the workspace, some with
// their version: "a.tif" or "a.tif@7".
func (r *told) data(member string, names ...string) string {
	var list []string
	for _, n := range names {
		name, version, _ := strings.Cut(n, "@")
		facets := ""
		if version != "" {
			facets = fmt.Sprintf(`, "facets": {"version": {"datasetVersion": %q}}`, version)
		}
		list = append(list, fmt.Sprintf(`{"namespace": %q, "name": %q%s}`, r.ns(), name, facets))
	}
	return fmt.Sprintf(`%q: [%s]`, member, strings.Join(list, ", "))
}

func (r *told) in(names ...string) string  { return r.data("inputs", names...) }
func (r *told) out(names ...string) string { return r.data("outputs", names...) }

// job is what became of the run.
func (r *told) job() coreshed.Run {
	r.t.Helper()
	runs, _, err := r.DB.Runs(r.t.Context(), r.View(r.t, r.Admin), store.RunFilter{}, nil, coreshed.Page{Limit: 1000})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, run := range runs {
		if run.Key == r.run.String() {
			return run
		}
	}
	return coreshed.Run{}
}

// links are the ancestors of a version.
func (r *told) links(version int64) []int64 {
	r.t.Helper()
	ancestors, err := r.DB.Ancestors(r.t.Context(), r.View(r.t, r.Admin), version)
	if err != nil {
		r.t.Fatal(err)
	}
	ids := []int64{}
	for _, a := range ancestors {
		ids = append(ids, a.ID)
	}
	return ids
}

func eachTold(t *testing.T, test func(t *testing.T, r *told)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, tell(t, storetest.New(t, db))) })
}

func (r *told) put(path string) int64 {
	r.t.Helper()
	return r.Put(r.t, r.Editor, path, path+uuid.NewString()).Version.ID
}

func TestLineageRun(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		raw := r.put("raw.tif")
		r.say("START", r.in("raw.tif"))
		job := r.job()
		wantEqual(t, []any{job.Status, job.Type.Name, job.Type.Version, job.Workspace.ID, job.StartedAt.Second()},
			[]any{coreshed.Running, "survey-tile", "unversioned", r.Workspace.ID, 1})

		tile := r.put("tile.tif")
		wantEqual(t, r.Entry(t, tile).Type, coreshed.Source)
		r.say("COMPLETE", r.out("tile.tif"))
		made := r.Entry(t, tile)
		wantEqual(t, []any{made.Type, made.Made.Job, made.Made.Output, made.ProductKey, made.PublishedAt.IsZero(), made.Unpublished.IsZero()},
			[]any{coreshed.Product, job.ID, "tile.tif", coreshed.SourceKey(made.FileUUID), false, true})
		wantEqual(t, r.links(tile), []int64{raw})
		done := r.job()
		wantEqual(t, []any{done.Status, done.EndedAt.Second(), done.ID, done.Tries}, []any{coreshed.Completed, 2, job.ID, int64(1)})

		// A second run makes the file anew.
		next := tell(t, r.Shed)
		tile2 := r.put("tile.tif")
		next.say("COMPLETE", next.in("raw.tif"), next.out("tile.tif"))
		wantEqual(t, []bool{r.Entry(t, tile).Unpublished.IsZero(), r.Entry(t, tile2).Unpublished.IsZero()}, []bool{false, true})
		wantEqual(t, r.Entry(t, tile2).ProductKey, made.ProductKey)
	})
}

// A start that arrives after the end does not open a run again; it adds what it
// says.
func TestLineageLateStart(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		raw, tile := r.put("raw.tif"), r.put("tile.tif")
		start := r.event("START", r.in("raw.tif"))
		r.say("COMPLETE", r.out("tile.tif"))
		wantEqual(t, r.links(tile), []int64{})
		wantIs(t, r.send(start), nil)
		job := r.job()
		wantEqual(t, []any{job.Status, job.StartedAt.Second(), job.EndedAt.Second()}, []any{coreshed.Completed, 1, 2})
		wantEqual(t, r.links(tile), []int64{raw})
		modified := r.job().ModifiedAt
		wantIs(t, r.send(start), nil)
		wantEqual(t, r.job().ModifiedAt, modified) // nothing happens twice
	})
}

func TestLineageVersions(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		first := r.Put(t, r.Editor, "raw.tif", "1").Version
		second := r.put("raw.tif")
		tile := r.put("tile.tif")

		// The current one, until a later event names another.
		r.say("START", r.in("raw.tif"))
		third := r.put("raw.tif")
		r.say("RUNNING", r.in("raw.tif"))
		r.say("COMPLETE", r.out("tile.tif"))
		wantEqual(t, r.links(tile), []int64{second})
		r.say("OTHER", r.in(fmt.Sprintf("raw.tif@%d", first.VersionID)))
		wantEqual(t, r.links(tile), []int64{first.ID})
		r.say("OTHER", r.in(fmt.Sprintf("raw.tif@%d", third)))
		wantEqual(t, r.links(tile), []int64{first.ID, third})

		// One that is not there is another system's.
		other := tell(t, r.Shed)
		b := r.put("b.tif")
		other.say("COMPLETE", other.in("raw.tif@v7", "raw.tif@99999"), other.out("b.tif"))
		wantEqual(t, r.links(b), []int64{})
		wantEqual(t, other.external(), []string{"input raw.tif 99999", "input raw.tif v7"})
	})
}

// TestLineageDeleted links what a late event names to versions of deleted files,
// by either id, and to none of another address.
func TestLineageDeleted(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		a, b := r.Put(t, r.Editor, "sub/a.tif", "1").Version, r.Put(t, r.Editor, "b.tif", "2").Version
		for _, name := range []string{"sub/a.tif", "b.tif"} {
			wantIs(t, r.DB.DeleteFileByPath(t.Context(), r.Access(t, r.Editor), name), nil)
		}
		r.put("sub/a.tif")
		c := r.put("c.tif")
		r.say("COMPLETE", r.in(fmt.Sprintf("sub/a.tif@%d", a.VersionID), fmt.Sprintf("b.tif@%d", b.ID), fmt.Sprintf("c.tif@%d", b.VersionID)), r.out("c.tif"))
		wantEqual(t, r.links(c), []int64{a.ID, b.ID})
		wantEqual(t, r.external(), []string{fmt.Sprintf("input c.tif %d", b.VersionID)})
	})
}

// TestLineageCompletedByAnother: whoever may end a run ends it, with the outputs
// that others named where only they may write.
func TestLineageCompletedByAnother(t *testing.T) {
	for _, role := range []coreshed.Role{coreshed.Viewer, coreshed.NoRole} {
		eachTold(t, func(t *testing.T, r *told) {
			south := r.AddWorkspace(t, "South")
			if role != coreshed.NoRole {
				wantIs(t, r.DB.Grant(t.Context(), coreshed.Operator, south.ID, r.Editor.ID, role), nil)
			}
			access := r.Access(t, r.Admin)
			access.Workspace = south
			slot, err := r.DB.Reserve(t.Context(), access, "s.tif", "south")
			wantIs(t, err, nil)
			at, err := r.DB.Commit(t.Context(), storetest.Whole(south.UUID, slot, "1"))
			wantIs(t, err, nil)
			r.sender = r.Admin
			r.say("START", r.out("here.tif"))
			r.say("RUNNING", fmt.Sprintf(`"outputs": [{"namespace": "coreshed://shed.example/%s", "name": "s.tif"}]`, south.Name))
			wantEqual(t, r.job().Workspace.ID, r.Workspace.ID)
			r.sender = r.Editor
			r.say("COMPLETE")
			wantEqual(t, r.job().Status, coreshed.Completed)
			e, err := r.DB.Entry(t.Context(), r.View(t, r.Admin), at.ID)
			wantIs(t, err, nil)
			wantEqual(t, e.PublishedAt.IsZero(), false)
			// To name it oneself is something else.
			wantIs(t, r.send(r.event("OTHER", fmt.Sprintf(`"outputs": [{"namespace": "coreshed://shed.example/%s", "name": "s.tif"}]`, south.Name))),
				map[coreshed.Role]error{coreshed.Viewer: coreshed.Forbidden}[role])
		})
	}
}

// TestLineageBounds keeps what is known of a run small, whatever is said of it.
func TestLineageBounds(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		r.put("a.tif")
		r.say("START", r.in("a.tif"))
		facet := func(name string) string {
			return fmt.Sprintf(`"inputs": [{"namespace": %q, "name": "a.tif", "facets": {%q: {"x": %q}}}]`, r.ns(), name, strings.Repeat("x", 3<<20))
		}
		r.say("RUNNING", facet("a"))
		r.say("RUNNING", facet("b"))
		wantIs(t, r.send(r.event("RUNNING", facet("c"))), coreshed.Invalid)
		r.say("RUNNING", facet("b")) // it takes the place of what was said
		r.say("COMPLETE")
	})
}

// TestLineageMessage: whatever a message of failure has, lists by its category
// can be read.
func TestLineageMessage(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		r.put("a.tif")
		e, err := openlineage.Read(fmt.Appendf(nil, `{"eventType": "FAIL", "eventTime": "2026-03-01T10:00:00Z", "producer": "p", "schemaURL": "s",
			"run": {"runId": %q, "facets": {"errorMessage": {"message": "out of\u0000 memory \ud800"}}}, "job": {"namespace": "survey", "name": "tile"}, "inputs": [{"namespace": %q, "name": "a.tif"}]}`, r.run, r.ns()))
		wantIs(t, err, nil)
		wantIs(t, r.send(e), nil)
		list, _, err := r.DB.Runs(t.Context(), r.View(t, r.Admin), store.RunFilter{ErrorCategory: []string{"ALGORITHM"}}, nil, coreshed.Page{Limit: 10})
		wantIs(t, err, nil)
		if len(list) != 1 || !strings.Contains(string(list[0].Error), "out of memory") {
			t.Errorf("%+v", list)
		}
	})
}

// external are the data sets of other systems of the run.
func (r *told) external() []string {
	r.t.Helper()
	list, err := store.ExternalOf(r.t.Context(), r.DB, r.job().ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

// What a run reads and writes under one name is two versions.
func TestLineageInPlace(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		before := r.put("a.tif")
		r.say("START", r.in("a.tif"), r.out("a.tif"))
		after := r.put("a.tif")
		r.say("COMPLETE", r.in("a.tif"), r.out("a.tif"))
		wantEqual(t, r.links(after), []int64{before})

		// When the start did not arrive in time.
		late := tell(t, r.Shed)
		last := r.put("a.tif")
		late.say("COMPLETE", late.in("a.tif"), late.out("a.tif"))
		wantEqual(t, r.Entry(t, last).Type, coreshed.Product)
		wantEqual(t, r.links(last), []int64{before})

		// Nothing was there before.
		once := tell(t, r.Shed)
		only := r.put("only.tif")
		once.say("COMPLETE", once.in("only.tif"), once.out("only.tif"))
		wantEqual(t, r.Entry(t, only).Made.Job, once.job().ID)
		wantEqual(t, once.external(), []string{"input only.tif "})

		// Nothing was written.
		none := tell(t, r.Shed)
		read := r.put("read.tif")
		none.say("COMPLETE", none.in(fmt.Sprintf("read.tif@%d", read)), none.out("read.tif"))
		wantEqual(t, r.Entry(t, read).Type, coreshed.Source)
		wantEqual(t, none.external(), []string{"output read.tif "})
	})
}

// No version comes from itself, by however many runs.
func TestLineageLoop(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		a, b := r.put("a.tif"), r.put("b.tif")
		r.say("COMPLETE", r.in("a.tif"), r.out("b.tif"))
		back := tell(t, r.Shed)
		back.say("COMPLETE", back.in("b.tif"), back.out("a.tif"))
		wantEqual(t, []any{r.links(b), r.Entry(t, a).Type}, []any{[]int64{}, coreshed.Product})
		wantEqual(t, back.external(), []string{"input b.tif "})
	})
}

func TestLineageFailure(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		tile := r.Put(t, r.Editor, "tile.tif", "1").Version
		r.say("START", r.out("tile.tif"))
		r.say("FAIL", r.out("tile.tif"), `"run": {"runId": "`+r.run.String()+`", "facets": {"errorMessage": {"message": "no bands"}}}`)
		job := r.job()
		var failure map[string]string
		wantIs(t, json.Unmarshal(job.Error, &failure), nil)
		wantEqual(t, []any{job.Status, failure["description"]}, []any{coreshed.Failed, "no bands"})
		wantEqual(t, r.Entry(t, tile.ID).Type, coreshed.Source)
		wantEqual(t, r.external(), []string{"output tile.tif "})

		// It says itself that it has written this one.
		r.say("OTHER", r.out(fmt.Sprintf("tile.tif@%d", tile.VersionID)))
		e := r.Entry(t, tile.ID)
		wantEqual(t, []any{e.Type, e.Made.Job, e.PublishedAt.IsZero()}, []any{coreshed.Product, job.ID, true})

		stopped := tell(t, r.Shed)
		stopped.say("START")
		stopped.say("ABORT")
		wantEqual(t, stopped.job().Status, coreshed.Canceled)
	})
}

// What cannot be seen looks as if it were not there.
func TestLineageRights(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		r.put("secret.tif")
		mine := r.AddWorkspace(t, "Mine")
		wantIs(t, r.DB.Grant(t.Context(), coreshed.Operator, mine.ID, r.Member.ID, coreshed.Editor), nil)

		other := tell(t, r.Shed)
		other.sender = r.Member
		other.say("COMPLETE", other.in("secret.tif", "none.tif"), other.out("secret.tif", "none.tif"))
		wantEqual(t, other.external(), []string{"input none.tif ", "input secret.tif ", "output none.tif ", "output secret.tif "})
		wantEqual(t, other.job().Workspace.ID, mine.ID)

		// A run of another workspace looks as if it were not there.
		r.say("START", r.in("secret.tif"))
		same := tell(t, r.Shed)
		same.run, same.sender = r.run, r.Member
		same.say("FAIL")
		wantEqual(t, r.job().Status, coreshed.Running)

		// To see is not to write.
		seen := tell(t, r.Shed)
		seen.sender = r.Member
		wantIs(t, r.DB.Grant(t.Context(), coreshed.Operator, r.Workspace.ID, r.Member.ID, coreshed.Viewer), nil)
		wantIs(t, seen.send(seen.event("COMPLETE", seen.out("secret.tif"))), coreshed.Forbidden)
		wantEqual(t, seen.job().ID, int64(0))
		seen.say("COMPLETE", seen.in("secret.tif"))
		wantEqual(t, len(seen.external()), 0)
		wantEqual(t, seen.job().Workspace.ID, mine.ID)
		for _, p := range []coreshed.Person{r.Viewer, r.Stranger} {
			seen.sender = p
			wantIs(t, seen.send(seen.event("START")), coreshed.Forbidden)
		}
	})
}

// An event that does not say where waits for one that does.
func TestLineageHome(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		second := r.AddWorkspace(t, "Second pit")
		wantIs(t, r.DB.Grant(t.Context(), coreshed.Operator, second.ID, r.Editor.ID, coreshed.Editor), nil)
		r.say("START", `"run": {"runId": "`+r.run.String()+`", "facets": {"x": {"a": 1}}}`)
		wantEqual(t, r.job().ID, int64(0))
		r.put("raw.tif")
		r.say("RUNNING", r.in("raw.tif"))
		job := r.job()
		wantEqual(t, []any{job.Workspace.ID, job.StartedAt.Second()}, []any{r.Workspace.ID, 1})
		if !strings.Contains(string(job.Facets), `"x":{"a":1}`) {
			t.Errorf("facets %s", job.Facets)
		}
		// The outputs decide.
		r.say("RUNNING", fmt.Sprintf(`"outputs": [{"namespace": "coreshed://SHED.example/Second%%20Pit", "name": "t.tif"}]`))
		wantEqual(t, []any{r.job().ID, r.job().Workspace.ID}, []any{job.ID, second.ID})

		asked := tell(t, r.Shed)
		e := store.LineageEvent{Event: asked.event("START"), Workspace: second.UUID.String()}
		wantIs(t, r.DB.AddLineageEvent(t.Context(), r.View(t, r.Editor), e), nil)
		wantEqual(t, asked.job().Workspace.ID, second.ID)
		e = store.LineageEvent{Event: asked.event("START"), Workspace: "none"}
		wantIs(t, r.DB.AddLineageEvent(t.Context(), r.View(t, r.Editor), e), coreshed.Forbidden)
	})
}

// TestLineageAskedAgain: an event that was kept without a workspace is no repeat
// when it says one, or once there is only one.
func TestLineageAskedAgain(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		second := r.AddWorkspace(t, "South pit")
		must(t, r.DB.Grant(t.Context(), coreshed.Operator, second.ID, r.Editor.ID, coreshed.Editor))
		e := r.event("START")
		if must(t, r.send(e)); r.job().ID != 0 {
			t.Fatalf("recorded in %s, of two", r.job().Workspace.Name)
		}
		for range 2 {
			must(t, r.DB.AddLineageEvent(t.Context(), r.View(t, r.Editor), store.LineageEvent{Event: e, Workspace: second.Name}))
			if got := r.job().Workspace.Name; got != second.Name {
				t.Errorf("recorded in %q", got)
			}
		}
		r.run = uuid.New()
		e = r.event("START")
		must(t, r.send(e))
		must(t, r.DB.Revoke(t.Context(), coreshed.Operator, second.ID, r.Editor.ID))
		if must(t, r.send(e)); r.job().Workspace.ID != r.Workspace.ID {
			t.Errorf("recorded in %q", r.job().Workspace.Name)
		}
	})
}

// What one has said of a run before another said where it is belongs to it.
func TestLineageTwoSenders(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		second := r.AddWorkspace(t, "Second pit")
		for _, p := range []coreshed.Person{r.Editor, r.Member} {
			wantIs(t, r.DB.Grant(t.Context(), coreshed.Operator, second.ID, p.ID, coreshed.Editor), nil)
		}
		wantIs(t, r.DB.Grant(t.Context(), coreshed.Operator, r.Workspace.ID, r.Member.ID, coreshed.Editor), nil)
		raw, tile := r.put("raw.tif"), r.put("tile.tif")
		r.say("START") // of none of the two
		other := *r
		other.sender = r.Member
		other.say("COMPLETE", r.in("raw.tif"), r.out("tile.tif"))
		wantEqual(t, r.job().StartedAt.Second(), 2)
		r.second = other.second
		r.say("OTHER")
		job := r.job()
		wantEqual(t, []any{job.Status, job.StartedAt.Second()}, []any{coreshed.Completed, 1})
		wantEqual(t, r.links(tile), []int64{raw})
	})
}

func TestLineageParent(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		parent := tell(t, r.Shed)
		facet := fmt.Sprintf(`"run": {"runId": %%q, "facets": {"parent": {"run": {"runId": %q}, "job": {"namespace": "survey", "name": "nightly"}}}}`, parent.run)
		r.say("COMPLETE", fmt.Sprintf(facet, r.run))
		job := r.job()
		wantEqual(t, []any{job.Recipe.Type.Name, job.Node}, []any{"survey-nightly", "tile"})
		twin := tell(t, r.Shed)
		twin.say("COMPLETE", fmt.Sprintf(facet, twin.run))
		wantEqual(t, twin.job().Recipe.ID, job.Recipe.ID)
		nodes, err := r.DB.RecipeNodes(t.Context(), r.View(t, r.Admin), job.Recipe.ID)
		wantIs(t, err, nil)
		wantEqual(t, []any{len(nodes), nodes[0].Name, nodes[1].Name}, []any{2, "tile", "tile " + twin.run.String()})

		parent.say("START", `"job": {"namespace": "survey", "name": "nightly"}`)
		recipe, err := r.DB.Recipe(t.Context(), r.View(t, r.Admin), job.Recipe.ID)
		wantIs(t, err, nil)
		wantEqual(t, recipe.CompletedAt.IsZero(), true)
		parent.say("COMPLETE", `"job": {"namespace": "survey", "name": "nightly"}`)
		recipe, err = r.DB.Recipe(t.Context(), r.View(t, r.Admin), job.Recipe.ID)
		wantIs(t, err, nil)
		wantEqual(t, recipe.CompletedAt.Second(), 2)
	})
}

func TestLineageKeyTaken(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		n := storetest.NewRun()
		n.Key = r.run.String()
		r.Record(t, n)
		wantIs(t, r.send(r.event("START")), coreshed.Conflict)
	})
}
