package main

import (
	"context"
	"fmt"
	"path"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

type restoreCmd struct {
	Path string `arg:"" help:"The file's id, or its path: of several deleted files with one path, the one deleted last."`
}

// Help teaches the verb.
func (restoreCmd) Help() string {
	return `All versions come back. When another file has taken the path meanwhile, the restored one comes back as "name (1).ext".

    coreshed restore survey/old.tif

    coreshed restore 13771ee0-c399-4b52-8ccb-ed3a114dcc0d`
}

// Run restores a file and says which, and where it is now.
func (c restoreCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(c.Path)
	if err != nil || len(c.Path) != 36 {
		if id, err = c.newest(ctx, a, files); err != nil {
			return err
		}
	}
	f, err := files.Restore(ctx, id)
	if err != nil {
		return named(c.Path, err)
	}
	return fields(a, f, field{"restored", f.Path}, field{"id", f.ID}, field{"version", f.VersionID})
}

// newest returns the file that was deleted last from a path.
func (c restoreCmd) newest(ctx context.Context, a *app, files *client.Files) (coreshed.UUID, error) {
	clean, err := coreshed.CleanPath(c.Path)
	if err != nil {
		return coreshed.UUID{}, err
	}
	list, err := gather(ctx, files, coreshed.Filter{Deleted: true, Name: path.Base(clean), Folder: clean})
	if err != nil {
		return coreshed.UUID{}, err
	}
	var found client.File
	count := 0
	for _, f := range list {
		if coreshed.FoldPath(f.Path) != coreshed.FoldPath(clean) {
			continue
		}
		if count++; f.DeletedAt.After(found.DeletedAt) {
			found = f
		}
	}
	if count == 0 {
		return coreshed.UUID{}, coreshed.Errorf(coreshed.NotFound, "no deleted file had the path %s", c.Path)
	}
	if count > 1 {
		fmt.Fprintf(a.stderr, "coreshed: %d deleted files had this path; this is the one deleted last, %s (see coreshed ls --deleted)\n",
			count, cell(found.DeletedAt))
	}
	return found.ID, nil
}
