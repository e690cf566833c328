package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/coreshed/coreshed/internal/blob/disk"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/server"
	"github.com/coreshed/coreshed/internal/store"
)

type doctorCmd struct {
	Deep   bool `help:"Also read every byte that is kept, and compare it with its SHA-256."`
	Repair bool `help:"Mend what can be mended without removing anything: the counters of workspaces, and which versions are served."`
}

// Help teaches the verb.
func (doctorCmd) Help() string {
	return `Checks what must hold of the rows and the objects of a data folder, also while its server runs, and changes nothing without --repair:

every version has its bytes, with their sizes, with --deep with their hashes; every object has a row, or waits for the collector; nothing names what is not there; the counters of workspaces are the sums of what they have; what a purge has removed is gone; nothing went while a hold protected it; the audit log is whole, as audit verify checks it.

    coreshed doctor --data /srv/coreshed

    coreshed doctor --deep --data /srv/coreshed

Exits with 1 when something is not as it must be, and names it by its row id. --repair never removes a byte or a version; what has lost its bytes is not served from then on, and with --deep neither is what does not have its SHA-256, while what has it again is.`
}

// doctorReport is what a check has found.
type doctorReport struct {
	Versions int64           `json:"versions"`
	Objects  int64           `json:"objects"`
	Bytes    int64           `json:"bytes_read"`
	Entries  int64           `json:"audit_entries"`
	Waiting  int64           `json:"objects_waiting"` // for the collector
	Findings []doctorFinding `json:"findings"`
	Repaired int64           `json:"repaired"` // workspaces whose counters were mended
}

type doctorFinding struct {
	Check string `json:"check"`
	ID    int64  `json:"id,omitempty"`
	What  string `json:"what"`
}

// errFindings ends a check that has found something.
var errFindings = errors.New("not everything is as it must be")

// Run checks.
func (d doctorCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(db *store.DB) error {
		if a.Data == "" {
			return usagef("doctor looks at the objects of a data folder: give --data DIR")
		}
		blobs, err := disk.Open(server.Objects(a.Data))
		if err != nil {
			return err
		}
		defer blobs.Close()
		r, err := d.examine(ctx, a, db, catalog.New(catalog.Config{DB: db, Blobs: blobs}))
		if err != nil {
			return err
		}
		if err := a.printDoctor(r); err != nil {
			return err
		}
		if len(r.Findings) > 0 {
			return errFindings
		}
		return nil
	})
}

func (d doctorCmd) examine(ctx context.Context, a *app, db *store.DB, c *catalog.Catalog) (doctorReport, error) {
	r := doctorReport{Findings: []doctorFinding{}}
	if d.Repair {
		var err error
		if r.Repaired, err = db.Recount(ctx); err != nil {
			return r, err
		}
	}
	s := a.newStatus()
	defer s.close()
	seen, err := c.Doctor(ctx, catalog.DoctorOptions{
		Deep:     d.Deep,
		Repair:   d.Repair,
		Found:    func(f store.Finding) { r.Findings = append(r.Findings, doctorFinding(f)) },
		Progress: func(e catalog.Examined) { s.show("%d versions, %s read", e.Versions, sized(e.Bytes)) },
	})
	r.Versions, r.Objects, r.Bytes, r.Entries, r.Waiting = seen.Versions, seen.Objects, seen.Bytes, seen.Entries, seen.Waiting
	return r, err
}

func (a *app) printDoctor(r doctorReport) error {
	if a.json() {
		return a.printJSON(r)
	}
	for _, f := range r.Findings {
		where := f.Check
		if f.ID != 0 {
			where = fmt.Sprintf("%s: %d", f.Check, f.ID)
		}
		if _, err := fmt.Fprintf(a.stdout, "%s: %s\n", where, visible(f.What)); err != nil {
			return err
		}
	}
	if r.Repaired > 0 {
		fmt.Fprintf(a.stdout, "the counters of %d workspaces were mended\n", r.Repaired)
	}
	_, err := fmt.Fprintf(a.stdout, "%d versions, %d objects and %d entries of the audit log were looked at, %s read; %d objects wait for the collector; %d findings\n",
		r.Versions, r.Objects, r.Entries, sized(r.Bytes), r.Waiting, len(r.Findings))
	return err
}
