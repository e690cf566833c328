package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// Client is a program that asks the built-in issuer for tokens. A service has
// a secret and acts for itself; a public client has redirect URIs and acts for
// the people who sign in.
type Client struct {
	ID           string
	Name         string
	Person       coreshed.UUID // whom a service acts as; zero for others
	SecretHash   string        // "" for a public client; never shown or logged
	RedirectURIs []string
	CreatedAt    time.Time
	RevokedAt    time.Time // zero while good
}

// Revoked reports whether the client may have no more tokens.
func (c Client) Revoked() bool { return !c.RevokedAt.IsZero() }

// AddService makes a client that acts for itself, as a member of the
// organisation without any role yet.
func (db *DB) AddService(ctx context.Context, org coreshed.UUID, name, secretHash string) (Client, error) {
	c := Client{ID: uuid.NewString(), Name: name, Person: uuid.New(), SecretHash: secretHash, CreatedAt: timeOf(db.micros())}
	return c, db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := insert(ctx, t, `
			INSERT INTO people (uuid, kind, name, created_at) VALUES ($1, 'client', $2, $3) RETURNING id`,
			c.Person, c.Name, c.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
		if err := join(ctx, t, org, row, false); err != nil {
			return err
		}
		if _, err = t.exec(ctx, `
			INSERT INTO clients (client_id, person_id, name, secret_hash, created_at) VALUES ($1, $2, $3, $4, $5)`,
			c.ID, row, c.Name, c.SecretHash, c.CreatedAt.UnixMicro()); err != nil {
			return err
		}
		return auditClient(ctx, t, coreshed.ActClientMake, c.ID, details{"name": name})
	})
}

// AddPublicClient makes a client without a secret. Conflict when the id is
// taken.
func (db *DB) AddPublicClient(ctx context.Context, id, name string, redirectURIs []string) (Client, error) {
	c := Client{ID: id, Name: name, RedirectURIs: redirectURIs, CreatedAt: timeOf(db.micros())}
	uris, err := json.Marshal(redirectURIs)
	if err != nil {
		return c, fmt.Errorf("encode redirect URIs: %w", err)
	}
	return c, db.update(ctx, func(ctx context.Context, t tx) error {
		n, err := t.exec(ctx, `
			INSERT INTO clients (client_id, name, redirect_uris, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (client_id) DO NOTHING`, id, name, string(uris), c.CreatedAt.UnixMicro())
		if err == nil && n == 0 {
			err = coreshed.Errorf(coreshed.Conflict, "There is a client %s already.", id)
		}
		if err != nil {
			return err
		}
		return auditClient(ctx, t, coreshed.ActClientMake, id, details{"name": name, "redirect_uris": redirectURIs})
	})
}

// auditClient tells of what was done to a client, to the admins of the
// organisation of the service that it is.
func auditClient(ctx context.Context, t tx, action coreshed.AuditAction, id string, said details) error {
	type row struct{ person, org int64 }
	c, err := one(ctx, t, func(rows *sql.Rows) (row, error) {
		var c row
		return c, rows.Scan(&c.person, &c.org)
	}, `SELECT COALESCE(c.person_id, 0), COALESCE((SELECT MIN(org_id) FROM members WHERE person_id = c.person_id), 0)
		FROM clients c WHERE c.client_id = $1`, id)
	if err != nil {
		return err
	}
	if said == nil {
		said = details{}
	}
	said["client_id"] = id
	return audit(ctx, t, act{by: coreshed.Operator, action: action, kind: coreshed.AuditClient, id: c.person, org: c.org, details: said})
}

const clientQuery = `
	SELECT c.client_id, c.name, p.uuid, c.secret_hash, c.redirect_uris, c.created_at, c.revoked_at
	FROM clients c LEFT JOIN people p ON p.id = c.person_id `

func scanClient(rows *sql.Rows) (Client, error) {
	var c Client
	var person uuid.NullUUID
	var secret sql.NullString
	var uris string
	var created int64
	var revoked sql.NullInt64
	if err := rows.Scan(&c.ID, &c.Name, &person, &secret, &uris, &created, &revoked); err != nil {
		return c, err
	}
	c.Person, c.SecretHash = person.UUID, secret.String
	c.CreatedAt, c.RevokedAt = timeOf(created), timeOrZero(revoked)
	if err := json.Unmarshal([]byte(uris), &c.RedirectURIs); err != nil {
		return c, fmt.Errorf("redirect URIs of client %s: %w", c.ID, err)
	}
	return c, nil
}

// Client returns a client, also a revoked one. NotFound when there is none.
func (db *DB) Client(ctx context.Context, id string) (Client, error) {
	c, err := one(ctx, db, scanClient, clientQuery+`WHERE c.client_id = $1`, id)
	if errors.Is(err, coreshed.NotFound) {
		err = noClient(id)
	}
	return c, err
}

func noClient(id string) error {
	return coreshed.Errorf(coreshed.NotFound, "There is no client %s.", id)
}

// Clients returns all clients, revoked ones included, oldest first.
func (db *DB) Clients(ctx context.Context) ([]Client, error) {
	return all(ctx, db, scanClient, clientQuery+`ORDER BY c.created_at, c.client_id`)
}

// RotateSecret replaces a service's secret. Tokens that it has live on.
func (db *DB) RotateSecret(ctx context.Context, id, secretHash string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		n, err := t.exec(ctx, `UPDATE clients SET secret_hash = $2 WHERE client_id = $1 AND secret_hash IS NOT NULL`, id, secretHash)
		if err == nil && n == 0 {
			err = coreshed.Errorf(coreshed.NotFound, "There is no client %s with a secret.", id)
		}
		if err != nil {
			return err
		}
		return auditClient(ctx, t, coreshed.ActClientChange, id, details{"secret": "changed"})
	})
}

// RevokeClient ends a client, with its tokens and everything that people have
// allowed it. To revoke it again changes nothing.
func (db *DB) RevokeClient(ctx context.Context, id string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		now := db.micros()
		n, err := t.exec(ctx, `UPDATE clients SET revoked_at = COALESCE(revoked_at, $2) WHERE client_id = $1`, id, now)
		if err == nil && n == 0 {
			err = noClient(id)
		}
		if err != nil {
			return err
		}
		if _, err = t.exec(ctx, `
			UPDATE authorizations SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL`, id, now); err != nil {
			return err
		}
		return auditClient(ctx, t, coreshed.ActClientRevoke, id, nil)
	})
}

// EnsureRoleAccount makes, when it is absent, the account that tokens for a
// role are made for: one for each name in each organisation or workspace.
// The caller gives it the role.
func (db *DB) EnsureRoleAccount(ctx context.Context, org, scope coreshed.UUID, name string, admin bool) (coreshed.Person, error) {
	p := coreshed.Person{ID: uuid.NewSHA1(scope, []byte(name)), Name: name}
	return p, db.update(ctx, func(ctx context.Context, t tx) error {
		isNew, err := t.exec(ctx, `
			INSERT INTO people (uuid, kind, name, created_at) VALUES ($1, 'client', $2, $3)
			ON CONFLICT (uuid) DO NOTHING`, p.ID, name, db.micros())
		if err != nil {
			return err
		}
		row, err := personRow(ctx, t, p.ID)
		if err != nil {
			return err
		}
		if err := join(ctx, t, org, row, admin); err != nil || isNew == 0 {
			return err
		}
		return auditPerson(ctx, t, coreshed.Operator, coreshed.ActPersonMake, row, details{"name": name, "admin": admin})
	})
}
