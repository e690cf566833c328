package main

import (
	"context"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

type barrierCmd struct {
	Ls   barrierLsCmd   `cmd:"" help:"List barriers."`
	Lift barrierLiftCmd `cmd:"" help:"Let what was purged at a path be taken again."`
}

// Help teaches the verb.
func (barrierCmd) Help() string {
	return `A purge leaves a barrier wherever bytes lay in a folder or bucket: while the same still lie there, strikes, scans and ingest do not take them again. Paths are erased with what was purged, so a list has none: whoever knows a path can ask for it.

    coreshed barrier ls -w survey

    coreshed barrier lift north/b.tif --reason "bought again" -w survey`
}

type barrierLsCmd struct {
	Path  string `arg:"" optional:"" help:"Those at this path, in its folder or bucket, alone."`
	Limit int64  `default:"100" help:"How many, at most 1000."`
}

// Run lists barriers of the workspace, the newest first.
func (c barrierLsCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	list, _, err := files.Barriers(ctx, c.Path, c.Limit)
	if err != nil {
		return err
	}
	return table(a, list, "BARRIER\tPURGE\tSINCE\tSIZE\tSHA-256", func(b client.Barrier) []any {
		return []any{b.Number, b.Purge, b.CreatedAt, sized(b.Size), b.SHA256}
	})
}

type barrierLiftCmd struct {
	Path   string `arg:"" help:"As it is in the folder or bucket."`
	Reason string `required:"" placeholder:"TEXT" help:"Why; the audit log keeps it."`
}

// Help teaches the verb.
func (barrierLiftCmd) Help() string {
	return `The next scan takes what lies there. You need the role owner. Exit codes: 3 there is no barrier at that path.

    coreshed barrier lift north/b.tif --reason "bought again" -w survey`
}

// Run lifts the barriers.
func (c barrierLiftCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	n, err := files.LiftBarriers(ctx, c.Path, c.Reason)
	if err == nil && n == 0 {
		err = coreshed.Errorf(coreshed.NotFound, "There is no barrier at %s.", visible(c.Path))
	}
	if err != nil {
		return err
	}
	return fields(a, map[string]int64{"lifted": n}, field{"lifted", n})
}
