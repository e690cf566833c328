package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

type purgeCmd struct {
	Targets []string `arg:"" optional:"" name:"path-or-id" help:"To plan: files by path or id. Otherwise the purge's id, as the plan shows it."`

	Plan    bool `xor:"what" required:"" help:"Say what would be removed. Nothing is removed yet."`
	Execute bool `xor:"what" required:"" help:"Remove what a plan says, and wait for the end."`
	Stop    bool `xor:"what" required:"" help:"Let a purge do nothing more for now; --execute goes on."`
	Status  bool `xor:"what" required:"" help:"Show how far a purge is; without an id, list them."`
	Report  bool `xor:"what" required:"" help:"Show what was removed, by whom and why; -o json or -o csv has every version."`

	Fingerprint string `placeholder:"HEX" help:"To execute: that of the plan that you have looked at."`
	Yes         bool   `help:"To execute: without the fingerprint, what the plan says."`
	NoWait      bool   `help:"To execute: begin, and do not wait for the end."`

	Version     int64    `placeholder:"ID" help:"To plan: this version of the file alone; all of them without it."`
	Where       []string `sep:"none" placeholder:"TERM=VALUE" help:"To plan: the versions of which this is true, such as source_collection=spring. Repeatable."`
	Scope       string   `enum:"lineage,recipe" default:"lineage" help:"To plan: with recipe, recipes that took the file go whole; with lineage, with the last of their runs."`
	SourceBytes bool     `help:"To plan: remove the bytes of sources in folders and buckets too."`
	Reason      string   `placeholder:"TEXT" help:"To plan: why. It is kept in the report."`
	Limit       int      `default:"200" placeholder:"N" help:"How many things to name in the tree of a plan and in a report."`
}

// Help teaches the verb.
func (purgeCmd) Help() string {
	return `A purge removes files, every run that has read them, what those runs have made, and so on: rows and bytes, and for good. It is planned first, looked at, and then executed with the fingerprint of the plan. When something has changed since, nothing is removed and there is a new plan to look at.

    coreshed purge --plan survey/collars.csv --reason 'contract ended'

    coreshed purge --execute 0b0f2f7e-3c1e-4c57-9d5e-0b1b0a3c9d11 --fingerprint 5f1c…

    coreshed purge --plan --where source_collection=spring --where created_ended=2026-06-30 --reason 'licence ended'

    coreshed purge --report 0b0f2f7e-3c1e-4c57-9d5e-0b1b0a3c9d11 -o csv > removed.csv

` + whereHelp + `

The bytes of a source that lies in a folder or bucket stay, unless --source-bytes says otherwise. What is the same as something that goes, and what else it was made from, is told and stays. You need the role owner in every workspace that something is removed from.

The server does the work: interrupted, this command leaves it running, and --status shows how far it is. Bytes that cannot be removed are named and tried again, later each time, and the purge is not done before they are gone. Exit codes: 0 planned, or removed, or begun with --no-wait; 1 failed, or stopped meanwhile; 3 no such file or purge; 4 not permitted; 5 something has changed, is held, or another purge is at it; 130 interrupted.`
}

// Run does one of the five.
func (c purgeCmd) Run(ctx context.Context, a *app) error {
	if c.Plan {
		return c.plan(ctx, a)
	}
	cl, err := a.connect()
	if err != nil {
		return err
	}
	defer cl.Close()
	if c.Status && len(c.Targets) == 0 {
		return c.list(ctx, a, cl)
	}
	if len(c.Targets) != 1 {
		return usagef("say the id of one purge")
	}
	id, err := uuid.Parse(c.Targets[0])
	if err != nil {
		return usagef("%q is not the id of a purge: it is a UUID, as --plan and --status show it", c.Targets[0])
	}
	switch {
	case c.Execute:
		return c.execute(ctx, a, cl, id)
	case c.Stop:
		p, err := cl.StopPurge(ctx, id)
		if err != nil {
			return err
		}
		return showPurge(a, p)
	case c.Report:
		return c.report(ctx, a, cl, id)
	}
	p, err := cl.Purge(ctx, id)
	if err != nil {
		return err
	}
	return showPurge(a, p)
}

func (c purgeCmd) plan(ctx context.Context, a *app) error {
	if len(c.Targets) == 0 && len(c.Where) == 0 {
		return usagef("say which files, by path or id, or --where")
	}
	if c.Version != 0 && len(c.Targets) > 1 {
		return usagef("--version is of one file")
	}
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	n := client.NewPurge{Scope: coreshed.PurgeScope(c.Scope), SourceBytes: c.SourceBytes, Reason: c.Reason}
	for _, name := range c.Targets {
		e, err := files.Entry(ctx, ref(name), c.Version)
		if err != nil {
			return named(name, err)
		}
		if c.Version != 0 {
			n.Versions = append(n.Versions, e.ID)
		} else {
			n.Files = append(n.Files, e.FileID)
		}
	}
	if len(c.Where) > 0 {
		if n.Filter, err = filterOf(files.Workspace(), c.Where); err != nil {
			return err
		}
	}
	p, err := files.Client().PlanPurge(ctx, n)
	if err != nil {
		return err
	}
	return c.printPlan(ctx, a, files.Client(), p)
}

func (c purgeCmd) list(ctx context.Context, a *app, cl *client.Client) error {
	var list []client.Purge
	for p, err := range cl.Purges(ctx) {
		if err != nil {
			return err
		}
		if list = append(list, p); len(list) == c.Limit {
			break
		}
	}
	return table(a, list, "ID\tSTATUS\tPLANNED\tBY\tVERSIONS\tREMOVED\tREASON", func(p client.Purge) []any {
		return []any{p.ID, p.Status, p.PlannedAt, who(p.PlannedBy), p.Planned.Versions, p.Removed.Versions, p.Reason}
	})
}

func who(p *client.Person) string {
	if p == nil {
		return ""
	}
	return personName(*p)
}

// showPurge shows a purge and how far it is.
func showPurge(a *app, p client.Purge) error { return fields(a, p, purgeFields(p)...) }

func purgeFields(p client.Purge) []field {
	list := []field{
		{"purge", p.ID}, {"status", p.Status}, {"reason", p.Reason}, {"scope", p.Scope}, {"also bytes of sources", p.SourceBytes},
		{"planned", p.PlannedAt}, {"planned by", who(p.PlannedBy)}, {"executed", p.ExecutedAt}, {"executed by", who(p.ExecutedBy)}, {"ended", p.EndedAt},
		{"fingerprint", p.Fingerprint},
	}
	if p.ExecutedAt != (time.Time{}) {
		list = append(list,
			field{"sources removed", of(p.Removed.Sources, p.Planned.Sources)}, field{"products removed", of(p.Removed.Products, p.Planned.Products)},
			field{"runs removed", of(p.Removed.Runs, p.Planned.Runs)}, field{"recipes removed", of(p.Removed.Recipes, p.Planned.Recipes)},
			field{"bytes removed", sized(p.Removed.Bytes) + " of " + sized(p.Planned.Bytes)})
	}
	if p.Errors > 0 {
		list = append(list, field{"not removed yet", p.Errors})
	}
	return append(list, field{"problem", p.LastError}, field{"tried again", p.RetryAt})
}

func of(n, all int64) string { return fmt.Sprintf("%d of %d", n, all) }
