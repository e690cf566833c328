package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
)

// LineageWant says which lineage is wanted.
type LineageWant struct {
	Direction coreshed.Direction
	Depth     int64 // in runs; 0 is all the way
	Limit     int64 // nodes to be named; 0 is the server's own
}

// Lineage is what a version was made from, or what was made from it. Nodes are
// in the order of their distance.
type Lineage struct {
	Version   int64              `json:"version"`
	Direction coreshed.Direction `json:"direction"`
	Depth     int64              `json:"depth"`
	Versions  []LineageVersion   `json:"versions"` // the version itself first
	Runs      []LineageRun       `json:"runs"`
	Datasets  []LineageDataset   `json:"datasets"` // of other systems
	Edges     []LineageEdge      `json:"edges"`
	Found     LineageCounts      `json:"found"`
	Hidden    LineageCounts      `json:"hidden"` // of those found: what the caller may not see
	AllNamed  bool               `json:"all_named"`
	Complete  bool               `json:"complete"`
}

// LineageCounts are numbers of nodes.
type LineageCounts struct {
	Versions int64 `json:"versions"`
	Runs     int64 `json:"runs"`
	Datasets int64 `json:"datasets"`
}

// LineageVersion is a version in a lineage.
type LineageVersion struct {
	ID         int64             `json:"id"`
	FileID     coreshed.UUID     `json:"file_id"`
	VersionID  int64             `json:"version_id,string"`
	Workspace  WorkspaceRef      `json:"workspace"`
	Path       string            `json:"path"`
	Type       coreshed.FileType `json:"type"`
	Size       int64             `json:"size"`
	Superseded bool              `json:"superseded"`
	Deleted    bool              `json:"deleted"`
	Distance   int64             `json:"distance"`
	Trust      *Trust            `json:"trust"` // nil for what can be relied on
}

// LineageRun is a run in a lineage.
type LineageRun struct {
	Run         int64              `json:"run"`
	Workspace   WorkspaceRef       `json:"workspace"`
	Type        string             `json:"type"`
	TypeVersion string             `json:"type_version"`
	Status      coreshed.RunStatus `json:"status"`
	Recipe      *int64             `json:"recipe"`
	Node        *string            `json:"node"`
	Batch       *int64             `json:"batch"`
	EndedAt     *time.Time         `json:"ended_at"`
	Distance    int64              `json:"distance"`
}

// LineageDataset is a data set of another system in a lineage.
type LineageDataset struct {
	ID        int64   `json:"id"`
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	Version   *string `json:"version"`
	Distance  int64   `json:"distance"`
}

// LineageEdge says that a run has read, or put out, a version or a data set.
type LineageEdge struct {
	Run     int64  `json:"run"`
	Role    string `json:"role"` // input or output
	Name    string `json:"name"`
	Version int64  `json:"version,omitempty"`
	Dataset int64  `json:"dataset,omitempty"`
}

// Lineage follows what a version was made from, or what was made from it. The id
// is that of the Entry.
func (c *Client) Lineage(ctx context.Context, id int64, want LineageWant) (Lineage, error) {
	q := url.Values{"direction": {string(want.Direction)}, "depth": {strconv.FormatInt(want.Depth, 10)}}
	if want.Limit > 0 {
		q.Set("limit", strconv.FormatInt(want.Limit, 10))
	}
	var l Lineage
	_, err := c.do(ctx, call{
		method: http.MethodGet, path: fmt.Sprintf("%s/versions/%d/lineage", native, id), query: q, want: []int{http.StatusOK},
	}, &l)
	return l, err
}
