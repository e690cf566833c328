package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
)

// Strikes and scans are read and written alike: o is the alias of their table.
const originColumns = `o.id, o.workspace_id, o.name, o.title, o.description, o.configuration, o.created_at, o.modified_at, ` + originJobColumns

const originJobColumns = `j.id, j.status, jt.id, jt.name, jt.version, jt.title, jt.description, jt.is_system, jt.is_active, jt.is_paused,
	jt.is_published, jt.icon_code, jt.unmet_resources`

const originJoins = ` LEFT JOIN jobs j ON j.id = o.job_id LEFT JOIN job_types jt ON jt.id = j.job_type_id`

// jobScan reads originJobColumns.
type jobScan struct {
	job, id, system, active, paused, published           sql.NullInt64
	status, name, version, title, text, icon, unmetTexts sql.NullString
}

func (s *jobScan) dest() []any {
	return []any{
		&s.job, &s.status, &s.id, &s.name, &s.version, &s.title, &s.text, &s.system, &s.active, &s.paused,
		&s.published, &s.icon, &s.unmetTexts,
	}
}

func (s *jobScan) originJob() *coreshed.OriginJob {
	if !s.job.Valid {
		return nil
	}
	return &coreshed.OriginJob{ID: s.job.Int64, Status: s.status.String, Type: coreshed.JobType{
		ID: s.id.Int64, Name: s.name.String, Version: s.version.String, Title: s.title.String, Description: s.text.String,
		IsSystem: s.system.Int64 != 0, IsActive: s.active.Int64 != 0, IsPaused: s.paused.Int64 != 0, IsPublished: s.published.Int64 != 0,
		IconCode: s.icon.String, UnmetResources: s.unmetTexts.String,
	}}
}

// scanOrigin reads originColumns, then what follows them into extra.
func scanOrigin(rows *sql.Rows, extra ...any) (coreshed.Origin, error) {
	var o coreshed.Origin
	var j jobScan
	var configuration string
	var created, modified int64
	dest := append([]any{&o.ID, &o.Workspace, &o.Name, &o.Title, &o.Description, &configuration, &created, &modified}, j.dest()...)
	err := rows.Scan(append(dest, extra...)...)
	o.Configuration, o.Job = json.RawMessage(configuration), j.originJob()
	o.CreatedAt, o.ModifiedAt = timeOf(created), timeOf(modified)
	return o, err
}

func originConditions(d dialect, view coreshed.View, f coreshed.OriginFilter) *conditions {
	c := &conditions{}
	c.add(`o.org_id = ?`, view.Org)
	if !view.Everything {
		c.anyID(d, `o.workspace_id`, workspacesOf(view))
	}
	c.anyID(d, `o.id`, f.ID)
	c.within(`o.modified_at`, `o.modified_at`, f.Modified)
	c.anyText(d, `o.name`, f.Name)
	if f.NameContains != nil {
		parts := &conditions{terms: []string{`1 = 0`}, args: c.args}
		for _, s := range storableOnes(f.NameContains) {
			d.contains(parts, `o.name`, s)
		}
		c.terms, c.args = append(c.terms, `(`+strings.Join(parts.terms, ` OR `)+`)`), parts.args
	}
	return c
}

// originSorting is how strikes and scans are sorted.
var originSorting = sorting{fallback: "last_modified", id: "o.id", keys: map[coreshed.OrderField]sortKey{
	"id": {expr: "o.id"}, "name": {expr: "o.name"}, "title": {expr: "lower(o.title)"}, "description": {expr: "lower(o.description)"},
	"created": {expr: "o.created_at"}, "last_modified": {expr: "o.modified_at"},
	"job": {expr: "o.job_id", nullable: true}, "job__id": {expr: "o.job_id", nullable: true}, "job__status": {expr: "j.status", nullable: true},
}}

const maxOriginText = 500

func checkOriginText(title, description *string) error {
	if title != nil {
		if n := utf8.RuneCountInString(*title); n < 1 || n > maxSlugLength {
			return coreshed.Errorf(coreshed.BadRequest, "The title has 1 to %d characters.", maxSlugLength)
		}
	}
	if description != nil && utf8.RuneCountInString(*description) > maxOriginText {
		return coreshed.Errorf(coreshed.BadRequest, "The description has at most %d characters.", maxOriginText)
	}
	return nil
}

func auditOrigin(ctx context.Context, t tx, view coreshed.View, action coreshed.AuditAction, kind coreshed.AuditKind, id, workspace int64, said details) error {
	return audit(ctx, t, act{by: view.Actor, action: action, kind: kind, id: id, workspace: workspace, org: view.Org, details: said})
}

func originSaid(e coreshed.OriginEdit) details {
	said := details{"configuration": e.Configuration != nil}
	if e.Title != nil {
		said["title"] = *e.Title
	}
	return said
}

// addOrigin makes a strike or scan, without a job, and returns its id.
func addOrigin(ctx context.Context, t tx, table string, view coreshed.View, o coreshed.Origin) (int64, error) {
	if err := checkOriginText(&o.Title, &o.Description); err != nil {
		return 0, err
	}
	name, err := freeName(ctx, t, table, view.Org, o.Title)
	if err != nil {
		return 0, err
	}
	by, err := originMaker(ctx, t, view)
	if err != nil {
		return 0, err
	}
	now := t.db().micros()
	return insert(ctx, t, `INSERT INTO `+table+` (org_id, workspace_id, name, title, description, configuration, created_by, created_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id`,
		view.Org, o.Workspace, name, o.Title, o.Description, string(o.Configuration), by, now)
}

// originMaker is the row of who makes a strike or scan, nil for the operator.
func originMaker(ctx context.Context, t tx, view coreshed.View) (any, error) {
	person, err := all(ctx, t, value[int64], `SELECT id FROM people WHERE uuid = $1`, view.Actor.ID)
	if len(person) == 0 {
		return nil, err
	}
	return person[0], nil
}

// editOrigin changes a strike or scan that the view may change; which one that
// is has been decided before. Who gives it its configuration is its maker.
func editOrigin(ctx context.Context, t tx, table string, view coreshed.View, id int64, e coreshed.OriginEdit) error {
	if err := checkOriginText(e.Title, e.Description); err != nil {
		return err
	}
	c := &conditions{}
	set := []string{"modified_at = " + c.arg(t.db().micros())}
	if e.Title != nil {
		set = append(set, "title = "+c.arg(*e.Title))
	}
	if e.Description != nil {
		set = append(set, "description = "+c.arg(*e.Description))
	}
	if e.Configuration != nil {
		by, err := originMaker(ctx, t, view)
		if err != nil {
			return err
		}
		set = append(set, "configuration = "+c.arg(string(e.Configuration)), "workspace_id = "+c.arg(e.Workspace), "created_by = "+c.arg(by))
	}
	c.add(`id = ?`, id)
	_, err := t.exec(ctx, `UPDATE `+table+` SET `+strings.Join(set, ", ")+` WHERE `+c.text(), c.args...)
	if err != nil || e.Configuration == nil {
		return err
	}
	return moveOriginJobs(ctx, t, table, id, e.Workspace)
}

// originJobs are the columns of strikes and scans that name their jobs. A scan
// that may be changed has only counted.
var originJobs = map[string]string{"strikes": "job_id", "scans": "dry_run_job_id"}

// moveOriginJobs moves what a strike or scan works under to the workspace where
// it works from now on: who sees the one sees the other.
func moveOriginJobs(ctx context.Context, t tx, table string, id, workspace int64) error {
	_, err := t.exec(ctx, `UPDATE jobs SET workspace_id = $2, modified_at = $3
		WHERE workspace_id <> $2 AND id = (SELECT `+originJobs[table]+` FROM `+table+` WHERE id = $1)`, id, workspace, t.db().micros())
	return err
}
