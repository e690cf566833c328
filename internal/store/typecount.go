package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/coreshed/coreshed"
)

// JobTypeName is all versions of a job type.
type JobTypeName struct {
	Latest   coreshed.JobType // the one that was made last
	Versions []string         // in the order in which they were made
}

// JobTypeNames returns a page of the names of job types of which a version
// matches, with all versions that do, and how many names there are.
func (db *DB) JobTypeNames(ctx context.Context, view coreshed.View, f TypeFilter, page coreshed.Page) ([]JobTypeName, int64, error) {
	c := f.jobTypes(db.dialect, view)
	var list []JobTypeName
	var total int64
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		var err error
		if total, err = one(ctx, t, value[int64], `SELECT count(DISTINCT jt.name) FROM job_types jt WHERE `+c.text(), c.args...); err != nil {
			return err
		}
		paged := &conditions{args: slices.Clone(c.args)}
		limit := paged.page(page)
		names, err := all(ctx, t, value[string], `SELECT DISTINCT jt.name FROM job_types jt WHERE `+c.text()+` ORDER BY jt.name`+limit, paged.args...)
		if err != nil || len(names) == 0 {
			return err
		}
		c.anyText(db.dialect, `jt.name`, names)
		types, err := all(ctx, t, scanJobType, `SELECT `+jobTypeColumns+` FROM job_types jt WHERE `+c.text()+` ORDER BY jt.name, jt.id`, c.args...)
		list = byName(types)
		return err
	})
	return list, total, err
}

// byName gathers the versions of job types that are sorted by name.
func byName(types []coreshed.JobType) []JobTypeName {
	var list []JobTypeName
	for _, j := range types {
		if n := len(list); n == 0 || list[n-1].Latest.Name != j.Name {
			list = append(list, JobTypeName{})
		}
		last := &list[len(list)-1]
		last.Latest, last.Versions = j, append(last.Versions, j.Version)
	}
	return list
}

// TypeStatus is a job type with what becomes of its runs.
type TypeStatus struct {
	Type   coreshed.JobType
	Counts []StatusCount
}

// StatusCount is how many runs have a status, failed ones by the category of
// their error.
type StatusCount struct {
	Status   coreshed.RunStatus
	Category string
	Count    int64
	Latest   time.Time // when the last one came to it
}

// TypeStatuses returns a page of job types with counts of the runs that the view
// shows: all that have not ended, and those that ended in a window.
func (db *DB) TypeStatuses(ctx context.Context, view coreshed.View, f TypeFilter, ended coreshed.Window, page coreshed.Page) ([]TypeStatus, int64, error) {
	types, total, err := db.JobTypes(ctx, view, f, nil, page)
	if err != nil || len(types) == 0 {
		return nil, total, err
	}
	list := make([]TypeStatus, len(types))
	at := map[int64]*TypeStatus{}
	var ids []int64
	for i, j := range types {
		list[i].Type = j
		at[j.ID] = &list[i]
		ids = append(ids, j.ID)
	}
	counts, err := db.statusCounts(ctx, view, ids, ended)
	for _, c := range counts {
		s := at[c.kind]
		s.Counts = append(s.Counts, c.StatusCount)
	}
	return list, total, err
}

type kindCount struct {
	kind int64
	StatusCount
}

// statusCounts counts in two parts, each of which has an index.
func (db *DB) statusCounts(ctx context.Context, view coreshed.View, types []int64, ended coreshed.Window) ([]kindCount, error) {
	var list []kindCount
	for _, part := range []struct {
		status []string
		times  coreshed.Window
	}{
		{[]string{"PENDING", "BLOCKED", "QUEUED", "RUNNING"}, coreshed.Window{}},
		{[]string{"FAILED", "COMPLETED", "CANCELED"}, ended},
	} {
		c := &conditions{}
		c.seenIn(db.dialect, view, `j.workspace_id`)
		c.anyID(db.dialect, `j.job_type_id`, types)
		c.anyText(db.dialect, `j.status`, part.status)
		c.within(`j.status_at`, `j.status_at`, part.times)
		category := `CASE j.status WHEN 'FAILED' THEN COALESCE(` + db.dialect.member("j.error", "category") + `, '') ELSE '' END`
		counts, err := all(ctx, db, func(rows *sql.Rows) (kindCount, error) {
			var k kindCount
			var latest int64
			err := rows.Scan(&k.kind, &k.Status, &k.Category, &k.Count, &latest)
			k.Latest = timeOf(latest)
			return k, err
		}, `SELECT j.job_type_id, j.status, `+category+` AS category, count(*), MAX(j.status_at) FROM jobs j
			WHERE `+c.text()+` GROUP BY j.job_type_id, j.status, `+category+` ORDER BY j.status, category`, c.args...)
		if err != nil {
			return nil, err
		}
		list = append(list, counts...)
	}
	return list, nil
}

// TypeCount is a job type with how many of its runs are in a state, and since
// when the first of them is.
type TypeCount struct {
	Type  coreshed.JobType
	Count int64
	Since time.Time
}

// TypesIn returns a page of the job types that have runs with a status, the one
// that has had it for longest first, and how many there are.
func (db *DB) TypesIn(ctx context.Context, view coreshed.View, status coreshed.RunStatus, page coreshed.Page) ([]TypeCount, int64, error) {
	c := &conditions{}
	c.seenIn(db.dialect, view, `j.workspace_id`)
	c.add(`j.status = ?`, string(status))
	from := `FROM (SELECT j.job_type_id AS kind, count(*) AS n, MIN(j.status_at) AS since FROM jobs j WHERE ` + c.text() + ` GROUP BY j.job_type_id) k
		JOIN job_types jt ON jt.id = k.kind`
	return pageOf(ctx, db, func(rows *sql.Rows) (TypeCount, error) {
		var v TypeCount
		var r jobTypeRow
		var since int64
		err := rows.Scan(append([]any{&v.Count, &since}, r.into()...)...)
		v.Type, v.Since = r.jobType(), timeOf(since)
		return v, err
	}, `k.n, k.since, `+jobTypeColumns, from, &conditions{terms: []string{`1 = 1`}, args: c.args}, ` ORDER BY k.since, jt.id`, page)
}

// TypeFailure is a job type with how many of its runs failed by one error of
// the system, as opposed to the algorithm or its data.
type TypeFailure struct {
	Type        coreshed.JobType
	Error       json.RawMessage // of the last one
	Count       int64
	First, Last time.Time
}

// SystemFailures returns a page of job types with runs that have failed by an
// error of the category SYSTEM, by its name, the latest first, and how many
// there are.
func (db *DB) SystemFailures(ctx context.Context, view coreshed.View, page coreshed.Page) ([]TypeFailure, int64, error) {
	c := &conditions{}
	c.seenIn(db.dialect, view, `j.workspace_id`)
	c.add(`j.status = 'FAILED'`)
	c.add(db.dialect.member("j.error", "category") + ` = 'SYSTEM'`)
	name := `COALESCE(` + db.dialect.member("j.error", "name") + `, '')`
	from := `FROM (SELECT j.job_type_id AS kind, count(*) AS n, MIN(j.status_at) AS first, MAX(j.status_at) AS last, MAX(j.id) AS job FROM jobs j
		WHERE ` + c.text() + ` GROUP BY j.job_type_id, ` + name + `) k
		JOIN job_types jt ON jt.id = k.kind JOIN jobs j ON j.id = k.job`
	return pageOf(ctx, db, func(rows *sql.Rows) (TypeFailure, error) {
		var v TypeFailure
		var r jobTypeRow
		var failure sql.NullString
		var first, last int64
		err := rows.Scan(append([]any{&v.Count, &first, &last, &failure}, r.into()...)...)
		v.Type, v.Error, v.First, v.Last = r.jobType(), documentOf(failure), timeOf(first), timeOf(last)
		return v, err
	}, `k.n, k.first, k.last, j.error, `+jobTypeColumns, from, &conditions{terms: []string{`1 = 1`}, args: c.args}, ` ORDER BY k.last DESC, k.job DESC`, page)
}
