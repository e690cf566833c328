package main

import (
	"cmp"
	"context"
	"slices"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

type lsCmd struct {
	Prefix  string `arg:"" optional:"" help:"What the paths begin with, in any letter case: survey/."`
	Long    bool   `short:"l" help:"Also sizes, times, people and versions."`
	Deleted bool   `help:"Deleted files, with their ids."`
	Sort    string `enum:"path,size,modified,created,deleted" default:"path" help:"path, size, modified, created or deleted."`
	Reverse bool   `help:"The other way round."`
}

// Help teaches the verb.
func (lsCmd) Help() string {
	return `    coreshed ls

    coreshed ls survey/2026/ -l --sort size --reverse

    coreshed ls --deleted

    coreshed ls -o json | jq -r '.[].path'`
}

// Run lists files.
func (c lsCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	list, err := gather(ctx, files, coreshed.Filter{Folder: c.Prefix, Deleted: c.Deleted})
	if err != nil {
		return err
	}
	slices.SortFunc(list, c.compare)
	switch {
	case c.Deleted:
		return table(a, list, "DELETED\tBY\tSIZE\tID\tPATH", func(f client.File) []any {
			return []any{f.DeletedAt, f.DeletedBy, sized(f.Size), f.ID, f.Path}
		})
	case c.Long:
		return table(a, list, "SIZE\tMODIFIED\tBY\tVERSION\tPATH", func(f client.File) []any {
			return []any{sized(f.Size), f.ModifiedAt, f.ModifiedBy, f.VersionID, f.Path}
		})
	}
	return table(a, list, "", func(f client.File) []any { return []any{f.Path} })
}

// gather returns a whole list.
func gather(ctx context.Context, files *client.Files, filter coreshed.Filter) ([]client.File, error) {
	var list []client.File
	for f, err := range files.List(ctx, filter) {
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

func (c lsCmd) compare(x, y client.File) int {
	n := 0
	switch c.Sort {
	case "size":
		n = cmp.Compare(x.Size, y.Size)
	case "modified":
		n = x.ModifiedAt.Compare(y.ModifiedAt)
	case "created":
		n = x.CreatedAt.Compare(y.CreatedAt)
	case "deleted":
		n = x.DeletedAt.Compare(y.DeletedAt)
	}
	n = cmp.Or(n, cmp.Compare(x.Path, y.Path))
	if c.Reverse {
		return -n
	}
	return n
}
