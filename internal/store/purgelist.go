package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// purgeColumns need the joins of purgeFrom.
const purgeColumns = `u.id, u.uuid, u.scope, u.source_bytes > 0, u.reason, u.filter, u.filter_sha256, u.status, u.fingerprint,
	a.uuid, COALESCE(a.name, ''), COALESCE(a.email, ''), b.uuid, COALESCE(b.name, ''), COALESCE(b.email, ''), c.uuid, COALESCE(c.name, ''), COALESCE(c.email, ''), u.planned_at, u.executed_at, u.ended_at, COALESCE(u.source_file_id, 0),
	u.sources, u.products, u.runs, u.recipes, u.bytes, u.sources_gone, u.products_gone, u.runs_gone, u.recipes_gone, u.bytes_gone,
	u.held, u.forbidden, (SELECT count(*) FROM purge_items i WHERE i.purge_id = u.id AND i.kind = 0 AND i.state = 0 AND i.error <> ''), u.last_error, u.next_at`

const purgeFrom = ` FROM purges u LEFT JOIN people a ON a.id = u.planned_by LEFT JOIN people b ON b.id = u.executed_by LEFT JOIN people c ON c.id = u.approved_by`

func scanPurge(rows *sql.Rows) (coreshed.Purge, error) {
	var p coreshed.Purge
	var planner, executor, approver uuid.NullUUID
	var planned, next int64
	var executed, ended sql.NullInt64
	var filter sql.NullString
	err := rows.Scan(&p.ID, &p.UUID, &p.Scope, &p.SourceBytes, &p.Reason, &filter, &p.FilterSHA, &p.Status, &p.Fingerprint,
		&planner, &p.PlannedBy.Name, &p.PlannedBy.Email, &executor, &p.ExecutedBy.Name, &p.ExecutedBy.Email,
		&approver, &p.ApprovedBy.Name, &p.ApprovedBy.Email, &planned, &executed, &ended, &p.SourceFile,
		&p.Planned.Sources, &p.Planned.Products, &p.Planned.Runs, &p.Planned.Recipes, &p.Planned.Bytes,
		&p.Removed.Sources, &p.Removed.Products, &p.Removed.Runs, &p.Removed.Recipes, &p.Removed.Bytes,
		&p.Held, &p.Forbidden, &p.Errors, &p.LastError, &next)
	p.PlannedBy.ID, p.ExecutedBy.ID, p.ApprovedBy.ID = planner.UUID, executor.UUID, approver.UUID
	p.PlannedAt, p.ExecutedAt, p.EndedAt = timeOf(planned), timeOrZero(executed), timeOrZero(ended)
	p.Planned.Versions = p.Planned.Sources + p.Planned.Products
	p.Removed.Versions = p.Removed.Sources + p.Removed.Products
	if filter.Valid {
		p.Filter = []byte(filter.String)
	}
	if p.LastError != "" {
		p.RetryAt = timeOf(next)
	}
	return p, err
}

// seenPurge is the condition of purges that the caller may see: an admin all of
// the organisation, others those that they planned.
func seenPurge(view coreshed.View) *conditions {
	c := &conditions{}
	c.add(`u.org_id = ?`, view.Org)
	if !view.Admin {
		c.add(`a.uuid = ?`, view.Actor.ID)
	}
	return c
}

// Purge returns a purge of the view. NotFound when there is none.
func (db *DB) Purge(ctx context.Context, view coreshed.View, id coreshed.UUID) (coreshed.Purge, error) {
	c := seenPurge(view)
	c.add(`u.uuid = ?`, id)
	p, err := one(ctx, db, scanPurge, `SELECT `+purgeColumns+purgeFrom+` WHERE `+c.text(), c.args...)
	return p, notFound(err, "There is no such purge.")
}

// Purges returns up to limit purges of the view with smaller row ids than
// before, newest first; before 0 is from the newest.
func (db *DB) Purges(ctx context.Context, view coreshed.View, before int64, limit int64) ([]coreshed.Purge, error) {
	c := seenPurge(view)
	if before > 0 {
		c.add(`u.id < ?`, before)
	}
	return all(ctx, db, scanPurge, `SELECT `+purgeColumns+purgeFrom+` WHERE `+c.text()+` ORDER BY u.id DESC LIMIT `+c.arg(limit), c.args...)
}

// PurgeItemPage says which things of a purge's set are wanted.
type PurgeItemPage struct {
	After  *coreshed.PurgeVia // the last of the page before; nil is from the first
	Failed bool               // only versions whose bytes could not be removed yet
	Limit  int64
}

// PurgeItems returns a page of a purge's set, in the order of kind and id. Things
// of workspaces that the caller does not see are left out.
func (db *DB) PurgeItems(ctx context.Context, view coreshed.View, p coreshed.Purge, page PurgeItemPage) ([]coreshed.PurgeItem, error) {
	c := &conditions{}
	c.add(`i.purge_id = ?`, p.ID)
	if after := page.After; after != nil {
		kind := rowOf(after.Kind)
		c.add(`(i.kind > ? OR i.kind = ? AND i.item_id > ?)`, kind, kind, after.ID)
	}
	if page.Failed {
		c.terms = append(c.terms, `i.kind = 0 AND i.state = 0 AND i.error <> ''`)
	}
	c.seenIn(db.dialect, view, `i.workspace_id`)
	return all(ctx, db, scanPurgeItem, `SELECT `+purgeItemColumns+purgeItemFrom+` WHERE `+c.text()+` ORDER BY i.kind, i.item_id LIMIT `+c.arg(page.Limit), c.args...)
}

const purgeItemFrom = ` FROM purge_items i JOIN workspaces w ON w.id = i.workspace_id
	LEFT JOIN versions v ON i.kind = 0 AND v.id = i.item_id LEFT JOIN files f ON f.id = v.file_id
	LEFT JOIN jobs j ON i.kind = 1 AND j.id = i.item_id LEFT JOIN job_types jt ON jt.id = j.job_type_id
	LEFT JOIN recipes r ON i.kind = 2 AND r.id = i.item_id LEFT JOIN recipe_types rt ON rt.id = r.recipe_type_id`

// purgeItemColumns need the joins of purgeItemFrom.
const purgeItemColumns = `i.kind, i.item_id, i.depth, i.via_kind, i.via_id, COALESCE(f.path, jt.name || ' ' || jt.version, rt.name, ''),
	w.id, w.uuid, w.name, i.file_uuid, COALESCE(i.version_id, 0), COALESCE(i.file_type, ''),
	COALESCE(i.job_type_id, 0), i.size, i.sha256, i.md5, i.bytes, COALESCE(i.hold_id, 0), i.state, i.error`

var (
	purgeKinds  = [...]coreshed.PurgeKind{rowVersion: coreshed.PurgeVersion, rowRun: coreshed.PurgeRun, rowRecipe: coreshed.PurgeRecipeRow}
	purgeStates = [...]coreshed.PurgeState{rowWaits: coreshed.PurgeWaits, rowGone: coreshed.PurgeRemoved}
)

func rowOf(kind coreshed.PurgeKind) int64 {
	for row, k := range purgeKinds {
		if k == kind {
			return int64(row)
		}
	}
	return rowFile
}

func scanPurgeItem(rows *sql.Rows) (coreshed.PurgeItem, error) {
	var i coreshed.PurgeItem
	var kind, state int64
	var viaKind, via sql.NullInt64
	var file uuid.NullUUID
	err := rows.Scan(&kind, &i.ID, &i.Depth, &viaKind, &via, &i.Name,
		&i.Workspace.ID, &i.Workspace.UUID, &i.Workspace.Name, &file, &i.VersionID, &i.Type,
		&i.JobType, &i.Size, &i.SHA256, &i.MD5, &i.Bytes, &i.Hold, &state, &i.Error)
	if err != nil {
		return i, err
	}
	i.Kind, i.State, i.File = purgeKinds[kind], purgeStates[state], file.UUID
	if via.Valid {
		i.Via = &coreshed.PurgeVia{Kind: purgeKinds[viaKind.Int64], ID: via.Int64}
	}
	return i, nil
}
