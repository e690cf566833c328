package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/coreshed/coreshed"
)

// AddSession stores a sign-in of a browser, with a password, by the hash of its
// cookie.
func (db *DB) AddSession(ctx context.Context, hash []byte, person coreshed.UUID, ttl time.Duration) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := personRow(ctx, t, person)
		if err != nil {
			return err
		}
		if _, err = t.exec(ctx, `INSERT INTO sessions (hash, person_id, expires_at) VALUES ($1, $2, $3)`,
			hash, row, db.now().Add(ttl).UnixMicro()); err != nil {
			return err
		}
		return auditPerson(ctx, t, coreshed.Actor{ID: person}, coreshed.ActPersonSignIn, row, nil)
	})
}

// Session returns whose session it is. NotFound when it is unknown or over,
// and when the person is disabled.
func (db *DB) Session(ctx context.Context, hash []byte) (coreshed.Person, error) {
	return one(ctx, db, func(rows *sql.Rows) (coreshed.Person, error) {
		var p nullPerson
		err := rows.Scan(&p.id, &p.name, &p.email)
		return p.person(), err
	}, `
		SELECT p.uuid, p.name, p.email FROM sessions s JOIN people p ON p.id = s.person_id
		WHERE s.hash = $1 AND s.expires_at > $2 AND p.disabled_at IS NULL`, hash, db.micros())
}

// EndSession ends a session. To end one that is over changes nothing.
func (db *DB) EndSession(ctx context.Context, hash []byte) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `DELETE FROM sessions WHERE hash = $1`, hash)
		return err
	})
}

// DeleteExpired deletes the sessions, codes, refresh tokens and authorizations
// whose time is over, and the attempts older than AttemptWindow. A server
// calls it now and then; nothing that is good depends on it.
func (db *DB) DeleteExpired(ctx context.Context) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		now := db.micros()
		for _, query := range []string{
			`DELETE FROM sessions WHERE expires_at <= $1`,
			`DELETE FROM refresh_tokens WHERE expires_at <= $1`,
			// A spent code is kept as long as its family, to be known when it
			// is used again.
			`DELETE FROM auth_codes WHERE family IN (SELECT family FROM authorizations WHERE expires_at <= $1)`,
			`DELETE FROM authorizations WHERE expires_at <= $1`,
		} {
			if _, err := t.exec(ctx, query, now); err != nil {
				return err
			}
		}
		_, err := t.exec(ctx, `DELETE FROM attempts WHERE first_at <= $1`, db.now().Add(-AttemptWindow).UnixMicro())
		return err
	})
}
