package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/coreshed/coreshed/client"
)

type distrustCmd struct {
	Mark  distrustMarkCmd  `cmd:"" help:"Say that a file must not be relied on."`
	Clear distrustClearCmd `cmd:"" help:"Take that back."`
	Show  distrustShowCmd  `cmd:"" help:"Show whether a file can be relied on."`
	Runs  distrustRunsCmd  `cmd:"" help:"List the runs to repeat because of a file."`
}

// Help teaches the verb.
func (distrustCmd) Help() string {
	return `A version that is marked reads as bad, and everything that was made from it as stale, wherever it is shown. Nothing is removed, and nothing is when the mark is cleared. It takes an editor.

    coreshed distrust mark survey/collars.csv --reason "wrong datum"

    coreshed distrust runs survey/collars.csv

    coreshed lineage survey/collars.csv --down

    coreshed distrust clear survey/collars.csv`
}

// distrusted is which version is meant.
type distrusted struct {
	Path    string `arg:"" help:"A file's path or id."`
	Version int64  `placeholder:"ID" help:"The version; the current one without it."`
}

func (d distrusted) entry(ctx context.Context, a *app) (client.Entry, *client.Client, error) {
	files, err := a.files(ctx)
	if err != nil {
		return client.Entry{}, nil, err
	}
	e, err := files.Entry(ctx, ref(d.Path), d.Version)
	return e, files.Client(), named(d.Path, err)
}

type distrustMarkCmd struct {
	distrusted
	Reason string `required:"" placeholder:"TEXT" help:"Why."`
}

// Run marks the version.
func (c distrustMarkCmd) Run(ctx context.Context, a *app) error {
	e, cl, err := c.entry(ctx, a)
	if err == nil {
		e, err = cl.Distrust(ctx, e.ID, c.Reason)
	}
	if err != nil {
		return err
	}
	return a.printTrust(e)
}

type distrustClearCmd struct{ distrusted }

// Run clears the mark.
func (c distrustClearCmd) Run(ctx context.Context, a *app) error {
	e, cl, err := c.entry(ctx, a)
	if err == nil {
		e, err = cl.ClearDistrust(ctx, e.ID)
	}
	if err != nil {
		return err
	}
	return a.printTrust(e)
}

type distrustShowCmd struct{ distrusted }

// Run shows the state of the version.
func (c distrustShowCmd) Run(ctx context.Context, a *app) error {
	e, _, err := c.entry(ctx, a)
	if err != nil {
		return err
	}
	return a.printTrust(e)
}

func (a *app) printTrust(e client.Entry) error {
	t := client.Trust{From: []int64{}}
	if e.Trust != nil {
		t = *e.Trust
	}
	var from []string
	for _, id := range t.From {
		from = append(from, fmt.Sprint(id))
	}
	if t.Hidden > 0 {
		from = append(from, fmt.Sprintf("%d that you may not see", t.Hidden))
	}
	return fields(a, t, field{"path", e.Path}, field{"version", e.VersionID}, field{"trust", first(string(t.State), "nothing is known against it")},
		field{"reason", t.Reason}, field{"since", t.MarkedAt}, field{"by", t.MarkedBy}, field{"made from bad", strings.Join(from, ", ")})
}

type distrustRunsCmd struct{ distrusted }

// Help teaches the verb.
func (distrustRunsCmd) Help() string {
	return `The runs that read the file, or what was made from it, in an order in which they can be repeated: each after those whose outputs it reads. It can be asked before anything is marked.

    coreshed distrust runs survey/collars.csv

    coreshed distrust runs survey/collars.csv -o json`
}

// Run lists the runs.
func (c distrustRunsCmd) Run(ctx context.Context, a *app) error {
	e, cl, err := c.entry(ctx, a)
	if err != nil {
		return err
	}
	runs, hidden, err := cl.StaleRuns(ctx, e.ID)
	if err != nil {
		return err
	}
	if err := table(a, runs, "RUN\tTYPE\tVERSION\tSTATUS\tENDED", func(r client.LineageRun) []any {
		var at any = ""
		if r.EndedAt != nil {
			at = *r.EndedAt
		}
		return []any{r.Run, r.Type, r.TypeVersion, r.Status, at}
	}); err != nil || hidden == 0 || a.json() {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "and %d that you may not see\n", hidden)
	return err
}

// trustLabel is what a tree says behind a version that must not be relied on.
func trustLabel(t *client.Trust) string {
	if t == nil {
		return ""
	}
	return "  (" + visible(trustOf(t)) + ")"
}
