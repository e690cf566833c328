package nativeapi

import (
	"encoding/json"
	"strconv"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// run is a run as this interface shows it. What is not known is null.
type run struct {
	Run        int64           `json:"run"` // its number here
	ID         *string         `json:"id"`  // the recorder's own
	Workspace  workspaceRef    `json:"workspace"`
	Type       jobType         `json:"type"`
	Status     string          `json:"status"`
	Event      *event          `json:"event"`
	Recipe     *int64          `json:"recipe"`
	RecipeType *string         `json:"recipe_type"`
	Node       *string         `json:"node"`
	Batch      *int64          `json:"batch"`
	Supersedes *int64          `json:"supersedes"`
	Superseded bool            `json:"superseded"`
	Published  bool            `json:"published"`
	Host       *string         `json:"host"`
	Error      json.RawMessage `json:"error"`
	Values     json.RawMessage `json:"values"`
	Facets     json.RawMessage `json:"facets"`
	MaxTries   int64           `json:"max_tries"`
	Tries      int64           `json:"tries"`
	Priority   int64           `json:"priority"`
	InputSize  int64           `json:"input_size"`

	SourceStarted *string `json:"source_started"`
	SourceEnded   *string `json:"source_ended"`
	SensorClass   *string `json:"source_sensor_class"`
	Sensor        *string `json:"source_sensor"`
	Collection    *string `json:"source_collection"`
	Task          *string `json:"source_task"`

	CreatedAt   string  `json:"created_at"`
	QueuedAt    *string `json:"queued_at"`
	StartedAt   *string `json:"started_at"`
	EndedAt     *string `json:"ended_at"`
	PublishedAt *string `json:"published_at"`
	ModifiedAt  string  `json:"modified_at"`
}

type jobType struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Version  string `json:"version"`
	Title    string `json:"title"`
	Revision int64  `json:"revision"`
}

type event struct {
	ID          int64           `json:"id"`
	Type        string          `json:"type"`
	Description json.RawMessage `json:"description"`
	OccurredAt  string          `json:"occurred_at"`
}

// runDetails is a run with its tries and, to the one that records it, where its
// outputs go.
type runDetails struct {
	run
	Executions []execution `json:"executions"`
	Uploads    []upload    `json:"uploads,omitempty"`
}

type execution struct {
	ID        int64           `json:"id"`
	Number    int64           `json:"number"`
	Try       *string         `json:"try"`
	Status    string          `json:"status"`
	Host      *string         `json:"host"`
	ExitCode  *int64          `json:"exit_code"`
	Error     json.RawMessage `json:"error"`
	Document  json.RawMessage `json:"document"`
	Output    json.RawMessage `json:"output"`
	CreatedAt string          `json:"created_at"`
	StartedAt *string         `json:"started_at"`
	EndedAt   *string         `json:"ended_at"`
	Progress  []progress      `json:"progress"`
}

type progress struct {
	Task     string          `json:"task"`
	Status   string          `json:"status"`
	At       string          `json:"at"`
	Document json.RawMessage `json:"document"`
}

// upload is where an output is uploaded to: with Put Blob, or Put Block and Put
// Block List, or null when it is there, under its version.
type upload struct {
	Name        string  `json:"name"`
	StoragePath string  `json:"storage_path"`
	URL         *string `json:"url"`
	FileID      *string `json:"file_id"`
	VersionID   *string `json:"version_id"`
	Version     *int64  `json:"version"`
}

func runOf(r coreshed.Run) run {
	out := run{
		Run: r.ID, ID: textOrNull(r.Key), Workspace: workspaceRef{r.Workspace.UUID, r.Workspace.Name},
		Type:   jobType{r.Type.ID, r.Type.Name, r.Type.Version, r.Type.Title, r.Revision.Number},
		Status: string(r.Status), Event: eventOf(r.Event), Node: textOrNull(r.Node), Supersedes: idOrNull(r.Supersedes),
		Superseded: !r.SupersededAt.IsZero(), Published: !r.PublishedAt.IsZero(), Host: textOrNull(r.Host),
		Error: r.Error, Values: r.Values, Facets: r.Facets, MaxTries: r.MaxTries, Tries: r.Tries, Priority: r.Priority, InputSize: r.InputSize,
		SourceStarted: timeOrNull(r.SourceStarted), SourceEnded: timeOrNull(r.SourceEnded), SensorClass: textOrNull(r.SensorClass),
		Sensor: textOrNull(r.Sensor), Collection: textOrNull(r.Collection), Task: textOrNull(r.Task),
		CreatedAt: timestamp(r.CreatedAt), QueuedAt: timeOrNull(r.QueuedAt), StartedAt: timeOrNull(r.StartedAt),
		EndedAt: timeOrNull(r.EndedAt), PublishedAt: timeOrNull(r.PublishedAt), ModifiedAt: timestamp(r.ModifiedAt),
	}
	if r.Recipe != nil {
		out.Recipe, out.RecipeType = &r.Recipe.ID, &r.Recipe.Type.Name
	}
	if r.Batch != nil {
		out.Batch = &r.Batch.ID
	}
	return out
}

func eventOf(e *coreshed.Event) *event {
	if e == nil {
		return nil
	}
	return &event{e.ID, e.Type, e.Description, timestamp(e.OccurredAt)}
}

func executionsOf(list []coreshed.Execution) []execution {
	out := make([]execution, len(list))
	for i, x := range list {
		out[i] = execution{
			ID: x.ID, Number: x.Number, Try: textOrNull(x.Key), Status: string(x.Status), Host: textOrNull(x.Host), ExitCode: x.ExitCode,
			Error: x.Error, Document: x.Document, Output: x.Output, CreatedAt: timestamp(x.CreatedAt),
			StartedAt: timeOrNull(x.StartedAt), EndedAt: timeOrNull(x.EndedAt), Progress: []progress{},
		}
		for _, p := range x.Progress {
			out[i].Progress = append(out[i].Progress, progress{p.Task, p.Status, timestamp(p.At), p.Document})
		}
	}
	return out
}

func uploadOf(name string, s store.OutputSlot) upload {
	u := upload{Name: name, StoragePath: s.StoragePath, Version: idOrNull(s.Version)}
	if s.Version == 0 {
		file, version := s.FileUUID.String(), strconv.FormatInt(s.VersionID, 10)
		u.FileID, u.VersionID = &file, &version
	}
	return u
}

// namedVersion is a version with the name under which it was read or put out.
type namedVersion struct {
	Name    string `json:"name"`
	Version entry  `json:"version"`
}

func namedVersions(list []coreshed.NamedEntry, trust map[int64]coreshed.Trust) []namedVersion {
	out := make([]namedVersion, len(list))
	for i, n := range list {
		out[i] = namedVersion{n.Name, entryOf(n.Entry, trust[n.Entry.ID])}
	}
	return out
}
