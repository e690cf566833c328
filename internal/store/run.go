package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
)

// runColumns need the aliases and joins of runJoins.
const runColumns = `j.id, COALESCE(j.run_key, ''), w.id, w.uuid, w.name, w.base_url, COALESCE(jr.id, 0), j.job_type_rev, j.status,
	COALESCE(j.ingest_event_id, 0), COALESCE(j.recipe_node, ''), COALESCE(j.root_recipe_id, 0),
	COALESCE(j.superseded_job_id, 0), COALESCE(j.root_superseded_job_id, 0), j.superseded_at,
	COALESCE(j.node, ''), j.error, j.input, j.configuration, j.facets, j.max_tries, j.num_exes, j.priority, j.input_size,
	j.source_started, j.source_ended, COALESCE(j.source_sensor_class, ''), COALESCE(j.source_sensor, ''),
	COALESCE(j.source_collection, ''), COALESCE(j.source_task, ''),
	j.created_at, j.queued_at, j.started_at, j.ended_at, j.status_at, j.published_at, j.modified_at,
	ev.id, ev.type, ev.description, ev.occurred_at, b.id, b.title, b.description, b.created_at,
	r.id, rt.id, rt.name, rt.title, rt.description, rt.revision_num, rr.id, r.recipe_type_rev, re.id, re.type, re.description, re.occurred_at,
	` + jobTypeColumns

// bareRunColumns are runColumns without the documents, each of which may be
// large.
var bareRunColumns = withoutDocuments(runColumns, `j.input`, `j.configuration`, `j.facets`, `ev.description`, `re.description`)

// withoutDocuments reads columns as empty documents.
func withoutDocuments(columns string, documents ...string) string {
	for _, d := range documents {
		columns = strings.Replace(columns, ` `+d+`,`, ` '{}',`, 1)
	}
	return columns
}

const runOwnJoins = `JOIN workspaces w ON w.id = j.workspace_id
	JOIN job_types jt ON jt.id = j.job_type_id
	LEFT JOIN job_type_revisions jr ON jr.job_type_id = j.job_type_id AND jr.revision_num = j.job_type_rev
	LEFT JOIN trigger_events ev ON ev.id = j.event_id`

// runJoins are what runs are shown with: of batches and recipes, those that the
// view shows.
func (c *conditions) runJoins(d dialect, view coreshed.View) string {
	recipe := ` LEFT JOIN recipes r ON r.id = j.recipe_id`
	if !view.Everything {
		recipe += ` AND ` + oneOf(c, d, `r.workspace_id`, workspacesOf(view), "bigint")
	}
	return runOwnJoins + c.batchJoin(d, view, `j.batch_id`) + recipe + runRecipeJoins
}

const runRecipeJoins = `
	LEFT JOIN recipe_types rt ON rt.id = r.recipe_type_id
	LEFT JOIN recipe_type_revisions rr ON rr.recipe_type_id = r.recipe_type_id AND rr.revision_num = r.recipe_type_rev
	LEFT JOIN trigger_events re ON re.id = r.event_id`

// nullEvent, nullBatch, nullSources and nullRecipe are read through outer joins.
type nullEvent struct {
	id, at     sql.NullInt64
	kind, text sql.NullString
}

func (e *nullEvent) into() []any { return []any{&e.id, &e.kind, &e.text, &e.at} }

func (e *nullEvent) event() *coreshed.Event {
	if !e.id.Valid {
		return nil
	}
	return &coreshed.Event{ID: e.id.Int64, Type: e.kind.String, Description: json.RawMessage(e.text.String), OccurredAt: timeOrZero(e.at)}
}

type nullBatch struct {
	id, created sql.NullInt64
	title, text sql.NullString
}

func (b *nullBatch) into() []any { return []any{&b.id, &b.title, &b.text, &b.created} }

func (b *nullBatch) batch() *coreshed.Batch {
	if !b.id.Valid {
		return nil
	}
	return &coreshed.Batch{ID: b.id.Int64, Title: b.title.String, Description: b.text.String, CreatedAt: timeOrZero(b.created)}
}

type nullRecipe struct {
	id, kind, current, revision, number sql.NullInt64
	name, title, text                   sql.NullString
	event                               nullEvent
}

func (r *nullRecipe) into() []any {
	return append([]any{&r.id, &r.kind, &r.name, &r.title, &r.text, &r.current, &r.revision, &r.number}, r.event.into()...)
}

func (r *nullRecipe) recipe() *coreshed.Recipe {
	if !r.id.Valid {
		return nil
	}
	return &coreshed.Recipe{
		ID:       r.id.Int64,
		Type:     coreshed.RecipeType{ID: r.kind.Int64, Name: r.name.String, Title: r.title.String, Description: r.text.String, Revision: r.current.Int64},
		Revision: coreshed.Revision{ID: r.revision.Int64, Number: r.number.Int64}, Event: r.event.event(),
	}
}

// workspaceInto reads the columns of a workspace.
func workspaceInto(w *coreshed.EntryWorkspace) []any {
	return []any{&w.ID, &w.UUID, &w.Name, &w.BaseURL}
}

func scanRun(rows *sql.Rows) (coreshed.Run, error) {
	var r coreshed.Run
	var created, status, modified int64
	var queued, started, ended, published, superseded, sourceStarted, sourceEnded sql.NullInt64
	var failure sql.NullString
	var values, configuration, facets string
	var event nullEvent
	var batch nullBatch
	var recipe nullRecipe
	jobType := &jobTypeRow{}
	dest := append([]any{&r.ID, &r.Key}, workspaceInto(&r.Workspace)...)
	dest = append(dest, &r.Revision.ID, &r.Revision.Number, &r.Status, &r.IngestEvent, &r.Node, &r.RootRecipe,
		&r.Supersedes, &r.RootSuperseded, &superseded, &r.Host, &failure, &values, &configuration, &facets,
		&r.MaxTries, &r.Tries, &r.Priority, &r.InputSize,
		&sourceStarted, &sourceEnded, &r.SensorClass, &r.Sensor, &r.Collection, &r.Task,
		&created, &queued, &started, &ended, &status, &published, &modified)
	dest = append(dest, event.into()...)
	dest = append(dest, batch.into()...)
	dest = append(dest, recipe.into()...)
	if err := rows.Scan(append(dest, jobType.into()...)...); err != nil {
		return r, err
	}
	r.Type, r.Event, r.Batch, r.Recipe = jobType.jobType(), event.event(), batch.batch(), recipe.recipe()
	r.Error, r.Values, r.Configuration, r.Facets = documentOf(failure), json.RawMessage(values), json.RawMessage(configuration), json.RawMessage(facets)
	r.CreatedAt, r.StatusAt, r.ModifiedAt = timeOf(created), timeOf(status), timeOf(modified)
	r.QueuedAt, r.StartedAt, r.EndedAt = timeOrZero(queued), timeOrZero(started), timeOrZero(ended)
	r.PublishedAt, r.SupersededAt = timeOrZero(published), timeOrZero(superseded)
	r.SourceStarted, r.SourceEnded = timeOrZero(sourceStarted), timeOrZero(sourceEnded)
	return r, nil
}

// Run returns the run with that id: NotFound when there is none in the view.
func (db *DB) Run(ctx context.Context, view coreshed.View, id int64) (coreshed.Run, error) {
	return db.run(ctx, view, `j.id = ?`, id)
}

// RunByKey returns the run that was recorded in a workspace under a key.
func (db *DB) RunByKey(ctx context.Context, view coreshed.View, workspace int64, key string) (coreshed.Run, error) {
	return db.run(ctx, view, `j.workspace_id = ? AND j.run_key = ?`, workspace, key)
}

func (db *DB) run(ctx context.Context, view coreshed.View, where string, args ...any) (coreshed.Run, error) {
	c := &conditions{}
	c.add(where, args...)
	c.seenIn(db.dialect, view, `j.workspace_id`)
	r, err := one(ctx, db, scanRun, `SELECT `+runColumns+` FROM jobs j `+c.runJoins(db.dialect, view)+` WHERE `+c.text(), c.args...)
	return r, notFound(err, "There is no such run.")
}

// RunFilter says which runs are wanted; nil is any. Bounds are inclusive.
type RunFilter struct {
	ID, Type, Recipe, Batch, Workspace    []int64
	TypeName, Key                         []string
	Status                                []coreshed.RunStatus
	Modified, Source                      coreshed.Window
	SensorClass, Sensor, Collection, Task []string
	Superseded                            *bool
	ErrorCategory                         []string
	ErrorID                               []int64
	Input                                 []int64 // versions that it read

	Bare bool // without values, configuration, facets and what events say
}

func (f RunFilter) conditions(d dialect, view coreshed.View) *conditions {
	c := &conditions{}
	c.seenIn(d, view, `j.workspace_id`)
	c.anyID(d, `j.id`, f.ID)
	c.anyID(d, `j.job_type_id`, f.Type)
	c.anyID(d, `j.recipe_id`, f.Recipe)
	c.anyID(d, `j.batch_id`, f.Batch)
	c.anyID(d, `j.workspace_id`, f.Workspace)
	c.anyText(d, `j.run_key`, f.Key)
	if f.Input != nil {
		c.anyID(d, `version_row`, f.Input)
		last := len(c.terms) - 1
		c.terms[last] = `j.id IN (SELECT job_id FROM job_inputs WHERE ` + c.terms[last] + `)`
	}
	if f.TypeName != nil {
		c.anyText(d, `name`, f.TypeName)
		last := len(c.terms) - 1
		c.terms[last] = `j.job_type_id IN (SELECT id FROM job_types WHERE org_id = ` + c.arg(view.Org) + ` AND ` + c.terms[last] + `)`
	}
	if f.Status != nil {
		status := make([]string, len(f.Status))
		for i, s := range f.Status {
			status[i] = string(s)
		}
		c.anyText(d, `j.status`, status)
	}
	c.within(`j.modified_at`, `j.modified_at`, f.Modified)
	c.within(`j.source_started`, `j.source_ended`, f.Source)
	c.anyText(d, `j.source_sensor_class`, f.SensorClass)
	c.anyText(d, `j.source_sensor`, f.Sensor)
	c.anyText(d, `j.source_collection`, f.Collection)
	c.anyText(d, `j.source_task`, f.Task)
	c.since(`j.superseded_at`, f.Superseded)
	c.anyText(d, d.member(`j.error`, `category`), f.ErrorCategory)
	if f.ErrorID != nil {
		ids := make([]string, len(f.ErrorID))
		for i, id := range f.ErrorID {
			ids[i] = strconv.FormatInt(id, 10)
		}
		c.anyText(d, d.member(`j.error`, `id`), ids)
	}
	return c
}

// since adds that a time is known or not, if that is wanted.
func (c *conditions) since(column string, want *bool) {
	switch {
	case want == nil:
	case *want:
		c.terms = append(c.terms, column+` IS NOT NULL`)
	default:
		c.terms = append(c.terms, column+` IS NULL`)
	}
}

// Runs returns a page of the runs that match and how many there are. The
// default order is by last modification; the id is always the last key.
func (db *DB) Runs(ctx context.Context, view coreshed.View, f RunFilter, order []coreshed.Order, page coreshed.Page) ([]coreshed.Run, int64, error) {
	d := db.dialect
	m := manyJoins{
		table: `jobs`, alias: `j`, columns: runColumns, sorting: runSorting(d),
		joins: func(c *conditions) string { return c.runJoins(d, view) },
	}
	if f.Bare {
		m.columns = bareRunColumns
	}
	return keyedPage(ctx, db, scanRun, m, f.conditions(d, view), order, page)
}

const executionColumns = `x.id, x.job_id, x.exe_num, COALESCE(x.exe_key, ''), COALESCE(x.node, ''), x.timeout, x.resources,
	COALESCE(e.status, 'RUNNING'), e.exit_code, e.error, e.document, o.document, x.created_at, x.queued_at, x.started_at, e.ended_at`

const executionsFrom = `jobs j JOIN job_exes x ON x.job_id = j.id
	LEFT JOIN job_exe_ends e ON e.job_exe_id = x.id LEFT JOIN job_exe_outputs o ON o.job_exe_id = x.id`

// LatestExecutions returns a page of the tries of a run of the view that have one
// of the statuses, the latest first and without their progress, and how many there
// are; nil is any.
func (db *DB) LatestExecutions(ctx context.Context, view coreshed.View, run int64, status []string, page coreshed.Page) ([]coreshed.Execution, int64, error) {
	c := &conditions{}
	c.add(`j.id = ?`, run)
	c.seenIn(db.dialect, view, `j.workspace_id`)
	c.anyText(db.dialect, `COALESCE(e.status, 'RUNNING')`, status)
	return pageOf(ctx, db, scanExecution, executionColumns, `FROM `+executionsFrom, c, ` ORDER BY x.exe_num DESC`, page)
}

// Execution returns one try of a run, by its number. NotFound when there is none
// in the view.
func (db *DB) Execution(ctx context.Context, view coreshed.View, run, number int64) (coreshed.Execution, error) {
	c := &conditions{}
	c.add(`j.id = ?`, run)
	c.add(`x.exe_num = ?`, number)
	c.seenIn(db.dialect, view, `j.workspace_id`)
	x, err := one(ctx, db, scanExecution, `SELECT `+executionColumns+` FROM `+executionsFrom+` WHERE `+c.text(), c.args...)
	if err != nil {
		return x, notFound(err, "There is no such try.")
	}
	progress, err := db.progress(ctx, `x.id = $1`, x.ID)
	x.Progress = progress[x.ID]
	return x, err
}

// Executions returns the tries of a run of the view, in order.
func (db *DB) Executions(ctx context.Context, view coreshed.View, run int64) ([]coreshed.Execution, error) {
	c := &conditions{}
	c.add(`j.id = ?`, run)
	c.seenIn(db.dialect, view, `j.workspace_id`)
	list, err := all(ctx, db, scanExecution, `SELECT `+executionColumns+` FROM `+executionsFrom+` WHERE `+c.text()+` ORDER BY x.exe_num`, c.args...)
	if err != nil || len(list) == 0 {
		return list, err
	}
	progress, err := db.progress(ctx, `x.job_id = $1`, run)
	for i := range list {
		list[i].Progress = progress[list[i].ID]
	}
	return list, err
}

func scanExecution(rows *sql.Rows) (coreshed.Execution, error) {
	var x coreshed.Execution
	var resources string
	var failure, document, output sql.NullString
	var created int64
	var queued, started, ended sql.NullInt64
	err := rows.Scan(&x.ID, &x.Run, &x.Number, &x.Key, &x.Host, &x.Timeout, &resources,
		&x.Status, &x.ExitCode, &failure, &document, &output, &created, &queued, &started, &ended)
	x.Resources, x.Error, x.Document, x.Output = json.RawMessage(resources), documentOf(failure), documentOf(document), documentOf(output)
	x.CreatedAt, x.QueuedAt, x.StartedAt, x.EndedAt = timeOf(created), timeOrZero(queued), timeOrZero(started), timeOrZero(ended)
	return x, err
}

// progress is that of the tries of which the condition is true, by their ids.
func (db *DB) progress(ctx context.Context, where string, arg int64) (map[int64][]coreshed.TaskUpdate, error) {
	progress := map[int64][]coreshed.TaskUpdate{}
	_, err := all(ctx, db, func(rows *sql.Rows) (bool, error) {
		var u coreshed.TaskUpdate
		var exe, at int64
		var text string
		err := rows.Scan(&exe, &u.Task, &u.Status, &at, &text)
		u.At, u.Document = timeOf(at), json.RawMessage(text)
		progress[exe] = append(progress[exe], u)
		return true, err
	}, `SELECT u.job_exe_id, u.task_id, u.status, u.at, u.document FROM job_exes x JOIN task_updates u ON u.job_exe_id = x.id
		WHERE `+where+` ORDER BY u.id`, arg)
	return progress, err
}
