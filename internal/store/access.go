package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/coreshed/coreshed"
)

// Standing is what a person is in an organisation.
type Standing struct {
	Known  bool // the person exists and is not disabled
	Member bool
	Admin  bool
}

// Standing returns what the person is in the organisation.
func (db *DB) Standing(ctx context.Context, org, person coreshed.UUID) (Standing, error) {
	s, err := one(ctx, db, func(rows *sql.Rows) (Standing, error) {
		s := Standing{Known: true}
		return s, rows.Scan(&s.Member, &s.Admin)
	}, `
		SELECT m.person_id IS NOT NULL, COALESCE(m.admin, 0) > 0 FROM people p
		LEFT JOIN members m ON m.person_id = p.id
		     AND m.org_id = (SELECT id FROM organisations WHERE uuid = $1)
		WHERE p.uuid = $2 AND p.disabled_at IS NULL`, org, person)
	if errors.Is(err, coreshed.NotFound) {
		return Standing{}, nil
	}
	return s, err
}

// Access returns what the actor may do in a live workspace. A person who is
// disabled gets InvalidToken. For one without a role, an unknown workspace and
// one that is not theirs answer the same: an Access without a role. Admins of
// the organisation are owners everywhere; an unknown workspace is NotFound to
// them.
func (db *DB) Access(ctx context.Context, actor coreshed.Actor, org, workspace coreshed.UUID) (coreshed.Access, error) {
	return db.access(ctx, actor, org, workspace, false)
}

// AccessDeleted is Access for workspaces that may be deleted.
func (db *DB) AccessDeleted(ctx context.Context, actor coreshed.Actor, org, workspace coreshed.UUID) (coreshed.Access, error) {
	return db.access(ctx, actor, org, workspace, true)
}

func (db *DB) access(ctx context.Context, actor coreshed.Actor, org, workspace coreshed.UUID, deleted bool) (coreshed.Access, error) {
	type found struct {
		w     coreshed.Workspace
		known bool
		admin bool
	}
	f, err := one(ctx, db, func(rows *sql.Rows) (found, error) {
		var f found
		var err error
		f.w, err = scanWorkspace(rows, &f.known, &f.admin)
		return f, err
	}, `
		SELECT `+workspaceColumns+`, w.id IS NOT NULL, COALESCE(m.admin, 0) > 0
		FROM people p
		LEFT JOIN members m ON m.person_id = p.id
		     AND m.org_id = (SELECT id FROM organisations WHERE uuid = $1)
		LEFT JOIN workspaces w ON w.uuid = $2
		     AND w.org_id = (SELECT id FROM organisations WHERE uuid = $1)
		LEFT JOIN grants g ON g.workspace_id = w.id AND g.person_id = p.id
		`+workspaceJoins+`
		WHERE p.uuid = $3 AND p.disabled_at IS NULL`, org, workspace, actor.ID)
	if errors.Is(err, coreshed.NotFound) {
		return coreshed.Access{}, coreshed.Errorf(coreshed.InvalidToken, "The account of this token does not exist or is disabled.")
	}
	if err != nil {
		return coreshed.Access{}, err
	}
	access := coreshed.Access{Actor: actor, Workspace: f.w, Role: f.w.Role}
	if f.admin {
		access.Role = coreshed.Owner
	}
	if !f.known || (f.w.Deleted() && !deleted) {
		return coreshed.Access{Actor: actor}, absent(access.Role)
	}
	return access, nil
}

// absent is what a workspace that is not there answers to someone whose role
// would be role: those without one must not learn that it does not exist.
func absent(role coreshed.Role) error {
	if role == coreshed.NoRole {
		return nil
	}
	return coreshed.Errorf(coreshed.NotFound, "The workspace does not exist.")
}
