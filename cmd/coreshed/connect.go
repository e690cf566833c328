package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/server"
	"github.com/coreshed/coreshed/internal/store"
)

// defaultServer is where a server is that nobody has told otherwise.
const defaultServer = "http://127.0.0.1:8080"

// connect returns a client of the server that the flags name. With a data
// folder, that is the server that runs on it, and tokens are made with the key
// in it; the environment is then not looked at.
func (a *app) connect() (*client.Client, error) {
	c := client.Config{
		Hub: a.Server, Proxy: a.Proxy, CAFile: a.CAFile, Concurrency: transfers,
		UserAgent: "coreshed/" + version,
	}
	var err error
	if c.Token, err = a.token(); err != nil {
		return nil, err
	}
	if a.Data != "" {
		err = a.connectData(&c)
	} else {
		c.Hub = first(c.Hub, os.Getenv("HUB_URL"), defaultServer)
		c.Proxy = first(c.Proxy, os.Getenv("PROXY"))
		c.CAFile = first(c.CAFile, os.Getenv("SSL_CERT_FILE"))
	}
	if err != nil {
		return nil, err
	}
	return client.New(c)
}

func (a *app) connectData(c *client.Config) error {
	if c.Hub == "" {
		running, err := a.running()
		if err != nil {
			return err
		}
		c.Hub, c.CAFile = running.URL, first(c.CAFile, running.CAFile)
	}
	if c.Token == "" {
		c.TokenSource = oauth2.ReuseTokenSource(nil, minted{a})
	}
	return nil
}

// running returns where the server is that runs on the data folder.
func (a *app) running() (server.Running, error) {
	r, err := server.ReadRunning(a.Data)
	if errors.Is(err, fs.ErrNotExist) {
		err = coreshed.Errorf(coreshed.NotFound, "no server is running on %s: start one with: coreshed serve --data %s", a.Data, a.Data)
	}
	return r, err
}

// token returns the token that the flags or the environment give, or "".
func (a *app) token() (string, error) {
	if a.TokenFile != "" {
		text, err := os.ReadFile(a.TokenFile)
		if err != nil {
			return "", err
		}
		return checkToken(strings.TrimSpace(string(text)), a.TokenFile)
	}
	if a.Data != "" {
		return "", nil
	}
	return checkToken(os.Getenv("TOKEN"), "$TOKEN")
}

// checkToken refuses what cannot be a bearer token (RFC 6750 §2.1), and shows
// no more of it than one character.
func checkToken(token, from string) (string, error) {
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return "", usagef("the token in %s has the character %q, which no token has", from, r)
		}
	}
	return token, nil
}

// minted makes tokens with the key in the data folder.
type minted struct{ a *app }

// mintedTTL is how long they are good: another is made when one has expired.
const mintedTTL = 15 * time.Minute

func (m minted) Token() (*oauth2.Token, error) {
	ctx := context.Background() // an oauth2.TokenSource knows of none
	db, err := m.a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	token, err := m.a.mint(ctx, db, mintFor{role: auth.AdminRole, ttl: mintedTTL})
	return &oauth2.Token{AccessToken: token, Expiry: time.Now().Add(mintedTTL)}, errors.Join(err, db.Close())
}

// files returns the files of the workspace that the flags name.
func (a *app) files(ctx context.Context) (*client.Files, error) {
	c, err := a.connect()
	if err != nil {
		return nil, err
	}
	org, err := a.organisation(ctx, c)
	if err != nil {
		return nil, err
	}
	workspace, err := a.workspace(ctx, c, org)
	if err != nil {
		return nil, err
	}
	return c.Files(org, workspace), nil
}

func (a *app) organisation(ctx context.Context, c *client.Client) (coreshed.UUID, error) {
	name := a.orgName()
	if id, err := uuid.Parse(name); err == nil {
		return id, nil
	}
	orgs, err := c.Organisations(ctx)
	if err != nil {
		return coreshed.UUID{}, fmt.Errorf("find the organisation: %w", err)
	}
	var names []string
	for _, o := range orgs {
		if name != "" && coreshed.FoldPath(o.Name) == coreshed.FoldPath(name) || name == "" && len(orgs) == 1 {
			return o.ID, nil
		}
		names = append(names, o.Name)
	}
	return coreshed.UUID{}, choose("organisation", "--org", name, names)
}

func (a *app) workspace(ctx context.Context, c *client.Client, org coreshed.UUID) (coreshed.UUID, error) {
	name := a.workspaceName()
	if id, err := uuid.Parse(name); err == nil {
		return id, nil
	}
	list, err := workspaces(ctx, c, org)
	if err != nil {
		return coreshed.UUID{}, err
	}
	i, err := pick(list, name)
	if err != nil {
		return coreshed.UUID{}, err
	}
	return list[i].uuid, nil
}

// choose says what there was to choose from.
func choose(what, flag, name string, names []string) error {
	switch {
	case name != "":
		return coreshed.Errorf(coreshed.NotFound, "there is no %s %q; there are: %s", what, name, strings.Join(names, ", "))
	case len(names) == 0:
		return coreshed.Errorf(coreshed.NotFound, "there is no %s that this token may use", what)
	}
	return usagef("which %s? say %s with one of: %s", what, flag, strings.Join(names, ", "))
}

func (a *app) orgName() string {
	if a.Org != "" || a.Data != "" {
		return a.Org
	}
	return os.Getenv("ORG_ID")
}

func (a *app) workspaceName() string {
	if a.Workspace != "" || a.Data != "" {
		return a.Workspace
	}
	return os.Getenv("WORKSPACE_ID")
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// ref reads how a file is named on the command line: by a path, or by an id. A
// slash in front makes a path of what looks like an id.
func ref(name string) client.Ref {
	if id, err := uuid.Parse(name); err == nil && len(name) == 36 {
		return client.ID(id)
	}
	return client.Path(name)
}

// openStore opens the database of the data folder, or the one that --database
// names. It makes none.
func (a *app) openStore(ctx context.Context) (*store.DB, error) {
	url := a.Database
	if url == "" {
		if a.Data == "" {
			return nil, usagef("say --data DIR, the server's data folder, or --database URL")
		}
		url = server.DatabaseURL(a.Data)
		if _, err := os.Stat(strings.TrimPrefix(url, "sqlite:")); err != nil {
			return nil, fmt.Errorf("%s is no data folder of a server yet: run coreshed serve --data %s first", a.Data, a.Data)
		}
	}
	return store.Open(ctx, store.Config{URL: url})
}

// withStore runs do with the database open.
func (a *app) withStore(ctx context.Context, do func(*store.DB) error) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

// storeOrg returns the organisation that the flags name, from the store.
func (a *app) storeOrg(ctx context.Context, db *store.DB) (coreshed.Organisation, error) {
	orgs, err := db.Organisations(ctx)
	if err != nil {
		return coreshed.Organisation{}, err
	}
	var names []string
	for _, o := range orgs {
		if a.Org == "" && len(orgs) == 1 || a.Org != "" && (o.ID.String() == a.Org || coreshed.FoldPath(o.Name) == coreshed.FoldPath(a.Org)) {
			return o, nil
		}
		names = append(names, o.Name)
	}
	return coreshed.Organisation{}, choose("organisation", "--org", a.Org, names)
}
