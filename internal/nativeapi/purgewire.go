package nativeapi

import (
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// purge is a purge as this interface shows it. What is not known is null.
type purge struct {
	ID          coreshed.UUID   `json:"id"`
	Status      string          `json:"status"`
	Scope       string          `json:"scope"`
	SourceBytes bool            `json:"source_bytes"`
	Reason      string          `json:"reason"`
	Filter      json.RawMessage `json:"filter"` // null without one, and once it is erased
	FilterSHA   *string         `json:"filter_sha256"`
	Fingerprint *string         `json:"fingerprint"`
	SourceFile  *int64          `json:"source_file"` // of a purge of Scale's API

	PlannedAt  string  `json:"planned_at"`
	PlannedBy  *person `json:"planned_by"`
	ExecutedAt *string `json:"executed_at"`
	ExecutedBy *person `json:"executed_by"` // null for the server itself
	EndedAt    *string `json:"ended_at"`

	Planned purgeTotals `json:"planned"`
	Removed purgeTotals `json:"removed"`

	Held      int64   `json:"held"`
	Forbidden int64   `json:"forbidden"`
	Errors    int64   `json:"errors"`
	LastError *string `json:"last_error"`
	RetryAt   *string `json:"retry_at"` // after that error
}

type person struct {
	ID    coreshed.UUID `json:"id"`
	Name  string        `json:"name"`
	Email *string       `json:"email"`
}

type purgeTotals struct {
	Versions int64 `json:"versions"`
	Sources  int64 `json:"sources"`
	Products int64 `json:"products"`
	Runs     int64 `json:"runs"`
	Recipes  int64 `json:"recipes"`
	Bytes    int64 `json:"bytes"`
}

// purgeDetails is a purge with what it is about.
type purgeDetails struct {
	purge
	Plan *purgePlan `json:"plan"` // null while it is being removed
}

// purgeEntry is an entry of the audit log that tells of a purge.
type purgeEntry struct {
	Number *int64 `json:"number"` // null for a moment
	Action string `json:"action"`
	At     string `json:"at"`
}

func purgeEntryOf(e coreshed.AuditEntry) purgeEntry {
	shown := auditEntryOf(e)
	return purgeEntry{shown.Number, shown.Action, shown.At}
}

type purgePlan struct {
	Sums     []purgeSum    `json:"sums"`
	Hidden   purgeTotals   `json:"hidden"`
	Keeps    keptBytes     `json:"keeps"`
	Unknown  keptBytes     `json:"unknown"`
	Twins    neighbours    `json:"twins"`
	AlsoFrom neighbours    `json:"also_from"`
	Datasets purgeDatasets `json:"datasets"`
}

// purgeSum is how many things of one sort there are.
type purgeSum struct {
	Kind           string       `json:"kind"`
	Type           *string      `json:"type"`
	Workspace      workspaceRef `json:"workspace"`
	JobType        *string      `json:"job_type"`
	JobTypeVersion *string      `json:"job_type_version"`
	Bytes          *string      `json:"bytes"`
	Count          int64        `json:"count"`
	Size           int64        `json:"size"`
}

// keptBytes are versions whose rows go and whose bytes stay.
type keptBytes struct {
	Versions int64 `json:"versions"`
	Bytes    int64 `json:"bytes"`
}

type neighbours struct {
	Total    int64       `json:"total"`
	Versions []neighbour `json:"versions"`
}

type neighbour struct {
	ID         int64         `json:"id"`
	FileID     coreshed.UUID `json:"file_id"`
	VersionID  string        `json:"version_id"`
	Workspace  workspaceRef  `json:"workspace"`
	Path       string        `json:"path"`
	Type       string        `json:"type"`
	Size       int64         `json:"size"`
	Superseded bool          `json:"superseded"`
	Deleted    bool          `json:"deleted"`
}

type purgeDatasets struct {
	Total    int64         `json:"total"`
	Datasets []datasetName `json:"datasets"`
}

type datasetName struct {
	ID        int64   `json:"id"`
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	Version   *string `json:"version"`
}

// purgeItem is a thing of a purge's set. Via is the way from it to a source.
type purgeItem struct {
	Kind      string         `json:"kind"`
	ID        int64          `json:"id"`
	Name      *string        `json:"name"`
	Workspace workspaceRef   `json:"workspace"`
	FileID    *coreshed.UUID `json:"file_id"`
	VersionID *string        `json:"version_id"`
	Type      *string        `json:"type"`
	Size      int64          `json:"size"`
	SHA256    *string        `json:"sha256"`
	MD5       *string        `json:"md5"`
	Bytes     *string        `json:"bytes"`
	Hold      *int64         `json:"hold"`
	State     string         `json:"state"`
	Error     *string        `json:"error"`
	Depth     int64          `json:"depth"`
	Via       []purgeVia     `json:"via"`
}

// purgeVia is a step of a way; the id is null where the caller sees no more.
type purgeVia struct {
	Kind string `json:"kind"`
	ID   *int64 `json:"id"`
}

func purgeOf(p coreshed.Purge) purge {
	return purge{
		ID: p.UUID, Status: string(p.Status), Scope: string(p.Scope), SourceBytes: p.SourceBytes, Reason: p.Reason,
		Filter: p.Filter, FilterSHA: hexOrNull(p.FilterSHA),
		Fingerprint: hexOrNull(p.Fingerprint), SourceFile: idOrNull(p.SourceFile),
		PlannedAt: timestamp(p.PlannedAt), PlannedBy: personOf(p.PlannedBy),
		ExecutedAt: timeOrNull(p.ExecutedAt), ExecutedBy: personOf(p.ExecutedBy), EndedAt: timeOrNull(p.EndedAt),
		Planned: purgeTotals(p.Planned), Removed: purgeTotals(p.Removed),
		Held: p.Held, Forbidden: p.Forbidden, Errors: p.Errors, LastError: textOrNull(p.LastError), RetryAt: timeOrNull(p.RetryAt),
	}
}

func personOf(p coreshed.Person) *person {
	if p.ID == uuid.Nil {
		return nil
	}
	return &person{p.ID, p.Name, textOrNull(p.Email)}
}

func planOf(p coreshed.PurgePlan) purgePlan {
	out := purgePlan{
		Sums: make([]purgeSum, len(p.Sums)), Hidden: purgeTotals(p.Hidden), Twins: neighboursOf(p.Twins), AlsoFrom: neighboursOf(p.AlsoFrom),
		Datasets: purgeDatasets{p.Datasets.Total, make([]datasetName, len(p.Datasets.Datasets))},
	}
	for i, s := range p.Sums {
		out.Sums[i] = purgeSum{
			string(s.Kind), textOrNull(string(s.Type)), workspaceRef{s.Workspace.UUID, s.Workspace.Name}, textOrNull(s.JobType), textOrNull(s.JobTypeVersion),
			textOrNull(string(s.Bytes)), s.Count, s.Size,
		}
		switch s.Bytes {
		case coreshed.BytesStay:
			out.Keeps = keptBytes{out.Keeps.Versions + s.Count, out.Keeps.Bytes + s.Size}
		case coreshed.BytesUnknown:
			out.Unknown = keptBytes{out.Unknown.Versions + s.Count, out.Unknown.Bytes + s.Size}
		}
	}
	for i, d := range p.Datasets.Datasets {
		out.Datasets.Datasets[i] = datasetName{d.ID, d.Namespace, d.Name, textOrNull(d.Version)}
	}
	return out
}

func neighboursOf(n coreshed.PurgeNeighbours) neighbours {
	out := neighbours{n.Total, make([]neighbour, len(n.Versions))}
	for i, v := range n.Versions {
		out.Versions[i] = neighbour{
			v.ID, v.File, strconv.FormatInt(v.VersionID, 10), workspaceRef{v.Workspace.UUID, v.Workspace.Name}, v.Path, string(v.Type), v.Size,
			v.Superseded, v.Deleted,
		}
	}
	return out
}

func itemOf(i coreshed.PurgeItem, way []coreshed.PurgeVia) purgeItem {
	out := purgeItem{
		Kind: string(i.Kind), ID: i.ID, Name: textOrNull(i.Name), Workspace: workspaceRef{i.Workspace.UUID, i.Workspace.Name},
		Type: textOrNull(string(i.Type)), Size: i.Size, SHA256: hexOrNull(i.SHA256), MD5: hexOrNull(i.MD5),
		Bytes: textOrNull(string(i.Bytes)), Hold: idOrNull(i.Hold), State: string(i.State), Error: textOrNull(i.Error),
		Depth: i.Depth, Via: make([]purgeVia, len(way)),
	}
	if i.File != uuid.Nil {
		version := strconv.FormatInt(i.VersionID, 10)
		out.FileID, out.VersionID = &i.File, &version
	}
	for n, step := range way {
		out.Via[n] = purgeVia{string(step.Kind), idOrNull(step.ID)}
	}
	return out
}

func hexOrNull(sum []byte) *string {
	if sum == nil {
		return nil
	}
	text := hex.EncodeToString(sum)
	return &text
}
