package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/coreshed/coreshed"
	auditlog "github.com/coreshed/coreshed/internal/audit"
)

// act is something that the audit log tells of.
type act struct {
	by     coreshed.Actor
	action coreshed.AuditAction
	kind   coreshed.AuditKind // of the subject, and its row id
	id     int64

	// workspace is the row id of the one in which it was done, or 0. org is
	// needed without a workspace alone; 0 is for what concerns the whole server.
	workspace, org int64

	refused bool    // it was tried
	details details // names, paths, addresses: what a purge erases
}

// details is a JSON object.
type details = map[string]any

// audit writes an entry in the transaction of what it tells of, so that neither
// is there without the other. The entry has no number yet, for which writers
// would have to wait for each other: [DB.SequenceAudit] gives them.
//
// Whatever names or locates data goes into the details and nowhere else; the rest
// of an entry stays for good.
func audit(ctx context.Context, t tx, a act) error {
	if a.details == nil {
		a.details = details{}
	}
	document, err := json.Marshal(a.details)
	if err != nil {
		return fmt.Errorf("encode details of %s: %w", a.action, err)
	}
	outcome := coreshed.AuditDone
	if a.refused {
		outcome = coreshed.AuditRefused
	}
	salt := auditlog.NewSalt()
	id, err := insert(ctx, t, `
		INSERT INTO audit_entries (at, org_id, actor, action, kind, subject_id, workspace_id, outcome, commitment)
		VALUES ($1, COALESCE((SELECT org_id FROM workspaces WHERE id = $7), $2), $3, $4, $5, $6, $7, $8, $9) RETURNING id`,
		t.db().micros(), a.org, a.by.Name(), string(a.action), string(a.kind), a.id, a.workspace, string(outcome),
		auditlog.Commit(salt, document))
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO audit_details (entry_id, salt, document) VALUES ($1, $2, $3)`, id, salt, string(document))
	return err
}

// eraseAudit erases the details of all entries about things of a kind, by their
// row ids, and leaves which purge has done that. What remains of the entries, and
// of the tree, is what it was.
func (r *removal) eraseAudit(ctx context.Context, t tx, kind coreshed.AuditKind, ids []int64) error {
	c := &conditions{}
	c.add(`kind = ?`, string(kind))
	c.anyID(t.db().dialect, `subject_id`, append([]int64{}, ids...))
	_, err := t.exec(ctx, `UPDATE audit_details SET salt = NULL, document = NULL, erased_by = `+c.arg(r.purge)+`
		WHERE erased_by IS NULL AND entry_id IN (SELECT id FROM audit_entries WHERE `+c.text()+`)`, c.args...)
	return err
}

// auditPerson tells of what was done to an account, by its row id, to the admins
// of its organisation.
func auditPerson(ctx context.Context, t tx, by coreshed.Actor, action coreshed.AuditAction, row int64, said details) error {
	org, err := one(ctx, t, value[int64], `SELECT COALESCE(MIN(org_id), 0) FROM members WHERE person_id = $1`, row)
	if err != nil {
		return err
	}
	return audit(ctx, t, act{by: by, action: action, kind: coreshed.AuditPerson, id: row, org: org, details: said})
}
