package nativeapi

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// runBody is a run as it is recorded.
type runBody struct {
	ID            string          `json:"id"`
	Type          *typeBody       `json:"type"`
	Status        string          `json:"status"`
	Event         *eventBody      `json:"event"`
	Recipe        int64           `json:"recipe"`
	Node          string          `json:"node"`
	Batch         int64           `json:"batch"`
	Supersedes    int64           `json:"supersedes"`
	Inputs        []inputBody     `json:"inputs"`
	Values        json.RawMessage `json:"values"`
	Configuration json.RawMessage `json:"configuration"`
	Facets        json.RawMessage `json:"facets"`
	MaxTries      int64           `json:"max_tries"`
	Priority      int64           `json:"priority"`
	QueuedAt      *instant        `json:"queued_at"`
	Start         *startBody      `json:"start"`
	Progress      []progressBody  `json:"progress"`
	Outputs       []outputBody    `json:"outputs"`
	End           *endBody        `json:"end"`
}

type typeBody struct {
	Name        string          `json:"name"`
	Version     string          `json:"version"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Manifest    json.RawMessage `json:"manifest"`
}

type eventBody struct {
	Type        string          `json:"type"`
	Description json.RawMessage `json:"description"`
	OccurredAt  *instant        `json:"occurred_at"`
}

// refBody names a version in one of three ways.
type refBody struct {
	Version   int64           `json:"version"`
	File      *coreshed.UUID  `json:"file"`
	Path      string          `json:"path"`
	Workspace *coreshed.UUID  `json:"workspace"`
	VersionID json.RawMessage `json:"version_id"` // a string, or a number
}

type inputBody struct {
	Name string `json:"name"`
	refBody
}

// outputBody is a version that is there already, or a file to be uploaded.
type outputBody struct {
	Name string `json:"name"`
	refBody

	Upload    string `json:"upload"` // the file's path in the run's output folder
	MediaType string `json:"media_type"`
	Suffix    bool   `json:"suffix"`
}

type startBody struct {
	Try       string          `json:"try"`
	At        *instant        `json:"at"`
	Host      string          `json:"host"`
	Timeout   int64           `json:"timeout"`
	Resources json.RawMessage `json:"resources"`
}

type progressBody struct {
	Task     string          `json:"task"`
	Status   string          `json:"status"`
	At       *instant        `json:"at"`
	Document json.RawMessage `json:"document"`
}

type endBody struct {
	Status string `json:"status"`
	doneBody
}

// doneBody is how a try has ended, without saying how.
type doneBody struct {
	Try         string          `json:"try"`
	At          *instant        `json:"at"`
	ExitCode    *int64          `json:"exit_code"`
	Error       json.RawMessage `json:"error"`
	Document    json.RawMessage `json:"document"`
	Output      json.RawMessage `json:"output"`
	SkipMissing bool            `json:"skip_missing"`
}

// record makes of a body what the store records, and the outputs that will be
// uploaded.
func (b runBody) record(newPrefix func() string) (store.NewRun, []store.NewOutput, error) {
	n := store.NewRun{
		Key: b.ID, Status: coreshed.RunStatus(b.Status), Event: b.Event.event(), Recipe: b.Recipe, Node: b.Node, Batch: b.Batch,
		Supersedes: b.Supersedes, Values: b.Values, Configuration: b.Configuration, Facets: b.Facets,
		MaxTries: b.MaxTries, Priority: b.Priority, QueuedAt: timeOf(b.QueuedAt),
	}
	if b.Type == nil {
		return n, nil, invalidMember("type", "is required")
	}
	n.Type = store.NewJobType{
		Name: b.Type.Name, Version: b.Type.Version, Title: b.Type.Title, Description: b.Type.Description, Manifest: b.Type.Manifest,
	}
	if b.MaxTries < 0 || b.Recipe < 0 || b.Batch < 0 || b.Supersedes < 0 {
		return n, nil, coreshed.Errorf(coreshed.Invalid, "Numbers must not be negative.")
	}
	var err error
	if n.Inputs, err = inputsOf(b.Inputs); err != nil {
		return n, nil, err
	}
	var uploads []store.NewOutput
	if n.Outputs, uploads, err = outputsOf(b.Outputs, newPrefix); err != nil {
		return n, nil, err
	}
	if b.Start != nil {
		start := b.Start.start()
		n.Start = &start
	}
	if b.End != nil {
		end := b.End.end(coreshed.RunStatus(b.End.Status))
		n.End = &end
	}
	if len(uploads) > 0 && n.End != nil {
		return n, nil, invalidMember("end", "comes when the outputs have been uploaded")
	}
	return n, uploads, nil
}

func (e *eventBody) event() *coreshed.Event {
	if e == nil {
		return nil
	}
	return &coreshed.Event{Type: e.Type, Description: e.Description, OccurredAt: timeOf(e.OccurredAt)}
}

func (s startBody) start() store.RunStart {
	return store.RunStart{Try: s.Try, At: timeOf(s.At), Host: s.Host, Timeout: s.Timeout, Resources: s.Resources}
}

func (d doneBody) end(status coreshed.RunStatus) store.RunEnd {
	return store.RunEnd{
		Status: status, Try: d.Try, At: timeOf(d.At), ExitCode: d.ExitCode, Error: d.Error, Document: d.Document,
		Output: d.Output, SkipMissing: d.SkipMissing,
	}
}

func progressOf(list []progressBody) []coreshed.TaskUpdate {
	updates := make([]coreshed.TaskUpdate, len(list))
	for i, p := range list {
		updates[i] = coreshed.TaskUpdate{Task: p.Task, Status: p.Status, At: timeOf(p.At), Document: p.Document}
	}
	return updates
}

// maxNamed bounds how many versions one request names.
const maxNamed = 20_000

func inputsOf(list []inputBody) ([]coreshed.Input, error) {
	if len(list) > maxNamed {
		return nil, invalidMember("inputs", "are too many; send more of them later")
	}
	inputs := make([]coreshed.Input, len(list))
	for i, b := range list {
		ref, err := b.ref(fmt.Sprintf("inputs[%d]", i))
		if err != nil {
			return nil, err
		}
		inputs[i] = coreshed.Input{Name: b.Name, Version: ref}
	}
	return inputs, nil
}

// outputsOf tells versions that are there from files to be uploaded.
func outputsOf(list []outputBody, newPrefix func() string) (adopted []store.Output, uploads []store.NewOutput, err error) {
	if len(list) > maxNamed {
		return nil, nil, invalidMember("outputs", "are too many; send more of them later")
	}
	for i, b := range list {
		field := fmt.Sprintf("outputs[%d]", i)
		if b.Upload != "" {
			if b.Version != 0 || b.File != nil || b.Workspace != nil || b.VersionID != nil {
				return nil, nil, invalidMember(field, "is to be uploaded, or a version that is there, and not both")
			}
			uploads = append(uploads, store.NewOutput{
				Name: b.Name, File: b.Upload, Path: b.Path, MediaType: b.MediaType, Suffix: b.Suffix, Prefix: newPrefix(),
			})
			continue
		}
		ref, err := b.ref(field)
		if err != nil {
			return nil, nil, err
		}
		adopted = append(adopted, store.Output{Name: b.Name, Version: ref})
	}
	return adopted, uploads, nil
}

// ref reads how a version is named: in one way.
func (b refBody) ref(field string) (coreshed.Ref, error) {
	r := coreshed.Ref{ID: b.Version, Path: b.Path}
	ways := 0
	if b.Version != 0 {
		ways++
	}
	if b.File != nil && *b.File != uuid.Nil {
		r.File = *b.File
		ways++
	}
	if b.Path != "" {
		ways++
	}
	if ways != 1 || b.Version < 0 {
		return r, invalidMember(field, "must name a version: by version, or file, or path")
	}
	if b.Workspace != nil {
		if b.Path == "" {
			return r, invalidMember(field+".workspace", "goes with path")
		}
		r.Workspace = *b.Workspace
	}
	var err error
	r.VersionID, err = versionID(field, b.VersionID)
	if err == nil && r.VersionID != 0 && b.Version != 0 {
		err = invalidMember(field+".version_id", "goes with file or path")
	}
	return r, err
}

// versionID reads a version id: a string of digits, or a number; 0 when there is
// none.
func versionID(field string, raw json.RawMessage) (int64, error) {
	if raw == nil || string(raw) == "null" {
		return 0, nil
	}
	id, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil || id < 1 {
		return 0, invalidMember(field+".version_id", "must be a positive integer, as a string")
	}
	return id, nil
}

// instant is a time of a body.
type instant struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler. A zone can lead out of the years
// that can be written.
func (t *instant) UnmarshalJSON(text []byte) error {
	if err := t.Time.UnmarshalJSON(text); err != nil {
		return err
	}
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return coreshed.Errorf(coreshed.Invalid, "A time must lie in the years 1 to 9999 of UTC.")
	}
	return nil
}

func timeOf(t *instant) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
