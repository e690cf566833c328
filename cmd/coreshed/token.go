package main

import (
	"context"
	"fmt"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/store"
)

type tokenCmd struct {
	Role string        `enum:"viewer,editor,owner,admin" default:"editor" help:"viewer, editor or owner in the workspace, or admin of the organisation."`
	User string        `placeholder:"EMAIL" help:"Make it for this user, with the roles that they have."`
	TTL  time.Duration `name:"ttl" default:"1h" help:"How long it is good."`
}

// Help teaches the verb.
func (tokenCmd) Help() string {
	return `Makes a token with the key in the data folder; no server need run. Nothing else is printed.

    TOKEN=$(coreshed token --data /srv/coreshed --role viewer --workspace Drilling --ttl 8h)`
}

// Run prints the token.
func (t tokenCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(db *store.DB) error {
		token, err := a.mint(ctx, db, mintFor{role: t.Role, user: t.User, ttl: t.TTL})
		if err != nil {
			return err
		}
		if a.json() {
			return a.printJSON(map[string]any{"token": token, "expires_in": int64(t.TTL.Seconds())})
		}
		_, err = fmt.Fprintln(a.stdout, token)
		return err
	})
}

// mintFor says for whom a token is: a user, or whoever has it, in a role.
type mintFor struct {
	role, user string
	ttl        time.Duration
}

func (a *app) mint(ctx context.Context, db *store.DB, m mintFor) (string, error) {
	if m.ttl <= 0 {
		return "", usagef("--ttl must be more than nothing")
	}
	p, err := a.tokenPerson(ctx, db, m)
	if err != nil {
		return "", err
	}
	return auth.Mint(ctx, db, p, m.ttl)
}

func (a *app) tokenPerson(ctx context.Context, db *store.DB, m mintFor) (coreshed.Person, error) {
	if m.user != "" {
		user, err := db.User(ctx, m.user)
		if err == nil && user.Disabled() {
			err = coreshed.Errorf(coreshed.Forbidden, "the user %s is disabled", m.user)
		}
		return user.Person, err
	}
	org, err := a.storeOrg(ctx, db)
	if err != nil {
		return coreshed.Person{}, err
	}
	if m.role == auth.AdminRole {
		return auth.RoleAccount(ctx, db, org.ID, org.ID, m.role)
	}
	op, err := newOperator(ctx, db, org)
	if err != nil {
		return coreshed.Person{}, err
	}
	access, err := op.access(ctx, a.Workspace, false)
	if err != nil {
		return coreshed.Person{}, err
	}
	p, err := auth.RoleAccount(ctx, db, org.ID, access.Workspace.UUID, m.role)
	if err != nil {
		return p, err
	}
	return p, db.Grant(ctx, coreshed.Operator, access.Workspace.ID, p.ID, coreshed.Role(m.role))
}
