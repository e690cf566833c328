package store

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// Refused is a change that was asked for and not made, or how many of them are
// told of by one entry.
type Refused struct {
	Person    coreshed.UUID // zero for who has not signed in
	Workspace coreshed.UUID // zero for none
	Many      bool
	Said      map[string]any // ids and words of ours; nothing that a purge would have to erase
}

// AuditRefused writes entries about what was refused, all or none.
func (db *DB) AuditRefused(ctx context.Context, list []Refused) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		for _, r := range list {
			if err := auditRefused(ctx, t, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func auditRefused(ctx context.Context, t tx, r Refused) error {
	a := act{by: coreshed.Actor{ID: r.Person}, action: coreshed.ActRequestRefuse, kind: coreshed.AuditRequest, refused: true, details: r.Said}
	if r.Many {
		a.action = coreshed.ActRequestRefuseMany
	}
	var err error
	if r.Person == uuid.Nil {
		a.by = coreshed.Nobody
	} else if a.org, err = one(ctx, t, value[int64], `SELECT COALESCE(MIN(m.org_id), 0) FROM members m JOIN people p ON p.id = m.person_id WHERE p.uuid = $1`, r.Person); err != nil {
		return err
	}
	if r.Workspace != uuid.Nil {
		a.workspace, err = one(ctx, t, value[int64], `SELECT id FROM workspaces WHERE uuid = $1`, r.Workspace)
		if err != nil && !errors.Is(err, coreshed.NotFound) {
			return err
		}
	}
	return audit(ctx, t, a)
}
