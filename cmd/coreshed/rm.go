package main

import (
	"context"
)

type rmCmd struct {
	Paths []string `arg:"" name:"path" help:"Paths or ids of files."`
}

// Help teaches the verb.
func (rmCmd) Help() string {
	return `A file goes with all its versions. Nothing is lost: coreshed restore brings it back.

    coreshed rm survey/old.tif survey/older.tif`
}

// Run deletes files.
func (c rmCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	_, err = each(ctx, c.Paths, func(ctx context.Context, name string) (string, error) {
		return name, named(name, files.Delete(ctx, ref(name)))
	})
	return err
}
