package store

import (
	"context"
	"database/sql"
	"encoding/base64"

	"github.com/coreshed/coreshed"
)

const (
	scanColumns = originColumns + `, o.file_count, d.id, d.status, dt.id, dt.name, dt.version, dt.title, dt.description, dt.is_system,
		dt.is_active, dt.is_paused, dt.is_published, dt.icon_code, dt.unmet_resources`
	scansFrom = `scans o` + originJoins + ` LEFT JOIN jobs d ON d.id = o.dry_run_job_id LEFT JOIN job_types dt ON dt.id = d.job_type_id`
)

func scanScan(rows *sql.Rows) (coreshed.Scan, error) {
	var s coreshed.Scan
	var dry jobScan
	var err error
	s.Origin, err = scanOrigin(rows, append([]any{&s.Files}, dry.dest()...)...)
	s.DryRun = dry.originJob()
	return s, err
}

// Scans returns a page of the scans whose workspaces are in the view, and how
// many there are.
func (db *DB) Scans(ctx context.Context, view coreshed.View, f coreshed.OriginFilter, order []coreshed.Order, page coreshed.Page) ([]coreshed.Scan, int64, error) {
	s := selection{scanColumns, scansFrom, originConditions(db.dialect, view, f), scanSorting}
	return sortedPage(ctx, db, s, scanScan, order, page)
}

var scanSorting = func() sorting {
	s := sorting{fallback: originSorting.fallback, id: originSorting.id, keys: map[coreshed.OrderField]sortKey{
		"file_count": {expr: "o.file_count"}, "dry_run_job": {expr: "o.dry_run_job_id", nullable: true},
	}}
	for field, key := range originSorting.keys {
		s.keys[field] = key
	}
	return s
}()

// Scan returns the scan with that id. NotFound when there is none whose
// workspace is in the view.
func (db *DB) Scan(ctx context.Context, view coreshed.View, id int64) (coreshed.Scan, error) {
	return scanIn(ctx, db, db.dialect, view, id)
}

func scanIn(ctx context.Context, q querier, d dialect, view coreshed.View, id int64) (coreshed.Scan, error) {
	c := originConditions(d, view, coreshed.OriginFilter{})
	c.add(`o.id = ?`, id)
	s, err := one(ctx, q, scanScan, `SELECT `+scanColumns+` FROM `+scansFrom+` WHERE `+c.text(), c.args...)
	return s, notFound(err, "Not found.")
}

// AddScan makes a scan. Nothing starts.
func (db *DB) AddScan(ctx context.Context, view coreshed.View, o coreshed.Origin) (coreshed.Scan, error) {
	var id int64
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		if id, err = addOrigin(ctx, t, "scans", view, o); err != nil {
			return err
		}
		return auditOrigin(ctx, t, view, coreshed.ActScanMake, coreshed.AuditScan, id, o.Workspace, details{"title": o.Title})
	})
	if err != nil {
		return coreshed.Scan{}, err
	}
	return db.Scan(ctx, view, id)
}

// errLaunched is Scale's own text.
var errLaunched = coreshed.Errorf(coreshed.Conflict, "Ingest Scan already launched")

// lockScan locks a scan, and fails with Conflict when it has taken files, or is
// about to.
func lockScan(ctx context.Context, t tx, view coreshed.View, id int64) (coreshed.Scan, error) {
	if _, err := one(ctx, t, value[int64], `SELECT id FROM scans WHERE id = $1`+t.db().dialect.lock, id); err != nil {
		return coreshed.Scan{}, notFound(err, "Not found.")
	}
	s, err := scanIn(ctx, t, t.db().dialect, view, id)
	if err == nil && s.Job != nil {
		err = errLaunched
	}
	return s, err
}

// EditScan changes a scan that has not taken files yet.
func (db *DB) EditScan(ctx context.Context, view coreshed.View, id int64, e coreshed.OriginEdit) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		s, err := lockScan(ctx, t, view, id)
		if err != nil {
			return err
		}
		if err := editOrigin(ctx, t, "scans", view, id, e); err != nil {
			return err
		}
		return auditOrigin(ctx, t, view, coreshed.ActScanChange, coreshed.AuditScan, id, s.Workspace, originSaid(e))
	})
}

// ProcessScan starts a scan: to take files, which it does once (Conflict), or
// only to count them, which a new start begins anew.
func (db *DB) ProcessScan(ctx context.Context, view coreshed.View, id int64, take bool) (coreshed.Scan, error) {
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		s, err := lockScan(ctx, t, view, id)
		if err != nil {
			return err
		}
		if s.DryRun != nil {
			if _, err := setSystemJob(ctx, t, s.DryRun.ID, "CANCELED"); err != nil {
				return err
			}
		}
		column, cause := "dry_run_job_id", "DRY_RUN_SCAN_CREATED"
		if take {
			column, cause = "job_id", "SCAN_CREATED"
		}
		job, err := addSystemJob(ctx, t, view.Org, s.Workspace, ScanJob, cause)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE scans SET `+column+` = $2, cursor = '', file_count = 0, modified_at = $3 WHERE id = $1`, id, job, t.db().micros())
		if err != nil {
			return err
		}
		return auditOrigin(ctx, t, view, coreshed.ActScanStart, coreshed.AuditScan, id, s.Workspace, details{"take": take})
	})
	if err != nil {
		return coreshed.Scan{}, err
	}
	return db.Scan(ctx, view, id)
}

// CancelScan ends what a scan is doing, and what it has queued. It returns the
// ids of the jobs that this has ended.
func (db *DB) CancelScan(ctx context.Context, view coreshed.View, id int64) ([]int64, error) {
	canceled := []int64{}
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		canceled = canceled[:0]
		s, err := scanIn(ctx, t, t.db().dialect, view, id)
		if err != nil {
			return err
		}
		for _, job := range []*coreshed.OriginJob{s.Job, s.DryRun} {
			if job == nil {
				continue
			}
			changed, err := setSystemJob(ctx, t, job.ID, "CANCELED")
			if err != nil {
				return err
			}
			if changed {
				canceled = append(canceled, job.ID)
			}
		}
		_, err = t.exec(ctx, `UPDATE ingests SET status = 'ERRORED', reason = $2, modified_at = $3
			WHERE scan_id = $1 AND status = 'QUEUED'`, id, "The scan was canceled.", t.db().micros())
		if err != nil {
			return err
		}
		return auditOrigin(ctx, t, view, coreshed.ActScanCancel, coreshed.AuditScan, id, s.Workspace, nil)
	})
	return canceled, err
}

// ScanWork is a walk that is to be done.
type ScanWork struct {
	coreshed.Scan
	Take   bool   // else it only counts
	Cursor string // the path after which it goes on; any bytes
}

const openScans = `SELECT ` + scanColumns + `, o.cursor FROM ` + scansFrom + `
	WHERE (j.status IN ('QUEUED', 'RUNNING') OR (o.job_id IS NULL AND d.status IN ('QUEUED', 'RUNNING')))`

// OpenScans returns the scans that are to be walked, oldest first.
func (db *DB) OpenScans(ctx context.Context) ([]ScanWork, error) {
	return all(ctx, db, scanOpen, openScans+` ORDER BY o.id`)
}

// OpenScan returns a scan that is to be walked, NotFound when it is not.
func (db *DB) OpenScan(ctx context.Context, id int64) (ScanWork, error) {
	return one(ctx, db, scanOpen, openScans+` AND o.id = $1`, id)
}

func scanOpen(rows *sql.Rows) (ScanWork, error) {
	var w ScanWork
	var dry jobScan
	var err error
	w.Origin, err = scanOrigin(rows, append(append([]any{&w.Files}, dry.dest()...), &w.Cursor)...)
	if err != nil {
		return w, err
	}
	w.DryRun = dry.originJob()
	w.Take = w.Job != nil
	cursor, err := base64.StdEncoding.DecodeString(w.Cursor)
	w.Cursor = string(cursor)
	return w, err
}

// job is the one under which the walk is done.
func (w ScanWork) job() int64 {
	if w.Take {
		return w.Job.ID
	}
	return w.DryRun.ID
}

// ScanSeen records how far a walk has come, with the ingests of what it found.
// It reports whether the walk is to go on: not when it was canceled.
func (db *DB) ScanSeen(ctx context.Context, l Lease, w ScanWork, files int64, cursor string, arrivals []*Arrival) (bool, error) {
	var wanted bool
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		if _, err := setSystemJob(ctx, t, w.job(), "RUNNING"); err != nil {
			return err
		}
		status, err := one(ctx, t, value[string], `SELECT status FROM jobs WHERE id = $1`+t.db().dialect.lock, w.job())
		if wanted = status == "RUNNING"; err != nil || !wanted {
			return err
		}
		if err := saveArrivals(ctx, t, ArrivalsOf(w.Origin, true), arrivals); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE scans SET file_count = $2, cursor = $3, modified_at = $4 WHERE id = $1`, w.ID, files, base64.StdEncoding.EncodeToString([]byte(cursor)), t.db().micros())
		return err
	})
	return wanted, err
}

// EndScan records how a walk ended: well, or with a failure in words.
func (db *DB) EndScan(ctx context.Context, l Lease, w ScanWork, failure string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		if failure == "" {
			_, err := setSystemJob(ctx, t, w.job(), "COMPLETED")
			return err
		}
		if _, err := setSystemJob(ctx, t, w.job(), "FAILED"); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE jobs SET error = $2 WHERE id = $1`, w.job(), jsonText(map[string]string{
			"name": "scan-failed", "title": "The scan failed", "description": failure, "category": "SYSTEM",
		}))
		return err
	})
}
