package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// workspaceColumns need the aliases w and g, and workspaceJoins.
const workspaceColumns = `COALESCE(w.id, 0), w.uuid, o.uuid, w.title, w.name, w.description, w.bounding_box,
	w.coordinate_system, w.labels, w.created_at, w.updated_at, w.deleted_at, w.quota, w.used_bytes + w.staged_bytes, g.role, w.base_url, w.retention,
	wc.uuid, wc.name, wc.email, wu.uuid, wu.name, wu.email`

const workspaceJoins = `LEFT JOIN organisations o ON o.id = w.org_id
	LEFT JOIN people wc ON wc.id = w.created_by
	LEFT JOIN people wu ON wu.id = w.updated_by`

// scanWorkspace reads workspaceColumns, then what follows them into extra. All
// columns may be NULL, as an outer join leaves them.
func scanWorkspace(rows *sql.Rows, extra ...any) (coreshed.Workspace, error) {
	var w coreshed.Workspace
	var id, org uuid.NullUUID
	var title, name, description, box, crs, labels, role, base sql.NullString
	var created, updated, deleted, quota, used, retention sql.NullInt64
	var by, up nullPerson
	dest := []any{&w.ID, &id, &org, &title, &name, &description, &box, &crs, &labels, &created, &updated, &deleted, &quota, &used, &role, &base, &retention,
		&by.id, &by.name, &by.email, &up.id, &up.name, &up.email}
	if err := rows.Scan(append(dest, extra...)...); err != nil {
		return w, err
	}
	w.UUID, w.OrgID, w.Title, w.Name = id.UUID, org.UUID, title.String, name.String
	w.Description, w.BoundingBox, w.CoordinateSystem = description.String, box.String, crs.String
	w.CreatedAt, w.UpdatedAt, w.DeletedAt = timeOrZero(created), timeOrZero(updated), timeOrZero(deleted)
	w.Quota, w.Used, w.Role = quota.Int64, used.Int64, coreshed.Role(role.String)
	w.Retention = time.Duration(retention.Int64) * time.Second
	w.CreatedBy, w.UpdatedBy, w.BaseURL = by.person(), up.person(), base.String
	if labels.Valid {
		if err := json.Unmarshal([]byte(labels.String), &w.Labels); err != nil {
			return w, fmt.Errorf("labels of workspace %s: %w", w.UUID, err)
		}
	}
	return w, nil
}

// nullPerson is a person read through an outer join.
type nullPerson struct {
	id          uuid.NullUUID
	name, email sql.NullString
}

func (p nullPerson) person() coreshed.Person {
	return coreshed.Person{ID: p.id.UUID, Name: p.name.String, Email: p.email.String}
}

// WorkspaceFilter says which workspaces of an organisation are wanted, of those
// that the viewer may see.
type WorkspaceFilter struct {
	Deleted   bool
	Title     string // contained in the title, without regard to case
	CreatedBy *coreshed.UUID
	Member    *coreshed.UUID // has a role in it
	Created   coreshed.TimeRange
	Updated   coreshed.TimeRange
	Order     []coreshed.Order // by name, created_at, updated_at or user_role
}

// Workspaces returns a page of the workspaces that the actor may see, and how
// many there are in all. Admins see every workspace of the organisation.
func (db *DB) Workspaces(ctx context.Context, actor coreshed.Actor, org coreshed.UUID, f WorkspaceFilter, page coreshed.Page) ([]coreshed.Workspace, int64, error) {
	where, err := f.conditions(org, actor.ID)
	if err != nil {
		return nil, 0, err
	}
	order, err := workspaceOrder(f.Order)
	if err != nil {
		return nil, 0, err
	}
	from := `FROM workspaces w JOIN people p ON p.uuid = $2 AND p.disabled_at IS NULL
		LEFT JOIN grants g ON g.workspace_id = w.id AND g.person_id = p.id
		LEFT JOIN members m ON m.org_id = w.org_id AND m.person_id = p.id ` + workspaceJoins + ` WHERE ` + where.text()
	var list []coreshed.Workspace
	var total int64
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		if total, err = one(ctx, t, value[int64], `SELECT count(*) `+from, where.args...); err != nil {
			return err
		}
		list, err = all(ctx, t, func(rows *sql.Rows) (coreshed.Workspace, error) { return scanWorkspace(rows) },
			`SELECT `+workspaceColumns+` `+from+order+where.page(page), where.args...)
		return err
	})
	return list, total, err
}

func (f WorkspaceFilter) conditions(org, viewer coreshed.UUID) (*conditions, error) {
	c := &conditions{}
	c.add(`o.uuid = ?`, org)
	c.args = append(c.args, viewer) // $2, named in the join
	c.terms = append(c.terms, `(g.role IS NOT NULL OR COALESCE(m.admin, 0) > 0)`)
	if f.Deleted {
		c.add(`w.deleted_at IS NOT NULL`)
	} else {
		c.add(`w.deleted_at IS NULL`)
	}
	if f.Title != "" {
		c.like(`w.title_key`, containing(coreshed.FoldPath(f.Title)))
	}
	if f.CreatedBy != nil {
		c.add(`w.created_by = (SELECT id FROM people WHERE uuid = ?)`, *f.CreatedBy)
	}
	if f.Member != nil {
		c.add(`EXISTS (SELECT 1 FROM grants x JOIN people xp ON xp.id = x.person_id WHERE x.workspace_id = w.id AND xp.uuid = ?)`, *f.Member)
	}
	c.between(`w.created_at`, f.Created)
	c.between(`w.updated_at`, f.Updated)
	return c, nil
}

func workspaceOrder(orders []coreshed.Order) (string, error) {
	columns := map[coreshed.OrderField]string{
		"name": "w.title_key", "created_at": "w.created_at", "updated_at": "w.updated_at",
		"user_role": `CASE g.role WHEN 'owner' THEN 3 WHEN 'editor' THEN 2 WHEN 'viewer' THEN 1 ELSE 0 END`,
	}
	return orderBy(orders, columns, "w.title_key", "w.id")
}

// AddWorkspace makes a workspace with its creator as owner. The title is 1 to
// 60 characters (Invalid) and not that of another live workspace (Conflict).
func (db *DB) AddWorkspace(ctx context.Context, org, creator coreshed.UUID, title string, edit coreshed.WorkspaceEdit) (coreshed.Workspace, error) {
	edit.Title = &title
	id := uuid.New()
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		person, err := personRow(ctx, t, creator)
		if err != nil {
			return err
		}
		orgRow, err := one(ctx, t, value[int64], `SELECT id FROM organisations WHERE uuid = $1`, org)
		if err != nil {
			return err
		}
		slug, err := freeSlug(ctx, t, orgRow, title)
		if err != nil {
			return err
		}
		row, err := addWorkspace(ctx, t, id, orgRow, person, slug)
		if err != nil {
			return err
		}
		if err := editWorkspace(ctx, t, row, edit); err != nil {
			return err
		}
		return auditWorkspace(ctx, t, coreshed.Actor{ID: creator}, coreshed.ActWorkspaceMake, row, details{"title": title})
	})
	if err != nil {
		return coreshed.Workspace{}, err
	}
	return db.workspace(ctx, id, creator)
}

// addWorkspace makes a workspace of a person's, without a title yet, and returns
// its row id.
func addWorkspace(ctx context.Context, t tx, id coreshed.UUID, org, person int64, name string) (int64, error) {
	row, err := insert(ctx, t, `
		INSERT INTO workspaces (uuid, org_id, title, title_key, name, created_at, created_by, updated_at, updated_by)
		VALUES ($1, $2, '', $1, $3, $4, $5, $4, $5) RETURNING id`, id, org, name, t.db().micros(), person)
	if err != nil {
		return 0, err
	}
	_, err = t.exec(ctx, `INSERT INTO grants (workspace_id, person_id, role) VALUES ($1, $2, 'owner')`, row, person)
	return row, err
}

// workspace returns a workspace with the viewer's role in it.
func (db *DB) workspace(ctx context.Context, id, viewer coreshed.UUID) (coreshed.Workspace, error) {
	return one(ctx, db, func(rows *sql.Rows) (coreshed.Workspace, error) { return scanWorkspace(rows) }, `
		SELECT `+workspaceColumns+` FROM workspaces w
		LEFT JOIN grants g ON g.workspace_id = w.id AND g.person_id = (SELECT id FROM people WHERE uuid = $2)
		`+workspaceJoins+` WHERE w.uuid = $1`, id, viewer)
}

// WorkspaceByName returns the live workspace with that slug or title, for the
// operator of the host, whose view has no bounds.
func (db *DB) WorkspaceByName(ctx context.Context, name string) (coreshed.Workspace, error) {
	return one(ctx, db, func(rows *sql.Rows) (coreshed.Workspace, error) { return scanWorkspace(rows) }, `
		SELECT `+workspaceColumns+` FROM workspaces w LEFT JOIN grants g ON g.workspace_id IS NULL
		`+workspaceJoins+` WHERE w.deleted_at IS NULL AND (w.name = $1 OR w.title_key = $2 OR w.uuid = $1)
		ORDER BY w.id`, name, coreshed.FoldPath(name))
}

// EditWorkspace changes a workspace and returns it.
func (db *DB) EditWorkspace(ctx context.Context, a coreshed.Access, edit coreshed.WorkspaceEdit) (coreshed.Workspace, error) {
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		person, err := personRow(ctx, t, a.Actor.ID)
		if err != nil {
			return err
		}
		if err := editWorkspace(ctx, t, a.Workspace.ID, edit); err != nil {
			return err
		}
		if err := auditWorkspace(ctx, t, a.Actor, coreshed.ActWorkspaceChange, a.Workspace.ID, saidOf(edit)); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE workspaces SET updated_at = $2, updated_by = $3 WHERE id = $1`, a.Workspace.ID, db.micros(), person)
		return err
	})
	if err != nil {
		return coreshed.Workspace{}, err
	}
	return db.workspace(ctx, a.Workspace.UUID, a.Actor.ID)
}

func auditWorkspace(ctx context.Context, t tx, by coreshed.Actor, action coreshed.AuditAction, row int64, said details) error {
	return audit(ctx, t, act{by: by, action: action, kind: coreshed.AuditWorkspace, id: row, workspace: row, details: said})
}

// saidOf tells which parts of a workspace change, and its new title and quota.
func saidOf(e coreshed.WorkspaceEdit) details {
	said := details{}
	for name, set := range map[string]bool{
		"description": e.Description != nil, "bounding_box": e.BoundingBox != nil, "coordinate_system": e.CoordinateSystem != nil,
		"labels": e.Labels != nil,
	} {
		if set {
			said[name] = "changed"
		}
	}
	if e.Title != nil {
		said["title"] = *e.Title
	}
	if e.Quota != nil {
		said["quota"] = *e.Quota
	}
	return said
}

func editWorkspace(ctx context.Context, t tx, row int64, e coreshed.WorkspaceEdit) error {
	if e.Title != nil {
		if err := setTitle(ctx, t, row, *e.Title); err != nil {
			return err
		}
	}
	if err := checkRetention(e.Retention); err != nil {
		return err
	}
	columns := []struct {
		name  string
		value any
		set   bool
	}{
		{"description", deref(e.Description), e.Description != nil},
		{"bounding_box", deref(e.BoundingBox), e.BoundingBox != nil},
		{"coordinate_system", deref(e.CoordinateSystem), e.CoordinateSystem != nil},
		{"quota", deref(e.Quota), e.Quota != nil},
		{"labels", labelsText(e.Labels), e.Labels != nil},
		{"retention", nullID(int64(deref(e.Retention) / time.Second)), e.Retention != nil},
	}
	for _, c := range columns {
		if !c.set {
			continue
		}
		if _, err := t.exec(ctx, `UPDATE workspaces SET `+c.name+` = $2 WHERE id = $1`, row, c.value); err != nil {
			return err
		}
	}
	return nil
}

// checkRetention refuses a time for which nothing can be kept.
func checkRetention(d *time.Duration) error {
	if d == nil || *d >= 0 && *d%time.Second == 0 {
		return nil
	}
	err := coreshed.Errorf(coreshed.Invalid, "Deleted files are kept for a number of whole seconds, or for ever.")
	err.Field = "retention"
	return err
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func labelsText(labels *[]string) string {
	text, err := json.Marshal(append([]string{}, deref(labels)...))
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}

func setTitle(ctx context.Context, t tx, row int64, title string) error {
	if n := utf8.RuneCountInString(title); n < 1 || n > coreshed.MaxTitleLength || !utf8.ValidString(title) {
		return coreshed.Errorf(coreshed.Invalid, "The name of a workspace has 1 to %d characters.", coreshed.MaxTitleLength)
	}
	taken, err := titles(ctx, t, row, title)
	if err != nil {
		return err
	}
	if taken > 0 {
		return titleTaken(title)
	}
	_, err = t.exec(ctx, `UPDATE workspaces SET title = $2, title_key = $3 WHERE id = $1`, row, title, coreshed.FoldPath(title))
	if err != nil && t.db().dialect.unique(err) {
		return titleTaken(title)
	}
	return err
}

// titles counts the other live workspaces of the organisation with a title.
func titles(ctx context.Context, t tx, row int64, title string) (int64, error) {
	return one(ctx, t, value[int64], `
		SELECT count(*) FROM workspaces x JOIN workspaces w ON w.org_id = x.org_id
		WHERE w.id = $1 AND x.id <> $1 AND x.title_key = $2 AND x.deleted_at IS NULL`, row, coreshed.FoldPath(title))
}

func titleTaken(title string) error {
	err := coreshed.Errorf(coreshed.Conflict, "There is a workspace with the name %q already.", title)
	err.Field = "name"
	return err
}

// maxSlugLength bounds Workspace.Name.
const maxSlugLength = 50

// freeSlug makes a workspace's fixed name from its title.
func freeSlug(ctx context.Context, t tx, org int64, title string) (string, error) {
	base := titleSlug(title)
	for n := 1; ; n++ {
		slug := base
		if n > 1 {
			slug = fmt.Sprintf("%s-%d", base, n)
		}
		taken, err := one(ctx, t, value[int64], `SELECT count(*) FROM workspaces WHERE org_id = $1 AND name = $2`, org, slug)
		if err != nil || taken == 0 {
			return slug, err
		}
	}
}

// titleSlug is the name that a title gives a workspace, if it is free.
func titleSlug(title string) string {
	slug := strings.Join(strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
	if slug == "" {
		slug = "workspace"
	}
	return slug[:min(len(slug), maxSlugLength-8)]
}

// DeleteWorkspace marks a workspace deleted; its title is free at once and its
// files stay as they are. Deleting it again changes nothing. Held when a hold
// protects it, or anything in it.
func (db *DB) DeleteWorkspace(ctx context.Context, a coreshed.Access) error {
	return db.update(ctx, func(ctx context.Context, t tx) error { return deleteWorkspace(ctx, t, a.Actor, a.Workspace.ID) })
}

func deleteWorkspace(ctx context.Context, t tx, actor coreshed.Actor, row int64) error {
	live, err := one(ctx, t, value[bool], `SELECT deleted_at IS NULL FROM workspaces WHERE id = $1`+t.db().dialect.lock, row)
	if err != nil || !live {
		return err
	}
	h, err := heldWorkspace(ctx, t, row)
	if err == nil {
		err = h.refuse(ctx, t, actor, "this workspace, or something in it")
	}
	if err != nil {
		return err
	}
	if _, err = t.exec(ctx, `UPDATE workspaces SET deleted_at = $2 WHERE id = $1`, row, t.db().micros()); err != nil {
		return err
	}
	return auditWorkspace(ctx, t, actor, coreshed.ActWorkspaceDelete, row, nil)
}

// RestoreWorkspace makes a deleted workspace live again. When another has its
// title by now, it gets the first free numbered one and renamed is true.
// Restoring a live one changes nothing.
func (db *DB) RestoreWorkspace(ctx context.Context, a coreshed.Access) (renamed bool, err error) {
	err = db.update(ctx, func(ctx context.Context, t tx) error {
		renamed, err = restoreWorkspace(ctx, t, a.Actor, a.Workspace.ID)
		return err
	})
	return renamed, err
}

func restoreWorkspace(ctx context.Context, t tx, by coreshed.Actor, row int64) (renamed bool, err error) {
	title, err := one(ctx, t, value[string], `SELECT title FROM workspaces
		WHERE id = $1 AND deleted_at IS NOT NULL`+t.db().dialect.lock, row)
	if errors.Is(err, coreshed.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	free, err := freeTitle(ctx, t, row, title)
	if err != nil {
		return false, err
	}
	if err := setTitle(ctx, t, row, free); err != nil {
		return false, err
	}
	if _, err := t.exec(ctx, `UPDATE workspaces SET deleted_at = NULL WHERE id = $1`, row); err != nil {
		return false, err
	}
	return free != title, auditWorkspace(ctx, t, by, coreshed.ActWorkspaceRestore, row, details{"title": free})
}

// freeTitle returns the title, or its first numbered alternative that no other
// live workspace of the organisation has.
func freeTitle(ctx context.Context, t tx, row int64, title string) (string, error) {
	for n := 0; ; n++ {
		candidate := title
		if n > 0 {
			suffix := fmt.Sprintf(" (%d)", n)
			runes := []rune(title)
			candidate = string(runes[:min(len(runes), coreshed.MaxTitleLength-len(suffix))]) + suffix
		}
		taken, err := titles(ctx, t, row, candidate)
		if err != nil || taken == 0 {
			return candidate, err
		}
	}
}
