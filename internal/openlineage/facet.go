package openlineage

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// Of the many facets these are understood. All are kept. One that cannot be
// read says nothing, but for a data set's version: to take that for none would
// name another version.

var errVersion = errors.New("not a version")

const maxVersion = 255

// Version returns the version that a data set is named with, "" for none.
func (d Dataset) Version() (string, error) {
	raw, ok := d.Facets["version"]
	if !ok || deleted(raw) {
		return "", nil
	}
	var facet struct {
		Version json.RawMessage `json:"datasetVersion"`
	}
	if json.Unmarshal(raw, &facet) != nil {
		return "", errVersion
	}
	var text string
	if json.Unmarshal(facet.Version, &text) != nil {
		text = string(facet.Version) // a number, written without quotes
		if strings.Trim(text, "0123456789") != "" {
			return "", errVersion
		}
	}
	if text == "" || utf8.RuneCountInString(text) > maxVersion || strings.ContainsRune(text, 0) {
		return "", errVersion
	}
	return text, nil
}

// Name is a data set by another name.
type Name struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Names returns the data set's name, and then those of its symlinks.
func (d Dataset) Names() []Name {
	var facet struct {
		Identifiers []Name `json:"identifiers"`
	}
	read(d.Facets["symlinks"], &facet)
	return append([]Name{{d.Namespace, d.Name}}, facet.Identifiers...)
}

// Parent is the run that a run is part of, if its facet says one.
type Parent struct {
	Run coreshed.UUID
	Job Job
}

// Parent returns the run that this one is part of.
func (r *Run) Parent() (Parent, bool) {
	var facet struct {
		Run runDoc `json:"run"`
		Job jobDoc `json:"job"`
	}
	var id uuid.UUID
	if !read(r.Facets.get("parent"), &facet) || len(facet.Run.RunID) != 36 || id.UnmarshalText([]byte(facet.Run.RunID)) != nil ||
		id == uuid.Nil || id.String() == r.ID || checkName("", facet.Job) != nil {
		return Parent{}, false
	}
	return Parent{id, Job(facet.Job)}, true
}

// Nominal returns the time that the run is for, zero where none is said.
func (r *Run) Nominal() (from, until time.Time) {
	var facet struct {
		From  string `json:"nominalStartTime"`
		Until string `json:"nominalEndTime"`
	}
	read(r.Facets.get("nominalTime"), &facet)
	from, _ = readTime(facet.From)
	until, _ = readTime(facet.Until)
	return from, until
}

// Message returns what went wrong, "" when nothing is said.
func (r *Run) Message() string {
	var facet struct {
		Message string `json:"message"`
	}
	read(r.Facets.get("errorMessage"), &facet)
	return facet.Message
}

// deleted reports whether a facet takes back what was said before.
func deleted(raw json.RawMessage) bool {
	var facet struct {
		Deleted bool `json:"_deleted"`
	}
	return bytes.Equal(raw, []byte("null")) || read(raw, &facet) && facet.Deleted
}

func read(raw json.RawMessage, into any) bool {
	return len(raw) > 0 && json.Unmarshal(raw, into) == nil
}
