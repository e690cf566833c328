package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/coreshed/coreshed"
)

// SeenFilter says which workspaces of a view are wanted; nil is no condition.
type SeenFilter struct {
	ID       []int64
	Modified coreshed.Window
	Name     []string // exact
}

// seenOrder is what workspaces are sorted by: the fields that Scale's API shows.
// What is not there comes last, or first in reverse.
var seenOrder = map[coreshed.OrderField]string{
	"id": "w.id", "name": "w.name", "title": "w.title_key",
	"description": emptyLast("w.description"), "base_url": emptyLast("w.base_url"),
	"is_active":     "CASE WHEN w.deleted_at IS NULL THEN 1 ELSE 0 END",
	"deprecated":    "COALESCE(w.deleted_at, 9223372036854775807)",
	"created":       "w.created_at",
	"last_modified": "w.updated_at",
}

func emptyLast(column string) string {
	return `CASE WHEN ` + column + ` = '' THEN '1' ELSE '0' || lower(` + column + `) END`
}

// SeenWorkspaces returns a page of the workspaces in the view, deleted ones of
// an admin's too, and how many match in all. The default order is by name.
func (db *DB) SeenWorkspaces(ctx context.Context, view coreshed.View, f SeenFilter, order []coreshed.Order, page coreshed.Page) ([]coreshed.Workspace, int64, error) {
	sorted, err := orderBy(order, seenOrder, "w.name", "w.id")
	if err != nil {
		return nil, 0, err
	}
	c := seenConditions(db.dialect, view)
	c.anyID(db.dialect, `w.id`, f.ID)
	c.within(`w.updated_at`, `w.updated_at`, f.Modified)
	c.anyText(db.dialect, `w.name`, f.Name)
	var list []coreshed.Workspace
	var total int64
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		if total, err = one(ctx, t, value[int64], `SELECT count(*) FROM workspaces w WHERE `+c.text(), c.args...); err != nil {
			return err
		}
		paged := &conditions{args: slices.Clone(c.args)}
		limit := paged.page(page)
		list, err = all(ctx, t, scanSeen, seenFrom+c.text()+sorted+limit, paged.args...)
		return err
	})
	return list, total, err
}

// SeenWorkspace returns the workspace with that row id. NotFound when there is
// none in the view.
func (db *DB) SeenWorkspace(ctx context.Context, view coreshed.View, id int64) (coreshed.Workspace, error) {
	c := seenConditions(db.dialect, view)
	c.add(`w.id = ?`, id)
	w, err := one(ctx, db, scanSeen, seenFrom+c.text(), c.args...)
	return w, notFound(err, "The workspace does not exist.")
}

func seenConditions(d dialect, view coreshed.View) *conditions {
	c := &conditions{}
	c.add(`w.org_id = ?`, view.Org)
	c.anyID(d, `w.id`, workspacesOf(view))
	return c
}

const seenFrom = `SELECT ` + workspaceColumns + ` FROM workspaces w LEFT JOIN grants g ON g.workspace_id IS NULL ` + workspaceJoins + ` WHERE `

func scanSeen(rows *sql.Rows) (coreshed.Workspace, error) { return scanWorkspace(rows) }
