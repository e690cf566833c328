package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// start records a run that reads some entries.
func (m *model) start(t *rapid.T) {
	input := m.any(t)
	m.tick(t)
	got, _, err := m.shed.DB.RecordRun(t.Context(), m.shed.View(m.t, m.shed.Editor), m.access.Workspace.ID, storetest.NewRun(input.id))
	m.must(t, "record run", err)
	m.runs = append(m.runs, &run{id: got.ID, inputs: []*entry{input}, status: coreshed.Running})
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

// keyOf tells products apart: what is made, under one name, of the same inputs.
func (r *run) keyOf(name string) string {
	parts := []string{name}
	for _, e := range r.inputs {
		if e.kind == "SOURCE" {
			parts = append(parts, e.file.uuid.String())
		} else {
			parts = append(parts, e.key)
		}
	}
	return strings.Join(parts, "|")
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
	r.made = m.add(v.ID, f, entry{place: place, kind: "PRODUCT", size: v.Size, held: true, job: r.id, key: key}, now)
	f.held = append(f.held, r.made)
	m.inherit(r)
}

// product is the file of a product that is not deleted.
func (m *model) product(key string) *file {
	i := slices.IndexFunc(m.files, func(f *file) bool { return f.key == key && f.deleted == 0 })
	if i < 0 {
		return nil
	}
	return m.files[i]
}

// inherit gives a product what its run's inputs said when the run was recorded.
func (m *model) inherit(r *run) {
	e := m.view(r.made.id)
	r.made.sensor = e.Sensor // not of this model: another test has the rules
}

func (m *model) view(id int64) coreshed.Entry { return m.shed.Entry(m.t, id) }

func (m *model) end(t *rapid.T) {
	r := m.anyRun(t, func(r *run) bool { return r.status == coreshed.Running })
	status := rapid.SampledFrom([]coreshed.RunStatus{coreshed.Completed, coreshed.Completed, coreshed.Failed}).Draw(t, "status")
	now := m.tick(t)
	err := m.shed.DB.EndRun(t.Context(), m.shed.View(m.t, m.shed.Editor), r.id, store.RunEnd{Status: status})
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
	e.published, e.unpublished, e.superseded, e.modified = now, 0, 0, now
	if e.held {
		e.held = false
		e.file.held = slices.DeleteFunc(e.file.held, func(h *entry) bool { return h == e })
		m.join(e, now)
	}
}

func (m *model) publishAgain(t *rapid.T) {
	r := m.anyRun(t, func(r *run) bool { return r.status != coreshed.Running })
	now := m.tick(t)
	err := m.shed.DB.PublishRun(t.Context(), m.shed.View(m.t, m.shed.Editor), r.id)
	if r.status != coreshed.Completed {
		if !errors.Is(err, coreshed.Conflict) {
			t.Fatalf("publish a run that has %s: %v", r.status, err)
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
	m.must(t, "unpublish", m.shed.DB.UnpublishRun(t.Context(), m.shed.View(m.t, m.shed.Editor), r.id))
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
