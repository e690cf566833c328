package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

type statCmd struct {
	Path    string `arg:"" help:"A file's path or id."`
	Version int64  `placeholder:"ID" help:"The version; else the current one."`
	Deleted bool   `help:"Also a deleted file; name it by its id."`
}

// Help teaches the verb.
func (statCmd) Help() string {
	return `    coreshed stat survey/mag.tif

    coreshed stat --deleted 13771ee0-c399-4b52-8ccb-ed3a114dcc0d -o json`
}

// Run shows a file.
func (c statCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	f, err := files.Get(ctx, ref(c.Path), client.GetOptions{VersionID: c.Version, Deleted: c.Deleted})
	if err != nil {
		return named(c.Path, err)
	}
	e, err := files.Entry(ctx, client.ID(f.ID), f.VersionID)
	if err != nil && !errors.Is(err, coreshed.NotFound) { // a server of another make has none
		return err
	}
	return fields(a, stated{f, e.Trust, e.HeldBy},
		field{"path", f.Path}, field{"id", f.ID}, field{"version", f.VersionID},
		field{"size", fmt.Sprintf("%s (%d bytes)", sized(f.Size), f.Size)}, field{"etag", f.ETag},
		field{"created", f.CreatedAt}, field{"created by", f.CreatedBy},
		field{"modified", f.ModifiedAt}, field{"modified by", f.ModifiedBy},
		field{"deleted", f.DeletedAt}, field{"deleted by", f.DeletedBy},
		field{"trust", trustOf(e.Trust)}, field{"held", heldBy(e.HeldBy)})
}

// stated is what is known of a file.
type stated struct {
	client.File
	Trust  *client.Trust  `json:"trust"`
	HeldBy *client.HeldBy `json:"held_by"`
}

// trustOf says why a version must not be relied on.
func trustOf(t *client.Trust) string {
	switch {
	case t == nil:
		return ""
	case t.State == coreshed.Bad:
		return "bad: " + t.Reason
	}
	return string(t.State)
}

// heldBy names the hold that keeps a file from being removed.
func heldBy(h *client.HeldBy) string {
	switch {
	case h == nil:
		return ""
	case h.Hold == 0:
		return first(h.Reason, "by a hold that you may not see")
	}
	return fmt.Sprintf("by hold %d: %s", h.Hold, h.Reason)
}
