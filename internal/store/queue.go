package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/coreshed/coreshed"
)

// Waiting is how many runs of a job type have been accepted and not started.
type Waiting struct {
	JobType  coreshed.JobType
	Count    int64
	Since    time.Time // when the first of them was accepted
	Priority int64     // the most urgent, which is the lowest
}

// Waiting returns a page of the job types of which runs in the view wait, the
// most urgent first, and how many such types there are.
func (db *DB) Waiting(ctx context.Context, view coreshed.View, page coreshed.Page) ([]Waiting, int64, error) {
	c := &conditions{}
	c.add(`jt.org_id = ?`, view.Org)
	if !view.Everything {
		c.anyID(db.dialect, `j.workspace_id`, workspacesOf(view))
	}
	from := ` FROM queue q JOIN jobs j ON j.id = q.job_id JOIN job_types jt ON jt.id = j.job_type_id WHERE ` + c.text()
	var list []Waiting
	var total int64
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		var err error
		if total, err = one(ctx, t, value[int64], `SELECT count(DISTINCT jt.id)`+from, c.args...); err != nil {
			return err
		}
		paged := &conditions{args: slices.Clone(c.args)}
		limit := paged.page(page)
		list, err = all(ctx, t, scanWaiting, `SELECT jt.id, jt.name, jt.version, jt.title, jt.description, jt.is_system, jt.is_active,
			jt.is_paused, jt.is_published, jt.icon_code, jt.unmet_resources, count(*), min(q.queued_at), min(q.priority)`+from+`
			GROUP BY jt.id ORDER BY min(q.priority), min(q.queued_at), jt.id`+limit, paged.args...)
		return err
	})
	return list, total, err
}

func scanWaiting(rows *sql.Rows) (Waiting, error) {
	var w Waiting
	var since int64
	var icon, unmet sql.NullString
	var system, active, paused, published int64
	jt := &w.JobType
	err := rows.Scan(&jt.ID, &jt.Name, &jt.Version, &jt.Title, &jt.Description, &system, &active, &paused, &published,
		&icon, &unmet, &w.Count, &since, &w.Priority)
	jt.IsSystem, jt.IsActive, jt.IsPaused, jt.IsPublished = system != 0, active != 0, paused != 0, published != 0
	jt.IconCode, jt.UnmetResources, w.Since = icon.String, unmet.String, timeOf(since)
	return w, err
}
