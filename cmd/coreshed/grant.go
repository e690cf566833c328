package main

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/auth"
)

type grantCmd struct {
	Add    grantAdd    `cmd:"" help:"Give somebody a role in a workspace."`
	List   grantList   `cmd:"" help:"List who has which role."`
	Remove grantRemove `cmd:"" help:"Take a role away."`
}

// Help teaches the verb.
func (grantCmd) Help() string {
	return `A viewer sees and downloads; an editor also uploads, deletes and restores; an owner also manages the workspace and its roles; an admin, of the organisation, may do everything.

    coreshed grant add rosa@example.org editor Drilling --data /srv/coreshed

    coreshed grant add rosa@example.org admin --data /srv/coreshed

    coreshed grant list Drilling --data /srv/coreshed`
}

type grantAdd struct {
	Who       string `arg:"" help:"An e-mail address, a service's client id, or the id of an account."`
	Role      string `arg:"" enum:"viewer,editor,owner,admin" help:"viewer, editor, owner or admin."`
	Workspace string `arg:"" optional:"" name:"in" help:"The workspace: its title, name or id. An admin has none."`
}

// Run gives the role, in place of the one they had. An address that nobody has
// yet gets it when somebody comes with it.
func (c grantAdd) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, func(op operator) error {
		if c.Role == auth.AdminRole {
			return op.setAdmin(ctx, c.Who, c.Workspace, true)
		}
		access, err := op.access(ctx, first(c.Workspace, a.Workspace), false)
		if err != nil {
			return err
		}
		role := coreshed.Role(c.Role)
		if strings.Contains(c.Who, "@") {
			return op.db.GrantEmail(ctx, coreshed.Operator, access.Workspace.ID, c.Who, role)
		}
		person, err := op.person(ctx, c.Who)
		if err != nil {
			return err
		}
		return op.db.Grant(ctx, coreshed.Operator, access.Workspace.ID, person, role)
	})
}

func (op operator) setAdmin(ctx context.Context, who, workspace string, admin bool) error {
	if workspace != "" {
		return usagef("an admin is one of the whole organisation: name no workspace")
	}
	person, err := op.person(ctx, who)
	if err != nil {
		return err
	}
	return op.db.SetAdmin(ctx, op.org.ID, person, admin)
}

// person returns who an e-mail address, a client id or an account's id means.
func (op operator) person(ctx context.Context, who string) (coreshed.UUID, error) {
	if strings.Contains(who, "@") {
		u, err := op.db.User(ctx, who)
		if errors.Is(err, coreshed.NotFound) {
			err = coreshed.Errorf(coreshed.NotFound, "there is no user %s", who)
		}
		return u.ID, err
	}
	c, err := op.db.Client(ctx, who)
	if err == nil {
		if (c.Person == coreshed.UUID{}) {
			return c.Person, usagef("%s is a public client: it acts for the people who sign in, with their roles", who)
		}
		return c.Person, nil
	}
	id, notID := uuid.Parse(who)
	if !errors.Is(err, coreshed.NotFound) || notID != nil {
		return coreshed.UUID{}, err
	}
	account, err := op.db.Person(ctx, id)
	return account.ID, err
}

type grantList struct {
	Workspace string `arg:"" optional:"" name:"in" help:"The workspace: its title, name or id."`
}

type grantRow struct {
	ID      coreshed.UUID `json:"id"`
	Email   string        `json:"email,omitempty"`
	Name    string        `json:"name,omitempty"`
	Role    coreshed.Role `json:"role"`
	Pending bool          `json:"pending,omitempty"` // nobody has come with the address yet
}

// Run lists the roles of a workspace.
func (c grantList) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, func(op operator) error {
		access, err := op.access(ctx, first(c.Workspace, a.Workspace), false)
		if err != nil {
			return err
		}
		list, err := op.db.Grants(ctx, access.Workspace.ID)
		if err != nil {
			return err
		}
		rows := make([]grantRow, len(list))
		for i, g := range list {
			rows[i] = grantRow{g.Person.ID, g.Person.Email, g.Person.Name, g.Role, g.Pending}
		}
		return table(a, rows, "ROLE\tE-MAIL\tNAME\tPENDING\tID", func(g grantRow) []any {
			return []any{g.Role, g.Email, g.Name, g.Pending, g.ID}
		})
	})
}

type grantRemove struct {
	Who       string `arg:"" help:"An e-mail address, a service's client id, or the id of an account."`
	Workspace string `arg:"" optional:"" name:"in" help:"The workspace: its title, name or id."`
	Admin     bool   `help:"Take away that they are an admin of the organisation."`
}

// Run takes the role away.
func (c grantRemove) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, func(op operator) error {
		if c.Admin {
			return op.setAdmin(ctx, c.Who, c.Workspace, false)
		}
		access, err := op.access(ctx, first(c.Workspace, a.Workspace), false)
		if err != nil {
			return err
		}
		if strings.Contains(c.Who, "@") {
			return op.revokeEmail(ctx, access.Workspace.ID, c.Who)
		}
		person, err := op.person(ctx, c.Who)
		if err != nil {
			return err
		}
		return op.db.Revoke(ctx, coreshed.Operator, access.Workspace.ID, person)
	})
}

// revokeEmail takes their roles from all who have an address, and from the
// address itself if nobody has come with it yet.
func (op operator) revokeEmail(ctx context.Context, workspace int64, email string) error {
	list, err := op.db.Grants(ctx, workspace)
	if err != nil {
		return err
	}
	found := false
	for _, g := range list {
		if !strings.EqualFold(g.Person.Email, email) {
			continue
		}
		found = true
		if err := op.db.Revoke(ctx, coreshed.Operator, workspace, g.Person.ID); err != nil {
			return err
		}
	}
	if !found {
		return coreshed.Errorf(coreshed.NotFound, "%s has no role in the workspace", email)
	}
	return nil
}
