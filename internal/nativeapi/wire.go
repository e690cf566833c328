package nativeapi

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
)

// entry is a version as this interface shows it. What is not known is null.
type entry struct {
	ID        int64         `json:"id"`
	FileID    coreshed.UUID `json:"file_id"`
	VersionID string        `json:"version_id"` // 64 bits are too many for some JSON readers
	Workspace workspaceRef  `json:"workspace"`
	Path      string        `json:"path"`
	Name      string        `json:"name"`
	Type      string        `json:"type"`

	MediaType   string  `json:"media_type"`
	Size        int64   `json:"size"`
	SHA256      *string `json:"sha256"`
	State       string  `json:"state"`
	StoragePath string  `json:"storage_path"`
	Superseded  bool    `json:"superseded"`
	Published   *bool   `json:"published"` // null for a source

	CreatedAt     string  `json:"created_at"`
	ModifiedAt    string  `json:"modified_at"`
	DescribedAt   *string `json:"described_at"`
	SupersededAt  *string `json:"superseded_at"`
	PublishedAt   *string `json:"published_at"`
	UnpublishedAt *string `json:"unpublished_at"`
	DeletedAt     *string `json:"deleted_at"`

	Description description `json:"description"`
	MadeBy      *madeBy     `json:"made_by"` // null for a source
	Trust       *trust      `json:"trust"`   // null for what can be relied on
}

type workspaceRef struct {
	ID   coreshed.UUID `json:"id"`
	Name string        `json:"name"`
}

type description struct {
	DataStarted   *string         `json:"data_started"`
	DataEnded     *string         `json:"data_ended"`
	SourceStarted *string         `json:"source_started"`
	SourceEnded   *string         `json:"source_ended"`
	SensorClass   *string         `json:"source_sensor_class"`
	Sensor        *string         `json:"source_sensor"`
	Collection    *string         `json:"source_collection"`
	Task          *string         `json:"source_task"`
	Geometry      *string         `json:"geometry"`
	CenterPoint   *string         `json:"center_point"`
	Countries     []string        `json:"countries"`
	Tags          []string        `json:"tags"`
	Metadata      json.RawMessage `json:"metadata"`
}

// madeBy is the run that made a version.
type madeBy struct {
	Run       int64  `json:"run"`
	Execution *int64 `json:"execution"`
	Type      string `json:"type"`
	Version   string `json:"type_version"`
	Output    string `json:"output"`
	Recipe    *int64 `json:"recipe"`
	Node      string `json:"node"`
	Batch     *int64 `json:"batch"`
}

// oneVersion is a version that was asked for by itself.
type oneVersion struct {
	entry
	HeldBy *heldBy `json:"held_by"` // null for nothing
}

func entryOf(e coreshed.Entry, t coreshed.Trust) entry {
	out := entry{
		ID: e.ID, FileID: e.FileUUID, VersionID: strconv.FormatInt(e.VersionID, 10),
		Workspace: workspaceRef{e.Workspace.UUID, e.Workspace.Name},
		Path:      e.Path, Name: e.Name, Type: string(e.Type), MediaType: e.MediaType, Size: e.Size,
		State: string(e.State), StoragePath: e.StoragePath, Superseded: e.Superseded,
		CreatedAt: timestamp(e.CreatedAt), ModifiedAt: timestamp(e.ModifiedAt), DescribedAt: timeOrNull(e.ParsedAt),
		SupersededAt: timeOrNull(e.SupersededAt), PublishedAt: timeOrNull(e.PublishedAt),
		UnpublishedAt: timeOrNull(e.Unpublished), DeletedAt: timeOrNull(e.DeletedAt),
		Description: descriptionOf(e.Description), MadeBy: madeByOf(e.Made), Trust: trustOf(t),
	}
	if e.SHA256 != nil {
		sum := hex.EncodeToString(e.SHA256)
		out.SHA256 = &sum
	}
	if e.Type == coreshed.Product {
		published := !e.PublishedAt.IsZero() && e.Unpublished.IsZero()
		out.Published = &published
	}
	return out
}

func descriptionOf(d coreshed.Description) description {
	metadata := d.Metadata
	if metadata == nil {
		metadata = json.RawMessage("{}")
	}
	return description{
		DataStarted: timeOrNull(d.DataStarted), DataEnded: timeOrNull(d.DataEnded),
		SourceStarted: timeOrNull(d.SourceStarted), SourceEnded: timeOrNull(d.SourceEnded),
		SensorClass: textOrNull(d.SensorClass), Sensor: textOrNull(d.Sensor),
		Collection: textOrNull(d.Collection), Task: textOrNull(d.Task),
		Geometry: textOrNull(d.Geometry), CenterPoint: textOrNull(d.CenterPoint),
		Countries: append([]string{}, d.Countries...), Tags: append([]string{}, d.Tags...), Metadata: metadata,
	}
}

func madeByOf(m coreshed.Provenance) *madeBy {
	if m.Job == 0 {
		return nil
	}
	out := &madeBy{Run: m.Job, Execution: idOrNull(m.Execution), Output: m.Output, Recipe: idOrNull(m.Recipe), Node: m.Node}
	if m.JobType != nil {
		out.Type, out.Version = m.JobType.Name, m.JobType.Version
	}
	if m.Batch != nil {
		out.Batch = &m.Batch.ID
	}
	return out
}

// timestamp writes a time in UTC with microseconds.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func timeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := timestamp(t)
	return &s
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func idOrNull(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}
