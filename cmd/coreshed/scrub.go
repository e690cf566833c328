package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/coreshed/coreshed/client"
)

type scrubCmd struct {
	Now   bool  `help:"Begin a round, unless one goes on, look at once at what was damaged before, and say which round it is."`
	Limit int64 `default:"10" help:"How many rounds, and damaged versions, at most 1000."`
}

// Help teaches the verb.
func (scrubCmd) Help() string {
	return `The server reads all bytes in its own store, round after round (serve --scrub-every, --scrub-rate), and compares them with the SHA-256 that was recorded. A version whose bytes are not that, or not there, is damaged: it is not served any more, and nothing of it is removed. doctor --deep names its objects. Put them back from a copy; what is whole is served again when the server looks at it again: within an hour, and with --now at once.

    coreshed scrub

    coreshed scrub --now

You need to be an admin of the organisation. Exits with 1 when something is damaged.`
}

// scrubReport is what is told of the rounds.
type scrubReport struct {
	Rounds  []client.Scrub          `json:"rounds"` // the newest first
	Total   int64                   `json:"damaged_versions"`
	Damaged []client.DamagedVersion `json:"damaged"` // the first of them
}

var errDamaged = errors.New("there are damaged versions")

// Run shows the rounds and what is damaged.
func (c scrubCmd) Run(ctx context.Context, a *app) error {
	cl, err := a.connect()
	if err != nil {
		return err
	}
	if c.Now {
		s, err := cl.StartScrub(ctx)
		if err != nil {
			return err
		}
		return a.printRounds(s)
	}
	var r scrubReport
	if r.Rounds, err = cl.Scrubs(ctx, c.Limit); err != nil {
		return err
	}
	if r.Damaged, r.Total, err = cl.Damaged(ctx, c.Limit); err != nil {
		return err
	}
	if err := a.printScrub(r); err != nil {
		return err
	}
	if r.Total > 0 {
		return errDamaged
	}
	return nil
}

func (a *app) printScrub(r scrubReport) error {
	if a.json() {
		return a.printJSON(r)
	}
	if len(r.Rounds) == 0 {
		fmt.Fprintln(a.stdout, "nothing was read again yet; the server does it by itself if it was started with --scrub-every")
	}
	err := a.printRounds(r.Rounds...)
	if err != nil || r.Total == 0 {
		return err
	}
	fmt.Fprintf(a.stdout, "\n%d damaged versions, which are not served:\n", r.Total)
	return table(a, r.Damaged, "VERSION\tSTATE\tSIZE\tWORKSPACE\tPATH", func(d client.DamagedVersion) []any {
		return []any{d.Version, string(d.State), sized(d.Size), d.Workspace.Name, d.Path}
	})
}

func (a *app) printRounds(rounds ...client.Scrub) error {
	return table(a, rounds, "ROUND\tBEGAN\tENDED\tVERSIONS\tREAD\tDAMAGED\tUNREAD", func(s client.Scrub) []any {
		return []any{s.Number, s.BeganAt, s.EndedAt, s.Versions, readOf(s), s.Damaged, s.Unread}
	})
}

// readOf is how much a round has read, and of how much while it goes on.
func readOf(s client.Scrub) string {
	if s.EndedAt.IsZero() {
		return sized(s.Bytes) + " of " + sized(s.Of)
	}
	return sized(s.Bytes)
}
