package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// native is where the server's own interface is, which has what the Evo File
// API has no words for.
const native = "/coreshed/v1"

// Entry is a version as the catalogue has it.
type Entry struct {
	ID        int64              `json:"id"` // unique in the catalogue
	FileID    coreshed.UUID      `json:"file_id"`
	VersionID int64              `json:"version_id,string"` // unique in the file
	Path      string             `json:"path"`
	Name      string             `json:"name"`
	Type      coreshed.FileType  `json:"type"`
	MediaType string             `json:"media_type"`
	Size      int64              `json:"size"`
	State     coreshed.ByteState `json:"state"`
	CreatedAt time.Time          `json:"created_at"`

	// DescribedAt is when a source was described; zero while it was not.
	DescribedAt time.Time   `json:"described_at,omitzero"`
	Description Description `json:"description"`

	Trust  *Trust  `json:"trust"`             // nil for what can be relied on
	HeldBy *HeldBy `json:"held_by,omitempty"` // nil for what no hold protects
}

// Description says what a version is about. Zero times and empty texts are
// unknown.
type Description struct {
	DataStarted   time.Time       `json:"data_started,omitzero"`
	DataEnded     time.Time       `json:"data_ended,omitzero"`
	SourceStarted time.Time       `json:"source_started,omitzero"`
	SourceEnded   time.Time       `json:"source_ended,omitzero"`
	SensorClass   string          `json:"source_sensor_class,omitempty"`
	Sensor        string          `json:"source_sensor,omitempty"`
	Collection    string          `json:"source_collection,omitempty"`
	Task          string          `json:"source_task,omitempty"`
	Geometry      string          `json:"geometry,omitempty"`     // WKT, longitude and latitude
	CenterPoint   string          `json:"center_point,omitempty"` // WKT
	Countries     []string        `json:"countries"`              // ISO 3166 alpha-3
	Tags          []string        `json:"tags"`
	Metadata      json.RawMessage `json:"metadata"` // an object
}

// Entry returns the version that a path or an id names: the current one if
// versionID is 0.
func (f *Files) Entry(ctx context.Context, r Ref, versionID int64) (Entry, error) {
	q := url.Values{}
	if r.byID() {
		q.Set("file_id", r.id.String())
	} else {
		q.Set("path", strings.TrimLeft(r.path, "/"))
	}
	if versionID != 0 {
		q.Set("version_id", strconv.FormatInt(versionID, 10))
	}
	var e Entry
	_, err := f.c.do(ctx, call{
		method: http.MethodGet, path: nativeWorkspace(f.workspace) + "/version", query: q, want: []int{http.StatusOK},
	}, &e)
	return e, err
}

// Describe sets what a version is about by a metadata document, which is
// GeoJSON, and returns what is known of it now. The id is that of the Entry. It
// can be repeated.
func (c *Client) Describe(ctx context.Context, id int64, document json.RawMessage) (Description, error) {
	var d Description
	_, err := c.do(ctx, call{
		method: http.MethodPut, path: native + "/versions/" + strconv.FormatInt(id, 10) + "/description", body: document, want: []int{http.StatusOK},
	}, &d)
	return d, err
}
