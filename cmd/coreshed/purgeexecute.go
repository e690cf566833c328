package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

// execute begins, unless something has changed, and waits for the end.
func (c purgeCmd) execute(ctx context.Context, a *app, cl *client.Client, id coreshed.UUID) error {
	fingerprint, err := c.lookedAt(ctx, cl, id)
	if err != nil {
		return err
	}
	p, err := cl.ExecutePurge(ctx, id, fingerprint)
	var refused *client.Error
	if errors.As(err, &refused) && refused.Plan != nil {
		return errors.Join(c.printPlan(ctx, a, cl, *refused.Plan), err)
	}
	if err != nil {
		return err
	}
	if c.NoWait {
		return showPurge(a, p)
	}
	if p, err = follow(ctx, a, cl, id); err != nil {
		fmt.Fprintf(a.stderr, "coreshed: the server goes on; coreshed purge --status %s shows how far it is, --stop stops it\n", id)
		return err
	}
	if err := showPurge(a, p); err != nil {
		return err
	}
	if p.Status == coreshed.PurgeStopped {
		return fmt.Errorf("the purge was stopped; coreshed purge --execute %s goes on", id)
	}
	return nil
}

// lookedAt is the fingerprint of the plan that is meant.
func (c purgeCmd) lookedAt(ctx context.Context, cl *client.Client, id coreshed.UUID) (string, error) {
	if c.Fingerprint != "" {
		return c.Fingerprint, nil
	}
	if !c.Yes {
		return "", usagef("say --fingerprint, with that of the plan that you have looked at, or --yes")
	}
	p, err := cl.Purge(ctx, id)
	return first(p.Fingerprint, "00"), err // it waits, and has no plan yet
}

// follow waits until a purge has ended or was stopped. Each attempt that could not
// remove everything is told.
func follow(ctx context.Context, a *app, cl *client.Client, id coreshed.UUID) (client.Purge, error) {
	l := a.newStatus()
	defer l.close()
	var retry time.Time
	var told []string
	for {
		p, err := cl.Purge(ctx, id)
		if err != nil || p.Status == coreshed.PurgeDone || p.Status == coreshed.PurgeStopped {
			return p, err
		}
		if !p.RetryAt.Equal(retry) && !p.RetryAt.IsZero() {
			failed, err := failures(ctx, cl, p)
			if err != nil {
				return p, err
			}
			l.close()
			if !slices.Equal(failed, told) {
				for _, line := range failed {
					fmt.Fprintf(a.stderr, "coreshed: %s\n", visible(line))
				}
			}
			fmt.Fprintf(a.stderr, "coreshed: %s It is tried again at %s.\n", visible(p.LastError), cell(p.RetryAt))
			retry, told = p.RetryAt, failed
		}
		l.show("%d of %d versions, %d of %d runs removed", p.Removed.Versions, p.Planned.Versions, p.Removed.Runs, p.Planned.Runs)
		if err := pause(ctx, pollEvery); err != nil {
			return p, err
		}
	}
}

// maxFailures is how many versions are named that could not be removed.
const maxFailures = 10

// failures say what a purge could not remove, and why.
func failures(ctx context.Context, cl *client.Client, p client.Purge) ([]string, error) {
	var lines []string
	for i, err := range cl.PurgeFailures(ctx, p.ID) {
		if err != nil {
			return nil, err
		}
		if len(lines) == maxFailures {
			break
		}
		lines = append(lines, fmt.Sprintf("%s:%s: %s", i.Workspace.Name, i.Name, i.Error))
	}
	if more := p.Errors - int64(len(lines)); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d versions more", more))
	}
	return lines, nil
}
