package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"github.com/coreshed/coreshed"
)

// NewJobType names a job type, and says of a new one what it is.
type NewJobType struct {
	Name, Version      string // which it is; unique in the organisation
	Title, Description string
	System             bool            // one of the server's own
	IconCode           string          // "" is none
	MaxTries           int64           // 0 is 1
	Manifest           json.RawMessage // an object; nil is what is known, or an empty one
}

// EnsureJobType returns the job type with that name and version, which it makes
// when there is none. A manifest that is not the current one is a new revision,
// which is current if the type is the caller's.
func (db *DB) EnsureJobType(ctx context.Context, view coreshed.View, n NewJobType) (coreshed.JobType, error) {
	var row typeRow
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		row, err = ensureJobType(ctx, t, view, n)
		return err
	})
	if err != nil {
		return coreshed.JobType{}, err
	}
	return db.JobType(ctx, view, row.id)
}

func ensureJobType(ctx context.Context, t tx, view coreshed.View, n NewJobType) (typeRow, error) {
	if err := checkType(n.Name, n.Title, n.Description); err != nil {
		return typeRow{}, err
	}
	if err := checkName("type.version", n.Version); err != nil {
		return typeRow{}, err
	}
	if _, own := systemJobs[n.Name]; own && n.Version == systemJobVersion {
		id, err := systemJobType(ctx, t, view.Org, n.Name)
		return typeRow{id: id, revision: 1}, err
	}
	maker, err := actorRow(ctx, t, view.Actor)
	if err != nil {
		return typeRow{}, err
	}
	now := t.db().micros()
	if _, err := t.exec(ctx, `INSERT INTO job_types (org_id, name, version, title, description, is_system, icon_code, max_tries, revision_num, created_by, created_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $10) ON CONFLICT DO NOTHING`,
		view.Org, n.Name, n.Version, n.Title, n.Description, btoi(n.System), textOr(n.IconCode), max(n.MaxTries, 1), maker, now); err != nil {
		return typeRow{}, err
	}
	row, err := one(ctx, t, scanTypeRow, `SELECT `+typeRowColumns+` FROM job_types WHERE org_id = $1 AND name = $2 AND version = $3`+t.db().dialect.lock,
		view.Org, n.Name, n.Version)
	if err != nil {
		return row, err
	}
	return revise(ctx, t, jobTypeTables, row.of(view, maker), n.Manifest)
}

const jobTypeColumns = `jt.id, jt.name, jt.version, jt.title, jt.description, jt.is_system, jt.is_active, jt.is_paused, jt.is_published,
	COALESCE(jt.icon_code, ''), COALESCE(jt.unmet_resources, ''), jt.revision_num, jt.max_tries, jt.created_at, jt.modified_at, jt.deprecated_at`

// jobTypeRow is a job type as read.
type jobTypeRow struct {
	j                                 coreshed.JobType
	system, active, paused, published int64
	created, modified                 int64
	deprecated                        sql.NullInt64
}

func (r *jobTypeRow) into() []any {
	j := &r.j
	return []any{
		&j.ID, &j.Name, &j.Version, &j.Title, &j.Description, &r.system, &r.active, &r.paused, &r.published,
		&j.IconCode, &j.UnmetResources, &j.Revision, &j.MaxTries, &r.created, &r.modified, &r.deprecated,
	}
}

func (r *jobTypeRow) jobType() coreshed.JobType {
	j := r.j
	j.IsSystem, j.IsActive, j.IsPaused, j.IsPublished = r.system != 0, r.active != 0, r.paused != 0, r.published != 0
	j.CreatedAt, j.ModifiedAt, j.DeprecatedAt = timeOf(r.created), timeOf(r.modified), timeOrZero(r.deprecated)
	return j
}

func scanJobType(rows *sql.Rows) (coreshed.JobType, error) {
	var r jobTypeRow
	err := rows.Scan(r.into()...)
	return r.jobType(), err
}

// JobType returns a job type of the organisation. Whoever has a role in one of
// its workspaces sees all types.
func (db *DB) JobType(ctx context.Context, view coreshed.View, id int64) (coreshed.JobType, error) {
	j, err := one(ctx, db, scanJobType, `SELECT `+jobTypeColumns+` FROM job_types jt WHERE jt.id = $1 AND jt.org_id = $2`, id, typesOf(view))
	return j, notFound(err, "There is no such job type.")
}

// TypeFilter says which types are wanted; nil is any.
type TypeFilter struct {
	ID, Revision   []int64
	Name, Version  []string
	Keyword        string // in the name, the title or the description, without regard to ASCII case; "" is any
	System, Active *bool
}

// types adds a filter of types, of an alias.
func (c *conditions) types(d dialect, view coreshed.View, f TypeFilter, alias string) {
	c.add(alias+`.org_id = ?`, typesOf(view))
	c.anyID(d, alias+`.id`, f.ID)
	c.anyText(d, alias+`.name`, f.Name)
	if f.Keyword != "" {
		c.like(`lower(`+alias+`.name || ' ' || `+alias+`.title || ' ' || `+alias+`.description)`, containing(lower(f.Keyword)))
	}
	c.flag(alias+`.is_system`, f.System)
	c.flag(alias+`.is_active`, f.Active)
}

// lower makes ASCII letters small, and leaves others, as SQLite does.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// jobTypes are the conditions of a filter, over the alias jt.
func (f TypeFilter) jobTypes(d dialect, view coreshed.View) *conditions {
	c := &conditions{}
	c.types(d, view, f, `jt`)
	c.anyText(d, `jt.version`, f.Version)
	return c
}

// JobTypes returns a page of the organisation's job types, and how many there
// are. The default order is by name and version; the id is always the last key.
func (db *DB) JobTypes(ctx context.Context, view coreshed.View, f TypeFilter, order []coreshed.Order, page coreshed.Page) ([]coreshed.JobType, int64, error) {
	if len(order) == 0 {
		order = []coreshed.Order{{Field: "name"}, {Field: "version"}}
	}
	s := selection{jobTypeColumns, `job_types jt`, f.jobTypes(db.dialect, view), jobTypeSorting}
	return sortedPage(ctx, db, s, scanJobType, order, page)
}

// JobTypeRevision returns the manifest of a revision of a job type, with the
// revision's id.
func (db *DB) JobTypeRevision(ctx context.Context, view coreshed.View, jobType, number int64) (TypeRevision, error) {
	return db.typeRevision(ctx, view, jobTypeTables, jobType, number)
}

// TypeRevision is a type as it was at a time.
type TypeRevision struct {
	coreshed.Revision
	Document json.RawMessage // an object; nil in a list
	Created  int64           // microseconds since the epoch
}

func (db *DB) typeRevision(ctx context.Context, view coreshed.View, r revisions, id, number int64) (TypeRevision, error) {
	v, err := one(ctx, db, func(rows *sql.Rows) (TypeRevision, error) {
		var v TypeRevision
		var text string
		err := rows.Scan(&v.ID, &v.Number, &v.Created, &text)
		v.Document = json.RawMessage(text)
		return v, err
	}, `SELECT `+revisionColumns+`, r.`+r.document+` FROM `+r.from()+` WHERE x.id = $1 AND x.org_id = $2 AND r.revision_num = $3`, id, typesOf(view), number)
	return v, notFound(err, "There is no such revision.")
}

const revisionColumns = `r.id, r.revision_num, r.created_at`

func (r revisions) from() string {
	return r.table + ` r JOIN ` + r.types + ` x ON x.id = r.` + r.key
}

func (db *DB) typeRevisions(ctx context.Context, view coreshed.View, r revisions, id int64, page coreshed.Page) ([]TypeRevision, int64, error) {
	c := &conditions{}
	c.add(`x.id = ?`, id)
	c.add(`x.org_id = ?`, typesOf(view))
	return pageOf(ctx, db, func(rows *sql.Rows) (TypeRevision, error) {
		var v TypeRevision
		return v, rows.Scan(&v.ID, &v.Number, &v.Created)
	}, revisionColumns, `FROM `+r.from(), c, ` ORDER BY r.revision_num DESC`, page)
}

// JobTypeRevisions returns a page of the revisions of a job type, newest first,
// without their manifests, and how many there are.
func (db *DB) JobTypeRevisions(ctx context.Context, view coreshed.View, jobType int64, page coreshed.Page) ([]TypeRevision, int64, error) {
	return db.typeRevisions(ctx, view, jobTypeTables, jobType, page)
}

// typesOf is the organisation whose types a view shows: none to someone without
// any role.
func typesOf(view coreshed.View) int64 {
	if len(view.Roles) == 0 && !view.Admin {
		return 0
	}
	return view.Org
}
