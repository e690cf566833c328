package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// start records a run that reads one or two entries, at times in a recipe and a
// batch.
func (m *model) start(t *rapid.T) {
	inputs := []*entry{m.any(t)}
	if other := m.any(t); other != inputs[0] {
		inputs = append(inputs, other)
	}
	var ids []int64
	for _, e := range inputs {
		ids = append(ids, e.id)
	}
	r := &run{inputs: inputs, status: coreshed.Running, of: sum(inputs)}
	n := storetest.NewRun(ids...)
	n.Type.Name = rapid.SampledFrom([]string{"parse", "grid"}).Draw(t, "job type")
	if rapid.Bool().Draw(t, "in a recipe") {
		m.cook(t, r)
		n.Recipe, n.Node = r.recipe, r.node
	}
	m.tick(t)
	got, _, err := m.shed.DB.RecordRun(t.Context(), m.view, m.access.Workspace.ID, n)
	m.must(t, "record run", err)
	r.id, r.kind, r.name = got.ID, got.Type.ID, got.Type.Name
	m.runs = append(m.runs, r)
}

// cook gives a run a recipe of its own, and at times a batch.
func (m *model) cook(t *rapid.T, r *run) {
	if rapid.Bool().Draw(t, "in a batch") {
		b, _, err := m.shed.DB.RecordBatch(t.Context(), m.view, m.access.Workspace.ID, store.NewBatch{Title: "Nightly"})
		m.must(t, "record batch", err)
		r.batch = b.ID
	}
	kind := store.NewRecipeType{Name: rapid.SampledFrom([]string{"tiles", "mosaic"}).Draw(t, "recipe type")}
	recipe, _, err := m.shed.DB.RecordRecipe(t.Context(), m.view, m.access.Workspace.ID, store.NewRecipe{Type: kind, Batch: r.batch})
	m.must(t, "record recipe", err)
	r.recipe, r.recipeType, r.node = recipe.ID, recipe.Type.ID, rapid.SampledFrom([]string{"cut", "join"}).Draw(t, "node")
}

// sum is what a run has of what it reads: the earliest start, the latest end, the
// greatest of each text.
func sum(inputs []*entry) sources {
	var s sources
	for _, e := range inputs {
		s.class, s.sensor = max(s.class, e.class), max(s.sensor, e.sensor)
		s.collection, s.task = max(s.collection, e.collection), max(s.task, e.task)
		s.sourceStarted, s.sourceEnded = earliest(s.sourceStarted, e.sourceStarted), max(s.sourceEnded, e.sourceEnded)
	}
	return s
}

// earliest is the lesser of two times that may be none.
func earliest(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// ancestors are the sources that a run's inputs come from.
func (r *run) ancestors() []*entry {
	var list []*entry
	for _, e := range r.inputs {
		if e.run == nil {
			list = append(list, e)
		} else {
			list = append(list, e.run.ancestors()...)
		}
	}
	return list
}

func (m *model) anyRun(t *rapid.T, ok func(*run) bool) *run {
	var list []*run
	for _, r := range m.runs {
		if ok(r) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		t.Skip("no such run")
	}
	return rapid.SampledFrom(list).Draw(t, "run")
}

// keyOf tells products apart: what is made by one type of job, under one name, of
// the same inputs.
func (r *run) keyOf(name string) string {
	var parts []string
	for _, e := range r.inputs {
		if e.run == nil {
			parts = append(parts, e.file.uuid.String())
		} else {
			parts = append(parts, e.key)
		}
	}
	slices.Sort(parts)
	return r.name + "|" + name + "(" + strings.Join(parts, "|") + ")"
}

// output uploads the output of a run, which joins the file of the same product,
// else the one at its path.
func (m *model) output(t *rapid.T) {
	r := m.anyRun(t, func(r *run) bool { return r.status == coreshed.Running && r.made == nil })
	n := store.NewOutput{Name: "OUTPUT", File: rapid.SampledFrom([]string{"out.tif", "Out.json"}).Draw(t, "name"), Prefix: storetest.Prefix()}
	if rapid.Bool().Draw(t, "own path") {
		n.Path = rapid.SampledFrom(paths).Draw(t, "path")
	}
	m.tick(t)
	slot, err := m.shed.ReserveOutput(m.t, r.id, n)
	place := slot.StoragePath
	if n.Path != "" {
		place = n.Path
	}
	_, name := coreshed.SplitPath(place)
	key := r.keyOf(name)
	f := m.product(key)
	if f == nil && n.Path != "" {
		f = m.at(n.Path)
	}
	if f != nil && f.key != "" && f.key != key {
		if coreshed.KindOf(err) != coreshed.Conflict {
			t.Fatalf("the path of another product: %v", err)
		}
		return
	}
	m.must(t, "reserve output", err)
	if f == nil {
		f = &file{path: place, uuid: slot.FileUUID}
		m.files = append(m.files, f)
	}
	if f.uuid != slot.FileUUID {
		t.Fatalf("the output joins another file than that of its product")
	}
	f.key = key
	now := m.tick(t)
	v := m.shed.Commit(m.t, slot.Reservation, content(len(m.entries)))
	r.made = m.add(v.ID, f, entry{place: place, kind: "PRODUCT", size: v.Size, held: true, run: r, key: key, sources: r.inherited()}, now)
	f.held = append(f.held, r.made)
}

// inherited is what a product has of its run: what the inputs said when it was
// recorded, else the times that the sources behind them have by now.
func (r *run) inherited() sources {
	s := r.of
	var started, ended int64
	for _, e := range r.ancestors() {
		started, ended = earliest(started, e.started), max(ended, e.ended)
	}
	s.sourceStarted, s.sourceEnded = cmp.Or(s.sourceStarted, started), cmp.Or(s.sourceEnded, ended)
	return s
}

// product is the file of a product that is not deleted.
func (m *model) product(key string) *file {
	i := slices.IndexFunc(m.files, func(f *file) bool { return f.key == key && f.deleted == 0 })
	if i < 0 {
		return nil
	}
	return m.files[i]
}

func (m *model) end(t *rapid.T) {
	r := m.anyRun(t, func(r *run) bool { return r.status == coreshed.Running })
	status := rapid.SampledFrom([]coreshed.RunStatus{coreshed.Completed, coreshed.Completed, coreshed.Failed}).Draw(t, "status")
	now := m.tick(t)
	err := m.shed.DB.EndRun(t.Context(), m.view, r.id, store.RunEnd{Status: status})
	m.must(t, "end run", err)
	r.status = status
	if status == coreshed.Completed && r.made != nil {
		m.publish(r.made, now)
	}
}

// publish is the contract's: what is the same and was ever published is
// superseded, and the new one takes its place in its file.
func (m *model) publish(e *entry, now int64) {
	for _, other := range m.entries {
		if other == e || other.key != e.key || other.published == 0 || (other.superseded != 0 && other.unpublished != 0) {
			continue
		}
		if other.isPublished() {
			other.unpublished = now
		}
		other.superseded, other.modified = now, now
	}
	e.published, e.unpublished, e.modified = now, 0, now
	if e.held || e.file.current() == e {
		e.superseded = 0
	}
	if e.held {
		e.held = false
		e.file.held = slices.DeleteFunc(e.file.held, func(h *entry) bool { return h == e })
		m.join(e, now)
	}
}

// madeAnew reports whether the same product was published behind an entry in its
// file.
func (e *entry) madeAnew() bool {
	i := slices.Index(e.file.versions, e)
	return i >= 0 && slices.ContainsFunc(e.file.versions[i+1:], func(o *entry) bool { return o.key == e.key && o.published != 0 })
}

func (m *model) publishAgain(t *rapid.T) {
	r := m.anyRun(t, func(r *run) bool { return r.status != coreshed.Running })
	now := m.tick(t)
	err := m.shed.DB.PublishRun(t.Context(), m.view, r.id)
	if r.status != coreshed.Completed {
		if !errors.Is(err, coreshed.Conflict) {
			t.Fatalf("publish a run that has %s: %v", r.status, err)
		}
		return
	}
	if r.made != nil && r.made.madeAnew() {
		if !errors.Is(err, coreshed.Conflict) {
			t.Fatalf("publish what has been made anew: %v", err)
		}
		return
	}
	m.must(t, "publish", err)
	if r.made != nil {
		m.publish(r.made, now)
	}
}

func (m *model) unpublish(t *rapid.T) {
	r := m.anyRun(t, func(*run) bool { return true })
	now := m.tick(t)
	m.must(t, "unpublish", m.shed.DB.UnpublishRun(t.Context(), m.view, r.id))
	if e := r.made; e != nil && e.isPublished() {
		e.unpublished, e.modified = now, now
	}
}

// String is how rapid shows an entry.
func (e *entry) String() string { return fmt.Sprintf("version %d (%s %s)", e.id, e.kind, e.place) }

// String is how rapid shows a file.
func (f *file) String() string { return f.path }

// String is how rapid shows a run.
func (r *run) String() string { return fmt.Sprintf("run %d", r.id) }
