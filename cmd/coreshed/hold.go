package main

import (
	"context"
	"fmt"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

type holdCmd struct {
	Add  holdAddCmd  `cmd:"" help:"Hold a file, one version of it, or the whole workspace."`
	Ls   holdLsCmd   `cmd:"" help:"List holds."`
	Lift holdLiftCmd `cmd:"" help:"Lift a hold."`
}

// Help teaches the verb.
func (holdCmd) Help() string {
	return `What is held is neither deleted nor purged, by whatever interface, until the hold is lifted or ends. New versions can be uploaded all the same. It takes an owner of the workspace to hold and to lift.

    coreshed hold add survey/collars.csv --reason "case 17"

    coreshed hold add model/resource.dxf --lineage up --reason "report of 2026"

    coreshed hold ls

    coreshed hold lift 3`
}

type holdAddCmd struct {
	Path    string    `arg:"" optional:"" help:"A file's path or id: all its versions are held, later ones too."`
	All     bool      `help:"The whole workspace, with all that is, and comes to be, in it."`
	Version int64     `placeholder:"ID" help:"That version of the file alone."`
	Lineage string    `enum:",up,down,both" default:"" placeholder:"up|down|both" help:"One version, the current one unless --version says, with all that it was made from (up), with all that was made from it (down), or with both."`
	Reason  string    `required:"" placeholder:"TEXT" help:"Why; whoever is refused is told."`
	Until   *dateFlag `placeholder:"DATE" help:"When it ends by itself: 2027-06-30, or a time such as 2027-06-30T12:00:00Z."`
}

// Help teaches the verb.
func (holdAddCmd) Help() string {
	return `    coreshed hold add survey/collars.csv --reason "case 17" --until 2027-06-30

    coreshed hold add survey/collars.csv --lineage down --reason "used in the estimate"

    coreshed hold add --all --reason "audit of 2026"`
}

// Run sets the hold.
func (c holdAddCmd) Run(ctx context.Context, a *app) error {
	if (c.Path == "") != c.All {
		return usagef("name a file, or --all for the whole workspace")
	}
	if c.All && (c.Version != 0 || c.Lineage != "") {
		return usagef("--version and --lineage are of a file")
	}
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	var until time.Time
	if c.Until != nil {
		until = time.Time(*c.Until)
	}
	var h client.Hold
	if c.All {
		h, err = files.Hold(ctx, c.Reason, until)
	} else {
		h, err = c.hold(ctx, files, until)
	}
	if err != nil {
		return err
	}
	return a.printHold(h)
}

func (c holdAddCmd) hold(ctx context.Context, files *client.Files, until time.Time) (client.Hold, error) {
	e, err := files.Entry(ctx, ref(c.Path), c.Version)
	if err != nil {
		return client.Hold{}, named(c.Path, err)
	}
	n := client.NewHold{File: e.FileID, Direction: coreshed.Direction(c.Lineage), Reason: c.Reason, Until: until}
	if c.Version != 0 || c.Lineage != "" {
		n.File, n.Version = coreshed.UUID{}, e.ID
	}
	h, err := files.Client().AddHold(ctx, n)
	return h, named(c.Path, err)
}

// dateFlag is a day, which is its first moment in UTC, or a time.
type dateFlag time.Time

// UnmarshalText reads the day or time.
func (d *dateFlag) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			*d = dateFlag(t)
			return nil
		}
	}
	return fmt.Errorf("%q is neither a day such as 2027-06-30 nor a time such as 2027-06-30T12:00:00Z", text)
}

func (a *app) printHold(h client.Hold) error {
	return fields(a, h, field{"hold", h.Number}, field{"on", heldThing(h)}, field{"lineage", h.Direction}, field{"reason", h.Reason},
		field{"since", h.CreatedAt}, field{"by", h.CreatedBy}, field{"until", h.Until}, field{"lifted", h.LiftedAt}, field{"lifted by", h.LiftedBy})
}

// heldThing names what a hold is on.
func heldThing(h client.Hold) string {
	name := first(h.Path, h.FileID.String())
	switch h.Kind {
	case coreshed.HoldWorkspace:
		return "workspace " + h.Workspace.Name
	case coreshed.HoldVersion:
		return fmt.Sprintf("version %d of %s", h.Version, name)
	}
	return name
}

type holdLsCmd struct {
	Path  string `arg:"" optional:"" help:"Those on a file, and its versions, alone."`
	Ended bool   `help:"Also those that were lifted or have ended."`
	Limit int64  `default:"100" help:"How many, at most 1000."`
}

// Help teaches the verb.
func (holdLsCmd) Help() string {
	return `    coreshed hold ls

    coreshed hold ls survey/collars.csv --ended -o json`
}

// Run lists holds of the workspace, the newest first.
func (c holdLsCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	want := client.HoldFilter{Limit: c.Limit}
	if !c.Ended {
		yes := true
		want.InForce = &yes
	}
	if c.Path != "" {
		e, err := files.Entry(ctx, ref(c.Path), 0)
		if err != nil {
			return named(c.Path, err)
		}
		want.File = e.FileID
	}
	holds, _, err := files.Holds(ctx, want)
	if err != nil {
		return err
	}
	return table(a, holds, "HOLD\tON\tLINEAGE\tBY\tSINCE\tUNTIL\tLIFTED\tREASON", func(h client.Hold) []any {
		return []any{h.Number, heldThing(h), h.Direction, h.CreatedBy, h.CreatedAt, h.Until, h.LiftedAt, h.Reason}
	})
}

type holdLiftCmd struct {
	Number int64 `arg:"" name:"hold" help:"The hold's number, as ls shows it."`
}

// Help teaches the verb.
func (holdLiftCmd) Help() string {
	return `The hold stays in the list, with who lifted it. Another that protects the same goes on.

    coreshed hold lift 3`
}

// Run lifts the hold.
func (c holdLiftCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	h, err := files.Client().LiftHold(ctx, c.Number)
	if err != nil {
		return err
	}
	return a.printHold(h)
}
