package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/store"
)

type userCmd struct {
	Add     userAdd     `cmd:"" help:"Add a user."`
	List    userList    `cmd:"" help:"List users and other accounts."`
	Passwd  userPasswd  `cmd:"" help:"Give a user another password."`
	Reset   userReset   `cmd:"" help:"Give a user a generated password, and print it."`
	Disable userDisable `cmd:"" help:"Keep a user from doing anything."`
	Enable  userEnable  `cmd:"" help:"Let a disabled user act again."`
}

// Help teaches the verb.
func (userCmd) Help() string {
	return `Works on the database of a server, also while that runs. Whoever has the data folder can give the administrator a new password.

    coreshed user add rosa@example.org --name "Rosa Diaz" --data /srv/coreshed

    coreshed user reset admin@coreshed.localhost --data /srv/coreshed`
}

// password is how a password is given: never as an argument, since others can
// see those.
type password struct {
	PasswordFile string `placeholder:"FILE" help:"A file with the password; - is standard input. Without it, the terminal asks."`
}

// read returns the password: the first line of the file, or of standard input
// when that is no terminal.
func (p password) read(a *app) (string, error) {
	switch {
	case p.PasswordFile != "" && p.PasswordFile != "-":
		f, err := os.Open(p.PasswordFile)
		if err != nil {
			return "", err
		}
		defer f.Close()
		return firstLine(f)
	case p.PasswordFile == "-" || !terminal(a.stdin):
		return firstLine(a.stdin)
	}
	return askTwice(a)
}

func firstLine(r io.Reader) (string, error) {
	text, err := bufio.NewReader(r).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(text, "\r\n"), nil
}

func askTwice(a *app) (string, error) {
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(a.stderr, prompt)
		text, err := term.ReadPassword(int(a.stdin.(*os.File).Fd()))
		fmt.Fprintln(a.stderr)
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", usagef("the two passwords are not the same")
	}
	return typed[0], nil
}

type userAdd struct {
	Email string `arg:"" help:"Their e-mail address, with which they sign in."`
	Name  string `help:"Their name."`
	Admin bool   `help:"Make them an admin of the organisation, who may do everything."`
	password
}

// Run adds the user.
func (c userAdd) Run(ctx context.Context, a *app) error {
	text, err := c.read(a)
	if err != nil {
		return err
	}
	hash, err := auth.NewHasher().Hash(ctx, text)
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(db *store.DB) error {
		org, err := a.storeOrg(ctx, db)
		if err != nil {
			return err
		}
		p, err := db.AddUser(ctx, org.ID, store.NewUser{Email: c.Email, Name: c.Name, PasswordHash: hash, Admin: c.Admin})
		if err != nil {
			return err
		}
		row := userRow{ID: p.ID, Email: p.Email, Name: p.Name, Kind: store.UserAccount, Admin: c.Admin}
		return fields(a, row, field{"id", row.ID}, field{"e-mail", row.Email}, field{"name", row.Name}, field{"admin", row.Admin})
	})
}

// userRow is an account as it is printed.
type userRow struct {
	ID         coreshed.UUID `json:"id"`
	Kind       string        `json:"kind"`
	Email      string        `json:"email,omitempty"`
	Name       string        `json:"name,omitempty"`
	Admin      bool          `json:"admin"`
	CreatedAt  time.Time     `json:"created_at,omitzero"`
	DisabledAt time.Time     `json:"disabled_at,omitzero"`
}

type userList struct {
	All bool `help:"Also services, subjects of other issuers, and the accounts behind tokens."`
}

// Run lists the users.
func (c userList) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(db *store.DB) error {
		org, err := a.storeOrg(ctx, db)
		if err != nil {
			return err
		}
		members, err := db.Members(ctx, org.ID)
		if err != nil {
			return err
		}
		var rows []userRow
		for _, m := range members {
			if c.All || m.Kind == store.UserAccount {
				rows = append(rows, userRow{m.ID, m.Kind, m.Email, m.Name, m.Admin, m.CreatedAt, m.DisabledAt})
			}
		}
		return table(a, rows, "E-MAIL\tNAME\tKIND\tADMIN\tDISABLED\tID", func(u userRow) []any {
			return []any{u.Email, u.Name, u.Kind, u.Admin, u.DisabledAt, u.ID}
		})
	})
}

type userPasswd struct {
	Email string `arg:"" help:"Whose password."`
	password
}

// Run changes the password and ends what was begun with the old one.
func (c userPasswd) Run(ctx context.Context, a *app) error {
	text, err := c.read(a)
	if err != nil {
		return err
	}
	return a.withUser(ctx, c.Email, func(db *store.DB, u store.Account) error {
		return auth.SetPassword(ctx, db, auth.NewHasher(), u.Person, text)
	})
}

type userReset struct {
	Email string `arg:"" help:"Whose password."`
}

// Run sets a generated password and prints it alone.
func (c userReset) Run(ctx context.Context, a *app) error {
	text := auth.NewSecret()
	return a.withUser(ctx, c.Email, func(db *store.DB, u store.Account) error {
		if err := auth.SetPassword(ctx, db, auth.NewHasher(), u.Person, text); err != nil {
			return err
		}
		if u.Disabled() {
			fmt.Fprintf(a.stderr, "coreshed: %s is disabled; enable them with: coreshed user enable\n", visible(c.Email))
		}
		if a.json() {
			return a.printJSON(map[string]string{"email": u.Email, "password": text})
		}
		_, err := fmt.Fprintln(a.stdout, text)
		return err
	})
}

type userDisable struct {
	Email string `arg:"" help:"Whom."`
}

// Run disables the user.
func (c userDisable) Run(ctx context.Context, a *app) error {
	return a.withUser(ctx, c.Email, func(db *store.DB, u store.Account) error { return db.Disable(ctx, u.ID) })
}

type userEnable struct {
	Email string `arg:"" help:"Whom."`
}

// Run enables the user.
func (c userEnable) Run(ctx context.Context, a *app) error {
	return a.withUser(ctx, c.Email, func(db *store.DB, u store.Account) error { return db.Enable(ctx, u.ID) })
}

func (a *app) withUser(ctx context.Context, email string, do func(*store.DB, store.Account) error) error {
	return a.withStore(ctx, func(db *store.DB) error {
		u, err := db.User(ctx, email)
		if errors.Is(err, coreshed.NotFound) {
			err = coreshed.Errorf(coreshed.NotFound, "there is no user %s", email)
		}
		if err != nil {
			return err
		}
		return do(db, u)
	})
}
