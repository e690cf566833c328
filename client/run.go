package client

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
)

// NewRun is a run as it is recorded: what was, or is being, done with which
// versions. Recorded again under its ID it is the same run.
type NewRun struct {
	ID      string          `json:"id,omitempty"` // the recorder's own
	Type    RunType         `json:"type"`
	Inputs  []RunInput      `json:"inputs,omitempty"`
	Values  json.RawMessage `json:"values,omitempty"` // inputs that are no files: an object
	Recipe  int64           `json:"recipe,omitempty"`
	Node    string          `json:"node,omitempty"` // of the recipe
	Batch   int64           `json:"batch,omitempty"`
	Start   *RunStart       `json:"start,omitempty"` // nil while it waits
	Outputs []RunOutput     `json:"outputs,omitempty"`
	End     *RunEnd         `json:"end,omitempty"`
}

// RunType is what is done: an algorithm in one version.
type RunType struct {
	Name     string          `json:"name"`
	Version  string          `json:"version"`
	Title    string          `json:"title,omitempty"`
	Manifest json.RawMessage `json:"manifest,omitempty"` // an object
}

// RunInput is a version that is read: by its id in the catalogue, or the current
// one at a path.
type RunInput struct {
	Name    string `json:"name"`
	Version int64  `json:"version,omitempty"`
	Path    string `json:"path,omitempty"`
}

// RunOutput is a version that is there already, by its id or its path, or, with
// Upload, a file that will be uploaded: its path in the run's output folder.
// Path is then where in the workspace it goes; the server chooses when it is "".
type RunOutput struct {
	Name    string `json:"name"`
	Version int64  `json:"version,omitempty"`
	Path    string `json:"path,omitempty"`

	Upload    string `json:"upload,omitempty"`
	MediaType string `json:"media_type,omitempty"`
	Suffix    bool   `json:"suffix,omitempty"` // number the path if another product has it
}

// RunStart says that a run has started.
type RunStart struct {
	Try  string    `json:"try,omitempty"`
	At   time.Time `json:"at,omitzero"`
	Host string    `json:"host,omitempty"`
}

// RunEnd says how a run has ended.
type RunEnd struct {
	Status   coreshed.RunStatus `json:"status,omitempty"` // of NewRun.End alone
	At       time.Time          `json:"at,omitzero"`
	ExitCode *int64             `json:"exit_code,omitempty"`
	Error    json.RawMessage    `json:"error,omitempty"`  // an object
	Output   json.RawMessage    `json:"output,omitempty"` // an object
	// SkipMissing completes a run although outputs that it has announced have
	// not been uploaded.
	SkipMissing bool `json:"skip_missing,omitempty"`
}

// Run is a run as the catalogue has it.
type Run struct {
	Number     int64              `json:"run"` // unique in the catalogue
	ID         string             `json:"id"`
	Workspace  WorkspaceRef       `json:"workspace"`
	Type       RunType            `json:"type"`
	Status     coreshed.RunStatus `json:"status"`
	Recipe     int64              `json:"recipe"`
	RecipeType string             `json:"recipe_type"`
	Node       string             `json:"node"`
	Batch      int64              `json:"batch"`
	Superseded bool               `json:"superseded"`
	Published  bool               `json:"published"`
	Error      json.RawMessage    `json:"error"`
	Values     json.RawMessage    `json:"values"`
	Tries      int64              `json:"tries"`
	InputSize  int64              `json:"input_size"`
	CreatedAt  time.Time          `json:"created_at"`
	StartedAt  time.Time          `json:"started_at,omitzero"`
	EndedAt    time.Time          `json:"ended_at,omitzero"`
	Uploads    []RunUpload        `json:"uploads,omitempty"` // to whoever records it
}

// WorkspaceRef is what is told of a workspace beside something else.
type WorkspaceRef struct {
	ID   coreshed.UUID `json:"id"`
	Name string        `json:"name"`
}

// RunUpload is where an output is uploaded to, or, once it is there, its version.
type RunUpload struct {
	Name        string `json:"name"`
	StoragePath string `json:"storage_path"`
	URL         string `json:"url"`
	Version     int64  `json:"version"` // its id in the catalogue; 0 while it is not there
}

// NamedEntry is a version with the name under which a run has read it or put it
// out.
type NamedEntry struct {
	Name    string `json:"name"`
	Version Entry  `json:"version"`
}

func runPath(run int64, rest string) string {
	return native + "/runs/" + strconv.FormatInt(run, 10) + rest
}

// RecordRun records a run in the workspace.
func (f *Files) RecordRun(ctx context.Context, n NewRun) (Run, error) {
	var r Run
	_, err := f.c.do(ctx, call{
		method: http.MethodPost, path: nativeWorkspace(f.workspace) + "/runs", body: n,
		want: []int{http.StatusOK, http.StatusCreated},
	}, &r)
	return r, err
}

// Run returns a run by its number.
func (c *Client) Run(ctx context.Context, run int64) (Run, error) {
	var r Run
	_, err := c.do(ctx, call{method: http.MethodGet, path: runPath(run, ""), want: []int{http.StatusOK}}, &r)
	return r, err
}

// RunFilter says which runs are wanted; what is empty is any.
type RunFilter struct {
	Status   []coreshed.RunStatus
	Type     []string // names
	PageSize int      // how many are asked for at once; 0 is the server's own
}

// Runs returns the runs of the workspace, the newest first, and gets page after
// page as they are read. It ends with the first error. Runs that change
// meanwhile may move a later page, so that one is missed or met twice.
func (f *Files) Runs(ctx context.Context, want RunFilter) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		q := f.runQuery(want)
		for offset := 0; ; {
			q.Set("offset", strconv.Itoa(offset))
			var page struct {
				Total   int
				Results []Run
			}
			if _, err := f.c.do(ctx, call{method: http.MethodGet, path: native + "/runs", query: q, want: []int{http.StatusOK}}, &page); err != nil {
				yield(Run{}, err)
				return
			}
			for _, r := range page.Results {
				if !yield(r, nil) {
					return
				}
			}
			offset += len(page.Results)
			if len(page.Results) == 0 || offset >= page.Total {
				return
			}
		}
	}
}

func (f *Files) runQuery(want RunFilter) url.Values {
	q := url.Values{"workspace": {f.workspace.String()}, "type": want.Type}
	for _, s := range want.Status {
		q.Add("status", string(s))
	}
	if want.PageSize > 0 {
		q.Set("limit", strconv.Itoa(want.PageSize))
	}
	return q
}

// RunInputs returns what a run has read, and how many versions more the caller
// may not see.
func (c *Client) RunInputs(ctx context.Context, run int64) ([]NamedEntry, int64, error) {
	return c.runVersions(ctx, run, "/inputs")
}

// RunOutputs is RunInputs for what a run has put out.
func (c *Client) RunOutputs(ctx context.Context, run int64) ([]NamedEntry, int64, error) {
	return c.runVersions(ctx, run, "/outputs")
}

func (c *Client) runVersions(ctx context.Context, run int64, kind string) (all []NamedEntry, hidden int64, err error) {
	for {
		var page struct {
			Total   int64        `json:"total"`
			Hidden  int64        `json:"hidden"`
			Results []NamedEntry `json:"results"`
		}
		q := url.Values{"limit": {"1000"}, "offset": {strconv.Itoa(len(all))}}
		if _, err := c.do(ctx, call{method: http.MethodGet, path: runPath(run, kind), query: q, want: []int{http.StatusOK}}, &page); err != nil {
			return nil, 0, err
		}
		all = append(all, page.Results...)
		if int64(len(all)) >= page.Total || len(page.Results) == 0 {
			return all, page.Hidden, nil
		}
	}
}

// CompleteRun records that a run has completed: what it has put out is then
// published.
func (c *Client) CompleteRun(ctx context.Context, run int64, e RunEnd) (Run, error) {
	return c.changeRun(ctx, run, "/complete", e)
}

// FailRun records that a run has failed.
func (c *Client) FailRun(ctx context.Context, run int64, e RunEnd) (Run, error) {
	return c.changeRun(ctx, run, "/fail", e)
}

// CancelRun records that a run was canceled.
func (c *Client) CancelRun(ctx context.Context, run int64, e RunEnd) (Run, error) {
	return c.changeRun(ctx, run, "/cancel", e)
}

// PublishRun publishes again what a completed run has put out.
func (c *Client) PublishRun(ctx context.Context, run int64) (Run, error) {
	return c.changeRun(ctx, run, "/publish", nil)
}

// UnpublishRun takes back what a run has published. Its files stay.
func (c *Client) UnpublishRun(ctx context.Context, run int64) (Run, error) {
	return c.changeRun(ctx, run, "/unpublish", nil)
}

func (c *Client) changeRun(ctx context.Context, run int64, verb string, body any) (Run, error) {
	var r Run
	_, err := c.do(ctx, call{method: http.MethodPost, path: runPath(run, verb), body: body, want: []int{http.StatusOK}}, &r)
	return r, err
}

// UploadOutput uploads a local file as an output of a run that is running, and
// returns its version's id in the catalogue. When the output is there already
// nothing is sent.
func (f *Files) UploadOutput(ctx context.Context, run int64, o RunOutput, name string, progress func(int64)) (version int64, err error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	place, err := f.c.announce(ctx, run, o)
	if err != nil || place.Version != 0 {
		return place.Version, err
	}
	u := upload{files: f, src: file, size: info.Size(), options: UploadOptions{ContentType: o.MediaType, Progress: progress}, journal: &journal{}}
	u.check = func() error {
		now, err := file.Stat()
		if err == nil && stamp(now) != stamp(info) {
			err = errChanged
		}
		return err
	}
	l := newLink(place.URL, func(ctx context.Context) (string, error) {
		again, err := f.c.announce(ctx, run, o)
		return again.URL, err
	})
	if err := u.send(ctx, l); err != nil {
		return 0, err
	}
	place, err = f.c.announce(ctx, run, o)
	return place.Version, err
}

// announce asks where an output is uploaded to.
func (c *Client) announce(ctx context.Context, run int64, o RunOutput) (RunUpload, error) {
	var r Run
	body := map[string][]RunOutput{"outputs": {o}}
	if _, err := c.do(ctx, call{method: http.MethodPost, path: runPath(run, "/outputs"), body: body, want: []int{http.StatusOK}}, &r); err != nil {
		return RunUpload{}, err
	}
	if len(r.Uploads) != 1 {
		return RunUpload{}, errors.New("the server did not say where the output goes")
	}
	return r.Uploads[0], nil
}
