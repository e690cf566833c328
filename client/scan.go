package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// ScaleWorkspace is a workspace as Scale's API lists it. Its title may be cut
// off.
type ScaleWorkspace struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	Title   string    `json:"title"`
	Active  bool      `json:"is_active"`
	Created time.Time `json:"created"`
}

// Place is a workspace whose files lie in a folder or bucket that others own.
type Place struct {
	ScaleWorkspace
	Configuration struct {
		Broker struct {
			Type     string `json:"type"`
			HostPath string `json:"host_path"`
			Bucket   string `json:"bucket_name"`
			Endpoint string `json:"endpoint_url"`
		} `json:"broker"`
	} `json:"configuration"`
}

// Scan is a look at what lies in a workspace's folder or bucket.
type Scan struct {
	ID            int64           `json:"id"`
	Name          string          `json:"name"`
	Title         string          `json:"title"`
	Files         int64           `json:"file_count"`
	Job           *ScanJob        `json:"job"`
	DryRun        *ScanJob        `json:"dry_run_job"`
	Configuration json.RawMessage `json:"configuration,omitempty"`
}

// ScanJob is the work of a scan.
type ScanJob struct {
	ID     int64  `json:"id"`
	Status string `json:"status"`
}

// Ended reports whether the work is over.
func (j *ScanJob) Ended() bool {
	return j != nil && (j.Status == "COMPLETED" || j.Status == "FAILED" || j.Status == "CANCELED")
}

// Ingest is a file that a scan or strike has found.
type Ingest struct {
	ID     int64  `json:"id"`
	Name   string `json:"file_name"`
	Path   string `json:"file_path"`
	Status string `json:"status"`
	Reason string `json:"reason"`
	Size   int64  `json:"file_size"`
}

// scalePage is how many things are asked for at once.
const scalePage = 1000

// scaleList reads all pages of a list.
func scaleList[T any](ctx context.Context, c *Client, path string, q url.Values) ([]T, error) {
	var all []T
	q.Set("page_size", strconv.Itoa(scalePage))
	for number := 1; ; number++ {
		q.Set("page", strconv.Itoa(number))
		var page struct {
			Next    *string
			Results []T
		}
		if _, err := c.do(ctx, call{method: http.MethodGet, path: path, query: q, want: []int{http.StatusOK}}, &page); err != nil {
			return all, err
		}
		all = append(all, page.Results...)
		if page.Next == nil {
			return all, nil
		}
	}
}

// ScaleWorkspaces returns the live workspaces that the caller sees.
func (c *Client) ScaleWorkspaces(ctx context.Context) ([]ScaleWorkspace, error) {
	list, err := scaleList[ScaleWorkspace](ctx, c, "/v6/workspaces/", url.Values{"order": {"id"}})
	return slices.DeleteFunc(list, func(w ScaleWorkspace) bool { return !w.Active }), err
}

// Places returns those workspaces whose files lie in a folder or bucket.
func (c *Client) Places(ctx context.Context) ([]Place, error) {
	list, err := c.ScaleWorkspaces(ctx)
	if err != nil {
		return nil, err
	}
	var places []Place
	for _, w := range list {
		var p Place
		if _, err := c.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("/v6/workspaces/%d/", w.ID), want: []int{http.StatusOK}}, &p); err != nil {
			return nil, err
		}
		if b := p.Configuration.Broker; b.HostPath != "" || b.Bucket != "" {
			places = append(places, p)
		}
	}
	return places, nil
}

// CreatePlace makes a workspace on a folder or bucket: the broker as Scale's API
// has it.
func (c *Client) CreatePlace(ctx context.Context, title string, broker map[string]any) (Place, error) {
	var p Place
	body := map[string]any{"title": title, "configuration": map[string]any{"broker": broker}}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v6/workspaces/", body: body, want: []int{http.StatusCreated}}, &p)
	return p, err
}

// Scans returns the scans that the caller sees whose name contains a text.
func (c *Client) Scans(ctx context.Context, name string) ([]Scan, error) {
	return scaleList[Scan](ctx, c, "/v6/scans/", url.Values{"name": {name}, "order": {"id"}})
}

// Scan returns a scan.
func (c *Client) Scan(ctx context.Context, id int64) (Scan, error) {
	var s Scan
	_, err := c.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("/v6/scans/%d/", id), want: []int{http.StatusOK}}, &s)
	return s, err
}

// CreateScan makes a scan; nothing starts.
func (c *Client) CreateScan(ctx context.Context, title string, configuration any) (Scan, error) {
	var s Scan
	body := map[string]any{"title": title, "configuration": configuration}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v6/scans/", body: body, want: []int{http.StatusCreated}}, &s)
	return s, err
}

// ProcessScan starts a scan: to take files, or only to count them.
func (c *Client) ProcessScan(ctx context.Context, id int64, take bool) (Scan, error) {
	var s Scan
	body := map[string]bool{"ingest": take}
	_, err := c.do(ctx, call{method: http.MethodPost, path: fmt.Sprintf("/v6/scans/%d/process/", id), body: body, want: []int{http.StatusCreated}}, &s)
	return s, err
}

// CountIngests returns how many of a scan's files have one of these statuses.
func (c *Client) CountIngests(ctx context.Context, scan int64, status ...string) (int64, error) {
	var page struct{ Count int64 }
	q := url.Values{"scan_id": {strconv.FormatInt(scan, 10)}, "page_size": {"1"}, "status": status}
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/v6/ingests/", query: q, want: []int{http.StatusOK}}, &page)
	return page.Count, err
}

// Ingests returns those of a scan's files that have one of these statuses.
func (c *Client) Ingests(ctx context.Context, scan int64, status ...string) ([]Ingest, error) {
	return scaleList[Ingest](ctx, c, "/v6/ingests/", url.Values{"scan_id": {strconv.FormatInt(scan, 10)}, "status": status, "order": {"id"}})
}
