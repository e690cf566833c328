package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/coreshed/coreshed"
)

// View returns what the actor may see of an organisation's entries. A person
// who is disabled or unknown gets InvalidToken. One without any role sees
// nothing, which is no error.
func (db *DB) View(ctx context.Context, actor coreshed.Actor, org coreshed.UUID) (coreshed.View, error) {
	v, err := one(ctx, db, func(rows *sql.Rows) (coreshed.View, error) {
		v := coreshed.View{Actor: actor}
		return v, rows.Scan(&v.Org, &v.Admin)
	}, `SELECT o.id, COALESCE(m.admin, 0) > 0 FROM people p
		JOIN organisations o ON o.uuid = $1
		LEFT JOIN members m ON m.org_id = o.id AND m.person_id = p.id
		WHERE p.uuid = $2 AND p.disabled_at IS NULL`, org, actor.ID)
	if errors.Is(err, coreshed.NotFound) {
		return v, coreshed.Errorf(coreshed.InvalidToken, "The account of this token does not exist or is disabled.")
	}
	if err != nil {
		return v, err
	}
	return v, db.viewRoles(ctx, &v)
}

// AnonymousView is the view of a caller without a token, as a viewer of every
// live workspace of the organisation: for servers whose operator allows it.
func (db *DB) AnonymousView(ctx context.Context, org coreshed.UUID) (coreshed.View, error) {
	v := coreshed.View{Roles: map[int64]coreshed.Role{}}
	rows, err := all(ctx, db, func(rows *sql.Rows) ([2]int64, error) {
		var ids [2]int64
		return ids, rows.Scan(&ids[0], &ids[1])
	}, `SELECT o.id, w.id FROM organisations o JOIN workspaces w ON w.org_id = o.id
		WHERE o.uuid = $1 AND w.deleted_at IS NULL`, org)
	for _, ids := range rows {
		v.Org = ids[0]
		v.Roles[ids[1]] = coreshed.Viewer
	}
	return v, err
}

func (db *DB) viewRoles(ctx context.Context, v *coreshed.View) error {
	type granted struct {
		workspace int64
		role      sql.NullString
		deleted   bool
		ours      bool
	}
	rows, err := all(ctx, db, func(rows *sql.Rows) (granted, error) {
		var g granted
		return g, rows.Scan(&g.workspace, &g.role, &g.deleted, &g.ours)
	}, `SELECT w.id, g.role, w.deleted_at IS NOT NULL, w.org_id = $1 FROM workspaces w
		LEFT JOIN grants g ON g.workspace_id = w.id AND g.person_id = (SELECT id FROM people WHERE uuid = $2)`,
		v.Org, v.Actor.ID)
	if err != nil {
		return err
	}
	v.Roles, v.Everything = map[int64]coreshed.Role{}, true
	for _, g := range rows {
		role := coreshed.Role(g.role.String)
		switch {
		case !g.ours:
			role = coreshed.NoRole
		case v.Admin:
			role = coreshed.Owner
		case g.deleted:
			role = coreshed.NoRole
		}
		if role == coreshed.NoRole {
			v.Everything = false
			continue
		}
		v.Roles[g.workspace] = role
	}
	return nil
}

// mayChange fails with Forbidden unless the caller may change what is in a
// workspace of the view. It is asked where a request reaches from the workspace
// in which the caller's role was checked into others.
func mayChange(view coreshed.View, workspace int64) error {
	if view.Everything && view.Roles == nil {
		return nil // the server itself
	}
	return coreshed.Access{Actor: view.Actor, Role: view.Roles[workspace]}.Require(coreshed.Editor)
}

// changedBy adds that a column is a workspace in which the caller may change what
// is there: mayChange, for many.
func (c *conditions) changedBy(d dialect, view coreshed.View, column string) {
	if view.Everything && view.Roles == nil {
		return // the server itself
	}
	ids := []int64{}
	for id := range view.Roles {
		if mayChange(view, id) == nil {
			ids = append(ids, id)
		}
	}
	c.anyID(d, column, ids)
}
