package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// keptVersion and keptRun are a graph as the rules of holds see it. Nodes are
// linked both ways.
type keptVersion struct {
	id        int64
	file      *keptFile
	workspace int
	makers    []*keptRun
	readers   []*keptRun
}

type keptFile struct {
	row, workspace int64
	path           string
	versions       []*keptVersion
}

type keptRun struct {
	id               int64
	inputs, outputs  []*keptVersion
	sources, targets []*keptRun // by data sets of other systems
}

type keptHold struct {
	coreshed.Hold
	version *keptVersion
	file    *keptFile
	lifted  bool
}

// keeping is holds over a graph in memory, beside those in the store.
type keeping struct {
	t          *testing.T
	shed       *storetest.Shed
	now        *time.Time
	workspaces []coreshed.Workspace
	files      []*keptFile
	versions   []*keptVersion
	runs       []*keptRun
	holds      []*keptHold
	datasets   int
}

// TestHoldModel checks what holds protect, of files and of purges' sets, against
// the rules.
func TestHoldModel(t *testing.T) {
	now := time.Now().Truncate(time.Microsecond)
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			m := &keeping{t: t, shed: s, now: &now}
			for i := range 2 {
				m.workspaces = append(m.workspaces, s.AddWorkspace(t, fmt.Sprint(i, storetest.Prefix())))
				wantErr(rt, db.Grant(t.Context(), coreshed.Operator, m.workspaces[i].ID, s.Editor.ID, coreshed.Editor), nil)
			}
			rt.Repeat(map[string]func(*rapid.T){
				"": m.check, "put": m.put, "again": m.again, "run": m.run, "run2": m.run, "run3": m.run, "adopt": m.adopt, "dataset": m.dataset,
				"hold": m.hold, "hold2": m.hold, "holdWhole": m.holdWhole, "lift": m.lift, "wait": m.wait,
			})
		})
	})
}

func (m *keeping) add(f *keptFile, id int64, workspace int) *keptVersion {
	v := &keptVersion{id: id, file: f, workspace: workspace}
	f.versions = append(f.versions, v)
	m.versions = append(m.versions, v)
	return v
}

func (m *keeping) in(t *rapid.T) int {
	i := rapid.IntRange(0, 1).Draw(t, "workspace")
	m.shed.Workspace = m.workspaces[i]
	return i
}

func (m *keeping) put(t *rapid.T) {
	i := m.in(t)
	path := fmt.Sprintf("source-%d.tif", len(m.versions))
	got := m.shed.Put(m.t, m.shed.Editor, path, "x")
	f := &keptFile{row: got.ID, workspace: m.workspaces[i].ID, path: path}
	m.files = append(m.files, f)
	m.add(f, got.Version.ID, i)
}

func (m *keeping) again(t *rapid.T) {
	i := m.in(t)
	f := pick(t, slices.DeleteFunc(slices.Clone(m.files), func(f *keptFile) bool { return f.path == "" || f.workspace != m.workspaces[i].ID }), "file")
	got := m.shed.Put(m.t, m.shed.Editor, f.path, "y")
	m.add(f, got.Version.ID, i)
}

// run records a run with one output, which stays held back: nothing of holds
// depends on that.
func (m *keeping) run(t *rapid.T) {
	i := m.in(t)
	n := storetest.NewRun()
	r := &keptRun{}
	for range rapid.IntRange(0, 3).Draw(t, "inputs") {
		v := pick(t, m.versions, "input")
		if !slices.Contains(r.inputs, v) {
			r.inputs = append(r.inputs, v)
			v.readers = append(v.readers, r)
			n.Inputs = append(n.Inputs, coreshed.Input{Name: "IN", Version: coreshed.Ref{ID: v.id}})
		}
	}
	r.id = m.shed.Record(m.t, n).ID
	m.runs = append(m.runs, r)
	id := m.shed.Upload(m.t, r.id, fmt.Sprintf("out-%d.tif", len(m.versions)), "z")
	f := &keptFile{workspace: m.workspaces[i].ID}
	f.row = m.fileOf(id)
	m.files = append(m.files, f)
	v := m.add(f, id, i)
	v.makers, r.outputs = []*keptRun{r}, []*keptVersion{v}
}

func (m *keeping) fileOf(version int64) int64 {
	id, err := store.FileOf(m.t.Context(), m.shed.DB, version)
	wantIs(m.t, err, nil)
	return id
}

func (m *keeping) adopt(t *rapid.T) {
	r, v := pick(t, m.runs, "run"), pick(t, m.versions, "version")
	err := m.shed.DB.AdoptOutputs(t.Context(), m.shed.View(m.t, m.shed.Editor), r.id, []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: v.id}}})
	if errors.Is(err, coreshed.Conflict) {
		t.Skip("would come from itself")
	}
	wantErr(t, err, nil)
	if !slices.Contains(r.outputs, v) {
		r.outputs = append(r.outputs, v)
		v.makers = append(v.makers, r)
	}
}

// dataset links two runs by what another system keeps, in circles too.
func (m *keeping) dataset(t *rapid.T) {
	maker, reader := pick(t, m.runs, "maker"), pick(t, m.runs, "reader")
	m.datasets++
	err := store.AddDataset(t.Context(), m.shed.DB, m.shed.View(m.t, m.shed.Owner).Org, storetest.Prefix(), fmt.Sprint(m.datasets), maker.id, reader.id)
	wantErr(t, err, nil)
	maker.targets = append(maker.targets, reader)
	reader.sources = append(reader.sources, maker)
}

func (m *keeping) hold(t *rapid.T) {
	v := pick(t, m.versions, "version")
	m.set(t, &keptHold{version: v}, store.NewHold{
		Version: v.id, Direction: rapid.SampledFrom([]coreshed.Direction{"", coreshed.Up, coreshed.Down, coreshed.Both}).Draw(t, "direction"),
	})
}

func (m *keeping) holdWhole(t *rapid.T) {
	f := pick(t, m.files, "file")
	if rapid.IntRange(0, 4).Draw(t, "what") == 0 {
		w := m.workspaces[f.versions[0].workspace]
		m.set(t, &keptHold{}, store.NewHold{Workspace: w.UUID})
		return
	}
	m.set(t, &keptHold{file: f}, store.NewHold{File: m.shed.Entry(m.t, f.versions[0].id).FileUUID})
}

func (m *keeping) set(t *rapid.T, h *keptHold, n store.NewHold) {
	n.Reason = "a reason"
	if rapid.Bool().Draw(t, "ends") {
		n.Until = m.now.Add(time.Duration(rapid.IntRange(1, 3).Draw(t, "hours")) * time.Hour)
	}
	var err error
	h.Hold, err = m.shed.DB.AddHold(t.Context(), m.shed.View(m.t, m.shed.Owner), n)
	wantErr(t, err, nil)
	m.holds = append(m.holds, h)
}

func (m *keeping) lift(t *rapid.T) {
	h := pick(t, m.holds, "hold")
	_, err := m.shed.DB.LiftHold(t.Context(), m.shed.View(m.t, m.shed.Owner), h.ID)
	wantErr(t, err, nil)
	h.lifted = true
}

func (m *keeping) wait(*rapid.T) { *m.now = m.now.Add(time.Hour) }

// follow returns the lineage of a version in a direction.
func follow(v *keptVersion, d coreshed.Direction, datasets bool) (map[*keptVersion]bool, map[*keptRun]bool) {
	versions, runs := map[*keptVersion]bool{}, map[*keptRun]bool{}
	var visit func(*keptVersion)
	var through func(*keptRun)
	through = func(r *keptRun) {
		if runs[r] {
			return
		}
		runs[r] = true
		behind, far := r.inputs, r.sources
		if d == coreshed.Down {
			behind, far = r.outputs, r.targets
		}
		for _, next := range behind {
			visit(next)
		}
		for _, next := range far {
			if datasets {
				through(next)
			}
		}
	}
	visit = func(v *keptVersion) {
		if versions[v] {
			return
		}
		versions[v] = true
		beyond := v.makers
		if d == coreshed.Down {
			beyond = v.readers
		}
		for _, r := range beyond {
			through(r)
		}
	}
	visit(v)
	return versions, runs
}

// protects reports whether a hold protects a version.
func (m *keeping) protects(h *keptHold, v *keptVersion) bool {
	if h.lifted || !h.InForce(*m.now) {
		return false
	}
	switch h.Kind {
	case coreshed.HoldWorkspace:
		return h.Workspace.ID == m.workspaces[v.workspace].ID
	case coreshed.HoldFile:
		return h.file == v.file
	}
	for _, d := range []coreshed.Direction{coreshed.Up, coreshed.Down} {
		if reached, _ := follow(h.version, d, true); reached[v] && (h.Direction == d || h.Direction == coreshed.Both) {
			return true
		}
	}
	return h.version == v
}

// over returns the holds that protect a version.
func (m *keeping) over(v *keptVersion) map[int64]bool {
	ids := map[int64]bool{}
	for _, h := range m.holds {
		if m.protects(h, v) {
			ids[h.ID] = true
		}
	}
	return ids
}

func (m *keeping) check(t *rapid.T) {
	if len(m.versions) == 0 {
		return
	}
	m.checkFile(t)
	m.checkWorkspace(t)
	m.checkPurge(t)
}

func (m *keeping) checkFile(t *rapid.T) {
	f := rapid.SampledFrom(m.files).Draw(t, "file")
	want := map[int64]bool{}
	for _, v := range f.versions {
		maps.Copy(want, m.over(v))
	}
	got, err := store.HeldFile(t.Context(), m.shed.DB, f.row)
	wantErr(t, err, nil)
	wantHold(t, fmt.Sprintf("the file of version %d", f.versions[0].id), got, want)
}

func (m *keeping) checkWorkspace(t *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(t, "of")
	want := map[int64]bool{}
	for _, v := range m.versions {
		if v.workspace == i {
			maps.Copy(want, m.over(v))
		}
	}
	for _, h := range m.holds {
		if h.Kind == coreshed.HoldWorkspace && h.Workspace.ID == m.workspaces[i].ID && !h.lifted && h.InForce(*m.now) {
			want[h.ID] = true
		}
	}
	got, err := store.HeldWorkspace(t.Context(), m.shed.DB, m.workspaces[i].ID)
	wantErr(t, err, nil)
	wantHold(t, fmt.Sprintf("workspace %d", i), got, want)
}

// wantHold checks that something is held by one of the holds, if there is one.
func wantHold(t *rapid.T, what string, got int64, want map[int64]bool) {
	t.Helper()
	if (got != 0) != (len(want) > 0) || got != 0 && !want[got] {
		t.Fatalf("%s is held by %d, want one of %v", what, got, want)
	}
}

// checkPurge compares what is marked in the set of a purge, which is closed
// downwards but for data sets of other systems.
func (m *keeping) checkPurge(t *rapid.T) {
	root := rapid.SampledFrom(m.versions).Draw(t, "root")
	inside, through := follow(root, coreshed.Down, false)
	var versions, runs []int64
	for v := range inside {
		versions = append(versions, v.id)
	}
	for r := range through {
		runs = append(runs, r.id)
	}
	held, count, err := store.MarkHeld(t.Context(), m.shed.DB, m.shed.View(m.t, m.shed.Owner).Org, versions, runs)
	wantErr(t, err, nil)
	for v := range inside {
		wantHold(t, fmt.Sprintf("version %d in the set of %d", v.id, root.id), held[v.id], m.over(v))
	}
	if int64(len(held)) != count {
		t.Fatalf("the purge says %d of %d", count, len(held))
	}
}
