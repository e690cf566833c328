package main

import (
	"context"
	"fmt"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

// printPlan prints what goes as a table and as a tree, then what stays, and why.
func (c purgeCmd) printPlan(ctx context.Context, a *app, cl *client.Client, p client.Purge) error {
	if err := fields(a, p, field{"purge", p.ID}, field{"fingerprint", p.Fingerprint}, field{"scope", p.Scope}, field{"reason", p.Reason}); err != nil || a.json() {
		return err
	}
	fmt.Fprintln(a.stdout)
	if err := table(a, p.Plan.Sums, "WORKSPACE\tWHAT\tMADE BY\tCOUNT\tSIZE\tBYTES", func(s client.PurgeSum) []any {
		what, size, bytes := string(s.Kind), "", ""
		if s.Kind == coreshed.PurgeVersion {
			what, size = map[coreshed.FileType]string{coreshed.Source: "source", coreshed.Product: "product"}[s.Type], sized(s.Size)
			bytes = map[coreshed.BytesFate]string{coreshed.BytesGo: "go", coreshed.BytesStay: "stay", coreshed.BytesUnknown: "stay: not what was registered"}[s.Bytes]
		}
		made := s.JobType
		if s.JobTypeVersion != "" {
			made += " " + s.JobTypeVersion
		}
		return []any{s.Workspace.Name, what, made, s.Count, size, bytes}
	}); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	if err := c.printSet(ctx, a, cl, p); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	for _, note := range planNotes(p) {
		if _, err := fmt.Fprintln(a.stdout, visible(note)); err != nil {
			return err
		}
	}
	return nil
}

// printSet prints the set as a tree: each thing below what it was reached from.
func (c purgeCmd) printSet(ctx context.Context, a *app, cl *client.Client, p client.Purge) error {
	if n := p.Planned.Versions + p.Planned.Runs + p.Planned.Recipes; n > int64(c.Limit) {
		_, err := fmt.Fprintf(a.stdout, "%d things go: --limit %d makes a tree of them\n", n, n)
		return err
	}
	below := map[client.PurgeStep][]client.PurgeItem{}
	known := map[client.PurgeStep]bool{{}: true}
	var all []client.PurgeItem
	for i, err := range cl.PurgeItems(ctx, p.ID) {
		if err != nil {
			return err
		}
		all, known[client.PurgeStep{Kind: i.Kind, ID: i.ID}] = append(all, i), true
	}
	for _, i := range all {
		var parent client.PurgeStep
		if len(i.Via) > 0 && known[i.Via[0]] {
			parent = i.Via[0]
		}
		below[parent] = append(below[parent], i)
	}
	return printBelow(a, below, client.PurgeStep{}, "", true)
}

func printBelow(a *app, below map[client.PurgeStep][]client.PurgeItem, of client.PurgeStep, indent string, top bool) error {
	for n, i := range below[of] {
		corner, next := "├─ ", "│  "
		if n == len(below[of])-1 {
			corner, next = "└─ ", "   "
		}
		if top {
			corner, next = "", ""
		}
		if _, err := fmt.Fprintln(a.stdout, indent+corner+itemLabel(i)); err != nil {
			return err
		}
		if err := printBelow(a, below, client.PurgeStep{Kind: i.Kind, ID: i.ID}, indent+next, false); err != nil {
			return err
		}
	}
	return nil
}

func itemLabel(i client.PurgeItem) string {
	label := fmt.Sprintf("%s %d", i.Kind, i.ID)
	switch {
	case i.Kind == coreshed.PurgeVersion:
		label = fmt.Sprintf("%s  %s", visible(i.Name), sized(i.Size))
		if i.Bytes != coreshed.BytesGo {
			label += "  (its bytes stay)"
		}
	case i.Name != "":
		label += "  " + visible(i.Name)
	}
	switch {
	case i.Hold != 0:
		label += "  (held)"
	case i.Kind == coreshed.PurgeRecipeRow && len(i.Via) == 0:
		label += "  (nothing is left of it)"
	case len(i.Via) > 0 && i.Via[0].ID == 0:
		label += "  (by way of what you may not see)"
	}
	return label
}

// planNotes say what stays and why, what is in the way, and what comes next.
func planNotes(p client.Purge) []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	plan := p.Plan
	if h := plan.Hidden; h != (client.PurgeTotals{}) {
		note("goes too: %d versions, %d runs and %d recipes that you may not see", h.Versions, h.Runs, h.Recipes)
	}
	if plan.Keeps.Versions > 0 {
		note("stays: the bytes of %d sources (%s) in their folders and buckets; --source-bytes removes them", plan.Keeps.Versions, sized(plan.Keeps.Bytes))
	}
	if plan.Unknown.Versions > 0 {
		note("stays: the bytes of %d versions, as they are not what was registered, or not there", plan.Unknown.Versions)
	}
	for _, of := range []struct {
		client.PurgeNeighbours
		why string
	}{{plan.AlsoFrom, "what goes was made from it too"}, {plan.Twins, "it has the same bytes as something that goes"}} {
		for _, v := range of.Versions {
			note("stays: %s:%s  (%s)", v.Workspace.Name, v.Path, of.why)
		}
		if more := of.Total - int64(len(of.Versions)); more > 0 {
			note("stays: %d more  (%s)", more, of.why)
		}
	}
	for _, d := range plan.Datasets.Datasets {
		note("elsewhere: %s  %s  (a run that goes has put it out; it is not followed)", d.Namespace, d.Name)
	}
	if more := plan.Datasets.Total - int64(len(plan.Datasets.Datasets)); more > 0 {
		note("elsewhere: %d data sets more", more)
	}
	switch {
	case p.Held > 0:
		note("in the way: holds protect %d things of this", p.Held)
	case p.Forbidden > 0:
		note("in the way: %d things are in workspaces that you do not own", p.Forbidden)
	default:
		note("nothing is removed yet; this removes it: coreshed purge --execute %s --fingerprint %s", p.ID, p.Fingerprint)
	}
	return notes
}
