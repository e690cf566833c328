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

// madeVersion is a version as the rules of provenance have it.
type madeVersion struct {
	id       int64
	name     string
	file     coreshed.UUID
	maker    *madeRun   // whose product it is; nil of a source
	others   []*madeRun // that have put it out too
	key      string
	held     bool // not yet one of its file's
	place    int  // among all that are
	standing standing
}

// madeRun is a run as the rules of provenance have it.
type madeRun struct {
	id         int64
	inputs     []*madeVersion
	status     coreshed.RunStatus
	superseded bool
	line       *madeRun // the first of those that supersede one another
}

// provenance is a graph in memory, beside the one in the store.
type provenance struct {
	t        *testing.T
	shed     *storetest.Shed
	now      *time.Time
	versions []*madeVersion
	runs     []*madeRun
	places   int
}

// TestProvenanceModel checks runs, what is published, superseded and taken back,
// source ancestors and lineage against the rules.
func TestProvenanceModel(t *testing.T) {
	now := time.Now()
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			s.Workspace = s.AddWorkspace(t, "model "+storetest.Prefix())
			m := &provenance{t: t, shed: s, now: &now}
			rt.Repeat(map[string]func(*rapid.T){
				"": m.check, "put": m.put, "record": m.record, "record2": m.record, "supersede": m.supersede, "upload": m.upload, "upload2": m.upload,
				"adopt": m.adopt, "late": m.late, "end": m.end, "publish": m.publish, "unpublish": m.unpublish, "lineage": m.lineage,
			})
		})
	})
}

func (m *provenance) view() coreshed.View { return m.shed.View(m.t, m.shed.Owner) }

func (m *provenance) tick() { *m.now = m.now.Add(time.Second) }

func pick[T any](t *rapid.T, list []T, name string) T {
	if len(list) == 0 {
		t.Skip("no " + name)
	}
	return rapid.SampledFrom(list).Draw(t, name)
}

func (m *provenance) put(t *rapid.T) {
	m.tick()
	f := m.shed.Put(m.t, m.shed.Owner, fmt.Sprintf("source-%d.tif", len(m.versions)), "x")
	m.places++
	m.versions = append(m.versions, &madeVersion{id: f.Version.ID, name: f.Path, file: f.UUID, place: m.places})
}

// sources are what a version comes from: itself, if it is a source.
func (v *madeVersion) sources() map[*madeVersion]bool {
	if v.maker == nil {
		return map[*madeVersion]bool{v: true}
	}
	all := map[*madeVersion]bool{}
	for _, r := range append([]*madeRun{v.maker}, v.others...) {
		for _, in := range r.inputs {
			for s := range in.sources() {
				all[s] = true
			}
		}
	}
	return all
}

// from reports whether a version comes from a run.
func (v *madeVersion) from(r *madeRun) bool {
	for _, maker := range append([]*madeRun{v.maker}, v.others...) {
		if maker == nil {
			continue
		}
		if maker == r || slices.ContainsFunc(maker.inputs, func(in *madeVersion) bool { return in.from(r) }) {
			return true
		}
	}
	return false
}

func (r *madeRun) keyOf(name string) string {
	var parts []string
	for _, in := range r.inputs {
		if in.maker == nil {
			parts = append(parts, in.file.String())
		} else {
			parts = append(parts, in.key)
		}
	}
	slices.Sort(parts)
	return name + "|" + strings.Join(parts, "|")
}

func (m *provenance) record(t *rapid.T) { m.add(t, nil) }

func (m *provenance) supersede(t *rapid.T) {
	old := pick(t, m.runs, "run")
	if old.superseded {
		t.Skip("superseded already")
	}
	m.add(t, old)
}

func (m *provenance) add(t *rapid.T, old *madeRun) {
	m.tick()
	r := &madeRun{status: coreshed.Running}
	n := storetest.NewRun()
	for range rapid.IntRange(0, 2).Draw(t, "inputs") {
		v := pick(t, m.versions, "input")
		if !slices.Contains(r.inputs, v) {
			r.inputs = append(r.inputs, v)
			n.Inputs = append(n.Inputs, coreshed.Input{Name: "IN", Version: coreshed.Ref{ID: v.id}})
		}
	}
	if old != nil {
		n.Supersedes, old.superseded, r.line = old.id, true, old
		if old.line != nil {
			r.line = old.line
		}
	}
	got, _, err := m.shed.DB.RecordRun(t.Context(), m.view(), m.shed.Workspace.ID, n)
	wantErr(t, err, nil)
	r.id = got.ID
	m.runs = append(m.runs, r)
}

func (m *provenance) running(t *rapid.T) *madeRun {
	return pick(t, slices.DeleteFunc(slices.Clone(m.runs), func(r *madeRun) bool { return r.status != coreshed.Running }), "running run")
}

func (m *provenance) upload(t *rapid.T) {
	m.tick()
	r := m.running(t)
	name := rapid.SampledFrom([]string{"a.tif", "b.tif"}).Draw(t, "name")
	slots, err := m.shed.DB.AddOutputs(t.Context(), m.view(), r.id, nil, []store.NewOutput{{Name: "OUT", File: name, Prefix: storetest.Prefix()}})
	wantErr(t, err, nil)
	if slots[0].Version != 0 {
		return // it is there already
	}
	v := m.shed.Commit(m.t, slots[0].Reservation, "y")
	m.versions = append(m.versions, &madeVersion{id: v.ID, name: name, file: slots[0].FileUUID, maker: r, key: r.keyOf(name), held: true})
}

func (m *provenance) adopt(t *rapid.T) {
	m.tick()
	r, v := pick(t, m.runs, "run"), pick(t, m.versions, "version")
	err := m.shed.DB.AdoptOutputs(t.Context(), m.view(), r.id, []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: v.id}}})
	comes := slices.ContainsFunc(r.inputs, func(in *madeVersion) bool { return in == v || in.has(v) })
	if comes && v.maker != r && !slices.Contains(v.others, r) {
		wantErr(t, err, coreshed.Conflict)
		return
	}
	wantErr(t, err, nil)
	switch {
	case v.maker == r || slices.Contains(v.others, r):
	case v.maker != nil:
		v.others = append(v.others, r)
	default:
		v.maker, v.key = r, r.keyOf(v.name)
		if r.status == coreshed.Completed && !r.superseded {
			m.publishAll([]*madeVersion{v})
		}
	}
}

// has reports whether a version comes from another.
func (v *madeVersion) has(other *madeVersion) bool {
	for _, maker := range append([]*madeRun{v.maker}, v.others...) {
		if maker != nil && slices.ContainsFunc(maker.inputs, func(in *madeVersion) bool { return in == other || in.has(other) }) {
			return true
		}
	}
	return false
}

func (m *provenance) late(t *rapid.T) {
	m.tick()
	r, v := pick(t, m.runs, "run"), pick(t, m.versions, "version")
	err := m.shed.DB.UpdateRun(t.Context(), m.view(), r.id, store.RunUpdate{Inputs: []coreshed.Input{{Name: "IN", Version: coreshed.Ref{ID: v.id}}}})
	if v.from(r) {
		wantErr(t, err, coreshed.Conflict)
		return
	}
	wantErr(t, err, nil)
	if slices.Contains(r.inputs, v) {
		return
	}
	r.inputs = append(r.inputs, v)
	for _, out := range m.versions {
		if out.maker == r && !out.standing.Ever {
			out.key = r.keyOf(out.name)
		}
	}
}

func (m *provenance) end(t *rapid.T) {
	m.tick()
	r := m.running(t)
	r.status = rapid.SampledFrom([]coreshed.RunStatus{coreshed.Completed, coreshed.Completed, coreshed.Failed}).Draw(t, "status")
	wantErr(t, m.shed.DB.EndRun(t.Context(), m.view(), r.id, store.RunEnd{Status: r.status}), nil)
	if r.status == coreshed.Completed {
		m.publishRun(r)
	}
}

func (m *provenance) publish(t *rapid.T) {
	m.tick()
	r := pick(t, m.runs, "run")
	err := m.shed.DB.PublishRun(t.Context(), m.view(), r.id)
	if r.status != coreshed.Completed {
		wantErr(t, err, coreshed.Conflict)
		return
	}
	own := m.products(r)
	if !r.superseded && len(own) > 0 && len(m.publishable(own)) == 0 {
		wantErr(t, err, coreshed.Conflict)
		return
	}
	wantErr(t, err, nil)
	m.publishRun(r)
}

func (m *provenance) products(r *madeRun) []*madeVersion {
	return slices.DeleteFunc(slices.Clone(m.versions), func(v *madeVersion) bool { return v.maker != r })
}

// publishable leaves out what has been published anew in its file.
func (m *provenance) publishable(own []*madeVersion) []*madeVersion {
	return slices.DeleteFunc(slices.Clone(own), func(v *madeVersion) bool {
		return slices.ContainsFunc(m.after(v), func(o *madeVersion) bool { return o.key == v.key && o.standing.Ever })
	})
}

// after returns the later versions of a version's file.
func (m *provenance) after(v *madeVersion) []*madeVersion {
	return slices.DeleteFunc(slices.Clone(m.versions), func(o *madeVersion) bool {
		return v.held || o.held || o.file != v.file || o.place <= v.place
	})
}

func (m *provenance) publishRun(r *madeRun) {
	if r.superseded {
		return
	}
	for _, v := range m.versions {
		if v.maker != nil && v.maker != r && r.line != nil && (v.maker == r.line || v.maker.line == r.line) {
			v.standing.Published = false
		}
	}
	m.publishAll(m.products(r))
}

func (m *provenance) publishAll(own []*madeVersion) {
	own = m.publishable(own)
	for _, v := range m.versions {
		same := slices.ContainsFunc(own, func(o *madeVersion) bool { return o.key == v.key })
		if v.maker != nil && v.standing.Ever && same && !slices.Contains(own, v) {
			v.standing = standing{Ever: true, Superseded: true}
		}
	}
	for _, v := range own {
		v.standing = standing{Ever: true, Published: true, Superseded: len(m.after(v)) > 0}
	}
	for _, v := range own {
		if v.held {
			m.places++
			v.held, v.place = false, m.places
			m.join(v)
		}
	}
}

// join puts a version at the end of its file.
func (m *provenance) join(v *madeVersion) {
	for _, other := range m.versions {
		if other != v && other.file == v.file && !other.held {
			other.standing.Superseded = true
		}
	}
}

func (m *provenance) unpublish(t *rapid.T) {
	m.tick()
	r := pick(t, m.runs, "run")
	wantErr(t, m.shed.DB.UnpublishRun(t.Context(), m.view(), r.id), nil)
	for _, v := range m.versions {
		if v.maker == r {
			v.standing.Published = false
		}
	}
}

// check compares what is published, and what everything comes from.
func (m *provenance) check(t *rapid.T) {
	for _, v := range m.versions {
		e := m.shed.Entry(m.t, v.id)
		got := standing{}.of(e)
		if got != v.standing || (e.Type == coreshed.Product) != (v.maker != nil) {
			t.Fatalf("version %d is a %s and %+v, want %+v", v.id, e.Type, got, v.standing)
		}
		found, err := m.shed.DB.Ancestors(t.Context(), m.view(), v.id)
		wantErr(t, err, nil)
		var ids, want []int64
		for _, a := range found {
			ids = append(ids, a.ID)
		}
		for s := range v.sources() {
			if s != v {
				want = append(want, s.id)
			}
		}
		slices.Sort(want)
		if !slices.Equal(ids, want) {
			t.Fatalf("version %d comes from %v, want %v", v.id, ids, want)
		}
	}
}

// lineage compares a lineage with what is found by going from node to node.
func (m *provenance) lineage(t *rapid.T) {
	root, depth := pick(t, m.versions, "version"), rapid.Int64Range(0, 3).Draw(t, "depth")
	direction := rapid.SampledFrom([]coreshed.Direction{coreshed.Up, coreshed.Down}).Draw(t, "direction")
	l, err := m.shed.DB.Lineage(t.Context(), m.view(), root.id, store.LineageWant{Direction: direction, Depth: depth, Limit: 1000})
	wantErr(t, err, nil)
	versions, runs := map[*madeVersion]bool{root: true}, map[*madeRun]bool{}
	for near, d := []*madeVersion{root}, int64(1); len(near) > 0 && (depth == 0 || d <= depth); d++ {
		var next []*madeVersion
		for _, v := range near {
			for _, r := range m.beyond(v, direction) {
				runs[r] = true
				for _, far := range m.behind(r, direction) {
					if !versions[far] {
						versions[far] = true
						next = append(next, far)
					}
				}
			}
		}
		near = next
	}
	gotVersions, gotRuns := nodesNamed(l)
	var wantVersions, wantRuns []int64
	for v := range versions {
		wantVersions = append(wantVersions, v.id)
	}
	for r := range runs {
		wantRuns = append(wantRuns, r.id)
	}
	for _, ids := range [][]int64{gotVersions, gotRuns, wantVersions, wantRuns} {
		slices.Sort(ids)
	}
	if !slices.Equal(gotVersions, wantVersions) || !slices.Equal(gotRuns, wantRuns) {
		t.Fatalf("%s from %d: %v by %v, want %v by %v", direction, root.id, gotVersions, gotRuns, wantVersions, wantRuns)
	}
}

func (m *provenance) beyond(v *madeVersion, d coreshed.Direction) []*madeRun {
	return slices.DeleteFunc(slices.Clone(m.runs), func(r *madeRun) bool {
		if d == coreshed.Down {
			return !slices.Contains(r.inputs, v)
		}
		return v.maker != r && !slices.Contains(v.others, r)
	})
}

func (m *provenance) behind(r *madeRun, d coreshed.Direction) []*madeVersion {
	if d == coreshed.Up {
		return r.inputs
	}
	return slices.DeleteFunc(slices.Clone(m.versions), func(v *madeVersion) bool { return v.maker != r && !slices.Contains(v.others, r) })
}
