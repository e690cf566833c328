package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/coreshed/coreshed/internal/bench"
)

type benchCmd struct {
	Blobs     benchBlobsCmd     `cmd:"" help:"Uploads and downloads, beside a server that does the least possible, and nginx."`
	Files     benchFilesCmd     `cmd:"" help:"Metadata, in a workspace of a million files."`
	Catalogue benchCatalogueCmd `cmd:"" help:"Lists of files of a catalogue of a million, beside the SQL of Scale."`
	Load      benchLoadCmd      `cmd:"" help:"How fast rows are brought in: files, runs, recipes."`
	Lineage   benchLineageCmd   `cmd:"" help:"How fast lineage is followed, in a graph of millions of edges."`
	Purge     benchPurgeCmd     `cmd:"" help:"How fast files are deleted and purged, and what that leaves to readers."`
	Limit     benchLimitCmd     `cmd:"" hidden:"" help:"The server that does the least possible."`
}

type benchBlobsCmd struct {
	Rounds          int       `default:"5" help:"How often each test runs."`
	Dir             string    `placeholder:"DIR" type:"path" help:"Where to write; on the disk that is to be measured. Else the system's temporary folder."`
	Size            bytesFlag `default:"256MiB" help:"Of the large file."`
	Small           int       `default:"2000" help:"How many files of 4 KiB."`
	CommitBlocks    int       `default:"2500" help:"How many blocks the timed commit has."`
	CommitBlockSize bytesFlag `default:"4KiB" help:"Of each of them."`
	TransferSize    bytesFlag `default:"32MiB" help:"Of each of 64 transfers at once, while memory is measured."`
	Full            bool      `help:"One commit of blocks of 4 MiB, and transfers of 256 MiB; needs 35 GB of disk."`
}

// Run measures and prints.
func (c *benchBlobsCmd) Run(ctx context.Context, a *app) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	b := bench.Blobs{
		Binary: binary, Dir: c.Dir, Rounds: c.Rounds, Size: int64(c.Size), Small: c.Small,
		CommitBlocks: c.CommitBlocks, CommitBlockSize: int64(c.CommitBlockSize), CommitRounds: c.Rounds,
		TransferSize: int64(c.TransferSize), Log: a.stderr,
	}
	if c.Full {
		b.CommitBlockSize, b.CommitRounds, b.TransferSize = 4<<20, 1, 256<<20
	}
	r, err := b.Run(ctx)
	return a.printReport(r, err)
}

type benchFilesCmd struct {
	Rows   int    `default:"1000000" help:"How many files the workspace has."`
	Rounds int    `default:"5" help:"How often each test runs."`
	Dir    string `placeholder:"DIR" type:"path" help:"Where to write; on the disk that is to be measured. Else the system's temporary folder."`
	Gets   int    `default:"20000" help:"How many files a round gets by path."`
	Pairs  int    `default:"2000" help:"How many files a round deletes and restores."`
}

// Run measures and prints.
func (c *benchFilesCmd) Run(ctx context.Context, a *app) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	r, err := bench.Files{
		Binary: binary, Dir: c.Dir, Rows: c.Rows, Rounds: c.Rounds, Gets: c.Gets, Pairs: c.Pairs, Log: a.stderr,
	}.Run(ctx)
	return a.printReport(r, err)
}

type benchCatalogueCmd struct {
	Rows     int    `default:"1000000" help:"How many files the catalogue has."`
	Rounds   int    `default:"3" help:"How often each test runs."`
	Requests int    `default:"100" help:"How often a round asks each question."`
	Dir      string `placeholder:"DIR" type:"path" help:"Where to write; on the disk that is to be measured. Else the system's temporary folder."`
	Loaded   string `placeholder:"DIR" type:"path" help:"A data folder that bench load --keep has made with as many rows. Files are added to it."`
	Floor    string `default:"auto" placeholder:"URL" help:"A PostgreSQL server with PostGIS to compare with, in a database of its own; auto starts one, if one is installed; none compares with nothing."`
}

// Run measures and prints.
func (c *benchCatalogueCmd) Run(ctx context.Context, a *app) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	r, err := bench.Catalogue{
		Binary: binary, Dir: c.Dir, Data: c.Loaded, Floor: c.Floor, Rows: c.Rows, Rounds: c.Rounds, Requests: c.Requests, Log: a.stderr,
	}.Run(ctx)
	return a.printReport(r, err)
}

type benchLoadCmd struct {
	Rows int    `default:"1000000" help:"How many files."`
	Dir  string `placeholder:"DIR" type:"path" help:"Where to write; on the disk that is to be measured. Else the system's temporary folder."`
	Keep string `placeholder:"DIR" type:"path" help:"A new data folder, which stays."`
}

// Run measures and prints.
func (c *benchLoadCmd) Run(ctx context.Context, a *app) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	r, err := bench.Load{Binary: binary, Dir: c.Dir, Keep: c.Keep, Rows: c.Rows, Log: a.stderr}.Run(ctx)
	return a.printReport(r, err)
}

type benchLineageCmd struct {
	Runs   int    `default:"1000000" help:"How many runs the graph has; each has five edges."`
	Rounds int    `default:"5" help:"How often each question is asked."`
	Dir    string `placeholder:"DIR" type:"path" help:"Where to write; on the disk that is to be measured. Else the system's temporary folder."`
}

// Run measures and prints.
func (c *benchLineageCmd) Run(ctx context.Context, a *app) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	r, err := bench.Lineage{Binary: binary, Dir: c.Dir, Runs: c.Runs, Rounds: c.Rounds, Log: a.stderr}.Run(ctx)
	return a.printReport(r, err)
}

type benchPurgeCmd struct {
	Rows    int    `default:"1000000" help:"How many other files the catalogue has."`
	Derived int    `default:"100000" help:"How many versions the purge has, beside its source; each has 4 KiB on the disk."`
	Few     int    `default:"1000" help:"How many the purge has whose memory is compared."`
	Deletes int    `default:"5000" help:"How many files are deleted by id."`
	Readers bool   `default:"true" negatable:"" help:"Execute another purge of many versions, while others read."`
	Dir     string `placeholder:"DIR" type:"path" help:"Where to write; on the disk that is to be measured. Else the system's temporary folder."`
}

// Run measures and prints.
func (c *benchPurgeCmd) Run(ctx context.Context, a *app) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	r, err := bench.Purge{Binary: binary, Dir: c.Dir, Rows: c.Rows, Derived: c.Derived, Few: c.Few, Deletes: c.Deletes, Readers: c.Readers, Log: a.stderr}.Run(ctx)
	return a.printReport(r, err)
}

// printReport prints what was measured; a target that is missed is no failure.
func (a *app) printReport(r bench.Report, err error) error {
	switch {
	case err != nil:
		return err
	case a.json():
		return a.printJSON(r)
	}
	if err := r.Write(a.stdout); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "\n%s/%s, %d CPUs; median of the rounds (lowest–highest); %d targets missed\n", r.OS, r.Arch, r.CPUs, r.Missed())
	return err
}

type benchLimitCmd struct {
	Dir    string `required:"" type:"path" help:"Where it keeps files."`
	Listen string `required:"" help:"Its address."`
}

// Run serves until it is stopped, or whoever started it ends.
func (c *benchLimitCmd) Run(ctx context.Context, a *app) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		io.Copy(io.Discard, a.stdin) //nolint:errcheck // its end is all that counts
		stop()
	}()
	return bench.LimitServer{Dir: c.Dir}.Serve(ctx, c.Listen)
}
