package main

import (
	"context"
	"fmt"

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
	return fields(a, f,
		field{"path", f.Path}, field{"id", f.ID}, field{"version", f.VersionID},
		field{"size", fmt.Sprintf("%s (%d bytes)", sized(f.Size), f.Size)}, field{"etag", f.ETag},
		field{"created", f.CreatedAt}, field{"created by", f.CreatedBy},
		field{"modified", f.ModifiedAt}, field{"modified by", f.ModifiedBy},
		field{"deleted", f.DeletedAt}, field{"deleted by", f.DeletedBy})
}
