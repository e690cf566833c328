package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
)

type duCmd struct {
	Prefix string `arg:"" optional:"" help:"A folder."`
}

// Help teaches the verb.
func (duCmd) Help() string {
	return `Adds up the current versions of the files below a folder, by the folders in it; the largest comes first. Older versions and deleted files take space too: see coreshed workspace list.

    coreshed du

    coreshed du survey/`
}

// usage is how much is below a folder.
type usage struct {
	Path  string `json:"path"`
	Files int64  `json:"files"`
	Size  int64  `json:"size"`
}

// Run adds up.
func (c duCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	prefix := strings.Trim(c.Prefix, "/")
	if prefix != "" {
		prefix += "/"
	}
	sums, total := map[string]*usage{}, usage{Path: "total"}
	for f, err := range files.List(ctx, coreshed.Filter{Folder: prefix}) {
		if err != nil {
			return err
		}
		total.Files, total.Size = total.Files+1, total.Size+f.Size
		// The first spelling of a folder stands for all.
		name := childOf(f.Path, prefix)
		key := coreshed.FoldPath(name)
		if sums[key] == nil {
			sums[key] = &usage{Path: name}
		}
		sums[key].Files, sums[key].Size = sums[key].Files+1, sums[key].Size+f.Size
	}
	var rows []usage
	for _, u := range sums {
		rows = append(rows, *u)
	}
	slices.SortFunc(rows, func(x, y usage) int { return cmp.Or(cmp.Compare(y.Size, x.Size), cmp.Compare(x.Path, y.Path)) })
	return table(a, append(rows, total), "SIZE\tFILES\tPATH", func(u usage) []any { return []any{sized(u.Size), u.Files, u.Path} })
}

// childOf is the folder below prefix that a file is in, or the file itself.
func childOf(file, prefix string) string {
	segments := strings.Split(file, "/")
	depth := strings.Count(prefix, "/") + 1
	name := strings.Join(segments[:depth], "/")
	if len(segments) > depth {
		name += "/"
	}
	return name
}
