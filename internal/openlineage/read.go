package openlineage

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// Bounds of one event.
const (
	MaxDepth    = 64   // of its JSON
	MaxDatasets = 2000 // inputs and outputs together
	maxName     = 4096 // characters of a name or namespace
)

// document is an event as it is written.
type document struct {
	EventType string    `json:"eventType"`
	EventTime string    `json:"eventTime"`
	Producer  string    `json:"producer"`
	SchemaURL string    `json:"schemaURL"`
	Run       *runDoc   `json:"run"`
	Job       *jobDoc   `json:"job"`
	Inputs    []dataDoc `json:"inputs"`
	Outputs   []dataDoc `json:"outputs"`
	Dataset   *dataDoc  `json:"dataset"`
}

type runDoc struct {
	RunID  string `json:"runId"`
	Facets Facets `json:"facets"`
}

type jobDoc struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Facets    Facets `json:"facets"`
}

type dataDoc struct {
	jobDoc
	InputFacets  Facets `json:"inputFacets"`
	OutputFacets Facets `json:"outputFacets"`
}

// Read reads an event of a run, a job or a data set. It fails with BadRequest
// when the text is no JSON object that can be kept, and with Invalid, naming
// the member, when something needed is missing or of the wrong form. Errors
// repeat nothing of the text: they are logged.
func Read(text []byte) (Event, error) {
	if !utf8.Valid(text) {
		return Event{}, coreshed.Errorf(coreshed.BadRequest, "The event is not UTF-8.")
	}
	if deeper(text, MaxDepth) {
		return Event{}, coreshed.Errorf(coreshed.BadRequest, "The event is nested more than %d levels deep.", MaxDepth)
	}
	var d document
	err := json.Unmarshal(text, &d)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return Event{}, invalid(wrong.Field, "has the wrong type")
	}
	if err != nil || !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return Event{}, coreshed.Errorf(coreshed.BadRequest, "The event must be a JSON object.")
	}
	e, err := d.event()
	if err != nil {
		return Event{}, err
	}
	e.Document = text
	e.Hash, err = hash(text)
	return e, err
}

func (d document) event() (Event, error) {
	e := Event{Type: Type(d.EventType)}
	var err error
	if e.Time, err = readTime(d.EventTime); err != nil {
		return e, invalid("eventTime", err.Error())
	}
	if d.Producer == "" {
		return e, invalid("producer", "is required")
	}
	switch {
	case d.Dataset != nil && (d.Run != nil || d.Job != nil):
		return e, invalid("dataset", "stands beside a run or a job; an event is of one of them")
	case d.Dataset != nil:
		e.Type = OfDataset
		e.Dataset, err = d.Dataset.dataset("dataset", nil)
		return e, err
	case d.Job == nil:
		return e, invalid("job", "is required, unless the event is of a dataset")
	case d.Run == nil:
		e.Type = OfJob
	default:
		if err := d.run(&e); err != nil {
			return e, err
		}
	}
	if err := checkName("job", *d.Job); err != nil {
		return e, err
	}
	e.Job = Job(*d.Job)
	return e, d.datasets(&e)
}

func (d document) run(e *Event) error {
	if e.Type == "" {
		e.Type = Other
	}
	if !slices.Contains(Types, e.Type) {
		return invalid("eventType", "must be START, RUNNING, COMPLETE, FAIL, ABORT or OTHER")
	}
	if len(d.Run.RunID) != 36 || e.Run.UnmarshalText([]byte(d.Run.RunID)) != nil || e.Run == uuid.Nil {
		return invalid("run.runId", "must be a UUID")
	}
	e.RunFacts = d.Run.Facets
	return nil
}

func (d document) datasets(e *Event) error {
	if len(d.Inputs)+len(d.Outputs) > MaxDatasets {
		return invalid("inputs", "and outputs are too many: an event may name 2000 datasets")
	}
	for _, in := range d.Inputs {
		s, err := in.dataset("inputs", in.InputFacets)
		if err != nil {
			return err
		}
		e.Inputs = append(e.Inputs, s)
	}
	for _, out := range d.Outputs {
		s, err := out.dataset("outputs", out.OutputFacets)
		if err != nil {
			return err
		}
		e.Outputs = append(e.Outputs, s)
	}
	return nil
}

func (d dataDoc) dataset(member string, use Facets) (Dataset, error) {
	if err := checkName(member, d.jobDoc); err != nil {
		return Dataset{}, err
	}
	s := Dataset{Namespace: d.Namespace, Name: d.Name, Facets: d.Facets, Use: use}
	if _, err := s.Version(); err != nil {
		return s, invalid(member+".facets.version.datasetVersion", "must be text of 1 to 255 characters")
	}
	return s, nil
}

func checkName(member string, d jobDoc) error {
	for name, value := range map[string]string{"namespace": d.Namespace, "name": d.Name} {
		if value == "" || utf8.RuneCountInString(value) > maxName || strings.ContainsRune(value, 0) {
			return invalid(member+"."+name, "must be text of 1 to 4096 characters without NUL")
		}
	}
	return nil
}

// readTime reads an ISO 8601 time with its zone. Some clients leave out the
// seconds when they are zero, or the colon in the zone.
func readTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700"} {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
			return time.Time{}, errors.New("must lie in the years 1 to 9999 of UTC")
		}
		return t, nil
	}
	return time.Time{}, errors.New("must be an ISO 8601 time with its zone")
}

// hash is the same for texts that say the same.
func hash(text []byte) ([32]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return [32]byte{}, err
	}
	canonical, err := json.Marshal(v)
	return sha256.Sum256(canonical), err
}

// deeper reports whether objects and arrays are nested more than most deep.
func deeper(text []byte, most int) bool {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > most {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func invalid(member, reason string) error {
	err := coreshed.Errorf(coreshed.Invalid, "The member %s %s.", member, reason)
	err.Field = member
	return err
}
