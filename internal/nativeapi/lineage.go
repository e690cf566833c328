package nativeapi

import (
	"net/http"
	"strconv"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// lineage is what a version was made from, or what was made from it.
type lineage struct {
	Version   int64  `json:"version"`
	Direction string `json:"direction"`
	Depth     int64  `json:"depth"` // in runs; 0 is all the way

	Versions []lineageVersion `json:"versions"` // the version itself first
	Runs     []lineageRun     `json:"runs"`
	Datasets []lineageDataset `json:"datasets"`
	Edges    []lineageEdge    `json:"edges"`

	Found    lineageCounts `json:"found"`
	Hidden   lineageCounts `json:"hidden"`
	Named    bool          `json:"all_named"` // of those that are not hidden
	Complete bool          `json:"complete"`
}

type lineageCounts struct {
	Versions int64 `json:"versions"`
	Runs     int64 `json:"runs"`
	Datasets int64 `json:"datasets"`
}

type lineageVersion struct {
	ID         int64         `json:"id"`
	FileID     coreshed.UUID `json:"file_id"`
	VersionID  string        `json:"version_id"`
	Workspace  workspaceRef  `json:"workspace"`
	Path       string        `json:"path"`
	Type       string        `json:"type"`
	Size       int64         `json:"size"`
	Superseded bool          `json:"superseded"`
	Deleted    bool          `json:"deleted"`
	Distance   int64         `json:"distance"`
	Trust      *trust        `json:"trust"`
}

type lineageRun struct {
	Run       int64        `json:"run"`
	Workspace workspaceRef `json:"workspace"`
	Type      string       `json:"type"`
	Version   string       `json:"type_version"`
	Status    string       `json:"status"`
	Recipe    *int64       `json:"recipe"`
	Node      *string      `json:"node"`
	Batch     *int64       `json:"batch"`
	EndedAt   *string      `json:"ended_at"`
	Distance  int64        `json:"distance"`
}

type lineageDataset struct {
	ID        int64   `json:"id"`
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	Version   *string `json:"version"`
	Distance  int64   `json:"distance"`
}

// lineageEdge says that a run has read, or put out, a version or a data set.
type lineageEdge struct {
	Run     int64  `json:"run"`
	Role    string `json:"role"` // input or output
	Name    string `json:"name"`
	Version int64  `json:"version,omitempty"`
	Dataset int64  `json:"dataset,omitempty"`
}

// The bounds of limit, in nodes that are named.
const (
	defaultNodes = 1000
	maxNodes     = 500_000
)

func (a *api) getLineage(w http.ResponseWriter, q *request) error {
	want, err := lineageWanted(q)
	if err != nil {
		return err
	}
	l, err := a.DB.Lineage(q.Context(), q.view, q.id, want)
	if err != nil {
		return err
	}
	ids := make([]int64, len(l.Versions))
	for i, v := range l.Versions {
		ids[i] = v.ID
	}
	trust, err := a.DB.Trust(q.Context(), q.view, ids...)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, lineageOf(l, want.Depth, trust))
}

func lineageWanted(q *request) (store.LineageWant, error) {
	want := store.LineageWant{Direction: coreshed.Up}
	switch text := q.query.Get("direction"); coreshed.Direction(text) {
	case "", coreshed.Up:
	case coreshed.Down:
		want.Direction = coreshed.Down
	default:
		bad := coreshed.Errorf(coreshed.Invalid, "The parameter direction must be up or down.")
		bad.Field = "direction"
		return want, bad
	}
	var err error
	if want.Depth, err = web.Int(q.query, "depth", 0, 0); err != nil {
		return want, err
	}
	want.Limit, err = web.Int(q.query, "limit", defaultNodes, 1)
	want.Limit = min(want.Limit, maxNodes)
	return want, err
}

func lineageOf(l coreshed.Lineage, depth int64, trust map[int64]coreshed.Trust) lineage {
	out := lineage{
		Version: l.Root, Direction: string(l.Direction), Depth: depth, Complete: l.Complete,
		Versions: make([]lineageVersion, len(l.Versions)), Runs: make([]lineageRun, len(l.Runs)),
		Datasets: make([]lineageDataset, len(l.Datasets)), Edges: make([]lineageEdge, len(l.Edges)),
		Found: lineageCounts(l.Found), Hidden: lineageCounts(l.Hidden),
	}
	named := int64(len(l.Versions) + len(l.Runs) + len(l.Datasets))
	out.Named = named == l.Found.Versions+l.Found.Runs+l.Found.Datasets-l.Hidden.Versions-l.Hidden.Runs-l.Hidden.Datasets
	for i, v := range l.Versions {
		out.Versions[i] = lineageVersion{
			v.ID, v.File, strconv.FormatInt(v.VersionID, 10), workspaceRef{v.Workspace.UUID, v.Workspace.Name}, v.Path,
			string(v.Type), v.Size, v.Superseded, v.Deleted, v.Distance, trustOf(trust[v.ID]),
		}
	}
	for i, r := range l.Runs {
		out.Runs[i] = lineageRunOf(r)
	}
	for i, d := range l.Datasets {
		out.Datasets[i] = lineageDataset{d.ID, d.Namespace, d.Name, textOrNull(d.Version), d.Distance}
	}
	for i, e := range l.Edges {
		out.Edges[i] = lineageEdge{Run: e.Run, Role: "input", Name: e.Name, Version: e.Version, Dataset: e.Dataset}
		if e.Output {
			out.Edges[i].Role = "output"
		}
	}
	return out
}

func lineageRunOf(r coreshed.LineageRun) lineageRun {
	return lineageRun{
		r.ID, workspaceRef{r.Workspace.UUID, r.Workspace.Name}, r.Type, r.Version, string(r.Status),
		idOrNull(r.Recipe), textOrNull(r.Node), idOrNull(r.Batch), timeOrNull(r.EndedAt), r.Distance,
	}
}
