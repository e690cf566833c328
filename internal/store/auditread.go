package store

import (
	"context"
	"database/sql"
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/coreshed/coreshed"
	auditlog "github.com/coreshed/coreshed/internal/audit"
)

const auditColumns = `e.id, COALESCE(e.number, -1), e.at, e.org_id, e.actor, e.action, e.kind, e.subject_id, e.workspace_id, e.outcome,
	e.commitment, d.salt, d.document, COALESCE(d.erased_by, 0)`

func scanAudit(rows *sql.Rows) (coreshed.AuditEntry, error) {
	var e coreshed.AuditEntry
	var at int64
	var document sql.NullString
	err := rows.Scan(&e.ID, &e.Number, &at, &e.Org, &e.Actor, &e.Action, &e.Kind, &e.Subject, &e.Workspace, &e.Outcome,
		&e.Commitment, &e.Salt, &document, &e.ErasedBy)
	if e.At = timeOf(at); document.Valid {
		e.Details = []byte(document.String)
	}
	return e, err
}

type storedHash struct {
	position int64
	hash     auditlog.Hash
}

func scanHash(rows *sql.Rows) (storedHash, error) {
	var h storedHash
	var hash []byte
	err := rows.Scan(&h.position, &hash)
	copy(h.hash[:], hash)
	return h, err
}

// AuditFilter says which entries are wanted. What is zero does not matter.
type AuditFilter struct {
	Actor     string // Actor.Name
	Action    coreshed.AuditAction
	Kind      coreshed.AuditKind
	Subject   int64 // a row id of that kind
	Workspace int64
	Outcome   coreshed.AuditOutcome
	At        coreshed.TimeRange
	Before    int64 // ids less than this
}

// mayAudit fails with Forbidden for all but admins.
func mayAudit(view coreshed.View) error {
	if view.Admin {
		return nil
	}
	return coreshed.Errorf(coreshed.Forbidden, "The audit log is for admins of the organisation.")
}

// auditIn are the entries of an organisation, and those of the whole server.
func auditIn(view coreshed.View) *conditions {
	c := &conditions{}
	c.add(`e.org_id IN (0, ?)`, view.Org)
	return c
}

// AuditEntries returns the newest entries that the filter lets through, at most
// limit of them. Forbidden for all but admins of the organisation.
func (db *DB) AuditEntries(ctx context.Context, view coreshed.View, f AuditFilter, limit int64) ([]coreshed.AuditEntry, error) {
	if err := mayAudit(view); err != nil {
		return nil, err
	}
	c := auditIn(view)
	for _, is := range []struct {
		column string
		value  any
		wanted bool
	}{
		{`e.actor`, f.Actor, f.Actor != ""},
		{`e.action`, string(f.Action), f.Action != ""},
		{`e.kind`, string(f.Kind), f.Kind != ""},
		{`e.outcome`, string(f.Outcome), f.Outcome != ""},
		{`e.subject_id`, f.Subject, f.Subject != 0},
		{`e.workspace_id`, f.Workspace, f.Workspace != 0},
	} {
		if is.wanted {
			c.add(is.column+` = ?`, is.value)
		}
	}
	c.between(`e.at`, f.At)
	if f.Before > 0 {
		c.add(`e.id < ?`, f.Before)
	}
	return all(ctx, db, scanAudit, `SELECT `+auditColumns+` FROM audit_entries e LEFT JOIN audit_details d ON d.entry_id = e.id
		WHERE `+c.text()+` ORDER BY e.id DESC LIMIT `+c.arg(limit), c.args...)
}

// PurgeEntries returns up to limit entries of the audit log that tell of a purge,
// with larger ids than after, the oldest first, to whoever sees the purge.
func (db *DB) PurgeEntries(ctx context.Context, p coreshed.Purge, after, limit int64) ([]coreshed.AuditEntry, error) {
	return all(ctx, db, scanAudit, `SELECT `+auditColumns+` FROM audit_entries e LEFT JOIN audit_details d ON d.entry_id = e.id
		WHERE e.kind = $1 AND e.subject_id = $2 AND e.id > $3 ORDER BY e.id LIMIT $4`, string(coreshed.AuditPurge), p.ID, after, limit)
}

// AuditCheckpoint returns the newest signed checkpoint of the whole log.
// Forbidden for all but admins, NotFound while nothing has been signed.
func (db *DB) AuditCheckpoint(ctx context.Context, view coreshed.View) (string, error) {
	if err := mayAudit(view); err != nil {
		return "", err
	}
	return db.OwnCheckpoint(ctx)
}

// OwnCheckpoint is AuditCheckpoint for the server itself.
func (db *DB) OwnCheckpoint(ctx context.Context) (string, error) {
	note, err := one(ctx, db, value[string], `SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1`)
	return note, notFound(err, "Nothing has been signed yet.")
}

// AuditReceipt returns what shows that the entry with a number is in the log: in
// the tree of a size, or of the newest checkpoint for 0. NotFound when there is
// no such entry of the view's organisation, or not in a tree of that size.
func (db *DB) AuditReceipt(ctx context.Context, view coreshed.View, number, size int64) (auditlog.Receipt, error) {
	if err := mayAudit(view); err != nil {
		return auditlog.Receipt{}, err
	}
	var r auditlog.Receipt
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		c := auditIn(view)
		c.add(`e.number = ?`, number)
		e, err := one(ctx, t, scanAudit, `SELECT `+auditColumns+` FROM audit_entries e LEFT JOIN audit_details d ON d.entry_id = e.id
			WHERE `+c.text(), c.args...)
		if err != nil {
			return notFound(err, "The audit log has no such entry.")
		}
		tr, note, err := treeOf(ctx, t, size)
		if err != nil {
			return err
		}
		if number >= tr.size {
			return coreshed.Errorf(coreshed.NotFound, "The audit log had no such entry when it had %d.", tr.size)
		}
		r = auditlog.NewReceipt(e)
		r.Size, r.Checkpoint = tr.size, note
		r.Proof, err = tlog.ProveRecord(tr.size, number, tr)
		return err
	})
	return r, err
}

// AuditConsistency returns what shows that the log was only added to since it
// had a size. Forbidden for all but admins, NotFound when it has never had that.
func (db *DB) AuditConsistency(ctx context.Context, view coreshed.View, from int64) (auditlog.Consistency, error) {
	c := auditlog.Consistency{From: from, Proof: tlog.TreeProof{}}
	if err := mayAudit(view); err != nil {
		return c, err
	}
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		tr, note, err := treeOf(ctx, t, 0)
		if err != nil {
			return err
		}
		if from > tr.size {
			return coreshed.Errorf(coreshed.NotFound, "The audit log has %d entries that are signed.", tr.size)
		}
		if c.Size, c.Checkpoint = tr.size, note; from > 0 {
			c.Proof, err = tlog.ProveTree(tr.size, from, tr)
		}
		return err
	})
	return c, err
}

// treeOf is the tree as it was at a size, 0 for the newest checkpoint's, and the
// checkpoint of that size or "".
func treeOf(ctx context.Context, t tx, size int64) (*tree, string, error) {
	newest, err := auditSize(ctx, t)
	if err != nil {
		return nil, "", err
	}
	if size == 0 {
		size = newest
	}
	if size == 0 || size > newest {
		return nil, "", coreshed.Errorf(coreshed.NotFound, "The audit log has %d entries that are signed.", newest)
	}
	note, err := one(ctx, t, value[string], `SELECT note FROM audit_checkpoints WHERE size = $1`, size)
	if err != nil && !errors.Is(err, coreshed.NotFound) {
		return nil, "", err
	}
	return &tree{ctx: ctx, q: t, d: t.db().dialect, size: size, first: tlog.StoredHashCount(size)}, note, nil
}
