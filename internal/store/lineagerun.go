package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/openlineage"
)

// lineageRun is a run as its events tell of it, with its job. Its row is locked.
type lineageRun struct {
	view    coreshed.View
	locator *locator

	id, job, workspace int64 // no job is there before it is known in which workspace
	exe                int64
	state              *openlineage.Run
}

// lockLineageRun locks the run with that id which the sender may change: one in
// a workspace of which they are an editor, else one that is in no workspace yet
// and that they have begun. Otherwise they begin one. Runs of others look as if
// they were not there.
func lockLineageRun(ctx context.Context, t tx, view coreshed.View, person int64, run string) (*lineageRun, error) {
	type known struct{ id, workspace, sender int64 }
	list, err := all(ctx, t, func(rows *sql.Rows) (known, error) {
		var k known
		return k, rows.Scan(&k.id, &k.workspace, &k.sender)
	}, `SELECT r.id, COALESCE(j.workspace_id, 0), r.sent_by FROM lineage_runs r LEFT JOIN jobs j ON j.id = r.job_id
		WHERE r.org_id = $1 AND r.run_id = $2 ORDER BY r.id`, view.Org, run)
	if err != nil {
		return nil, err
	}
	var own known
	for _, k := range list {
		if edits(view, k.workspace) {
			return lockLineageRow(ctx, t, view, k.id)
		}
		if k.sender == person {
			own = k
		}
	}
	switch {
	case own.workspace != 0: // who was an editor of it then
		return nil, coreshed.Access{Actor: view.Actor, Role: view.Roles[own.workspace]}.Require(coreshed.Editor)
	case own.id == 0:
		if own.id, err = insert(ctx, t, `INSERT INTO lineage_runs (org_id, run_id, sent_by) VALUES ($1, $2, $3) RETURNING id`, view.Org, run, person); err != nil {
			return nil, err
		}
	}
	return lockLineageRow(ctx, t, view, own.id)
}

// absorb adds to a run the events that the sender has sent of it before anybody
// said in which workspace it is, when it was another's event that did.
func (r *lineageRun) absorb(ctx context.Context, t tx, person int64, hosts []string) error {
	waiting, err := all(ctx, t, value[int64], `SELECT id FROM lineage_runs WHERE org_id = $1 AND run_id = $2 AND sent_by = $3 AND job_id IS NULL AND id <> $4`,
		r.view.Org, r.state.ID, person, r.id)
	if err != nil || len(waiting) == 0 {
		return err
	}
	events, err := all(ctx, t, value[int64], `SELECT id FROM lineage_events WHERE lineage_run = $1 ORDER BY id`, waiting[0])
	if err != nil {
		return err
	}
	for _, id := range events { // each may be large
		text, err := one(ctx, t, value[string], `SELECT document FROM lineage_events WHERE id = $1`, id)
		if err != nil {
			return err
		}
		e, err := openlineage.Read([]byte(text))
		if err != nil {
			return fmt.Errorf("read a kept event of lineage run %d: %w", waiting[0], err)
		}
		if err := r.add(ctx, t, LineageEvent{Event: e, Hosts: hosts}); err != nil {
			return err
		}
	}
	if _, err := t.exec(ctx, `UPDATE lineage_events SET lineage_run = $2 WHERE lineage_run = $1`, waiting[0], r.id); err != nil {
		return err
	}
	_, err = t.exec(ctx, `DELETE FROM lineage_runs WHERE id = $1`, waiting[0])
	return err
}

func lockLineageRow(ctx context.Context, t tx, view coreshed.View, id int64) (*lineageRun, error) {
	r := &lineageRun{view: view, id: id, state: &openlineage.Run{}}
	text, err := one(ctx, t, func(rows *sql.Rows) (text string, err error) { return text, rows.Scan(&text, &r.job) },
		`SELECT state, COALESCE(job_id, 0) FROM lineage_runs WHERE id = $1`+t.db().dialect.lock, id)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), r.state); err != nil {
		return nil, fmt.Errorf("state of lineage run %d: %w", id, err)
	}
	if r.job == 0 {
		return r, nil
	}
	r.workspace, err = one(ctx, t, value[int64], `SELECT workspace_id FROM jobs WHERE id = $1`+t.db().dialect.lock, r.job)
	return r, err
}

func (r *lineageRun) save(ctx context.Context, t tx) error {
	text, err := json.Marshal(r.state)
	if err != nil {
		return fmt.Errorf("encode state of lineage run %d: %w", r.id, err)
	}
	_, err = t.exec(ctx, `UPDATE lineage_runs SET state = $2, job_id = $3 WHERE id = $1`, r.id, string(text), nullID(r.job))
	return err
}

// record brings the run's job to what its events add up to.
func (r *lineageRun) record(ctx context.Context, t tx, workspace int64) error {
	jobType, err := lineageJobType(ctx, t, r.view, r.state)
	if err != nil {
		return err
	}
	if err := r.enter(ctx, t, workspace, jobType); err != nil {
		return err
	}
	if err := r.join(ctx, t); err != nil {
		return err
	}
	if err := r.tell(ctx, t, jobType); err != nil {
		return err
	}
	if err := r.completeRecipe(ctx, t, r.state.ID); err != nil {
		return err
	}
	return r.settle(ctx, t)
}

// lineageJobType is the type of the jobs of a namespace and name.
func lineageJobType(ctx context.Context, t tx, view coreshed.View, run *openlineage.Run) (typeRow, error) {
	manifest, err := json.Marshal(map[string]any{"openlineage": run.Name})
	if err != nil {
		return typeRow{}, err
	}
	row, err := ensureJobType(ctx, t, view, NewJobType{
		Name: openlineage.Slug(run.Name.Namespace, run.Name.Name), Version: run.JobFacets.JobVersion(),
		Title: cut(run.Name.Name), Manifest: manifest,
	})
	text := cutTo(strings.ReplaceAll(run.JobFacets.Description(), "\x00", ""), maxDescription)
	if err != nil || text == "" || !row.mine {
		return row, err
	}
	_, err = t.exec(ctx, `UPDATE job_types SET description = $2, modified_at = $3 WHERE id = $1 AND description <> $2`, row.id, text, t.db().micros())
	return row, err
}

// cut shortens what another system has named to what a name here can be.
func cut(name string) string { return cutTo(name, maxName) }

func cutTo(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// enter makes the run's job in a workspace, or moves it there: outputs that
// become known late may say so.
func (r *lineageRun) enter(ctx context.Context, t tx, workspace int64, jobType typeRow) error {
	if r.job != 0 && r.workspace == workspace {
		return nil
	}
	_, err := one(ctx, t, value[int64], `SELECT id FROM jobs WHERE workspace_id = $1 AND run_key = $2`, workspace, r.state.ID)
	if !errors.Is(err, coreshed.NotFound) {
		if err == nil {
			err = errOtherRun
		}
		return err
	}
	r.workspace = workspace
	if r.job != 0 {
		_, err := t.exec(ctx, `UPDATE jobs SET workspace_id = $2 WHERE id = $1`, r.job, workspace)
		return err
	}
	event, err := addEvent(ctx, t, r.view, nil)
	if err != nil {
		return err
	}
	r.job, err = insert(ctx, t, `INSERT INTO jobs (workspace_id, run_key, job_type_id, job_type_rev, status, event_id, created_at, status_at, modified_at)
		VALUES ($1, $2, $3, $4, 'PENDING', $5, $6, $6, $6) RETURNING id`, workspace, r.state.ID, jobType.id, jobType.revision, event, t.db().micros())
	if err != nil {
		return err
	}
	return r.audit(ctx, t, coreshed.ActRunRecord, details{"id": r.state.ID, "namespace": r.state.Name.Namespace, "name": r.state.Name.Name})
}

// audit tells of what was done to the run's job.
func (r *lineageRun) audit(ctx context.Context, t tx, action coreshed.AuditAction, said details) error {
	return (&runState{id: r.job, workspace: r.workspace, by: r.view.Actor}).audit(ctx, t, action, said)
}

// jobEnds are the statuses in which runs end.
var jobEnds = map[openlineage.Type]coreshed.RunStatus{
	openlineage.Complete: coreshed.Completed, openlineage.Fail: coreshed.Failed, openlineage.Abort: coreshed.Canceled,
}

// tell writes what the job shows of the run by itself.
func (r *lineageRun) tell(ctx context.Context, t tx, jobType typeRow) error {
	end, at, ended := r.state.Ended()
	status, began, now := coreshed.Pending, any(nil), t.db().micros()
	if ended || r.state.IsRunning() {
		status, began = coreshed.Running, r.state.Began()
		if err := r.try(ctx, t); err != nil {
			return err
		}
	}
	var over, failure, published any
	if ended {
		status, over = jobEnds[end], at
		if end != openlineage.Complete {
			failure = r.failure()
		} else {
			published = now
		}
		if _, err := t.exec(ctx, `INSERT INTO job_exe_ends (job_exe_id, status, error, ended_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (job_exe_id) DO UPDATE SET status = excluded.status, error = excluded.error, ended_at = excluded.ended_at`,
			r.exe, string(status), failure, over); err != nil {
			return err
		}
	}
	facets, err := r.facets()
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE jobs SET job_type_id = $2, job_type_rev = $3, status_at = CASE WHEN status = $4 THEN status_at ELSE $5 END,
		status = $4, started_at = $6, ended_at = $7, error = $8, facets = $9, num_exes = $10, published_at = COALESCE(published_at, $11), modified_at = $5
		WHERE id = $1`, r.job, jobType.id, jobType.revision, string(status), now, began, over, failure, facets, btoi(r.exe != 0), published)
	return err
}

// try makes the run's one execution.
func (r *lineageRun) try(ctx context.Context, t tx) error {
	var err error
	r.exe, err = insert(ctx, t, `INSERT INTO job_exes (job_id, exe_num, exe_key, started_at, created_at) VALUES ($1, 1, $2, $3, $4)
		ON CONFLICT (job_id, exe_num) DO UPDATE SET started_at = excluded.started_at RETURNING id`,
		r.job, r.state.ID, r.state.Began(), t.db().micros())
	return err
}

// failure is the error of a run that did not complete, in the words of Scale.
func (r *lineageRun) failure() string {
	end, _, _ := r.state.Ended()
	text, err := json.Marshal(map[string]string{
		"name": "openlineage", "title": string(end), "description": strings.ReplaceAll(r.state.Message(), "\x00", ""), "category": "ALGORITHM",
	})
	if err != nil {
		return "{}" // texts alone cannot fail
	}
	return string(text)
}

// facets is all that was said of the run beyond what there are words for.
func (r *lineageRun) facets() (string, error) {
	type dataset struct {
		openlineage.Name
		Facets       openlineage.Facets `json:"facets,omitempty"`
		InputFacets  openlineage.Facets `json:"inputFacets,omitempty"`
		OutputFacets openlineage.Facets `json:"outputFacets,omitempty"`
	}
	var inputs, outputs []dataset
	for _, m := range openlineage.Sorted(r.state.Inputs) {
		inputs = append(inputs, dataset{Name: m.Name, Facets: m.Facets.Facets(), InputFacets: m.Use.Facets()})
	}
	for _, m := range openlineage.Sorted(r.state.Outputs) {
		outputs = append(outputs, dataset{Name: m.Name, Facets: m.Facets.Facets(), OutputFacets: m.Use.Facets()})
	}
	text, err := json.Marshal(map[string]any{
		"job": r.state.Name, "jobFacets": r.state.JobFacets.Facets(), "runFacets": r.state.Facets.Facets(), "inputs": inputs, "outputs": outputs,
	})
	return string(text), err
}
