package store

import (
	"context"
	"database/sql"

	"github.com/coreshed/coreshed"
)

// Storage says where the folder or bucket of a workspace lies.
type Storage struct {
	Workspace     int64
	Deleted       bool   // the workspace
	Broker        string // its type; "" is Coreshed's own store alone
	Configuration string // JSON, its secrets sealed; "" without a broker
	BaseURL       string // under which others serve its files, or ""
}

// Storage returns where the files of a workspace in the view lie. NotFound when
// there is no such workspace.
func (db *DB) Storage(ctx context.Context, view coreshed.View, workspace int64) (Storage, error) {
	if !view.Sees(workspace) {
		return Storage{}, coreshed.Errorf(coreshed.NotFound, "There is no such workspace.")
	}
	return db.StorageOf(ctx, workspace)
}

// StorageOf is Storage for the server's own work, of which no caller sees
// anything.
func (db *DB) StorageOf(ctx context.Context, workspace int64) (Storage, error) {
	s, err := one(ctx, db, func(rows *sql.Rows) (Storage, error) {
		var s Storage
		return s, rows.Scan(&s.Workspace, &s.Deleted, &s.Broker, &s.Configuration, &s.BaseURL)
	}, `SELECT id, deleted_at IS NOT NULL, COALESCE(broker, ''), COALESCE(configuration, ''), base_url FROM workspaces WHERE id = $1`, workspace)
	return s, notFound(err, "There is no such workspace.")
}

// SetStorage says where the files of the workspace lie from now on. Files that
// are registered already are looked for there.
func (db *DB) SetStorage(ctx context.Context, a coreshed.Access, s Storage) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if _, err := t.exec(ctx, `UPDATE workspaces SET broker = $2, configuration = $3, base_url = $4, updated_at = $5 WHERE id = $1`,
			a.Workspace.ID, textOrNull(s.Broker), textOrNull(s.Configuration), s.BaseURL, t.db().micros()); err != nil {
			return err
		}
		// Not the configuration, which has secrets.
		return auditWorkspace(ctx, t, a.Actor, coreshed.ActWorkspaceStorage, a.Workspace.ID, details{"broker": s.Broker, "base_url": s.BaseURL})
	})
}

func textOrNull(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// OwnAccess is what the server itself may do in a live workspace: for work that
// nobody in particular has asked for. It names no actor.
func (db *DB) OwnAccess(ctx context.Context, workspace int64) (coreshed.Access, error) {
	w, err := one(ctx, db, func(rows *sql.Rows) (coreshed.Workspace, error) { return scanWorkspace(rows) }, `
		SELECT `+workspaceColumns+` FROM workspaces w LEFT JOIN grants g ON g.workspace_id IS NULL
		`+workspaceJoins+` WHERE w.id = $1 AND w.deleted_at IS NULL`, workspace)
	return coreshed.Access{Workspace: w, Role: coreshed.Owner}, notFound(err, "There is no such workspace.")
}
