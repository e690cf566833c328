package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// External is a subject of another issuer, as its token describes it.
type External struct {
	Issuer, Subject string
	Name            string

	// Email is "" unless the issuer has verified it. TrustEmail says that the
	// issuer may speak for the address: roles given to it are then theirs.
	Email      string
	TrustEmail bool
}

// ID is the subject's UUID: version 5, in the name space that the issuer's URL
// makes. It is the same in every store.
func (e External) ID() coreshed.UUID {
	return uuid.NewSHA1(uuid.NewSHA1(uuid.NameSpaceURL, []byte(e.Issuer)), []byte(e.Subject))
}

// EnsureExternal makes or corrects the account of a subject of another issuer
// and returns it. It only reads when nothing has changed.
func (db *DB) EnsureExternal(ctx context.Context, e External) (coreshed.Person, error) {
	p := coreshed.Person{ID: e.ID(), Name: e.Name, Email: e.Email}
	if p.Name == "" {
		p.Name = e.Subject
	}
	a, err := db.Person(ctx, p.ID)
	if err != nil && !errors.Is(err, coreshed.NotFound) {
		return p, err
	}
	if err == nil && a.Person == p {
		waits, err := db.emailWaits(ctx, e)
		if err != nil || !waits {
			return p, err
		}
	}
	return p, db.update(ctx, func(ctx context.Context, t tx) error { return ensureExternal(ctx, t, e, p) })
}

func ensureExternal(ctx context.Context, t tx, e External, p coreshed.Person) error {
	email, key := sql.NullString{}, sql.NullString{}
	if p.Email != "" {
		email, key = sql.NullString{String: p.Email, Valid: true}, sql.NullString{String: emailKey(p.Email), Valid: true}
	}
	row, err := insert(ctx, t, `
		INSERT INTO people (uuid, kind, name, email, email_key, issuer, subject, created_at)
		VALUES ($1, 'external', $2, $3, $4, $5, $6, $7)
		ON CONFLICT (uuid) DO UPDATE SET name = excluded.name, email = excluded.email, email_key = excluded.email_key
		RETURNING id`, p.ID, p.Name, email, key, e.Issuer, e.Subject, t.db().micros())
	if err != nil {
		return err
	}
	if err := auditPerson(ctx, t, coreshed.Actor{}, coreshed.ActPersonChange, row,
		details{"name": p.Name, "email": p.Email, "issuer": e.Issuer, "subject": e.Subject}); err != nil {
		return err
	}
	if !e.TrustEmail || p.Email == "" {
		return nil
	}
	return bindEmail(ctx, t, row, p.Email)
}

// emailWaits reports whether a role has been given to the subject's address
// and is not theirs yet.
func (db *DB) emailWaits(ctx context.Context, e External) (bool, error) {
	if !e.TrustEmail || e.Email == "" {
		return false, nil
	}
	_, err := one(ctx, db, value[int64], `SELECT workspace_id FROM email_grants WHERE email_key = $1 LIMIT 1`, emailKey(e.Email))
	if errors.Is(err, coreshed.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// GrantEmail gives a role to who has an e-mail address: to the user who signs
// in with it, or else to the first subject of a trusted issuer who comes with
// it. Conflict when it would leave no owner.
func (db *DB) GrantEmail(ctx context.Context, by coreshed.Actor, workspaceID int64, email string, role coreshed.Role) error {
	if !role.Valid() {
		return coreshed.Errorf(coreshed.Invalid, "%q is not a role.", role)
	}
	if err := checkEmail(email); err != nil {
		return err
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := auditRole(ctx, t, by, coreshed.ActRoleGrant, workspaceID, 0, details{"email": email, "role": role}); err != nil {
			return err
		}
		return keepOwner(ctx, t, workspaceID, func() error { return grantEmail(ctx, t, workspaceID, email, role) })
	})
}

func grantEmail(ctx context.Context, t tx, workspaceID int64, email string, role coreshed.Role) error {
	if _, err := t.exec(ctx, `
		INSERT INTO email_grants (workspace_id, email_key, role) VALUES ($1, $2, $3)
		ON CONFLICT (workspace_id, email_key) DO UPDATE SET role = excluded.role`,
		workspaceID, emailKey(email), role); err != nil {
		return err
	}
	row, err := one(ctx, t, value[int64], `SELECT id FROM people WHERE kind = 'user' AND email_key = $1`, emailKey(email))
	if errors.Is(err, coreshed.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return bindEmail(ctx, t, row, email)
}

// bindEmail moves the roles given to an address to a person. Moved, and not
// copied: a role that is taken from the person later must not come back.
func bindEmail(ctx context.Context, t tx, row int64, email string) error {
	type waiting struct {
		workspace int64
		role      string
	}
	roles, err := all(ctx, t, func(rows *sql.Rows) (waiting, error) {
		var w waiting
		return w, rows.Scan(&w.workspace, &w.role)
	}, `SELECT workspace_id, role FROM email_grants WHERE email_key = $1 ORDER BY workspace_id`, emailKey(email))
	if err != nil {
		return err
	}
	for _, w := range roles {
		if err := auditRole(ctx, t, coreshed.Actor{}, coreshed.ActRoleGrant, w.workspace, row, details{"email": email, "role": w.role}); err != nil {
			return err
		}
	}
	if _, err := t.exec(ctx, `
		INSERT INTO grants (workspace_id, person_id, role)
		SELECT workspace_id, $2, role FROM email_grants WHERE email_key = $1
		ON CONFLICT (workspace_id, person_id) DO UPDATE SET role = excluded.role`, emailKey(email), row); err != nil {
		return err
	}
	_, err = t.exec(ctx, `DELETE FROM email_grants WHERE email_key = $1`, emailKey(email))
	return err
}
