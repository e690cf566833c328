package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/server"
)

type serveCmd struct {
	Listen      string `group:"Addresses" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Plain HTTP on loopback, and the CONNECT door through which https needs no port 443. Port 0 takes a free one."`
	ListenPlain bool   `group:"Addresses" help:"Permit --listen on an address that is not loopback. Tokens and files then cross the network unsealed, unless a proxy in front speaks TLS."`
	TLSListen   string `name:"tls-listen" group:"Addresses" placeholder:"ADDR" help:"HTTPS, such as :443."`
	TLSCert     string `name:"tls-cert" group:"Addresses" placeholder:"FILE" type:"path" help:"Certificate chain, PEM; read again when it changes. A local CA's certificate without it."`
	TLSKey      string `name:"tls-key" group:"Addresses" placeholder:"FILE" type:"path" help:"Its key."`
	TLSName     string `name:"tls-name" group:"Addresses" default:"coreshed.localhost" placeholder:"NAME" help:"The name of the CONNECT door and of the local certificate."`
	PublicURL   string `name:"public-url" group:"Addresses" placeholder:"URL" help:"The address of all links and signed URLs, such as https://files.example.org; else the one that a request came to."`

	TrustedProxies []netip.Prefix `name:"trusted-proxy" group:"Addresses" placeholder:"CIDR" help:"Proxies whose X-Forwarded headers count."`
	MetricsAllow   []netip.Prefix `name:"metrics-allow" group:"Addresses" placeholder:"CIDR" help:"Who may read /metrics; else loopback."`
	CORS           []string       `name:"cors" group:"Addresses" placeholder:"ORIGIN" help:"Origins whose web pages may use signed URLs; * for all."`

	MinFree     bytesFlag     `name:"min-free" default:"1GiB" help:"Free space below which uploads are refused; reads and deletes go on."`
	URLLifetime time.Duration `name:"url-lifetime" default:"30m" help:"How long signed URLs live."`
	ScrubEvery  time.Duration `name:"scrub-every" default:"720h" help:"How often all bytes in the own store are read and compared with their SHA-256; 0 for never. What is damaged is not served any more: see coreshed scrub."`
	ScrubRate   bytesFlag     `name:"scrub-rate" default:"32MiB" help:"How many of them in a second, at most."`
	Drain       time.Duration `default:"30s" help:"How long running transfers may go on at shutdown."`
	Issuer      []issuerFlag  `placeholder:"URL,audience=A[,domains=D+D][,scopes=S+S]" sep:"none" help:"An OpenID Connect issuer whose tokens are taken too. Roles given to e-mail addresses of these domains bind to its verified users. Repeatable."`

	ScaleAnonymous string `name:"scale-anonymous" enum:",viewer" default:"" placeholder:"viewer" help:"With viewer: callers without credentials may list and download on /v6/ whatever lies in any workspace."`

	Static []staticFlag `placeholder:"PATH=DIR" sep:"none" help:"Serve a folder to everybody, such as a web page that uses the API from the same origin: /=DIR, or /ui=DIR. Paths of the API stay the API's. Repeatable."`

	AllowRoot []string       `name:"allow-root" group:"Files that lie in place" placeholder:"DIR" type:"path" sep:"none" help:"A folder below which workspaces of type host may lie. Never the data folder, nor one that holds it or lies in it. Repeatable."`
	NFSMount  []nfsMountFlag `name:"nfs-mount" group:"Files that lie in place" placeholder:"SERVER:/PATH=DIR" sep:"none" help:"Where an NFS export is mounted, for workspaces of type nfs. Repeatable."`

	AllowEndpoint []string `name:"allow-endpoint" group:"Files that lie in place" placeholder:"HOST[:PORT]" help:"A server of buckets or queues that may be reached, such as s3.eu-west-1.amazonaws.com or *.amazonaws.com; never a link-local address. Repeatable."`

	AuditCheckpoint string `name:"audit-checkpoint" placeholder:"FILE" type:"path" help:"Also write the newest signed checkpoint of the audit log to this file: best on a disk that whoever administers the database cannot write to."`

	Ephemeral     bool   `group:"Throw-away server" help:"Keep everything in memory, take a free port, and print one line of JSON when ready."`
	Seed          string `group:"Throw-away server" placeholder:"DIR" type:"existingdir" help:"Upload this folder before saying ready."`
	ExitWithStdin bool   `group:"Throw-away server" help:"Stop when standard input ends: with whoever started this."`

	LogLevel  slog.Level `default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat string     `enum:"text,json" default:"text" help:"text or json; to standard error."`
}

func (*serveCmd) Help() string {
	return `The data folder is made when it is absent, with an organisation, a workspace "Default" and an admin whose one-time password lies in a file in it.

  coreshed serve --data ./shed
  eval "$(coreshed env --data ./shed)"      in another terminal

Ready means that /readyz answers 200. Interrupt it to stop: running transfers may end first. A throw-away server for tests:

  coreshed serve --ephemeral --seed testdata/geo`
}

// issuerFlag is an external issuer.
type issuerFlag auth.ExternalIssuer

// UnmarshalText reads URL,audience=A,domains=D+D,scopes=S+S.
func (f *issuerFlag) UnmarshalText(text []byte) error {
	url, rest, _ := strings.Cut(string(text), ",")
	f.Issuer = url
	for pair := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "audience":
			f.Audience = value
		case "domains":
			f.EmailDomains = strings.Split(value, "+")
		case "scopes":
			f.Scopes = strings.Split(value, "+")
		default:
			return fmt.Errorf("%q is not audience=, domains= or scopes=", pair)
		}
	}
	if f.Audience == "" {
		return errors.New("an issuer needs an audience: URL,audience=NAME")
	}
	return nil
}

// nfsMountFlag says where an NFS export is mounted.
type nfsMountFlag broker.Mount

// UnmarshalText reads SERVER:/PATH=DIR.
func (f *nfsMountFlag) UnmarshalText(text []byte) error {
	export, dir, ok := strings.Cut(string(text), "=")
	if !ok || export == "" || dir == "" {
		return errors.New("a mount is SERVER:/PATH=DIR")
	}
	f.Export, f.Dir = export, dir
	return nil
}

type staticFlag server.Static

// UnmarshalText reads PATH=DIR.
func (f *staticFlag) UnmarshalText(text []byte) error {
	path, dir, ok := strings.Cut(string(text), "=")
	if !ok || !strings.HasPrefix(path, "/") || dir == "" {
		return errors.New("a static folder is /PATH=DIR")
	}
	f.Path, f.Dir = path, dir
	return nil
}

// reach is what brokers may reach.
func (c *serveCmd) reach() broker.Bounds {
	b := broker.Bounds{Roots: c.AllowRoot, Endpoints: c.AllowEndpoint}
	for _, m := range c.NFSMount {
		b.Mounts = append(b.Mounts, broker.Mount(m))
	}
	return b
}

func (c *serveCmd) config(a *app) server.Config {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	var handler slog.Handler = slog.NewTextHandler(a.stderr, options)
	if c.LogFormat == "json" {
		handler = slog.NewJSONHandler(a.stderr, options)
	}
	sc := server.Config{
		Data: a.Data, Ephemeral: c.Ephemeral, Database: a.Database,
		Listen: c.Listen, ListenPlain: c.ListenPlain, TLSListen: c.TLSListen,
		TLSCert: c.TLSCert, TLSKey: c.TLSKey, TLSName: c.TLSName, PublicURL: strings.TrimRight(c.PublicURL, "/"),
		Reach: c.reach(), Floor: int64(c.MinFree), URLLifetime: c.URLLifetime, Drain: c.Drain, CORS: c.CORS,
		TrustedProxies: c.TrustedProxies, MetricsAllow: c.MetricsAllow, Version: version, Log: slog.New(handler),
	}
	sc.ScrubEvery, sc.ScrubRate = c.ScrubEvery, int64(c.ScrubRate)
	sc.AuditCheckpoint = c.AuditCheckpoint
	sc.Org, sc.ScaleAnonymous = a.Org, c.ScaleAnonymous == string(coreshed.Viewer)
	for _, s := range c.Static {
		sc.Static = append(sc.Static, server.Static(s))
	}
	for _, i := range c.Issuer {
		sc.Issuers = append(sc.Issuers, auth.ExternalIssuer(i))
	}
	if c.Ephemeral {
		sc.ScrubEvery = 0
		sc.Listen = "127.0.0.1:0"
		sc.Log = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: max(c.LogLevel, slog.LevelWarn)}))
	}
	return sc
}

func (c *serveCmd) Run(ctx context.Context, a *app) error {
	if c.Seed != "" && !c.Ephemeral {
		return usagef("--seed goes with --ephemeral")
	}
	if c.ScrubRate == 0 {
		return usagef("--scrub-rate 0 would read for ever: --scrub-every 0 is never")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return usagef("--tls-cert and --tls-key go together")
	}
	if os.Getenv("GOGC") == "" {
		// Little is alive at any time, so the default would collect many times a
		// second: a third of what small downloads cost.
		debug.SetGCPercent(400)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s, err := server.Open(ctx, c.config(a))
	if err != nil {
		return err
	}
	err = c.serve(ctx, stop, a, s)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Drain)
	defer cancel()
	return errors.Join(err, s.Close(drain))
}

// serve answers until ctx ends or a listener fails.
func (c *serveCmd) serve(ctx context.Context, stop func(), a *app, s *server.Server) error {
	if err := s.Start(); err != nil {
		return err
	}
	if c.ExitWithStdin {
		go func() {
			io.Copy(io.Discard, a.stdin) //nolint:errcheck // its end is all that counts
			stop()
		}()
	}
	if err := c.announce(ctx, a, s); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.Failed():
		return fmt.Errorf("serve: %w", err)
	}
}

// announce says where the server is: to programs by JSON, to people by words.
func (c *serveCmd) announce(ctx context.Context, a *app, s *server.Server) error {
	if c.Ephemeral {
		e, err := s.Ephemeral(ctx)
		if err != nil {
			return err
		}
		if err := c.seed(ctx, e); err != nil {
			return err
		}
		return json.NewEncoder(a.stdout).Encode(e)
	}
	r := s.Running()
	fmt.Fprintf(a.stdout, "Coreshed is ready at %s, with its data in %s\n", r.URL, a.Data)
	if f := s.First; f != nil {
		fmt.Fprintf(a.stdout, "Made organisation %q and workspace %q. The admin is %s, with the one-time password in %s\n",
			f.Organisation.Name, f.Workspace.Title, f.Admin.Email, f.PasswordFile)
	}
	return nil
}

// seed uploads a folder through the public client. Uploads leave no journal: a
// throw-away server has nothing to resume.
func (c *serveCmd) seed(ctx context.Context, e server.Ephemeral) error {
	if c.Seed == "" {
		return nil
	}
	cl, err := client.New(client.Config{Hub: e.URL, Token: e.Token})
	if err != nil {
		return err
	}
	files := cl.Files(e.OrgID, e.WorkspaceID)
	return filepath.WalkDir(c.Seed, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(c.Seed, name)
		if err != nil {
			return err
		}
		return seedFile(ctx, files, filepath.ToSlash(rel), name)
	})
}

func seedFile(ctx context.Context, files *client.Files, path, name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	_, err = files.Upload(ctx, client.Path(path), bytes.NewReader(content), int64(len(content)), client.UploadOptions{})
	return err
}
