package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// The kinds of accounts.
const (
	UserAccount     = "user"     // signs in here with e-mail address and password
	ClientAccount   = "client"   // a service, or a role that tokens are made for
	ExternalAccount = "external" // a subject of another issuer
)

// Account is someone that can act.
type Account struct {
	coreshed.Person
	Row          int64 // its number, for APIs that know people by one
	Kind         string
	PasswordHash string // "" when there is no password; never shown or logged
	CreatedAt    time.Time
	DisabledAt   time.Time // zero while enabled
}

// Disabled reports whether the account may not act.
func (a Account) Disabled() bool { return !a.DisabledAt.IsZero() }

// Member is an account in an organisation.
type Member struct {
	Account
	Admin bool
}

// NewUser is a person who signs in with a password.
type NewUser struct {
	Email, Name  string
	PasswordHash string
	Admin        bool // of the organisation
}

const accountColumns = `p.id, p.uuid, p.name, p.email, p.kind, p.password_hash, p.created_at, p.disabled_at`

func scanAccount(rows *sql.Rows, extra ...any) (Account, error) {
	var a Account
	var email, hash sql.NullString
	var created int64
	var disabled sql.NullInt64
	dest := []any{&a.Row, &a.ID, &a.Name, &email, &a.Kind, &hash, &created, &disabled}
	err := rows.Scan(append(dest, extra...)...)
	a.Email, a.PasswordHash = email.String, hash.String
	a.CreatedAt, a.DisabledAt = timeOf(created), timeOrZero(disabled)
	return a, err
}

// AddUser makes a user who is a member of the organisation. Roles that were
// given to the address become theirs. Conflict when a user has the address.
func (db *DB) AddUser(ctx context.Context, org coreshed.UUID, u NewUser) (coreshed.Person, error) {
	if err := checkEmail(u.Email); err != nil {
		return coreshed.Person{}, err
	}
	p := coreshed.Person{ID: uuid.New(), Name: u.Name, Email: u.Email}
	return p, db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := insert(ctx, t, `
			INSERT INTO people (uuid, kind, name, email, email_key, password_hash, created_at)
			VALUES ($1, 'user', $2, $3, $4, $5, $6)
			ON CONFLICT (email_key) WHERE kind = 'user' DO NOTHING RETURNING id`,
			p.ID, u.Name, u.Email, emailKey(u.Email), u.PasswordHash, db.micros())
		if errors.Is(err, coreshed.NotFound) {
			return coreshed.Errorf(coreshed.Conflict, "There is a user %s already.", u.Email)
		}
		if err != nil {
			return err
		}
		if err := join(ctx, t, org, row, u.Admin); err != nil {
			return err
		}
		if err := auditPerson(ctx, t, coreshed.Operator, coreshed.ActPersonMake, row, details{"email": u.Email, "admin": u.Admin}); err != nil {
			return err
		}
		return bindEmail(ctx, t, row, u.Email)
	})
}

// Person returns an account. NotFound when there is none.
func (db *DB) Person(ctx context.Context, id coreshed.UUID) (Account, error) {
	return db.account(ctx, `p.uuid = $1`, id)
}

// User returns the user who signs in with an e-mail address, also one who is
// disabled. NotFound when there is none.
func (db *DB) User(ctx context.Context, email string) (Account, error) {
	return db.account(ctx, `p.kind = 'user' AND p.email_key = $1`, emailKey(email))
}

func (db *DB) account(ctx context.Context, where string, args ...any) (Account, error) {
	a, err := one(ctx, db, func(rows *sql.Rows) (Account, error) { return scanAccount(rows) },
		`SELECT `+accountColumns+` FROM people p WHERE `+where, args...)
	if errors.Is(err, coreshed.NotFound) {
		err = coreshed.Errorf(coreshed.NotFound, "There is no such person.")
	}
	return a, err
}

// Members returns the accounts of an organisation in order of e-mail and name.
func (db *DB) Members(ctx context.Context, org coreshed.UUID) ([]Member, error) {
	return all(ctx, db, func(rows *sql.Rows) (Member, error) {
		var m Member
		var err error
		m.Account, err = scanAccount(rows, &m.Admin)
		return m, err
	}, `
		SELECT `+accountColumns+`, m.admin > 0 FROM members m JOIN people p ON p.id = m.person_id
		WHERE m.org_id = (SELECT id FROM organisations WHERE uuid = $1)
		ORDER BY COALESCE(p.email_key, ''), p.name, p.id`, org)
}

// SetAdmin makes an account a member of the organisation who is its admin, or
// is not.
func (db *DB) SetAdmin(ctx context.Context, org, person coreshed.UUID, admin bool) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := personRow(ctx, t, person)
		if err != nil {
			return err
		}
		if err := join(ctx, t, org, row, admin); err != nil {
			return err
		}
		return auditPerson(ctx, t, coreshed.Operator, coreshed.ActPersonChange, row, details{"admin": admin})
	})
}

// join makes a person a member of the organisation.
func join(ctx context.Context, t tx, org coreshed.UUID, row int64, admin bool) error {
	n, err := t.exec(ctx, `
		INSERT INTO members (org_id, person_id, admin)
		SELECT id, $2, $3 FROM organisations WHERE uuid = $1
		ON CONFLICT (org_id, person_id) DO UPDATE SET admin = excluded.admin`, org, row, truth(admin))
	if err == nil && n == 0 {
		err = coreshed.Errorf(coreshed.NotFound, "There is no organisation with the id %s.", org)
	}
	return err
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// SetPassword replaces a user's password and ends whatever was begun with the
// old one: sessions, and all that clients were allowed to do.
func (db *DB) SetPassword(ctx context.Context, person coreshed.UUID, hash string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := insert(ctx, t, `UPDATE people SET password_hash = $2 WHERE uuid = $1 AND kind = 'user' RETURNING id`, person, hash)
		if err != nil {
			return notFound(err, fmt.Sprintf("There is no user with the id %s.", person))
		}
		if err := auditPerson(ctx, t, coreshed.Operator, coreshed.ActPersonChange, row, details{"password": "changed"}); err != nil {
			return err
		}
		return signOut(ctx, t, person)
	})
}

// Disable keeps an account from acting, and ends its sessions and what clients
// were allowed to do for it. The account's name stays on what it made.
func (db *DB) Disable(ctx context.Context, person coreshed.UUID) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := personRow(ctx, t, person)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE people SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL`, row, db.micros())
		if err == nil && n > 0 {
			err = auditPerson(ctx, t, coreshed.Operator, coreshed.ActPersonDisable, row, nil)
		}
		if err != nil {
			return err
		}
		return signOut(ctx, t, person)
	})
}

// Enable lets a disabled account act again.
func (db *DB) Enable(ctx context.Context, person coreshed.UUID) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		row, err := personRow(ctx, t, person)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE people SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL`, row)
		if err != nil || n == 0 {
			return err
		}
		return auditPerson(ctx, t, coreshed.Operator, coreshed.ActPersonEnable, row, nil)
	})
}

// checkEmail refuses what cannot be an e-mail address. Whether it is one, only
// a letter to it could show.
func checkEmail(email string) error {
	name, domain, ok := strings.Cut(email, "@")
	bad := strings.ContainsFunc(email, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	if !ok || bad || name == "" || domain == "" || strings.Contains(domain, "@") || len(email) > 254 {
		return coreshed.Errorf(coreshed.Invalid, "%q is not an e-mail address.", email)
	}
	return nil
}

// emailKey is equal for spellings of one address. It folds ASCII alone: with
// Unicode's folding two mailboxes that belong to different people can be equal.
func emailKey(email string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, email)
}
