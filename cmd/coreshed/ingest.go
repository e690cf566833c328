package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

type ingestCmd struct {
	Where    string   `arg:"" name:"dir" help:"A folder on the server's computer, or s3://BUCKET/PREFIX."`
	DryRun   bool     `short:"n" help:"Only count the files that would be taken, from this computer. Nothing is changed."`
	Match    string   `placeholder:"REGEX" help:"Take only files whose name begins as this says."`
	Tag      []string `placeholder:"TAG" help:"Give the files a tag; may be repeated."`
	Flat     bool     `help:"Leave out the folders below."`
	Title    string   `help:"The title of the workspace, if one is made."`
	Endpoint string   `placeholder:"URL" help:"The bucket's server, if it is not AWS."`
	Region   string   `help:"The bucket's region."`
}

// Help teaches the verb.
func (ingestCmd) Help() string {
	return `The files stay where they are: the server registers them in place, each as an entry of the catalogue. The server must be allowed to reach them (coreshed serve --allow-root DIR, --allow-endpoint HOST). The workspace on that folder or bucket is found, or made; --workspace, or $WORKSPACE_ID, says in which it must be. A bucket's keys are taken from $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY.

    coreshed ingest /srv/survey --dry-run

    coreshed ingest /srv/survey/2026 --match '.*\.tif' --tag scene

    coreshed ingest s3://cores/north/ --endpoint https://minio.example

What is unchanged since it was registered is not taken again, and what has changed becomes a new version. The server goes on when this command is interrupted: repeat it to see how far it is. The exit code is 1 when a file could not be taken; each is listed with its reason.`
}

// ingested is what has become of the files.
type ingested struct {
	Workspace  string          `json:"workspace"` // its title
	Scan       int64           `json:"scan"`
	Status     string          `json:"status"`
	Files      int64           `json:"files"`
	Ingested   int64           `json:"ingested"`
	Duplicates int64           `json:"duplicates"`
	Errored    int64           `json:"errored"`
	Errors     []client.Ingest `json:"errors,omitempty"`
}

// Run takes the files of a folder or bucket.
func (c ingestCmd) Run(ctx context.Context, a *app) error {
	at, err := c.place()
	if err != nil {
		return err
	}
	cl, err := a.connect()
	if err != nil {
		return err
	}
	defer cl.Close()
	ws, below, found, err := c.workspace(ctx, a, cl, at)
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.count(ctx, a, at, ws, below)
	}
	if !found {
		if ws, err = cl.CreatePlace(ctx, c.title(at), c.broker(at)); err != nil {
			return err
		}
	}
	scan, err := c.scan(ctx, cl, ws, below)
	if err != nil {
		return err
	}
	return c.take(ctx, a, cl, ws, scan)
}

// place is a folder or a bucket.
type place struct {
	dir            string // absolute
	bucket, prefix string
}

func (c ingestCmd) place() (place, error) {
	if !strings.HasPrefix(c.Where, "s3://") {
		dir, err := filepath.Abs(c.Where)
		return place{dir: dir}, err
	}
	u, err := url.Parse(c.Where)
	if err != nil || u.Host == "" {
		return place{}, usagef("%q is not s3://BUCKET/PREFIX", c.Where)
	}
	return place{bucket: u.Host, prefix: strings.TrimPrefix(u.Path, "/")}, nil
}

// workspace finds the workspace that the place lies in, and where in it. When
// there is none, it is one that is yet to be made.
func (c ingestCmd) workspace(ctx context.Context, a *app, cl *client.Client, at place) (ws client.Place, below string, found bool, err error) {
	wanted, err := a.wanted(ctx, cl)
	if err != nil {
		return ws, "", false, err
	}
	places, err := cl.Places(ctx)
	if err != nil {
		return ws, "", false, err
	}
	for _, p := range places {
		if wanted.id != 0 && p.ID != wanted.id {
			continue
		}
		if prefix, ok := c.within(at, p); ok && (!found || len(prefix) < len(below)) {
			ws, below, found = p, prefix, true
		}
	}
	if found {
		return ws, below, true, nil
	}
	if wanted.id != 0 {
		return ws, "", false, coreshed.Errorf(coreshed.NotFound,
			"the workspace %s has no such folder or bucket; without --workspace and $WORKSPACE_ID the one that has is found, or made", wanted.title)
	}
	ws.Title = c.title(at)
	ws.Name = ws.Title                                           // until it has one
	ws.Configuration.Broker.Type = c.broker(at)["type"].(string) // it has one
	return ws, at.prefix, false, nil
}

// wanted is the workspace that the flags or the environment name; if they name
// none, the zero one.
func (a *app) wanted(ctx context.Context, cl *client.Client) (called, error) {
	name := a.workspaceName()
	if name == "" {
		return called{}, nil
	}
	org, err := a.organisation(ctx, cl)
	if err != nil {
		return called{}, err
	}
	list, err := workspaces(ctx, cl, org)
	if err != nil {
		return called{}, err
	}
	i, err := pick(list, name)
	if err == nil && list[i].id == 0 {
		err = coreshed.Errorf(coreshed.NotFound, "the workspace %s is of an organisation of which Scale's API does not tell", list[i].title)
	}
	if err != nil {
		return called{}, err
	}
	return list[i], nil
}

// within returns where a place lies in the folder or bucket of a workspace.
func (c ingestCmd) within(at place, p client.Place) (prefix string, ok bool) {
	b := p.Configuration.Broker
	if at.bucket != "" {
		return at.prefix, b.Type == "s3" && b.Bucket == at.bucket && (c.Endpoint == "" || c.Endpoint == b.Endpoint)
	}
	if b.Type != "host" {
		return "", false
	}
	rel, err := filepath.Rel(b.HostPath, at.dir)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	if rel == "." {
		return "", true
	}
	return filepath.ToSlash(rel) + "/", true
}

func (c ingestCmd) title(at place) string {
	title := c.Title
	if title == "" && at.bucket != "" {
		title = at.bucket
	}
	if title == "" {
		title = filepath.Base(at.dir)
	}
	runes := []rune(title)
	return string(runes[:min(len(runes), 50)])
}

// broker is how the server reaches a place.
func (c ingestCmd) broker(at place) map[string]any {
	if at.bucket == "" {
		return map[string]any{"type": "host", "host_path": at.dir}
	}
	b := map[string]any{"type": "s3", "bucket_name": at.bucket}
	for name, value := range map[string]string{"endpoint_url": c.Endpoint, "region_name": c.Region} {
		if value != "" {
			b[name] = value
		}
	}
	if id := os.Getenv("AWS_ACCESS_KEY_ID"); id != "" {
		b["credentials"] = map[string]string{"access_key_id": id, "secret_access_key": os.Getenv("AWS_SECRET_ACCESS_KEY")}
	}
	return b
}

// scan finds the scan that is at work on the same, or makes one. Its name tells
// what it looks for.
func (c ingestCmd) scan(ctx context.Context, cl *client.Client, ws client.Place, below string) (client.Scan, error) {
	configuration := c.configuration(ws, below)
	text, err := json.Marshal(configuration)
	if err != nil {
		return client.Scan{}, err
	}
	sum := sha256.Sum256(text)
	title := "Ingest " + hex.EncodeToString(sum[:8])
	before, err := cl.Scans(ctx, strings.ToLower(strings.ReplaceAll(title, " ", "-")))
	if err != nil {
		return client.Scan{}, err
	}
	for _, s := range before {
		at, err := working(ctx, cl, s)
		if err != nil || at {
			return s, err
		}
	}
	return cl.CreateScan(ctx, title, configuration)
}

// working reports whether a scan has begun to take files, and has not ended.
func working(ctx context.Context, cl *client.Client, s client.Scan) (bool, error) {
	if !s.Job.Ended() {
		return true, nil // or it has not begun
	}
	n, err := cl.CountIngests(ctx, s.ID, "QUEUED", "INGESTING")
	return n > 0, err
}

func (c ingestCmd) configuration(ws client.Place, below string) map[string]any {
	match := c.Match
	if match == "" {
		match = ".*"
	}
	if below != "" {
		match = regexp.QuoteMeta(below) + `(?:.*/)?(?:` + match + `)`
	}
	rule := map[string]any{"filename_regex": match}
	if len(c.Tag) > 0 {
		rule["data_types"] = c.Tag
	}
	scanner := "dir"
	if ws.Configuration.Broker.Type == "s3" {
		scanner = "s3"
	}
	return map[string]any{
		"workspace": ws.Name, "scanner": map[string]any{"type": scanner}, "recursive": !c.Flat, "files_to_ingest": []any{rule},
	}
}

// pollEvery is how often the server is asked how far it is.
const pollEvery = 500 * time.Millisecond

// take starts the scan, unless it has, and follows it to its end.
func (c ingestCmd) take(ctx context.Context, a *app, cl *client.Client, ws client.Place, scan client.Scan) error {
	if scan.Job == nil {
		var err error
		if scan, err = cl.ProcessScan(ctx, scan.ID, true); err != nil {
			return err
		}
	}
	done, err := c.follow(ctx, a, cl, scan)
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(a.stderr, "coreshed: the server goes on; repeat this to see how far it is")
		}
		return err
	}
	done.Workspace = ws.Title
	if done.Errored > 0 {
		if done.Errors, err = cl.Ingests(ctx, scan.ID, "ERRORED"); err != nil {
			return err
		}
	}
	err = fields(a, done, field{"workspace", ws.Title}, field{"scan", done.Scan}, field{"files seen", done.Files},
		field{"ingested", done.Ingested}, field{"known already", done.Duplicates}, field{"not taken", done.Errored})
	all := []error{err}
	for _, i := range done.Errors {
		all = append(all, fmt.Errorf("%s: %s", i.Path, i.Reason))
	}
	if done.Status != "COMPLETED" {
		all = append(all, fmt.Errorf("the scan is %s", strings.ToLower(done.Status)))
	}
	return errors.Join(all...)
}

// follow waits until everything has ended.
func (c ingestCmd) follow(ctx context.Context, a *app, cl *client.Client, scan client.Scan) (ingested, error) {
	l := a.newStatus()
	defer l.close()
	for {
		scan, err := cl.Scan(ctx, scan.ID)
		if err != nil {
			return ingested{}, err
		}
		open, err := cl.CountIngests(ctx, scan.ID, "QUEUED", "INGESTING")
		if err != nil {
			return ingested{}, err
		}
		done := ingested{Scan: scan.ID, Status: scan.Job.Status, Files: scan.Files}
		for status, into := range map[string]*int64{"INGESTED": &done.Ingested, "DUPLICATE": &done.Duplicates, "ERRORED": &done.Errored} {
			if *into, err = cl.CountIngests(ctx, scan.ID, status); err != nil {
				return done, err
			}
		}
		if scan.Job.Ended() && open == 0 {
			return done, nil
		}
		ended := done.Ingested + done.Duplicates + done.Errored
		l.show("%d of %d files", ended, ended+open)
		if err := pause(ctx, pollEvery); err != nil {
			return done, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
