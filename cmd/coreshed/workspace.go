package main

import (
	"context"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/store"
)

type workspaceCmd struct {
	Add     workspaceAdd     `cmd:"" help:"Make a workspace."`
	List    workspaceList    `cmd:"" help:"List workspaces."`
	Set     workspaceSet     `cmd:"" help:"Change a workspace."`
	Rm      workspaceRm      `cmd:"" help:"Delete a workspace; it can be restored."`
	Restore workspaceRestore `cmd:"" help:"Restore a deleted workspace."`
}

// Help teaches the verb.
func (workspaceCmd) Help() string {
	return `Works on the database of a server, also while that runs.

    coreshed workspace add Drilling --quota 500GiB --data /srv/coreshed

    coreshed workspace list --data /srv/coreshed

    coreshed workspace set Drilling --title "Drilling 2026" --retention 90d --data /srv/coreshed`
}

// workspaceEdit are the flags for what can be changed.
type workspaceEdit struct {
	Description *string        `help:"What it is for."`
	CRS         *string        `name:"crs" placeholder:"EPSG:…" help:"The default coordinate system."`
	Quota       *bytesFlag     `placeholder:"SIZE" help:"How much it may hold, deleted files included: 10GiB; 0 is no limit."`
	Retention   *retentionFlag `placeholder:"TIME" help:"For how long deleted files are kept: 90d, 12h; 0 is for ever."`
}

func (e workspaceEdit) edit() coreshed.WorkspaceEdit {
	return coreshed.WorkspaceEdit{Description: e.Description, CoordinateSystem: e.CRS, Quota: (*int64)(e.Quota), Retention: (*time.Duration)(e.Retention)}
}

// workspaceRow is a workspace as it is printed.
type workspaceRow struct {
	ID          coreshed.UUID `json:"id"`
	Title       string        `json:"title"`
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	CRS         string        `json:"default_coordinate_system,omitempty"`
	Quota       int64         `json:"quota"`
	Used        int64         `json:"used"`
	Retention   int64         `json:"retention"` // seconds; 0 is for ever
	CreatedAt   time.Time     `json:"created_at"`
	DeletedAt   time.Time     `json:"deleted_at,omitzero"`
}

func newWorkspaceRow(w coreshed.Workspace) workspaceRow {
	return workspaceRow{
		ID: w.UUID, Title: w.Title, Name: w.Name, Description: w.Description, CRS: w.CoordinateSystem,
		Quota: w.Quota, Used: w.Used, Retention: int64(w.Retention / time.Second), CreatedAt: w.CreatedAt, DeletedAt: w.DeletedAt,
	}
}

func (a *app) printWorkspace(w coreshed.Workspace) error {
	row := newWorkspaceRow(w)
	return fields(a, row, field{"id", row.ID}, field{"title", row.Title}, field{"name", row.Name},
		field{"description", row.Description}, field{"coordinate system", row.CRS},
		field{"quota", quota(row.Quota)}, field{"used", sized(row.Used)}, field{"deleted files kept", kept(w.Retention)})
}

func quota(n int64) string {
	if n == 0 {
		return "none"
	}
	return sized(n)
}

type workspaceAdd struct {
	Title string `arg:"" help:"Its title, 1 to 60 characters."`
	workspaceEdit
}

// Run makes the workspace. Its owner is the account of tokens for admins.
func (c workspaceAdd) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, func(op operator) error {
		w, err := op.db.AddWorkspace(ctx, op.org.ID, op.actor.ID, c.Title, c.edit())
		if err != nil {
			return err
		}
		return a.printWorkspace(w)
	})
}

type workspaceList struct {
	Deleted bool `help:"Deleted workspaces alone."`
}

// Run lists workspaces.
func (c workspaceList) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, func(op operator) error {
		list, err := op.workspaces(ctx, c.Deleted)
		if err != nil {
			return err
		}
		rows := make([]workspaceRow, len(list))
		for i, w := range list {
			rows[i] = newWorkspaceRow(w)
		}
		return table(a, rows, "ID\tTITLE\tUSED\tQUOTA\tCREATED", func(w workspaceRow) []any {
			return []any{w.ID, w.Title, sized(w.Used), quota(w.Quota), w.CreatedAt}
		})
	})
}

type workspaceSet struct {
	Which string  `arg:"" name:"workspace" help:"Its title, name or id."`
	Title *string `help:"Its new title."`
	workspaceEdit
}

// Run changes the workspace.
func (c workspaceSet) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, func(op operator) error {
		access, err := op.access(ctx, c.Which, false)
		if err != nil {
			return err
		}
		edit := c.edit()
		edit.Title = c.Title
		w, err := op.db.EditWorkspace(ctx, access, edit)
		if err != nil {
			return err
		}
		return a.printWorkspace(w)
	})
}

type workspaceRm struct {
	Which string `arg:"" name:"workspace" help:"Its title, name or id."`
}

// Run deletes the workspace.
func (c workspaceRm) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, func(op operator) error {
		access, err := op.access(ctx, c.Which, false)
		if err != nil {
			return err
		}
		return op.db.DeleteWorkspace(ctx, access)
	})
}

type workspaceRestore struct {
	Which string `arg:"" name:"workspace" help:"Its title, name or id."`
}

// Run restores the workspace and prints it: its title may have been taken.
func (c workspaceRestore) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, func(op operator) error {
		access, err := op.access(ctx, c.Which, true)
		if err != nil {
			return err
		}
		if _, err := op.db.RestoreWorkspace(ctx, access); err != nil {
			return err
		}
		access, err = op.access(ctx, access.Workspace.UUID.String(), false)
		if err != nil {
			return err
		}
		return a.printWorkspace(access.Workspace)
	})
}

// operator is who has the host: an admin of the organisation, as the store
// needs somebody to write down and to look for.
type operator struct {
	db    *store.DB
	org   coreshed.Organisation
	actor coreshed.Actor
}

func (a *app) withOperator(ctx context.Context, do func(operator) error) error {
	return a.withStore(ctx, func(db *store.DB) error {
		org, err := a.storeOrg(ctx, db)
		if err != nil {
			return err
		}
		op, err := newOperator(ctx, db, org)
		if err != nil {
			return err
		}
		return do(op)
	})
}

func newOperator(ctx context.Context, db *store.DB, org coreshed.Organisation) (operator, error) {
	admin, err := auth.RoleAccount(ctx, db, org.ID, org.ID, auth.AdminRole)
	return operator{db: db, org: org, actor: coreshed.Actor{ID: admin.ID}}, err
}

// workspaces returns all workspaces that are live, or all that are deleted.
func (op operator) workspaces(ctx context.Context, deleted bool) ([]coreshed.Workspace, error) {
	const page = 1000
	var all []coreshed.Workspace
	for {
		list, total, err := op.db.Workspaces(ctx, op.actor, op.org.ID, store.WorkspaceFilter{Deleted: deleted},
			coreshed.Page{Offset: int64(len(all)), Limit: page})
		all = append(all, list...)
		if err != nil || len(list) == 0 || int64(len(all)) >= total {
			return all, err
		}
	}
}

// access returns the operator's access to the workspace with a title, name or
// id. Of deleted ones that share a title, one must be named by its id.
func (op operator) access(ctx context.Context, which string, deleted bool) (coreshed.Access, error) {
	list, err := op.workspaces(ctx, deleted)
	if err != nil {
		return coreshed.Access{}, err
	}
	names := make([]called, len(list))
	for i, w := range list {
		names[i] = called{w.UUID, w.ID, w.Title, w.Name}
	}
	i, err := pick(names, which)
	if err != nil {
		return coreshed.Access{}, err
	}
	return coreshed.Access{Actor: op.actor, Workspace: list[i], Role: coreshed.Owner}, nil
}
