package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/server"
	"github.com/coreshed/coreshed/internal/store"
)

type envCmd struct {
	Format string        `enum:"sh,powershell,dotenv,json" default:"sh" help:"sh, powershell, dotenv or json."`
	Role   string        `enum:"viewer,editor,owner,admin" default:"owner" help:"What TOKEN permits."`
	TTL    time.Duration `name:"ttl" default:"8h" help:"How long TOKEN is good."`
}

// Help teaches the verb.
func (envCmd) Help() string {
	return `Prints HUB_URL, DISCOVERY_URL, ISSUER, CLIENT_ID, ORG_ID, WORKSPACE_ID, TOKEN, PROXY and SSL_CERT_FILE of the server that runs on the data folder: what the Evo clients, and this program, take from the environment. The hub is the server's https address, reached through its own proxy, since Evo clients take no signed URL with a port. SSL_CERT_FILE holds the system's roots and the server's own.

    eval "$(coreshed env --data /srv/coreshed)"

    coreshed env --data C:\coreshed --format powershell | Out-String | Invoke-Expression`
}

// variable is one of the environment.
type variable struct{ name, value string }

// Run prints the environment.
func (c envCmd) Run(ctx context.Context, a *app) error {
	if a.Data == "" {
		return usagef("say --data DIR, the data folder of a server that runs")
	}
	running, err := a.running()
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(db *store.DB) error {
		list, err := c.variables(ctx, a, db, running)
		if err != nil {
			return err
		}
		return c.print(a, list)
	})
}

func (c envCmd) variables(ctx context.Context, a *app, db *store.DB, running server.Running) ([]variable, error) {
	org, err := a.storeOrg(ctx, db)
	if err != nil {
		return nil, err
	}
	op, err := newOperator(ctx, db, org)
	if err != nil {
		return nil, err
	}
	access, err := op.access(ctx, a.Workspace, false)
	if err != nil {
		return nil, err
	}
	token, err := a.mint(ctx, db, mintFor{role: c.Role, ttl: c.TTL})
	if err != nil {
		return nil, err
	}
	hub, proxy := running.TLSURL, running.Proxy
	if public := first(a.Server, running.URL); public != running.Proxy {
		hub, proxy = public, "" // it is reached without the door
	}
	return []variable{
		// The issuer's pages open in a browser, which knows nothing of the proxy.
		{"HUB_URL", hub}, {"DISCOVERY_URL", hub}, {"ISSUER", first(a.Server, running.URL)}, {"CLIENT_ID", auth.NativeClient},
		{"ORG_ID", org.ID.String()}, {"WORKSPACE_ID", access.Workspace.UUID.String()}, {"TOKEN", token},
		{"PROXY", proxy}, {"SSL_CERT_FILE", running.CAFile},
	}, nil
}

func (c envCmd) print(a *app, list []variable) error {
	if c.Format == "json" || a.json() {
		values := map[string]string{}
		for _, v := range list {
			values[v.name] = v.value
		}
		return a.printJSON(values)
	}
	for _, v := range list {
		fmt.Fprintln(a.stdout, c.line(v))
	}
	return nil
}

func (c envCmd) line(v variable) string {
	switch c.Format {
	case "powershell":
		return "$env:" + v.name + " = '" + strings.ReplaceAll(v.value, "'", "''") + "'"
	case "dotenv":
		return v.name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(v.value) + `"`
	}
	return "export " + v.name + "='" + strings.ReplaceAll(v.value, "'", `'\''`) + "'"
}
