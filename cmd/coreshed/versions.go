package main

import (
	"context"

	"github.com/coreshed/coreshed/client"
)

type versionsCmd struct {
	Path    string `arg:"" help:"A file's path or id."`
	Deleted bool   `help:"Also of a deleted file; name it by its id."`
}

// Help teaches the verb.
func (versionsCmd) Help() string {
	return `The newest comes first. Get an older one with coreshed get --version.

    coreshed versions survey/mag.tif`
}

// Run lists the versions of a file.
func (c versionsCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	f, err := files.Get(ctx, ref(c.Path), client.GetOptions{Versions: true, Deleted: c.Deleted})
	if err != nil {
		return named(c.Path, err)
	}
	return table(a, f.Versions, "VERSION\tSIZE\tCREATED\tBY", func(v client.Version) []any {
		return []any{v.VersionID, sized(v.Size), v.CreatedAt, v.CreatedBy}
	})
}
