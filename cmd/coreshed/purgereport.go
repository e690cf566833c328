package main

import (
	"context"
	"fmt"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

// report shows what a purge has removed: as a page for people, or as the server
// has it.
func (c purgeCmd) report(ctx context.Context, a *app, cl *client.Client, id coreshed.UUID) error {
	if a.Output == "json" || a.Output == "csv" {
		return cl.PurgeReport(ctx, id, a.Output, a.stdout)
	}
	p, err := cl.Purge(ctx, id)
	if err != nil {
		return err
	}
	if p.ExecutedAt.IsZero() {
		return coreshed.Errorf(coreshed.Conflict, "the purge has not been executed: there is no report yet")
	}
	var versions []client.PurgeItem
	for i, err := range cl.PurgeItems(ctx, id) {
		if err != nil {
			return err
		}
		if i.Kind != coreshed.PurgeVersion || len(versions) == c.Limit {
			break
		}
		versions = append(versions, i)
	}
	if err := showPurge(a, p); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	if err := table(a, versions, "VERSION\tWORKSPACE\tFILE\tSIZE\tSHA-256\tSTATE", func(i client.PurgeItem) []any {
		state := string(i.State)
		switch {
		case i.Error != "":
			state += ": " + i.Error
		case i.State == coreshed.PurgeRemoved && i.Bytes != coreshed.BytesGo:
			state += ", its bytes stay"
		}
		return []any{i.ID, i.Workspace.Name, i.FileID, sized(i.Size), i.SHA256, state}
	}); err != nil {
		return err
	}
	if more := p.Planned.Versions - int64(len(versions)); more > 0 {
		fmt.Fprintf(a.stdout, "and %d more: -o csv has all that you may see\n", more)
	}
	var entries []client.PurgeEntry
	for e, err := range cl.PurgeEntries(ctx, id) {
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	return reportEntries(a, entries)
}

// reportEntries names what the audit log tells of the purge, and how that is shown
// to others.
func reportEntries(a *app, entries []client.PurgeEntry) error {
	fmt.Fprintln(a.stdout)
	if len(entries) == 0 {
		return nil
	}
	last := entries[len(entries)-1].Number
	if err := table(a, entries, "AUDIT ENTRY\tTIME\tACTION", func(e client.PurgeEntry) []any {
		number := "-"
		if e.Number != nil {
			number = fmt.Sprint(*e.Number)
		}
		return []any{number, e.At, e.Action}
	}); err != nil {
		return err
	}
	if last == nil {
		_, err := fmt.Fprintln(a.stdout, "the last entry gets its number within a second; ask again for a receipt of it")
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "an admin proves it to others with a receipt: coreshed audit receipt %d\n", *last)
	return err
}
