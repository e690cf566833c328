package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// Granted is a person's role in a workspace.
type Granted struct {
	// Person is, while Pending, only an address: nobody has come with it yet.
	// Its ID then stands for the address in this workspace alone.
	Person  coreshed.Person
	Role    coreshed.Role
	Pending bool
}

// Grants returns who has which role in the workspace, in order of e-mail.
func (db *DB) Grants(ctx context.Context, workspaceID int64) ([]Granted, error) {
	return all(ctx, db, scanGranted, `
		SELECT w.uuid, p.uuid, p.name, p.email, g.role, COALESCE(p.email_key, '') AS sorted, p.id AS person
		FROM grants g JOIN workspaces w ON w.id = g.workspace_id JOIN people p ON p.id = g.person_id
		WHERE g.workspace_id = $1
		UNION ALL SELECT w.uuid, NULL, NULL, e.email_key, e.role, e.email_key, 0
		FROM email_grants e JOIN workspaces w ON w.id = e.workspace_id WHERE e.workspace_id = $1
		ORDER BY sorted, person`, workspaceID)
}

func scanGranted(rows *sql.Rows) (Granted, error) {
	var g Granted
	var p nullPerson
	var workspace coreshed.UUID
	var sorted string
	var row int64
	err := rows.Scan(&workspace, &p.id, &p.name, &p.email, &g.Role, &sorted, &row)
	g.Person = p.person()
	if g.Pending = !p.id.Valid; g.Pending {
		g.Person.ID = PendingID(workspace, sorted)
	}
	return g, err
}

// PendingID is the ID in Grants of an address that has a role in the workspace
// before its owner has come.
func PendingID(workspace coreshed.UUID, email string) coreshed.UUID {
	return uuid.NewSHA1(workspace, []byte(emailKey(email)))
}

// Grant gives a person a role, in place of the one they had. NotFound when
// there is no such person, Conflict when it would leave no owner.
func (db *DB) Grant(ctx context.Context, by coreshed.Actor, workspaceID int64, person coreshed.UUID, role coreshed.Role) error {
	if !role.Valid() {
		return coreshed.Errorf(coreshed.Invalid, "%q is not a role.", role)
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := personRow(ctx, t, person)
		if err != nil {
			return err
		}
		return keepOwner(ctx, t, workspaceID, func() error {
			_, err := t.exec(ctx, `INSERT INTO grants (workspace_id, person_id, role) VALUES ($1, $2, $3)
				ON CONFLICT (workspace_id, person_id) DO UPDATE SET role = excluded.role`, workspaceID, row, role)
			if err != nil {
				return err
			}
			return auditRole(ctx, t, by, coreshed.ActRoleGrant, workspaceID, row, details{"role": role})
		})
	})
}

// Revoke takes a role away from a person, or from an address with the ID that
// Grants gives it. NotFound when they have none, Conflict when it would leave
// no owner.
func (db *DB) Revoke(ctx context.Context, by coreshed.Actor, workspaceID int64, person coreshed.UUID) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		return keepOwner(ctx, t, workspaceID, func() error {
			row, err := insert(ctx, t, `DELETE FROM grants WHERE workspace_id = $1
				AND person_id = (SELECT id FROM people WHERE uuid = $2) RETURNING person_id`, workspaceID, person)
			if errors.Is(err, coreshed.NotFound) {
				return revokePending(ctx, t, by, workspaceID, person)
			}
			if err != nil {
				return err
			}
			return auditRole(ctx, t, by, coreshed.ActRoleRevoke, workspaceID, row, nil)
		})
	})
}

func auditRole(ctx context.Context, t tx, by coreshed.Actor, action coreshed.AuditAction, workspace, person int64, said details) error {
	return audit(ctx, t, act{by: by, action: action, kind: coreshed.AuditPerson, id: person, workspace: workspace, details: said})
}

func revokePending(ctx context.Context, t tx, by coreshed.Actor, workspaceID int64, id coreshed.UUID) error {
	workspace, err := one(ctx, t, value[coreshed.UUID], `SELECT uuid FROM workspaces WHERE id = $1`, workspaceID)
	if err != nil {
		return err
	}
	keys, err := all(ctx, t, value[string], `SELECT email_key FROM email_grants WHERE workspace_id = $1`, workspaceID)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if PendingID(workspace, key) == id {
			if _, err := t.exec(ctx, `DELETE FROM email_grants WHERE workspace_id = $1 AND email_key = $2`, workspaceID, key); err != nil {
				return err
			}
			return auditRole(ctx, t, by, coreshed.ActRoleRevoke, workspaceID, 0, details{"email": key})
		}
	}
	return coreshed.Errorf(coreshed.NotFound, "This person has no role in the workspace.")
}

// keepOwner makes a change of roles, unless it takes the last owner away.
func keepOwner(ctx context.Context, t tx, workspaceID int64, change func() error) error {
	// Two owners that leave at once must take turns.
	if _, err := one(ctx, t, value[int64], `SELECT id FROM workspaces WHERE id = $1`+t.db().dialect.lock, workspaceID); err != nil {
		return err
	}
	before, err := owners(ctx, t, workspaceID)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := owners(ctx, t, workspaceID)
	if err == nil && before > 0 && after == 0 {
		err = coreshed.Errorf(coreshed.Conflict, "A workspace keeps at least one owner; make someone else an owner first.")
	}
	return err
}

func owners(ctx context.Context, q querier, workspaceID int64) (int64, error) {
	return one(ctx, q, value[int64], `SELECT count(*) FROM grants WHERE workspace_id = $1 AND role = 'owner'`, workspaceID)
}

// personRow returns the row id of a person.
func personRow(ctx context.Context, q querier, id coreshed.UUID) (int64, error) {
	row, err := one(ctx, q, value[int64], `SELECT id FROM people WHERE uuid = $1`, id)
	if errors.Is(err, coreshed.NotFound) {
		return 0, coreshed.Errorf(coreshed.NotFound, "There is no person with the id %s.", id)
	}
	return row, err
}
