// Command coreshed is the server and its command line: one verb per file. Verbs
// that handle files go through the public client; those that manage accounts,
// keys and workspaces work on the store itself, also while a server runs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker.
var version = "dev"

// verbs are all verbs, in the order of the help.
type verbs struct {
	globals

	Serve serveCmd `cmd:"" group:"server" help:"Run the server."`
	Env   envCmd   `cmd:"" group:"server" help:"Print the environment that programs need to reach the server."`
	Token tokenCmd `cmd:"" group:"server" help:"Print an access token."`

	Put      putCmd      `cmd:"" group:"files" help:"Upload files."`
	Get      getCmd      `cmd:"" group:"files" help:"Download files."`
	Ls       lsCmd       `cmd:"" group:"files" help:"List files."`
	Stat     statCmd     `cmd:"" group:"files" help:"Show what is known of a file."`
	Versions versionsCmd `cmd:"" group:"files" help:"List the versions of a file."`
	Rm       rmCmd       `cmd:"" group:"files" help:"Delete files; they can be restored."`
	Restore  restoreCmd  `cmd:"" group:"files" help:"Restore a deleted file."`
	Du       duCmd       `cmd:"" group:"files" help:"Add up sizes by folder."`
	Ingest   ingestCmd   `cmd:"" group:"files" help:"Register the files of a folder or bucket where they lie."`
	Describe describeCmd `cmd:"" group:"files" help:"Say, or show, what a file is about: times, place, sensor, tags."`

	Run      runsCmd     `cmd:"" group:"catalogue" help:"What was done with files: record it, list it."`
	Lineage  lineageCmd  `cmd:"" group:"catalogue" help:"Show what a file was made from, or what was made from it."`
	Distrust distrustCmd `cmd:"" group:"catalogue" help:"Which files must not be relied on, and what that makes stale."`
	Hold     holdCmd     `cmd:"" group:"catalogue" help:"What must not be deleted or purged: hold it, list holds, lift them."`
	Purge    purgeCmd    `cmd:"" group:"catalogue" help:"Remove files for good, with everything that was made from them."`
	Barrier  barrierCmd  `cmd:"" group:"catalogue" help:"Where purged files are not taken again: list it, lift it."`

	User      userCmd      `cmd:"" group:"admin" help:"People who sign in with a password."`
	Client    clientCmd    `cmd:"" group:"admin" help:"Programs that get tokens."`
	Grant     grantCmd     `cmd:"" group:"admin" help:"Who may do what in which workspace."`
	Key       keyCmd       `cmd:"" group:"admin" help:"Keys that sign tokens and URLs, and that seal the credentials of buckets."`
	Workspace workspaceCmd `cmd:"" group:"admin" help:"Workspaces and their quotas."`
	Doctor    doctorCmd    `cmd:"" group:"admin" help:"Check that every version has its bytes, and everything else that must hold."`
	Scrub     scrubCmd     `cmd:"" group:"admin" help:"Whether all bytes were read again lately, and which files are damaged."`
	Audit     auditCmd     `cmd:"" group:"admin" help:"Who has done what, and whether the log of it is whole."`
	Countries countriesCmd `cmd:"" group:"admin" help:"Borders of countries, by which footprints are placed."`

	Bench   benchCmd   `cmd:"" group:"more" help:"Measure the server on this computer."`
	Version versionCmd `cmd:"" group:"more" help:"Print the version."`
}

func main() {
	// The second signal ends the program at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
