package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/coreshed/coreshed"
)

// Authorization is what a person has allowed a client to do by signing in.
// Codes, refresh tokens and access tokens that descend from it are a family.
type Authorization struct {
	Family   string // random; names the family in tokens
	ClientID string
	Person   coreshed.Person
	Scope    string // space-separated
	Nonce    string // of the client, repeated in its id token
}

// Code is an authorization code: good once, for the client that can name the
// redirect URI and the verifier of the challenge.
type Code struct {
	Authorization
	RedirectURI string
	Challenge   string // SHA-256 of the verifier, base64url
}

// AddCode stores a code by its hash, with a new authorization.
func (db *DB) AddCode(ctx context.Context, hash []byte, c Code, ttl time.Duration) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := personRow(ctx, t, c.Person.ID)
		if err != nil {
			return err
		}
		expires := db.now().Add(ttl).UnixMicro()
		if _, err := t.exec(ctx, `
			INSERT INTO authorizations (family, client_id, person_id, scope, nonce, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6)`, c.Family, c.ClientID, row, c.Scope, c.Nonce, expires); err != nil {
			return err
		}
		_, err = t.exec(ctx, `
			INSERT INTO auth_codes (hash, family, redirect_uri, challenge, expires_at)
			VALUES ($1, $2, $3, $4, $5)`, hash, c.Family, c.RedirectURI, c.Challenge, expires)
		return err
	})
}

// UseCode takes a code, which is spent whatever follows, and keeps its
// authorization for keep: as long as the tokens that the caller makes live.
// NotFound when the code is unknown, spent or too old. A code that is used
// again has been stolen by one of the two: everything that came of it is
// revoked (RFC 6749 §4.1.2).
func (db *DB) UseCode(ctx context.Context, hash []byte, keep time.Duration) (Code, error) {
	var c Code
	var refused error
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		refused = coreshed.Errorf(coreshed.NotFound, "The code is unknown, too old, or good no more.")
		var expires int64
		var used sql.NullInt64
		c, err = one(ctx, t, func(rows *sql.Rows) (Code, error) {
			var c Code
			return c, rows.Scan(&c.Family, &c.RedirectURI, &c.Challenge, &expires, &used)
		}, `SELECT family, redirect_uri, challenge, expires_at, used_at FROM auth_codes WHERE hash = $1`+db.dialect.lock, hash)
		if errors.Is(err, coreshed.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		now := db.micros()
		if used.Valid {
			refused = coreshed.Errorf(coreshed.NotFound, "The code was used twice; what came of it is revoked.")
			return revokeFamily(ctx, t, c.Family, now)
		}
		if _, err := t.exec(ctx, `UPDATE auth_codes SET used_at = $2 WHERE hash = $1`, hash, now); err != nil {
			return err
		}
		if expires <= now {
			return nil
		}
		c.Authorization, err = live(ctx, t, c.Family)
		if errors.Is(err, coreshed.NotFound) {
			return nil
		}
		refused = nil
		if err != nil {
			return err
		}
		return keepFamily(ctx, t, c.Family, db.now().Add(keep))
	})
	if err == nil {
		err = refused
	}
	return c, err
}

// live returns an authorization that is good: not revoked, of a person who is
// not disabled and a client that is not revoked.
func live(ctx context.Context, t tx, family string) (Authorization, error) {
	return one(ctx, t, func(rows *sql.Rows) (Authorization, error) {
		var a Authorization
		var p nullPerson
		err := rows.Scan(&a.Family, &a.ClientID, &a.Scope, &a.Nonce, &p.id, &p.name, &p.email)
		a.Person = p.person()
		return a, err
	}, `
		SELECT a.family, a.client_id, a.scope, a.nonce, p.uuid, p.name, p.email
		FROM authorizations a JOIN people p ON p.id = a.person_id JOIN clients c ON c.client_id = a.client_id
		WHERE a.family = $1 AND a.revoked_at IS NULL AND p.disabled_at IS NULL AND c.revoked_at IS NULL`, family)
}

func keepFamily(ctx context.Context, t tx, family string, until time.Time) error {
	_, err := t.exec(ctx, `UPDATE authorizations SET expires_at = $2 WHERE family = $1 AND expires_at < $2`,
		family, until.UnixMicro())
	return err
}

func revokeFamily(ctx context.Context, t tx, family string, now int64) error {
	_, err := t.exec(ctx, `UPDATE authorizations SET revoked_at = $2 WHERE family = $1 AND revoked_at IS NULL`, family, now)
	return err
}

// signOut ends a person's sessions, and all that clients were allowed to do
// for them.
func signOut(ctx context.Context, t tx, person coreshed.UUID) error {
	if _, err := t.exec(ctx, `
		DELETE FROM sessions WHERE person_id = (SELECT id FROM people WHERE uuid = $1)`, person); err != nil {
		return err
	}
	_, err := t.exec(ctx, `
		UPDATE authorizations SET revoked_at = $2
		WHERE person_id = (SELECT id FROM people WHERE uuid = $1) AND revoked_at IS NULL`, person, t.db().micros())
	return err
}

// TokenLives reports whether an access token that was good when it was made
// still is: its person is not disabled, its client not revoked, nor its
// authorization. Client and family may be "".
func (db *DB) TokenLives(ctx context.Context, person coreshed.UUID, client, family string) (bool, error) {
	_, err := one(ctx, db, value[int64], `
		SELECT p.id FROM people p WHERE p.uuid = $1 AND p.disabled_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM clients WHERE client_id = $2 AND revoked_at IS NOT NULL)
		AND NOT EXISTS (SELECT 1 FROM authorizations WHERE family = $3 AND revoked_at IS NOT NULL)`,
		person, client, family)
	if errors.Is(err, coreshed.NotFound) {
		return false, nil
	}
	return err == nil, err
}
