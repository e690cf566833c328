package openlineage

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Stamp says when something was said and by which event, so that of two
// sayings the later is known whichever came first.
type Stamp struct {
	At    int64  `json:"at"` // microseconds
	Event []byte `json:"event"`
}

func (s Stamp) after(t Stamp) bool {
	if s.At != t.At {
		return s.At > t.At
	}
	return bytes.Compare(s.Event, t.Event) > 0
}

// Said is a facet, or nil where it was taken back.
type Said struct {
	Stamp
	Facet json.RawMessage `json:"facet,omitempty"`
}

// Latest are facets by name, each as it was said last.
type Latest map[string]Said

func (f Latest) get(name string) json.RawMessage { return f[name].Facet }

// Merge takes what is said at a time, of each facet the latest.
func (f *Latest) Merge(said Facets, at Stamp) {
	for name, raw := range said {
		if old, ok := (*f)[name]; ok && !at.after(old.Stamp) {
			continue
		}
		if deleted(raw) {
			raw = nil
		}
		if *f == nil {
			*f = Latest{}
		}
		(*f)[name] = Said{at, raw}
	}
}

// Facets returns what holds.
func (f Latest) Facets() Facets {
	all := Facets{}
	for name, s := range f {
		if s.Facet != nil {
			all[name] = s.Facet
		}
	}
	return all
}

// Run is what the events of one run add up to.
type Run struct {
	ID    string         `json:"id"`
	First int64          `json:"first"` // the earliest event, in microseconds
	Times map[Type]int64 `json:"times"` // the earliest event of each type

	Name      Name   `json:"name"` // of the job
	Named     Stamp  `json:"named"`
	Facets    Latest `json:"facets,omitempty"`
	JobFacets Latest `json:"jobFacets,omitempty"`

	Inputs  map[string]*Mention `json:"inputs,omitempty"`
	Outputs map[string]*Mention `json:"outputs,omitempty"`

	// Asked is the workspace, by row id, that the sender last asked for.
	Asked   int64 `json:"asked,omitempty"`
	AskedAt Stamp `json:"askedAt"`

	// Given is what outputs have been given of the run's sources, by row id.
	Given map[int64]Sources `json:"given,omitempty"`
}

// Sources are times and sensors of what a version comes from; zero is unknown.
type Sources struct {
	Started     int64  `json:"started,omitempty"` // microseconds
	Ended       int64  `json:"ended,omitempty"`
	SensorClass string `json:"sensorClass,omitempty"`
	Sensor      string `json:"sensor,omitempty"`
	Collection  string `json:"collection,omitempty"`
	Task        string `json:"task,omitempty"`
}

// Mention is a data set that a run reads or writes.
type Mention struct {
	Name
	Facets Latest `json:"facets,omitempty"`
	Use    Latest `json:"use,omitempty"`
	// Home is the workspace, by row id, that the name leads to, where its sender
	// may record runs.
	Home int64 `json:"home,omitempty"`
	// Versions has an entry for each version with which the data set was named,
	// "" for none, and the version of the catalogue that was found for it.
	Versions map[string]Pin `json:"versions"`
}

// Dataset is the data set as it is named without a version.
func (m *Mention) Dataset() Dataset {
	return Dataset{Namespace: m.Namespace, Name: m.Name.Name, Facets: Facets{"symlinks": m.Facets.get("symlinks")}}
}

// Pin is a version of the catalogue by row ids, zero for none.
type Pin struct {
	Version int64 `json:"version,omitempty"`
	File    int64 `json:"file,omitempty"`
}

// Merge adds an event to its run.
func (r *Run) Merge(e Event) {
	at := e.Stamp()
	if r.ID == "" {
		*r = Run{ID: e.Run.String(), First: at.At, Times: map[Type]int64{}}
	}
	r.First = min(r.First, at.At)
	if t, ok := r.Times[e.Type]; !ok || at.At < t {
		r.Times[e.Type] = at.At
	}
	if r.Name == (Name{}) || at.after(r.Named) {
		r.Name, r.Named = Name{e.Job.Namespace, e.Job.Name}, at
	}
	r.Facets.Merge(e.RunFacts, at)
	r.JobFacets.Merge(e.Job.Facets, at)
	for _, d := range e.Inputs {
		mention(&r.Inputs, d, at)
	}
	for _, d := range e.Outputs {
		mention(&r.Outputs, d, at)
	}
}

// Ask says in which workspace the sender of an event wants its run.
func (r *Run) Ask(workspace int64, e Event) {
	if at := e.Stamp(); r.Asked == 0 || at.after(r.AskedAt) {
		r.Asked, r.AskedAt = workspace, at
	}
}

// Home is the workspace in which the run is recorded, by row id: that of its
// outputs, else of its inputs, the oldest of several, else the one that was
// asked for; 0 when nothing says.
func (r *Run) Home() int64 {
	for _, in := range []map[string]*Mention{r.Outputs, r.Inputs} {
		var home int64
		for _, m := range in {
			if m.Home != 0 && (home == 0 || m.Home < home) {
				home = m.Home
			}
		}
		if home != 0 {
			return home
		}
	}
	return r.Asked
}

func mention(in *map[string]*Mention, d Dataset, at Stamp) {
	m := (*in)[d.Key()]
	if m == nil {
		m = &Mention{Name: Name{d.Namespace, d.Name}, Versions: map[string]Pin{}}
		if *in == nil {
			*in = map[string]*Mention{}
		}
		(*in)[d.Key()] = m
	}
	m.Facets.Merge(d.Facets, at)
	m.Use.Merge(d.Use, at)
	version, _ := d.Version() // Read has checked it
	if _, ok := m.Versions[version]; !ok {
		m.Versions[version] = Pin{}
	}
}

// Key is what a data set is found by among those of a run. Names have no NUL.
func (d Dataset) Key() string { return d.Namespace + "\x00" + d.Name }

// Ended returns the end of a run and its time; false while it has none. That it
// is complete holds against all else, since what is published by then is not
// taken back. Of failed and aborted the later holds.
func (r *Run) Ended() (end Type, at int64, ok bool) {
	if at, ok = r.Times[Complete]; ok {
		return Complete, at, true
	}
	failed, isFailed := r.Times[Fail]
	aborted, isAborted := r.Times[Abort]
	if isFailed && (!isAborted || failed >= aborted) {
		return Fail, failed, true
	}
	return Abort, aborted, isAborted
}

// IsComplete reports whether the run has come to its good end.
func (r *Run) IsComplete() bool {
	_, ok := r.Times[Complete]
	return ok
}

// Began returns when the run started, as far as its events say.
func (r *Run) Began() int64 {
	if at, ok := r.Times[Start]; ok {
		return at
	}
	return r.First
}

// IsRunning reports whether the run is known to have begun, or more.
func (r *Run) IsRunning() bool {
	return slices.ContainsFunc([]Type{Start, Running}, func(t Type) bool { _, ok := r.Times[t]; return ok })
}

// Size is how many data sets the run names, each version of one by itself.
func (r *Run) Size() int {
	n := 0
	for _, in := range []map[string]*Mention{r.Inputs, r.Outputs} {
		for _, m := range in {
			n += len(m.Versions)
		}
	}
	return n
}

// Weight is about how many bytes it takes to keep the run.
func (r *Run) Weight() int {
	n := r.Facets.weight() + r.JobFacets.weight()
	for _, in := range []map[string]*Mention{r.Inputs, r.Outputs} {
		for key, m := range in {
			n += 2*len(key) + m.Facets.weight() + m.Use.weight()
			for version := range m.Versions {
				n += len(version) + stampWeight
			}
		}
	}
	return n
}

// stampWeight is what a stamp or a pin takes, with its name.
const stampWeight = 64

func (f Latest) weight() int {
	n := 0
	for name, s := range f {
		n += len(name) + len(s.Facet) + stampWeight
		for _, c := range []string{"<", ">", "&"} { // written as six
			n += 5 * bytes.Count(s.Facet, []byte(c))
		}
	}
	return n
}

// Sorted returns mentions in the order of their keys.
func Sorted(in map[string]*Mention) []*Mention {
	return slices.SortedFunc(maps.Values(in), func(a, b *Mention) int {
		return strings.Compare(a.Dataset().Key(), b.Dataset().Key())
	})
}
