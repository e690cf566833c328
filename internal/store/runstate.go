package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// runState is what changing a run needs to know of it. Its row is locked.
type runState struct {
	id, workspace int64
	status        coreshed.RunStatus
	jobType       int64
	recipe, batch int64
	node          string
	line          int64 // the first of the runs that supersede one another, or 0
	superseded    bool
	tries         int64
	exe           tryState // the latest; zero for none
	by            coreshed.Actor
}

// audit tells of what was done to the run.
func (r *runState) audit(ctx context.Context, t tx, action coreshed.AuditAction, said details) error {
	return audit(ctx, t, act{by: r.by, action: action, kind: coreshed.AuditRun, id: r.id, workspace: r.workspace, details: said})
}

// tryState is an execution as changing it needs it.
type tryState struct {
	id     int64
	key    string
	status coreshed.RunStatus // Running, or how it ended
	at     int64              // when it was recorded
}

// lockRun locks a run of the view: NotFound when there is none.
func lockRun(ctx context.Context, t tx, view coreshed.View, id int64) (*runState, error) {
	c := &conditions{}
	c.add(`j.id = ?`, id)
	c.seenIn(t.db().dialect, view, `j.workspace_id`)
	r, err := one(ctx, t, func(rows *sql.Rows) (*runState, error) {
		r := &runState{by: view.Actor}
		return r, rows.Scan(&r.id, &r.workspace, &r.status, &r.jobType, &r.recipe, &r.batch, &r.node, &r.line, &r.superseded, &r.tries)
	}, `SELECT j.id, j.workspace_id, j.status, j.job_type_id, COALESCE(j.recipe_id, 0), COALESCE(j.batch_id, 0), COALESCE(j.recipe_node, ''),
		COALESCE(j.root_superseded_job_id, 0), j.superseded_at IS NOT NULL, j.num_exes FROM jobs j WHERE `+c.text()+t.db().dialect.lock, c.args...)
	if err != nil {
		return r, notFound(late(ctx, t, view, err, rowRun, id, uuid.Nil), "There is no such run.")
	}
	if err := usable(ctx, t, rowRun, id); err != nil {
		return r, err
	}
	r.exe, err = latestTry(ctx, t, id)
	return r, err
}

func latestTry(ctx context.Context, t tx, job int64) (tryState, error) {
	x, err := one(ctx, t, func(rows *sql.Rows) (tryState, error) {
		var x tryState
		return x, rows.Scan(&x.id, &x.key, &x.status, &x.at)
	}, `SELECT x.id, COALESCE(x.exe_key, ''), COALESCE(e.status, 'RUNNING'), x.created_at FROM job_exes x
		LEFT JOIN job_exe_ends e ON e.job_exe_id = x.id WHERE x.job_id = $1 ORDER BY x.exe_num DESC LIMIT 1`, job)
	if errors.Is(err, coreshed.NotFound) {
		return tryState{}, nil
	}
	return x, err
}

// lockFilesOfRun locks the files that a run puts something into, and those of
// which publishing it takes something back or supersedes it: all in one order,
// and before any of their versions.
func lockFilesOfRun(ctx context.Context, t tx, r *runState) error {
	lock := t.db().dialect.lock
	if lock == "" {
		return nil // it writes one after the other
	}
	_, err := all(ctx, t, value[int64], `SELECT id FROM files WHERE id IN (
		SELECT file_id FROM versions WHERE job_id = $1
		UNION SELECT u.file_id FROM uploads u JOIN job_exes x ON x.id = u.job_exe_id WHERE x.job_id = $1
		UNION SELECT v.file_id FROM versions n JOIN versions v ON v.product_key = n.product_key WHERE n.job_id = $1 AND v.published_at IS NOT NULL
		UNION SELECT v.file_id FROM versions v JOIN jobs j ON j.id = v.job_id WHERE (j.id = $2 OR j.root_superseded_job_id = $2)
			AND v.published_at IS NOT NULL AND v.unpublished_at IS NULL) ORDER BY id`+lock, r.id, r.line)
	return err
}

// seenIn adds that a column is a workspace of the view.
func (c *conditions) seenIn(d dialect, view coreshed.View, column string) {
	if !view.Everything {
		c.anyID(d, column, workspacesOf(view))
	}
}

// RunStart says that a try of a run has begun.
type RunStart struct {
	Try       string // the recorder's id of the try; "" is the latest, or the first
	At        time.Time
	Host      string
	Timeout   int64
	Resources json.RawMessage // an object
}

// StartRun records that a run has started. It may be said again, and after the
// end. A new try begins when the one before has failed: a Conflict otherwise.
func (db *DB) StartRun(ctx context.Context, view coreshed.View, id int64, s RunStart) error {
	return db.changeRun(ctx, view, id, func(ctx context.Context, t tx, r *runState) error { return startRun(ctx, t, r, s) })
}

// changeRun changes a run of the view while its row is locked.
func (db *DB) changeRun(ctx context.Context, view coreshed.View, id int64, change func(context.Context, tx, *runState) error) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		r, err := lockRun(ctx, t, view, id)
		if err != nil {
			return err
		}
		return change(ctx, t, r)
	})
}

func startRun(ctx context.Context, t tx, r *runState, s RunStart) error {
	if err := checkKey("try", s.Try); err != nil {
		return err
	}
	known, err := findTry(ctx, t, r, s.Try)
	if err != nil {
		return err
	}
	if known.id == 0 || (s.Try == "" && r.status.Waiting()) {
		return beginTry(ctx, t, r, s)
	}
	// A repeat, or a start that arrives after the end, tells at most when.
	if s.At.IsZero() {
		return nil
	}
	if _, err := t.exec(ctx, `UPDATE job_exes SET started_at = COALESCE(started_at, $2) WHERE id = $1`, known.id, s.At.UnixMicro()); err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE jobs SET started_at = COALESCE(started_at, $2), modified_at = $3 WHERE id = $1`, r.id, s.At.UnixMicro(), t.db().micros())
	return err
}

// findTry finds the try with that key; "" is the latest. Zero when there is none.
func findTry(ctx context.Context, t tx, r *runState, key string) (tryState, error) {
	if key == "" || r.exe.id == 0 || r.exe.key == key {
		return r.exe, nil
	}
	x, err := one(ctx, t, func(rows *sql.Rows) (tryState, error) {
		var x tryState
		return x, rows.Scan(&x.id, &x.key, &x.status, &x.at)
	}, `SELECT x.id, x.exe_key, COALESCE(e.status, 'RUNNING'), x.created_at FROM job_exes x
		LEFT JOIN job_exe_ends e ON e.job_exe_id = x.id WHERE x.job_id = $1 AND x.exe_key = $2`, r.id, key)
	if errors.Is(err, coreshed.NotFound) {
		return tryState{}, nil
	}
	return x, err
}

// beginTry adds a try, and makes it the latest.
func beginTry(ctx context.Context, t tx, r *runState, s RunStart) error {
	switch {
	case r.exe.id != 0 && r.exe.status == coreshed.Running:
		return coreshed.Errorf(coreshed.Conflict, "Another try of this run is running.")
	case r.status == coreshed.Completed, r.status == coreshed.Canceled:
		return coreshed.Errorf(coreshed.Conflict, "The run has ended: %s.", r.status)
	}
	resources, err := object(s.Resources)
	if err != nil {
		return err
	}
	now := t.db().micros()
	at := microsOr(s.At)
	if at == nil {
		at = now
	}
	r.tries++
	r.exe = tryState{key: s.Try, status: coreshed.Running, at: now}
	if r.exe.id, err = insert(ctx, t, `INSERT INTO job_exes (job_id, exe_num, exe_key, timeout, resources, node, queued_at, started_at, created_at)
		SELECT id, $2, $3, $4, $5, $6, queued_at, $7, $8 FROM jobs WHERE id = $1 RETURNING id`,
		r.id, r.tries, textOr(s.Try), s.Timeout, resources, textOr(s.Host), at, now); err != nil {
		return err
	}
	r.status = coreshed.Running
	if _, err := t.exec(ctx, `UPDATE jobs SET status = 'RUNNING', started_at = $2, ended_at = NULL, error = NULL, num_exes = $3, node = $4,
		status_at = $5, modified_at = $5 WHERE id = $1`, r.id, at, r.tries, textOr(s.Host), now); err != nil {
		return err
	}
	if err := r.audit(ctx, t, coreshed.ActRunStart, details{"try": r.tries}); err != nil {
		return err
	}
	return dequeue(ctx, t, r.id)
}

func enqueue(ctx context.Context, t tx, job int64) error {
	_, err := t.exec(ctx, `INSERT INTO queue (job_id, priority, queued_at) SELECT id, priority, COALESCE(queued_at, $2) FROM jobs WHERE id = $1
		ON CONFLICT DO NOTHING`, job, t.db().micros())
	return err
}

func dequeue(ctx context.Context, t tx, job int64) error {
	_, err := t.exec(ctx, `DELETE FROM queue WHERE job_id = $1`, job)
	return err
}

// RunEnd says how a try of a run has ended.
type RunEnd struct {
	Status   coreshed.RunStatus // Completed, Failed or Canceled
	Try      string             // the recorder's id of the try; "" is the latest, or the first
	At       time.Time
	ExitCode *int64
	Error    json.RawMessage // an object; nil is none
	Document json.RawMessage // an object
	Output   json.RawMessage // an object: what it put out
	// SkipMissing completes a run although outputs that were announced have not
	// been uploaded: they are forgotten.
	SkipMissing bool
}

// EndRun records how a run has ended; when it has completed, its outputs are
// published. It may be said again, and before the start. Another end of the same
// try is a Conflict, and so is the completion of a run with uploads under way.
func (db *DB) EndRun(ctx context.Context, view coreshed.View, id int64, e RunEnd) error {
	return db.changeRun(ctx, view, id, func(ctx context.Context, t tx, r *runState) error { return endRun(ctx, t, view, r, e) })
}

func endRun(ctx context.Context, t tx, view coreshed.View, r *runState, e RunEnd) error {
	if !e.Status.Ended() {
		return invalidField("status", "must be COMPLETED, FAILED or CANCELED")
	}
	if e.Status == coreshed.Canceled && r.exe.id == 0 {
		return settle(ctx, t, view, r, e) // without a try
	}
	known, err := findTry(ctx, t, r, e.Try)
	if err != nil {
		return err
	}
	switch {
	case known.id == 0: // the end has overtaken the start
		if err := beginTry(ctx, t, r, RunStart{Try: e.Try, At: e.At}); err != nil {
			return err
		}
	case known.status == e.Status:
		return nil
	case known.status != coreshed.Running:
		return coreshed.Errorf(coreshed.Conflict, "This try has ended: %s.", known.status)
	}
	if err := lockFilesOfRun(ctx, t, r); err != nil {
		return err
	}
	if err := addEnd(ctx, t, r, e); err != nil {
		return err
	}
	if err := endUploads(ctx, t, r, e); err != nil {
		return err
	}
	return settle(ctx, t, view, r, e)
}

// addEnd records the end of the latest try.
func addEnd(ctx context.Context, t tx, r *runState, e RunEnd) error {
	documents, err := objects(e.Document, e.Output)
	if err != nil {
		return err
	}
	failure, err := objectOrNull(e.Error)
	if err != nil {
		return err
	}
	r.exe.status = e.Status
	if _, err := t.exec(ctx, `INSERT INTO job_exe_ends (job_exe_id, status, exit_code, error, document, ended_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		r.exe.id, string(e.Status), e.ExitCode, failure, documents[0], endOf(t, e)); err != nil {
		return err
	}
	if e.Output == nil {
		return nil
	}
	_, err = t.exec(ctx, `INSERT INTO job_exe_outputs (job_exe_id, document, created_at) VALUES ($1, $2, $3)`, r.exe.id, documents[1], t.db().micros())
	return err
}

func endOf(t tx, e RunEnd) int64 {
	if e.At.IsZero() {
		return t.db().micros()
	}
	return e.At.UnixMicro()
}

// settle gives the run the status in which its latest try has ended.
func settle(ctx context.Context, t tx, view coreshed.View, r *runState, e RunEnd) error {
	failure, err := objectOrNull(e.Error)
	if err != nil {
		return err
	}
	now := t.db().micros()
	r.status = e.Status
	if _, err := t.exec(ctx, `UPDATE jobs SET status = $2, error = $3, ended_at = $4, status_at = $5, modified_at = $5 WHERE id = $1`,
		r.id, string(e.Status), failure, endOf(t, e), now); err != nil {
		return err
	}
	if err := dequeue(ctx, t, r.id); err != nil {
		return err
	}
	if err := r.audit(ctx, t, coreshed.ActRunEnd, details{"status": e.Status}); err != nil {
		return err
	}
	if e.Status != coreshed.Completed {
		return nil
	}
	return publish(ctx, t, view, r)
}

// RunUpdate is what is learnt of a run on the way. Nil and empty is nothing.
type RunUpdate struct {
	Status   coreshed.RunStatus // Pending, Blocked or Queued, of a run that waits
	Inputs   []coreshed.Input   // added to those that are known
	Facets   json.RawMessage    // an object, of which each member replaces the one of that name
	Progress []coreshed.TaskUpdate
	Priority *int64
}

// UpdateRun records what is learnt of a run, at any time: progress may arrive
// after the end. Inputs that come late change what products of the run are that
// were never published; the others stay what they are, with new sources.
func (db *DB) UpdateRun(ctx context.Context, view coreshed.View, id int64, u RunUpdate) error {
	return db.changeRun(ctx, view, id, func(ctx context.Context, t tx, r *runState) error {
		if err := addToRun(ctx, t, view, r, u); err != nil || u.onlyProgress() {
			return err
		}
		return r.audit(ctx, t, coreshed.ActRunChange, details{"inputs": len(u.Inputs), "facets": u.Facets != nil, "status": u.Status})
	})
}

// onlyProgress reports whether the update changes nothing that the run is.
func (u RunUpdate) onlyProgress() bool {
	return u.Status == "" && len(u.Inputs) == 0 && u.Facets == nil && u.Priority == nil
}

func addToRun(ctx context.Context, t tx, view coreshed.View, r *runState, u RunUpdate) error {
	if err := addProgress(ctx, t, r, u.Progress); err != nil {
		return err
	}
	if err := addFacets(ctx, t, r, u.Facets); err != nil {
		return err
	}
	if u.Status != "" {
		if err := setWaiting(ctx, t, r, u.Status); err != nil {
			return err
		}
	}
	if u.Priority != nil {
		if _, err := t.exec(ctx, `UPDATE jobs SET priority = $2, modified_at = $3 WHERE id = $1`, r.id, *u.Priority, t.db().micros()); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE queue SET priority = $2 WHERE job_id = $1`, r.id, *u.Priority); err != nil {
			return err
		}
	}
	return addLateInputs(ctx, t, view, r, u.Inputs)
}

func addProgress(ctx context.Context, t tx, r *runState, updates []coreshed.TaskUpdate) error {
	if len(updates) == 0 {
		return nil
	}
	if r.exe.id == 0 {
		return coreshed.Errorf(coreshed.Conflict, "The run has not started.")
	}
	for _, u := range updates {
		if err := checkName("progress.status", u.Status); err != nil {
			return err
		}
		if err := checkKey("progress.task", u.Task); err != nil {
			return err
		}
		text, err := object(u.Document)
		if err != nil {
			return err
		}
		at := microsOr(u.At)
		if at == nil {
			at = t.db().micros()
		}
		// A repeat of an update is the same one.
		if _, err := t.exec(ctx, `INSERT INTO task_updates (job_exe_id, task_id, status, at, document)
			SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM task_updates
				WHERE job_exe_id = $1 AND task_id = $2 AND status = $3 AND at = $4 AND document = $5)`, r.exe.id, u.Task, u.Status, at, text); err != nil {
			return err
		}
	}
	return nil
}

func addFacets(ctx context.Context, t tx, r *runState, facets json.RawMessage) error {
	if facets == nil {
		return nil
	}
	if _, err := object(facets); err != nil {
		return err
	}
	text, err := one(ctx, t, value[string], `SELECT facets FROM jobs WHERE id = $1`, r.id)
	if err != nil {
		return err
	}
	merged := map[string]json.RawMessage{}
	for _, document := range []json.RawMessage{json.RawMessage(text), facets} {
		if err := json.Unmarshal(document, &merged); err != nil {
			return err
		}
	}
	document, err := json.Marshal(merged)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE jobs SET facets = $2, modified_at = $3 WHERE id = $1`, r.id, string(document), t.db().micros())
	return err
}

// setWaiting changes what a run waits for.
func setWaiting(ctx context.Context, t tx, r *runState, status coreshed.RunStatus) error {
	if !status.Waiting() {
		return invalidField("status", "of a run that has not started is QUEUED, PENDING or BLOCKED; its start and its end say the rest")
	}
	if !r.status.Waiting() && (r.status != coreshed.Failed || status != coreshed.Queued) {
		return coreshed.Errorf(coreshed.Conflict, "The run does not wait: %s.", r.status)
	}
	now := t.db().micros()
	if _, err := t.exec(ctx, `UPDATE jobs SET status = $2, status_at = $3, modified_at = $3 WHERE id = $1`, r.id, string(status), now); err != nil {
		return err
	}
	r.status = status
	if status != coreshed.Queued {
		return dequeue(ctx, t, r.id)
	}
	if _, err := t.exec(ctx, `UPDATE jobs SET queued_at = $2 WHERE id = $1`, r.id, now); err != nil {
		return err
	}
	return enqueue(ctx, t, r.id)
}
