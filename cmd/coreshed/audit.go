package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/internal/audit"
	"github.com/coreshed/coreshed/internal/store"
)

type auditCmd struct {
	Ls         auditLs         `cmd:"" aliases:"log" help:"List entries, the newest first."`
	Key        auditKey        `cmd:"" help:"Print the key with which checkpoints and receipts are checked."`
	Checkpoint auditCheckpoint `cmd:"" help:"Print the newest signed checkpoint."`
	Receipt    auditReceipt    `cmd:"" help:"Print what shows that an entry is in the log."`
	Verify     auditVerify     `cmd:"" help:"Check that nothing was changed, removed or rewritten."`
}

// Help teaches the verb.
func (auditCmd) Help() string {
	return `Every change is told of in a log: who, when, what. Its entries make a tree whose root is signed each second in which something happened. Names and paths lie beside the tree; a purge erases those of what it removes.

Whoever can write to the database can sign it anew. What that leaves behind is found with a checkpoint that was kept elsewhere:

    coreshed audit key --data /srv/coreshed > key
    coreshed audit checkpoint --data /srv/coreshed > /media/usb/checkpoint

and later

    coreshed audit verify --data /srv/coreshed --key @key --checkpoint /media/usb/checkpoint`
}

type auditLs struct {
	Kind    string    `placeholder:"KIND" help:"Of the subject: file, version, run, workspace, person, …"`
	Subject int64     `placeholder:"ID" help:"The id of a thing of that kind."`
	Actor   string    `placeholder:"ID" help:"A person's id, operator or server."`
	Action  string    `placeholder:"ACTION" help:"Such as version.upload or role.grant."`
	Outcome string    `enum:",done,refused" default:"" placeholder:"done|refused" help:"What came of it."`
	From    time.Time `placeholder:"TIME" help:"Not before: 2026-03-01T00:00:00Z."`
	Until   time.Time `placeholder:"TIME" help:"Before."`
	Limit   int       `default:"100" help:"How many at most."`
}

// Run lists entries.
func (c auditLs) Run(ctx context.Context, a *app) error {
	cl, err := a.connect()
	if err != nil {
		return err
	}
	var rows []client.AuditEntry
	for e, err := range cl.Audit(ctx, client.AuditFilter{
		Kind: coreshed.AuditKind(c.Kind), Subject: c.Subject, Actor: c.Actor, Action: coreshed.AuditAction(c.Action),
		Outcome: coreshed.AuditOutcome(c.Outcome), From: c.From, Until: c.Until,
	}) {
		if err != nil {
			return err
		}
		if rows = append(rows, e); len(rows) >= c.Limit {
			break
		}
	}
	return table(a, rows, "NUMBER\tTIME\tACTOR\tACTION\tSUBJECT\tOUTCOME\tDETAILS", func(e client.AuditEntry) []any {
		number := "-"
		if e.Number != nil {
			number = fmt.Sprint(*e.Number)
		}
		subject := string(e.Kind)
		if e.Subject != 0 {
			subject = fmt.Sprint(e.Kind, " ", e.Subject)
		}
		return []any{number, e.At, e.Actor, e.Action, subject, e.Outcome, said(e)}
	})
}

// said are the details of an entry.
func said(e client.AuditEntry) string {
	if e.ErasedBy != 0 {
		return "erased"
	}
	return string(e.Details)
}

type auditKey struct{}

// Run prints the public halves of the keys that sign, one a line.
func (auditKey) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(db *store.DB) error {
		keys, err := db.AuditVerifiers(ctx)
		if err != nil {
			return err
		}
		for _, k := range keys {
			fmt.Fprintln(a.stdout, k)
		}
		return nil
	})
}

type auditCheckpoint struct{}

// Run prints the newest checkpoint.
func (auditCheckpoint) Run(ctx context.Context, a *app) error {
	cl, err := a.connect()
	if err != nil {
		return err
	}
	note, err := cl.AuditCheckpoint(ctx)
	if err == nil {
		_, err = a.stdout.Write(note)
	}
	return err
}

type auditReceipt struct {
	Number     int64    `arg:"" help:"Of the entry, as audit ls prints it."`
	Checkpoint string   `placeholder:"FILE" type:"path" help:"Against this checkpoint; else the newest."`
	Key        []string `placeholder:"KEY" help:"That signed it, as audit key prints it; @FILE reads it from a file."`
}

// Run prints a receipt.
func (c auditReceipt) Run(ctx context.Context, a *app) error {
	var size int64
	if c.Checkpoint != "" {
		_, cp, err := readCheckpoint(c.Checkpoint, c.Key)
		if err != nil {
			return err
		}
		size = cp.Size
	}
	cl, err := a.connect()
	if err != nil {
		return err
	}
	receipt, err := cl.AuditReceipt(ctx, c.Number, size)
	if err == nil {
		_, err = a.stdout.Write(receipt)
	}
	return err
}

// readCheckpoint reads a file with a checkpoint, and checks its signature.
func readCheckpoint(file string, keys []string) (string, audit.Checkpoint, error) {
	if len(keys) == 0 {
		return "", audit.Checkpoint{}, usagef("--checkpoint needs --key: what coreshed audit key has printed")
	}
	keys, err := verifierKeys(keys)
	if err != nil {
		return "", audit.Checkpoint{}, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", audit.Checkpoint{}, err
	}
	cp, err := audit.OpenCheckpoint(string(text), keys...)
	if err != nil {
		err = wrong("%s: %v", file, err)
	}
	return string(text), cp, err
}

// verifierKeys are the keys of --key, of which each may be the lines that audit key
// has printed, or the name of a file that has them after an @.
func verifierKeys(given []string) ([]string, error) {
	var keys []string
	for _, k := range given {
		if name, ok := strings.CutPrefix(k, "@"); ok {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			k = string(text)
		}
		keys = append(keys, strings.Fields(k)...)
	}
	return keys, nil
}

// wrong is what a check has found: exit code 5.
func wrong(format string, args ...any) error {
	return coreshed.Errorf(coreshed.Conflict, format, args...)
}
