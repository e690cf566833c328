package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// thing is a version, a run or a recipe.
type thing struct {
	kind coreshed.PurgeKind
	id   int64
}

func versionThing(id int64) thing { return thing{coreshed.PurgeVersion, id} }
func runThing(id int64) thing     { return thing{coreshed.PurgeRun, id} }
func recipeThing(id int64) thing  { return thing{coreshed.PurgeRecipeRow, id} }

// closure is what a purge removes, found by going from thing to thing.
func closure(l store.PurgeLinks, scope coreshed.PurgeScope, sources []int64) map[thing]bool {
	set := map[thing]bool{}
	for _, id := range sources {
		set[versionThing(id)] = true
	}
	for grown := true; grown; {
		before := len(set)
		follow := func(from, to thing) {
			if set[from] {
				set[to] = true
			}
		}
		for _, p := range l.Inputs {
			follow(versionThing(p[1]), runThing(p[0]))
		}
		for _, p := range l.Outputs {
			follow(runThing(p[0]), versionThing(p[1]))
		}
		if scope == coreshed.PurgeRecipe {
			for _, p := range l.RecipeInputs {
				follow(versionThing(p[1]), recipeThing(p[0]))
			}
			for _, p := range l.NodeRuns {
				if p[2] == 1 {
					follow(recipeThing(p[0]), runThing(p[1]))
				}
			}
			for _, p := range l.Jobs {
				follow(recipeThing(p[0]), runThing(p[1]))
			}
			for _, p := range l.NodeRecipes {
				if p[2] == 1 {
					follow(recipeThing(p[0]), recipeThing(p[1]))
					follow(recipeThing(p[1]), recipeThing(p[0]))
				}
			}
			for _, p := range l.Parents {
				follow(recipeThing(p[1]), recipeThing(p[0]))
			}
			for _, p := range l.Superseded {
				follow(recipeThing(p[0]), recipeThing(p[1]))
			}
		}
		for _, id := range l.Recipes {
			if emptied(l, set, id) {
				set[recipeThing(id)] = true
			}
		}
		grown = len(set) > before
	}
	return set
}

// emptied reports whether a recipe has something in the set, and no node
// outside it.
func emptied(l store.PurgeLinks, set map[thing]bool, id int64) bool {
	touched := false
	for _, p := range l.RecipeInputs {
		touched = touched || p[0] == id && set[versionThing(p[1])]
	}
	var nodes []thing
	for _, p := range l.NodeRuns {
		if p[0] == id {
			nodes = append(nodes, runThing(p[1]))
		}
	}
	for _, p := range l.NodeRecipes {
		if p[0] == id {
			nodes = append(nodes, recipeThing(p[1]))
		}
	}
	for _, n := range nodes {
		if !set[n] {
			return false
		}
		touched = true
	}
	for _, p := range l.Jobs {
		if p[0] == id && !set[runThing(p[1])] {
			return false
		}
	}
	return touched
}

// purgeModel makes histories of any shape, and purges.
type purgeModel struct {
	t    *testing.T
	shed *storetest.Shed
	n    int
}

// TestPurgeModel compares what purges of both scopes plan and remove with the
// closure, and wants no invariant broken after any of them.
func TestPurgeModel(t *testing.T) {
	storetest.EachUnsynced(t, time.Now, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			s.Workspace = s.AddWorkspace(t, "purge "+storetest.Prefix())
			m := &purgeModel{t: t, shed: s}
			rt.Repeat(map[string]func(*rapid.T){
				"put": m.put, "put2": m.put, "run": m.run, "run2": m.run, "run3": m.run, "recipe": m.recipe, "recipe2": m.recipe,
				"adopt": m.adopt, "delete": m.delete, "purge": m.purge, "": m.check,
			})
		})
	})
}

func (m *purgeModel) view() coreshed.View { return m.shed.View(m.t, m.shed.Owner) }

func (m *purgeModel) links(t *rapid.T) store.PurgeLinks {
	l, err := store.PurgeLinksOf(m.t.Context(), m.shed.DB, m.shed.Workspace.ID)
	wantErr(t, err, nil)
	return l
}

// some draws up to n of these, without repeats.
func some(t *rapid.T, list []int64, n int, name string) []int64 {
	var drawn []int64
	for range rapid.IntRange(0, n).Draw(t, name+"s") {
		if len(list) == 0 {
			break
		}
		if id := rapid.SampledFrom(list).Draw(t, name); !slices.Contains(drawn, id) {
			drawn = append(drawn, id)
		}
	}
	return drawn
}

func inputs(versions []int64) []coreshed.Input {
	var list []coreshed.Input
	for _, id := range versions {
		list = append(list, coreshed.Input{Name: "IN", Version: coreshed.Ref{ID: id}})
	}
	return list
}

func (m *purgeModel) put(t *rapid.T) {
	m.shed.Put(m.t, m.shed.Owner, fmt.Sprintf("source-%d.tif", rapid.IntRange(0, 4).Draw(t, "file")), "x")
}

// run records a run, in a recipe or not, with any inputs and outputs.
func (m *purgeModel) run(t *rapid.T) {
	l := m.links(t)
	n := storetest.NewRun(some(t, l.Versions, 3, "input")...)
	if len(l.Recipes) > 0 && rapid.Bool().Draw(t, "in a recipe") {
		m.n++
		n.Recipe, n.Node = rapid.SampledFrom(l.Recipes).Draw(t, "recipe"), fmt.Sprint("node-", m.n)
	}
	r, _, err := m.shed.DB.RecordRun(m.t.Context(), m.view(), m.shed.Workspace.ID, n)
	wantErr(t, err, nil)
	for i := range rapid.IntRange(0, 2).Draw(t, "outputs") {
		slots, err := m.shed.DB.AddOutputs(m.t.Context(), m.view(), r.ID, nil, []store.NewOutput{{Name: "OUT", File: fmt.Sprintf("out-%d.tif", i), Prefix: storetest.Prefix()}})
		wantErr(t, err, nil)
		m.shed.Commit(m.t, slots[0].Reservation, "product")
	}
	if status := rapid.SampledFrom([]coreshed.RunStatus{coreshed.Completed, coreshed.Completed, coreshed.Failed, coreshed.Running}).Draw(t, "status"); status.Ended() {
		wantErr(t, m.shed.DB.EndRun(m.t.Context(), m.view(), r.ID, store.RunEnd{Status: status}), nil)
	}
}

// recipe records a recipe: in another, in place of another with some of its
// nodes, or by itself.
func (m *purgeModel) recipe(t *rapid.T) {
	l := m.links(t)
	m.n++
	n := store.NewRecipe{Type: store.NewRecipeType{Name: "tiles"}, Inputs: inputs(some(t, l.Versions, 2, "input"))}
	if rapid.Bool().Draw(t, "conditional") {
		n.Conditions = []store.NewCondition{{Node: "if", Processed: true}}
	}
	if len(l.Recipes) > 0 {
		switch other := rapid.SampledFrom(l.Recipes).Draw(t, "other"); rapid.IntRange(0, 2).Draw(t, "how") {
		case 1:
			n.Parent, n.ParentNode = other, fmt.Sprint("sub-", m.n)
		case 2:
			n.Supersedes = other
			nodes, err := m.shed.DB.RecipeNodes(m.t.Context(), m.view(), other)
			wantErr(t, err, nil)
			for _, node := range nodes {
				if node.Run != 0 && rapid.Bool().Draw(t, "carry over") {
					n.CarriedOver = append(n.CarriedOver, node.Name)
				}
			}
		}
	}
	_, _, err := m.shed.DB.RecordRecipe(m.t.Context(), m.view(), m.shed.Workspace.ID, n)
	if coreshed.KindOf(err) != coreshed.Conflict { // superseded already
		wantErr(t, err, nil)
	}
}

// adopt lets a run put out a version that is there.
func (m *purgeModel) adopt(t *rapid.T) {
	l := m.links(t)
	err := m.shed.DB.AdoptOutputs(m.t.Context(), m.view(), pick(t, l.Runs, "run"), []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: pick(t, l.Versions, "version")}}})
	if coreshed.KindOf(err) != coreshed.Conflict { // a loop
		wantErr(t, err, nil)
	}
}

func (m *purgeModel) delete(t *rapid.T) {
	e := m.shed.Entry(m.t, pick(t, m.links(t).Versions, "version"))
	if err := m.shed.DB.DeleteFile(m.t.Context(), m.shed.Access(m.t, m.shed.Owner), e.FileUUID); coreshed.KindOf(err) != coreshed.NotFound {
		wantErr(t, err, nil)
	}
}

func (m *purgeModel) purge(t *rapid.T) {
	l := m.links(t)
	if len(l.Versions) == 0 {
		t.Skip("no version")
	}
	sources := some(t, l.Versions, 2, "source")
	if len(sources) == 0 {
		sources = l.Versions[:1]
	}
	scope := rapid.SampledFrom([]coreshed.PurgeScope{coreshed.PurgeLineage, coreshed.PurgeRecipe}).Draw(t, "scope")
	ask := store.NewPurge{Versions: sources, Scope: scope}
	if rapid.Bool().Draw(t, "by filter") {
		ask.Filter = m.filter(t, l)
		ask.Versions, sources = nil, m.matching(t, *ask.Filter)
	}
	p, err := m.shed.DB.PlanPurge(m.t.Context(), m.view(), ask)
	if len(sources) == 0 {
		wantErr(t, err, coreshed.NotFound)
		return
	}
	wantErr(t, err, nil)
	want := closure(l, scope, sources)
	items, err := m.shed.DB.PurgeItems(m.t.Context(), m.view(), p, store.PurgeItemPage{Limit: 1_000_000})
	wantErr(t, err, nil)
	for _, i := range items {
		if !want[thing{i.Kind, i.ID}] {
			t.Fatalf("%s purge of %v plans %s %d, which does not come from it", scope, sources, i.Kind, i.ID)
		}
	}
	if len(items) != len(want) {
		t.Fatalf("%s purge of %v plans %d things, want %v", scope, sources, len(items), want)
	}
	p, err = m.shed.DB.ExecutePurge(m.t.Context(), m.view(), p.UUID, p.Fingerprint)
	wantErr(t, err, nil)
	_, _, err = m.shed.DB.RecordRun(m.t.Context(), m.view(), m.shed.Workspace.ID, storetest.NewRun(sources[0]))
	wantErr(t, err, coreshed.Conflict)
	drain(m.t, m.shed.DB, p.ID)
	_, _, err = m.shed.DB.RecordRun(m.t.Context(), m.view(), m.shed.Workspace.ID, storetest.NewRun(sources[0]))
	wantErr(t, err, coreshed.Gone)
	m.gone(t, l, want)
	p, err = m.shed.DB.Purge(m.t.Context(), m.view(), p.UUID)
	wantErr(t, err, nil)
	if p.Removed != p.Planned || p.Status != coreshed.PurgeDone {
		t.Fatalf("removed %+v of %+v, %s", p.Removed, p.Planned, p.Status)
	}
}

// filter asks for what is found in one way or another.
func (m *purgeModel) filter(t *rapid.T, l store.PurgeLinks) *coreshed.PurgeFilter {
	e := m.shed.Entry(m.t, pick(t, l.Versions, "like"))
	here := m.shed.Workspace.UUID
	list := []*coreshed.PurgeFilter{
		{Workspace: here, Name: []string{e.Name}},
		{Workspace: here, NameContains: e.Name[:1], Type: []string{string(e.Type)}},
		{Workspace: here, CreatedEnded: e.CreatedAt, Folder: e.Path[:1]},
	}
	if len(l.Runs) > 0 {
		list = append(list, &coreshed.PurgeFilter{Workspace: here, Job: l.Runs, CreatedStarted: e.CreatedAt})
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(t, "filter")]
}

// matching are the versions that a list by the same filter has.
func (m *purgeModel) matching(t *rapid.T, f coreshed.PurgeFilter) (ids []int64) {
	entries, _, err := m.shed.DB.Entries(m.t.Context(), m.view(), f.Entries(), nil, coreshed.Page{Limit: 1_000_000})
	wantErr(t, err, nil)
	for _, e := range entries {
		if e.Workspace.UUID == f.Workspace && strings.HasPrefix(coreshed.FoldPath(m.shed.Entry(m.t, e.ID).Path), coreshed.FoldPath(f.Folder)) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// gone wants what was there without what a purge has removed.
func (m *purgeModel) gone(t *rapid.T, before store.PurgeLinks, removed map[thing]bool) {
	after := m.links(t)
	left := func(ids []int64, of func(int64) thing) []int64 {
		return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return removed[of(id)] })
	}
	if !slices.Equal(after.Versions, left(before.Versions, versionThing)) || !slices.Equal(after.Runs, left(before.Runs, runThing)) || !slices.Equal(after.Recipes, left(before.Recipes, recipeThing)) {
		t.Fatalf("left are %v, %v and %v of %v, %v and %v without %v",
			after.Versions, after.Runs, after.Recipes, before.Versions, before.Runs, before.Recipes, removed)
	}
}

func (m *purgeModel) check(t *rapid.T) {
	findings, err := m.shed.DB.Check(m.t.Context())
	wantErr(t, err, nil)
	if len(findings) > 0 {
		t.Fatalf("broken: %+v", findings)
	}
}
