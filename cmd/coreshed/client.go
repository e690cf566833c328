package main

import (
	"context"
	"time"

	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/store"
)

type clientCmd struct {
	Add    clientAdd    `cmd:"" help:"Add a service, or a program that people sign in to."`
	List   clientList   `cmd:"" help:"List clients."`
	Rotate clientRotate `cmd:"" help:"Give a service another secret, and print it."`
	Revoke clientRevoke `cmd:"" help:"End a client and its tokens."`
}

// Help teaches the verb.
func (clientCmd) Help() string {
	return `A service gets tokens for itself with an id and a secret (client credentials); grant it a role before it can do anything. A public client has redirect URIs instead, and acts for the people who sign in.

    coreshed client add nightly-import --data /srv/coreshed

    coreshed grant add CLIENT-ID editor Drilling --data /srv/coreshed

    coreshed client add qgis --redirect-uri http://localhost:7070/done --data /srv/coreshed`
}

type clientAdd struct {
	Name        string   `arg:"" help:"What it is called; of a public client, also its id."`
	RedirectURI []string `name:"redirect-uri" placeholder:"URI" help:"Makes it a public client. Can be repeated."`
}

// clientRow is a client as it is printed. Secret is known only once.
type clientRow struct {
	ID           string    `json:"client_id"`
	Name         string    `json:"name"`
	Secret       string    `json:"client_secret,omitempty"`
	RedirectURIs []string  `json:"redirect_uris,omitempty"`
	CreatedAt    time.Time `json:"created_at,omitzero"`
	RevokedAt    time.Time `json:"revoked_at,omitzero"`
}

func (a *app) printClient(row clientRow) error {
	return fields(a, row, field{"client id", row.ID}, field{"name", row.Name}, field{"client secret", row.Secret})
}

// Run adds the client and prints its id, and its secret for the only time.
func (c clientAdd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(db *store.DB) error {
		if len(c.RedirectURI) > 0 {
			added, err := auth.AddPublicClient(ctx, db, c.Name, c.Name, c.RedirectURI)
			if err != nil {
				return err
			}
			return a.printClient(clientRow{ID: added.ID, Name: added.Name, RedirectURIs: added.RedirectURIs, CreatedAt: added.CreatedAt})
		}
		org, err := a.storeOrg(ctx, db)
		if err != nil {
			return err
		}
		added, secret, err := auth.AddService(ctx, db, auth.NewHasher(), org.ID, c.Name)
		if err != nil {
			return err
		}
		return a.printClient(clientRow{ID: added.ID, Name: added.Name, Secret: secret, CreatedAt: added.CreatedAt})
	})
}

type clientList struct{}

// Run lists the clients.
func (clientList) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(db *store.DB) error {
		list, err := db.Clients(ctx)
		if err != nil {
			return err
		}
		rows := make([]clientRow, len(list))
		for i, c := range list {
			rows[i] = clientRow{ID: c.ID, Name: c.Name, RedirectURIs: c.RedirectURIs, CreatedAt: c.CreatedAt, RevokedAt: c.RevokedAt}
		}
		return table(a, rows, "CLIENT ID\tNAME\tKIND\tCREATED\tREVOKED", func(c clientRow) []any {
			kind := "service"
			if len(c.RedirectURIs) > 0 {
				kind = "public"
			}
			return []any{c.ID, c.Name, kind, c.CreatedAt, c.RevokedAt}
		})
	})
}

type clientRotate struct {
	ID string `arg:"" name:"client-id" help:"Which service."`
}

// Run replaces the secret. The old one is good no more.
func (c clientRotate) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(db *store.DB) error {
		secret, err := auth.RotateSecret(ctx, db, auth.NewHasher(), c.ID)
		if err != nil {
			return err
		}
		return a.printClient(clientRow{ID: c.ID, Secret: secret})
	})
}

type clientRevoke struct {
	ID string `arg:"" name:"client-id" help:"Which client."`
}

// Run revokes the client.
func (c clientRevoke) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(db *store.DB) error { return db.RevokeClient(ctx, c.ID) })
}
