package main

import (
	"context"
	"fmt"
	"os"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/audit"
	"github.com/coreshed/coreshed/internal/store"
)

type auditVerify struct {
	Checkpoint string   `placeholder:"FILE" type:"path" help:"A checkpoint that was kept elsewhere: the log must go on from it."`
	Key        []string `placeholder:"KEY" help:"What audit key has printed; else the keys in the database are believed; @FILE reads it from a file. Repeatable."`
	Receipt    string   `placeholder:"FILE" type:"path" help:"Check this receipt of one entry, without a database."`
}

// Help teaches the verb.
func (auditVerify) Help() string {
	return `Reads the database itself; no server need run. Each entry is compared with the tree, each entry's details with what it was written with, and the tree with every signed checkpoint.

Exit codes: 0 the log is whole; 5 something is wrong with it, or with the receipt, and each finding is a line; else as always.

    coreshed audit verify --data /srv/coreshed

    coreshed audit verify --receipt receipt.json --checkpoint checkpoint --key @key`
}

// Run checks a log or a receipt.
func (c auditVerify) Run(ctx context.Context, a *app) error {
	var err error
	if c.Key, err = verifierKeys(c.Key); err != nil {
		return err
	}
	if c.Receipt != "" {
		return c.receipt(a)
	}
	return a.withStore(ctx, func(db *store.DB) error {
		keys, older := c.Key, ""
		if len(keys) == 0 {
			var err error
			if keys, err = db.AuditVerifiers(ctx); err != nil {
				return err
			}
		}
		if c.Checkpoint != "" {
			text, err := os.ReadFile(c.Checkpoint)
			if err != nil {
				return err
			}
			older = string(text)
		}
		report, err := db.CheckAudit(ctx, older, keys...)
		if err != nil {
			return err
		}
		return c.show(a, report)
	})
}

func (c auditVerify) show(a *app, r audit.Report) error {
	if err := fields(a, r,
		field{"entries", r.Entries}, field{"waiting", r.Waiting}, field{"erased", r.Erased}, field{"checkpoints", r.Checkpoints}); err != nil {
		return err
	}
	if !a.json() {
		for _, f := range r.Findings {
			fmt.Fprintln(a.stdout, visible(f))
		}
	}
	switch found := int64(len(r.Findings)) + r.More; {
	case found > 0:
		return wrong("the audit log is not whole: %d findings", found)
	case !a.json() && c.Checkpoint == "":
		fmt.Fprintln(a.stdout, "The log is whole. Only a checkpoint that was kept elsewhere shows that it was not cut or rewritten.")
	case !a.json():
		fmt.Fprintln(a.stdout, "The log is whole, and goes on from the checkpoint.")
	}
	return nil
}

// receipt checks a receipt against the checkpoint that is given, else the one in
// it.
func (c auditVerify) receipt(a *app) error {
	if len(c.Key) == 0 {
		return usagef("--receipt needs --key: what coreshed audit key has printed")
	}
	text, err := os.ReadFile(c.Receipt)
	if err != nil {
		return err
	}
	r, err := audit.ParseReceipt(text)
	if err != nil {
		return wrong("%s: %v", c.Receipt, err)
	}
	var cp audit.Checkpoint
	if c.Checkpoint != "" {
		_, cp, err = readCheckpoint(c.Checkpoint, c.Key)
	} else if cp, err = audit.OpenCheckpoint(r.Checkpoint, c.Key...); err != nil {
		err = wrong("%s: %v", c.Receipt, err)
	}
	if err != nil {
		return err
	}
	if err := r.Verify(cp); err != nil {
		return wrong("%s: %v", c.Receipt, err)
	}
	e, err := r.Entry()
	if err != nil {
		return err
	}
	return showReceipt(a, cp, e)
}

func showReceipt(a *app, cp audit.Checkpoint, e coreshed.AuditEntry) error {
	said := "erased"
	if e.Details != nil {
		said = string(e.Details)
	}
	return fields(a, e,
		field{"log", cp.Origin}, field{"number", fmt.Sprint(e.Number, " of ", cp.Size)}, field{"time", e.At}, field{"actor", e.Actor},
		field{"action", e.Action}, field{"subject", fmt.Sprint(e.Kind, " ", e.Subject)}, field{"outcome", e.Outcome}, field{"details", said})
}
