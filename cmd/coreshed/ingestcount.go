package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/ingest"
)

// dryRun is what a dry run has found.
type dryRun struct {
	Workspace string `json:"workspace"` // its title
	New       bool   `json:"new_workspace"`
	Files     int64  `json:"files"`
	Size      int64  `json:"size"`
}

// count shows how many files would be taken, if none were known already. It
// looks from here and as whoever runs it, for a scan of the server's is a row
// that stays.
func (c ingestCmd) count(ctx context.Context, a *app, at place, ws client.Place, below string) error {
	document, err := json.Marshal(c.configuration(ws, below))
	if err != nil {
		return err
	}
	config, _, err := ingest.ParseScan(document)
	if err != nil {
		return err
	}
	b, err := c.open(at)
	if err != nil {
		return fmt.Errorf("%s cannot be looked at from this computer: %w", c.Where, err)
	}
	done := dryRun{Workspace: ws.Title, New: ws.ID == 0}
	l := a.newStatus()
	err = b.List(ctx, broker.Listing{Prefix: at.prefix, Recursive: config.Recursive}, func(o broker.Object) error {
		path := o.Path
		if at.bucket == "" {
			path = below + path
		}
		_, taken := ingest.Match(config.Rules, path)
		if taken && !ingest.IsSidecar(path) && (at.bucket == "" || o.Size > 0) {
			done.Files, done.Size = done.Files+1, done.Size+o.Size
			l.show("%d files, %s", done.Files, sized(done.Size))
		}
		return nil
	})
	l.close()
	if err != nil {
		return err
	}
	title := done.Workspace
	if done.New {
		title += " (would be made)"
	}
	return fields(a, done, field{"workspace", title}, field{"files", done.Files}, field{"size", sized(done.Size)})
}

// open opens a place as a server would that is allowed it.
func (c ingestCmd) open(at place) (broker.Broker, error) {
	bounds := broker.Bounds{Endpoints: []string{"*.amazonaws.com"}}
	if at.bucket == "" {
		bounds.Roots = []string{at.dir}
	}
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || u.Host == "" {
			return nil, usagef("--endpoint %q is no URL", c.Endpoint)
		}
		bounds.Endpoints = []string{u.Host}
	}
	opener, err := broker.NewOpener(bounds)
	if err != nil {
		return nil, err
	}
	document, err := json.Marshal(map[string]any{"broker": c.broker(at)})
	if err != nil {
		return nil, err
	}
	config, err := broker.ParseConfig(document)
	if err != nil {
		return nil, err
	}
	return opener.Open(config)
}
