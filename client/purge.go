package client

import (
	"context"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/coreshed/coreshed"
)

// NewPurge says what is to be purged: versions by their ids in the catalogue,
// files by theirs, with all their versions, and the versions that match a filter.
type NewPurge struct {
	Versions    []int64               `json:"versions,omitempty"`
	Files       []coreshed.UUID       `json:"files,omitempty"`
	Filter      *coreshed.PurgeFilter `json:"filter,omitempty"`
	Scope       coreshed.PurgeScope   `json:"scope,omitempty"` // "" is lineage
	SourceBytes bool                  `json:"source_bytes,omitempty"`
	Reason      string                `json:"reason,omitempty"`
}

// Purge is an order to remove versions for good, with all that was made from
// them.
type Purge struct {
	ID          coreshed.UUID        `json:"id"`
	Status      coreshed.PurgeStatus `json:"status"`
	Scope       coreshed.PurgeScope  `json:"scope"`
	SourceBytes bool                 `json:"source_bytes"`
	Reason      string               `json:"reason"`
	Fingerprint string               `json:"fingerprint"`

	// Filter is what it was asked for by: nil without one, and once the purge has
	// ended. Its SHA-256 stays.
	Filter       *coreshed.PurgeFilter `json:"filter,omitempty"`
	FilterSHA256 string                `json:"filter_sha256,omitempty"`

	SourceFile int64 `json:"source_file,omitempty"`

	PlannedAt  time.Time `json:"planned_at"`
	PlannedBy  *Person   `json:"planned_by"`
	ExecutedAt time.Time `json:"executed_at,omitzero"`
	ExecutedBy *Person   `json:"executed_by"`
	EndedAt    time.Time `json:"ended_at,omitzero"`

	Planned   PurgeTotals `json:"planned"`
	Removed   PurgeTotals `json:"removed"` // so far
	Held      int64       `json:"held"`
	Forbidden int64       `json:"forbidden"`
	Errors    int64       `json:"errors"`
	LastError string      `json:"last_error"`
	RetryAt   time.Time   `json:"retry_at,omitzero"` // when it is tried again after that

	Plan PurgePlan `json:"plan,omitzero"` // not in lists, and not while it is being removed
}

// PurgeEntry is an entry of the audit log that tells of a purge.
type PurgeEntry struct {
	Number *int64               `json:"number"` // in the log; nil for a moment
	Action coreshed.AuditAction `json:"action"`
	At     time.Time            `json:"at"`
}

// PurgeTotals counts what a purge removes.
type PurgeTotals struct {
	Versions int64 `json:"versions"`
	Sources  int64 `json:"sources"`
	Products int64 `json:"products"`
	Runs     int64 `json:"runs"`
	Recipes  int64 `json:"recipes"`
	Bytes    int64 `json:"bytes"`
}

// PurgePlan is what a purge's set amounts to, and what is beside it and stays.
type PurgePlan struct {
	Sums     []PurgeSum      `json:"sums"`
	Hidden   PurgeTotals     `json:"hidden"` // what the caller does not see
	Keeps    KeptBytes       `json:"keeps"`
	Unknown  KeptBytes       `json:"unknown"`
	Twins    PurgeNeighbours `json:"twins"`     // with the same bytes
	AlsoFrom PurgeNeighbours `json:"also_from"` // that runs of the set have read too
	Datasets struct {
		Total    int64          `json:"total"`
		Datasets []PurgeDataset `json:"datasets"`
	} `json:"datasets"`
}

// PurgeSum is how many things of one sort a set has.
type PurgeSum struct {
	Kind           coreshed.PurgeKind `json:"kind"`
	Type           coreshed.FileType  `json:"type"`
	Workspace      WorkspaceRef       `json:"workspace"`
	JobType        string             `json:"job_type"`
	JobTypeVersion string             `json:"job_type_version"`
	Bytes          coreshed.BytesFate `json:"bytes"`
	Count          int64              `json:"count"`
	Size           int64              `json:"size"`
}

// KeptBytes are versions whose bytes stay.
type KeptBytes struct {
	Versions int64 `json:"versions"`
	Bytes    int64 `json:"bytes"`
}

// PurgeNeighbours are versions beside a set: how many, and the first of them.
type PurgeNeighbours struct {
	Total    int64            `json:"total"`
	Versions []LineageVersion `json:"versions"`
}

// PurgeDataset is a data set of another system.
type PurgeDataset struct {
	ID        int64  `json:"id"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Version   string `json:"version"`
}

// PurgeItem is a thing of a purge's set. Via is the way from it to what was asked
// for.
type PurgeItem struct {
	Kind      coreshed.PurgeKind  `json:"kind"`
	ID        int64               `json:"id"`
	Name      string              `json:"name"` // while it is there
	Workspace WorkspaceRef        `json:"workspace"`
	FileID    *coreshed.UUID      `json:"file_id"`
	VersionID string              `json:"version_id"`
	Type      coreshed.FileType   `json:"type"`
	Size      int64               `json:"size"`
	SHA256    string              `json:"sha256"`
	MD5       string              `json:"md5"`
	Bytes     coreshed.BytesFate  `json:"bytes"`
	Hold      int64               `json:"hold"`
	State     coreshed.PurgeState `json:"state"`
	Error     string              `json:"error"`
	Depth     int64               `json:"depth"`
	Via       []PurgeStep         `json:"via"`
}

// PurgeStep is a thing on the way; the ID is 0 where the caller sees no more.
type PurgeStep struct {
	Kind coreshed.PurgeKind `json:"kind"`
	ID   int64              `json:"id"`
}

const purges = native + "/purges"

// PlanPurge finds out what a purge would remove. Nothing is removed yet.
func (c *Client) PlanPurge(ctx context.Context, n NewPurge) (Purge, error) {
	var p Purge
	_, err := c.do(ctx, call{method: http.MethodPost, path: purges, body: n, want: []int{http.StatusCreated}}, &p)
	return p, err
}

// Purge returns a purge, with its plan and how far it is.
func (c *Client) Purge(ctx context.Context, id coreshed.UUID) (Purge, error) {
	var p Purge
	_, err := c.do(ctx, call{method: http.MethodGet, path: purges + "/" + id.String(), want: []int{http.StatusOK}}, &p)
	return p, err
}

// ExecutePurge begins to remove what a plan says. When there is something else to
// remove by now, nothing is removed, the error is a Conflict, and its Plan is the
// new plan. One that was stopped goes on.
func (c *Client) ExecutePurge(ctx context.Context, id coreshed.UUID, fingerprint string) (Purge, error) {
	var p Purge
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: purges + "/" + id.String() + "/execute", body: map[string]string{"fingerprint": fingerprint}, want: []int{http.StatusAccepted},
	}, &p)
	return p, err
}

// StopPurge lets a purge do nothing more until it is executed again.
func (c *Client) StopPurge(ctx context.Context, id coreshed.UUID) (Purge, error) {
	var p Purge
	_, err := c.do(ctx, call{method: http.MethodPost, path: purges + "/" + id.String() + "/stop", want: []int{http.StatusOK}}, &p)
	return p, err
}

// Purges returns the purges that the caller may see, the newest first.
func (c *Client) Purges(ctx context.Context) iter.Seq2[Purge, error] {
	return after[Purge](ctx, c, purges, nil)
}

// PurgeItems returns what is in a purge's set.
func (c *Client) PurgeItems(ctx context.Context, id coreshed.UUID) iter.Seq2[PurgeItem, error] {
	return after[PurgeItem](ctx, c, purges+"/"+id.String()+"/items", nil)
}

// PurgeEntries returns what the audit log tells of a purge, the oldest first.
func (c *Client) PurgeEntries(ctx context.Context, id coreshed.UUID) iter.Seq2[PurgeEntry, error] {
	return after[PurgeEntry](ctx, c, purges+"/"+id.String()+"/audit", nil)
}

// PurgeFailures returns those of a purge's set whose bytes could not be removed
// yet.
func (c *Client) PurgeFailures(ctx context.Context, id coreshed.UUID) iter.Seq2[PurgeItem, error] {
	return after[PurgeItem](ctx, c, purges+"/"+id.String()+"/items", url.Values{"failed": {"true"}})
}

// after gets page after page of a list while it is read.
func after[T any](ctx context.Context, c *Client, path string, which url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := url.Values{"limit": {"1000"}}
		maps.Copy(q, which)
		for {
			var page struct {
				Results []T    `json:"results"`
				Next    string `json:"next"`
			}
			if _, err := c.do(ctx, call{method: http.MethodGet, path: path, query: q, want: []int{http.StatusOK}}, &page); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, r := range page.Results {
				if !yield(r, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.Set("after", page.Next)
		}
	}
}

// PurgeReport writes the report of a purge as the server has it: json or csv.
func (c *Client) PurgeReport(ctx context.Context, id coreshed.UUID, format string, w io.Writer) error {
	k := call{method: http.MethodGet, path: purges + "/" + id.String() + "/report", query: url.Values{"format": {format}}}
	req, err := c.request(ctx, k)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "*/*")
	res, err := c.http.Do(req)
	if err != nil {
		return broken(err)
	}
	defer drain(res)
	if res.StatusCode != http.StatusOK {
		return refused(res)
	}
	_, err = io.Copy(w, res.Body)
	return err
}
