package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// AddOrganisation makes an organisation.
func (db *DB) AddOrganisation(ctx context.Context, name string) (coreshed.Organisation, error) {
	org := coreshed.Organisation{ID: uuid.New(), Name: name, CreatedAt: timeOf(db.micros())}
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := insert(ctx, t, `INSERT INTO organisations (uuid, name, created_at) VALUES ($1, $2, $3) RETURNING id`,
			org.ID, org.Name, org.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
		return audit(ctx, t, act{
			by: coreshed.Operator, action: coreshed.ActOrganisationMake, kind: coreshed.AuditOrganisation, id: row, org: row,
			details: details{"name": name},
		})
	})
	return org, err
}

// Organisations returns all organisations, oldest first.
func (db *DB) Organisations(ctx context.Context) ([]coreshed.Organisation, error) {
	return all(ctx, db, scanOrganisation, `SELECT uuid, name, created_at FROM organisations ORDER BY id`)
}

// OrganisationsOf returns the organisations that the person belongs to, by
// membership or by a role in one of their workspaces, in order of name.
func (db *DB) OrganisationsOf(ctx context.Context, person coreshed.UUID) ([]coreshed.Organisation, error) {
	return all(ctx, db, scanOrganisation, `
		SELECT o.uuid, o.name, o.created_at FROM organisations o
		WHERE o.id IN (SELECT m.org_id FROM members m JOIN people p ON p.id = m.person_id
		               WHERE p.uuid = $1 AND p.disabled_at IS NULL)
		   OR o.id IN (SELECT w.org_id FROM workspaces w JOIN grants g ON g.workspace_id = w.id
		               JOIN people p ON p.id = g.person_id
		               WHERE p.uuid = $1 AND p.disabled_at IS NULL AND w.deleted_at IS NULL)
		ORDER BY o.name, o.id`, person)
}

func scanOrganisation(rows *sql.Rows) (coreshed.Organisation, error) {
	var o coreshed.Organisation
	var created int64
	err := rows.Scan(&o.ID, &o.Name, &created)
	o.CreatedAt = timeOf(created)
	return o, err
}
