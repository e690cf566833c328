package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/coreshed/coreshed"
)

// Refresh says how long refresh tokens are good.
type Refresh struct {
	TTL   time.Duration // of a refresh token
	Keep  time.Duration // of an authorization beyond its last refresh token
	Grace time.Duration // how long after its use a token may be used again
}

// TokenIssued records that the operator of the host has made an access token for
// a person, which the store keeps no more of.
func (db *DB) TokenIssued(ctx context.Context, person coreshed.UUID, ttl time.Duration) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := personRow(ctx, t, person)
		if err != nil {
			return err
		}
		return auditPerson(ctx, t, coreshed.Operator, coreshed.ActTokenIssue, row, details{"seconds": int64(ttl.Seconds())})
	})
}

// AddRefreshToken stores the first refresh token of a family by its hash.
func (db *DB) AddRefreshToken(ctx context.Context, hash []byte, family string, r Refresh) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		return addRefreshToken(ctx, t, hash, family, r)
	})
}

func addRefreshToken(ctx context.Context, t tx, hash []byte, family string, r Refresh) error {
	expires := t.db().now().Add(r.TTL)
	if _, err := t.exec(ctx, `INSERT INTO refresh_tokens (hash, family, expires_at) VALUES ($1, $2, $3)`,
		hash, family, expires.UnixMicro()); err != nil {
		return err
	}
	return keepFamily(ctx, t, family, expires.Add(r.Keep))
}

// RotateRefreshToken takes a client's refresh token and stores the next one in
// its place. NotFound when the token is unknown, of another client, too old,
// or not good any more. An error of check, which is told what the token is good
// for, is returned and leaves the token as it was.
//
// A token may be used again within r.Grace, for the sake of a client that did
// not get the answer. After that one of its two users has stolen it, and the
// whole family is revoked (RFC 9700 §4.14).
func (db *DB) RotateRefreshToken(ctx context.Context, clientID string, hash, next []byte, r Refresh, check func(Authorization) error) (Authorization, error) {
	var a Authorization
	var refused error
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		refused = coreshed.Errorf(coreshed.NotFound, "The refresh token is unknown, too old, or good no more.")
		token, err := one(ctx, t, scanRefreshToken, `
			SELECT family, expires_at, used_at FROM refresh_tokens WHERE hash = $1`+db.dialect.lock, hash)
		if err == nil {
			a, err = live(ctx, t, token.family)
		}
		if errors.Is(err, coreshed.NotFound) || err == nil && a.ClientID != clientID {
			return nil
		}
		if err != nil {
			return err
		}
		now := db.now()
		if token.used.Valid && now.After(timeOf(token.used.Int64).Add(r.Grace)) {
			refused = coreshed.Errorf(coreshed.NotFound, "The refresh token was used twice; what came of it is revoked.")
			return revokeFamily(ctx, t, token.family, now.UnixMicro())
		}
		if token.expires <= now.UnixMicro() {
			return nil
		}
		if refused = check(a); refused != nil {
			return nil
		}
		if _, err := t.exec(ctx, `UPDATE refresh_tokens SET used_at = $2 WHERE hash = $1 AND used_at IS NULL`,
			hash, now.UnixMicro()); err != nil {
			return err
		}
		return addRefreshToken(ctx, t, next, token.family, r)
	})
	if err == nil {
		err = refused
	}
	return a, err
}

type refreshToken struct {
	family  string
	expires int64
	used    sql.NullInt64
}

func scanRefreshToken(rows *sql.Rows) (refreshToken, error) {
	var t refreshToken
	return t, rows.Scan(&t.family, &t.expires, &t.used)
}
