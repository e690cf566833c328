package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// WorkspaceChange changes what is not nil of a workspace that Scale's API knows.
type WorkspaceChange struct {
	Title, Description, BaseURL *string
	Storage                     *Storage // its broker and configuration
	Active                      *bool    // whether it is live; a deleted one keeps its files
}

// AddSeenWorkspace makes a workspace with the view's actor as its owner, and
// returns its row id. When another has its title, it gets the first free
// numbered one; when another has its name, one with random digits.
func (db *DB) AddSeenWorkspace(ctx context.Context, view coreshed.View, title string, change WorkspaceChange) (int64, error) {
	var row int64
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		person, err := personRow(ctx, t, view.Actor.ID)
		if err != nil {
			return err
		}
		name, err := freeName(ctx, t, "workspaces", view.Org, title)
		if err != nil {
			return err
		}
		if row, err = addWorkspace(ctx, t, uuid.New(), view.Org, person, name); err != nil {
			return err
		}
		if title, err = freeTitle(ctx, t, row, title); err != nil {
			return err
		}
		change.Title = &title
		if err := auditWorkspace(ctx, t, view.Actor, coreshed.ActWorkspaceMake, row, details{"title": title}); err != nil {
			return err
		}
		return changeWorkspace(ctx, t, view.Actor, row, person, change)
	})
	return row, err
}

// ChangeWorkspace changes a workspace of which the view's actor is an owner:
// NotFound when it is not in the view, Forbidden without that role. One that
// becomes live again and whose title another has by now gets a numbered one.
func (db *DB) ChangeWorkspace(ctx context.Context, view coreshed.View, id int64, change WorkspaceChange) error {
	if !view.Sees(id) {
		return coreshed.Errorf(coreshed.NotFound, "The workspace does not exist.")
	}
	if err := (coreshed.Access{Role: view.Roles[id]}).Require(coreshed.Owner); err != nil {
		return err
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		person, err := personRow(ctx, t, view.Actor.ID)
		if err != nil {
			return err
		}
		if err := auditWorkspace(ctx, t, view.Actor, coreshed.ActWorkspaceChange, id,
			saidOf(coreshed.WorkspaceEdit{Title: change.Title, Description: change.Description})); err != nil {
			return err
		}
		return changeWorkspace(ctx, t, view.Actor, id, person, change)
	})
}

func changeWorkspace(ctx context.Context, t tx, by coreshed.Actor, row, person int64, c WorkspaceChange) error {
	if c.Active != nil && *c.Active {
		if _, err := restoreWorkspace(ctx, t, by, row); err != nil {
			return err
		}
	}
	if err := editWorkspace(ctx, t, row, coreshed.WorkspaceEdit{Title: c.Title, Description: c.Description}); err != nil {
		return err
	}
	if c.BaseURL != nil {
		if _, err := t.exec(ctx, `UPDATE workspaces SET base_url = $2 WHERE id = $1`, row, *c.BaseURL); err != nil {
			return err
		}
	}
	if c.Storage != nil {
		if _, err := t.exec(ctx, `UPDATE workspaces SET broker = $2, configuration = $3 WHERE id = $1`,
			row, textOrNull(c.Storage.Broker), textOrNull(c.Storage.Configuration)); err != nil {
			return err
		}
		if err := auditWorkspace(ctx, t, by, coreshed.ActWorkspaceStorage, row, details{"broker": c.Storage.Broker}); err != nil {
			return err
		}
	}
	if c.Active != nil && !*c.Active {
		if err := deleteWorkspace(ctx, t, by, row); err != nil {
			return err
		}
	}
	_, err := t.exec(ctx, `UPDATE workspaces SET updated_at = $2, updated_by = $3 WHERE id = $1`, row, t.db().micros(), person)
	return err
}
