package store

import (
	"context"
	"errors"

	"github.com/coreshed/coreshed"
)

// The job types of what the server itself does.
const (
	StrikeJob = "scale-strike"
	ScanJob   = "scale-scan"
)

// systemJobVersion is the version of each of them.
const systemJobVersion = "1.0"

var systemJobs = map[string]coreshed.JobType{
	StrikeJob: {Title: "Scale Strike", Description: "Watches a folder or bucket for files that arrive, for as long as the strike is there."},
	ScanJob:   {Title: "Scale Scan", Description: "Walks a folder or bucket once, and takes or only counts the files in it."},
}

// systemJobType returns the row id of a job type of the server's own in an
// organisation, made when it is not there.
func systemJobType(ctx context.Context, t tx, org int64, name string) (int64, error) {
	const find = `SELECT id FROM job_types WHERE org_id = $1 AND name = $2 AND version = $3`
	id, err := one(ctx, t, value[int64], find, org, name, systemJobVersion)
	if !errors.Is(err, coreshed.NotFound) {
		return id, err
	}
	now, jt := t.db().micros(), systemJobs[name]
	if _, err := t.exec(ctx, `INSERT INTO job_types (org_id, name, version, title, description, is_system, created_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, 1, $6, $6) ON CONFLICT DO NOTHING`, org, name, systemJobVersion, jt.Title, jt.Description, now); err != nil {
		return 0, err
	}
	if id, err = one(ctx, t, value[int64], find, org, name, systemJobVersion); err != nil {
		return 0, err
	}
	_, err = t.exec(ctx, `INSERT INTO job_type_revisions (job_type_id, revision_num, manifest, created_at)
		VALUES ($1, 1, '{}', $2) ON CONFLICT DO NOTHING`, id, now)
	return id, err
}

// addSystemJob records that the server is going to do something in a
// workspace, and why, and returns the job's id.
func addSystemJob(ctx context.Context, t tx, org, workspace int64, name, cause string) (int64, error) {
	jobType, err := systemJobType(ctx, t, org, name)
	if err != nil {
		return 0, err
	}
	now := t.db().micros()
	event, err := insert(ctx, t, `INSERT INTO trigger_events (type, occurred_at) VALUES ($1, $2) RETURNING id`, cause, now)
	if err != nil {
		return 0, err
	}
	return insert(ctx, t, `INSERT INTO jobs (workspace_id, job_type_id, status, event_id, created_at, queued_at, status_at, modified_at)
		VALUES ($1, $2, 'QUEUED', $3, $4, $4, $4, $4) RETURNING id`, workspace, jobType, event, now)
}

// jobTimes are the columns that say when a job came to a status.
var jobTimes = map[string]string{
	"RUNNING": "started_at", "COMPLETED": "ended_at", "FAILED": "ended_at", "CANCELED": "ended_at",
}

// setSystemJob records the status of a job of the server's own. One that is over
// stays as it is; changed is false then.
func setSystemJob(ctx context.Context, t tx, job int64, status string) (changed bool, err error) {
	at := ""
	if column := jobTimes[status]; column != "" {
		at = ", " + column + " = $3"
	}
	n, err := t.exec(ctx, `UPDATE jobs SET status = $2, status_at = $3, modified_at = $3`+at+`
		WHERE id = $1 AND status IN ('QUEUED', 'RUNNING') AND status <> $2`, job, status, t.db().micros())
	return n == 1, err
}
