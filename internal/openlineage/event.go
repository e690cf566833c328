// Package openlineage reads OpenLineage events, and adds up those of one run.
//
// The sum of a run's events does not depend on their order or on repeats: of
// two sayings the one with the later event time holds, and what is read and
// written is a set. It knows neither HTTP nor the catalogue.
package openlineage

import (
	"encoding/json"
	"time"

	"github.com/coreshed/coreshed"
)

// Type is the transition of a run that an event tells.
type Type string

// The types of run events. An event without one is Other.
const (
	Start    Type = "START"
	Running  Type = "RUNNING"
	Complete Type = "COMPLETE"
	Fail     Type = "FAIL"
	Abort    Type = "ABORT"
	Other    Type = "OTHER"
)

// Types are the types that a run event may have.
var Types = []Type{Start, Running, Complete, Fail, Abort, Other}

// Kinds of events that tell of no run, as their Type. They are ours: such
// events have no type.
const (
	OfJob     Type = "JOB"
	OfDataset Type = "DATASET"
)

// Event is one event. What it lacks is zero.
type Event struct {
	Type Type
	Time time.Time

	Run      coreshed.UUID // zero in events of no run
	RunFacts Facets
	Job      Job // zero in events of data sets
	Inputs   []Dataset
	Outputs  []Dataset
	Dataset  Dataset // in events of data sets alone

	Document []byte   // as it came
	Hash     [32]byte // of the document, whatever its spacing and order of members
}

// Facets are the facets of a thing by name. A null one, and one that says that
// it is deleted, takes back what was said before.
type Facets map[string]json.RawMessage

// Job is what runs.
type Job struct {
	Namespace, Name string
	Facets          Facets
}

// Dataset is what a run reads or writes. Use are its inputFacets or
// outputFacets.
type Dataset struct {
	Namespace, Name string
	Facets, Use     Facets
}

// Stamp is that of everything the event says.
func (e Event) Stamp() Stamp { return Stamp{e.Time.UnixMicro(), e.Hash[:8]} }
