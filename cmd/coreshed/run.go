package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/alecthomas/kong"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

// globals are the flags of every verb.
type globals struct {
	Config configFile `placeholder:"FILE" help:"A JSON file with values for flags: {\"data\": \"/srv/coreshed\", \"tls-name\": \"…\"}."`
	Output string     `short:"o" enum:"text,tree,json,csv" default:"text" help:"text or json; tree is the text of a lineage, csv a purge's report."`

	Data      string `placeholder:"DIR" help:"The server's data folder. With it, no address and no token are needed."`
	Database  string `placeholder:"URL" help:"The server's database (postgres://…), when it is not in the data folder."`
	Server    string `group:"Reaching a server" placeholder:"URL" help:"Where the server is; else $HUB_URL, else http://127.0.0.1:8080."`
	Org       string `group:"Reaching a server" placeholder:"ID" help:"The organisation; else $ORG_ID, else the only one. To serve: the one of which /v6/ and /coreshed/v1/ tell, else the oldest."`
	Workspace string `group:"Reaching a server" short:"w" placeholder:"NAME|ID" help:"The workspace, by its title, name or id; else $WORKSPACE_ID, else the only one."`
	TokenFile string `group:"Reaching a server" placeholder:"FILE" help:"A file with an access token; else $TOKEN."`
	Proxy     string `group:"Reaching a server" placeholder:"URL" help:"The proxy on the way to it; else $PROXY."`
	CAFile    string `name:"ca-file" group:"Reaching a server" placeholder:"FILE" help:"The roots to trust, PEM; else $SSL_CERT_FILE."`
}

// expand makes paths absolute. Kong's own type for paths would make the
// current folder of an empty one.
func (g *globals) expand() {
	for _, path := range []*string{&g.Data, &g.TokenFile, &g.CAFile} {
		if *path != "" {
			*path = kong.ExpandPath(*path)
		}
	}
}

// app is what a verb works with.
type app struct {
	globals
	stdin          io.Reader
	stdout, stderr io.Writer
}

const description = `Coreshed keeps geospatial files with their versions, catalogues what lies elsewhere, and knows what was made from what, for programs that speak the Evo File API, Scale's v6 file services or OpenLineage.

Every flag is also a variable of the environment, CORESHED_ and its name, and a key in the file that --config names: a flag beats the environment, which beats the file.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 not found; 4 not permitted; 5 in conflict with what is there; 6 no space left; 130 interrupted.`

// The exit codes, as description promises them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitDenied      = 4
	exitConflict    = 5
	exitFull        = 6
	exitInterrupted = 130
)

// usageError is a command line that cannot be carried out.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var v verbs
	exited := false
	parser, err := kong.New(&v,
		kong.Name("coreshed"), kong.Description(description), kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true; panic(exitEarly{}) }),
		kong.DefaultEnvars("CORESHED"), kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "files", Title: "Files"}, {Key: "catalogue", Title: "Catalogue"}, {Key: "server", Title: "Server"}, {Key: "admin", Title: "Administration"},
			{Key: "more", Title: "More"},
		}))
	if err != nil {
		panic(err) // the grammar above is wrong
	}
	parsed, err := parse(parser, args, &exited)
	if exited {
		return 0
	}
	v.expand()
	a := &app{globals: v.globals, stdin: stdin, stdout: stdout, stderr: stderr}
	if err == nil {
		parsed.BindTo(ctx, (*context.Context)(nil))
		err = parsed.Run(a)
	}
	if err == nil {
		return 0
	}
	code := exitCode(ctx, err)
	if code == exitInterrupted {
		err = errors.New("interrupted")
	}
	for _, m := range messages(err) {
		fmt.Fprintf(stderr, "coreshed: %s\n", m)
	}
	return code
}

// exitEarly ends parsing when --help has been answered.
type exitEarly struct{}

func parse(parser *kong.Kong, args []string, exited *bool) (parsed *kong.Context, err error) {
	defer func() {
		if p := recover(); p != nil && !*exited {
			panic(p)
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err = parser.Parse(args)
	if err != nil {
		return nil, usageError{fmt.Errorf("%w (try --help)", err)}
	}
	return parsed, nil
}

func exitCode(ctx context.Context, err error) int {
	var usage usageError
	var refused *client.Error
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return exitDenied
	}
	switch coreshed.KindOf(err) {
	case coreshed.NotFound, coreshed.Gone:
		return exitNotFound
	case coreshed.Forbidden, coreshed.Unauthenticated, coreshed.InvalidToken:
		return exitDenied
	case coreshed.Conflict, coreshed.Committed, coreshed.Held:
		return exitConflict
	case coreshed.Full:
		return exitFull
	}
	return exitFailed
}
