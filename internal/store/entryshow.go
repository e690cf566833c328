package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coreshed/coreshed"
)

// showEntries fills in what entries are shown with, of which they have the ids:
// their workspaces and types, and those of their batches that the view shows.
func showEntries(ctx context.Context, q querier, d dialect, view coreshed.View, entries ...*coreshed.Entry) error {
	if err := entryWorkspaces.fill(ctx, q, d, everything, entries); err != nil {
		return err
	}
	if err := entryJobTypes.fill(ctx, q, d, everything, entries); err != nil {
		return err
	}
	if err := entryRecipeTypes.fill(ctx, q, d, everything, entries); err != nil {
		return err
	}
	return entryBatches.fill(ctx, q, d, view, entries)
}

// showing reads entries with what they are shown with.
func showing(ctx context.Context, q querier, d dialect, view coreshed.View, c *conditions, order string) ([]coreshed.Entry, error) {
	list, err := all(ctx, q, scanEntry, `SELECT `+entryColumns+` `+entryFrom+` WHERE `+c.text()+order, c.args...)
	if err != nil {
		return nil, err
	}
	return list, showEntries(ctx, q, d, view, pointers(list)...)
}

func pointers(entries []coreshed.Entry) []*coreshed.Entry {
	list := make([]*coreshed.Entry, len(entries))
	for i := range entries {
		list[i] = &entries[i]
	}
	return list
}

// shownRow is a row of another table that entries are shown with.
type shownRow[T any] struct {
	query string                   // ends where the ids follow
	in    string                   // column of the workspace in which it is seen, or ""
	scan  func(*T) []any           // where columns go, first the id
	of    func(*coreshed.Entry) *T // with its id; nil is none
	hide  func(*coreshed.Entry)    // one that is not seen
}

func (s shownRow[T]) fill(ctx context.Context, q querier, d dialect, view coreshed.View, entries []*coreshed.Entry) error {
	at := map[int64][]*coreshed.Entry{}
	for _, e := range entries {
		if row := s.of(e); row != nil {
			id := *s.scan(row)[0].(*int64)
			at[id] = append(at[id], e)
		}
	}
	if len(at) == 0 {
		return nil
	}
	ids, err := json.Marshal(slices.Collect(maps.Keys(at)))
	if err != nil {
		return err
	}
	c := &conditions{}
	text := s.query + `(` + d.list(c.arg(string(ids)), "bigint") + `)`
	if s.in != "" && !view.Everything {
		text += ` AND (` + s.in + ` IS NULL OR ` + oneOf(c, d, s.in, workspacesOf(view), "bigint") + `)`
	}
	err = each(ctx, q, func(r *sql.Rows) error {
		var row T
		dest := s.scan(&row)
		err := r.Scan(dest...)
		id := *dest[0].(*int64)
		for _, e := range at[id] {
			*s.of(e) = row
		}
		delete(at, id)
		return err
	}, text, c.args...)
	if s.hide != nil {
		for _, list := range at {
			for _, e := range list {
				s.hide(e)
			}
		}
	}
	return err
}

var entryWorkspaces = shownRow[coreshed.EntryWorkspace]{
	query: `SELECT id, uuid, name, base_url FROM workspaces WHERE id IN `,
	scan:  workspaceInto,
	of:    func(e *coreshed.Entry) *coreshed.EntryWorkspace { return &e.Workspace },
}

var entryJobTypes = shownRow[coreshed.JobType]{
	query: `SELECT id, name, version, title, description, is_system, is_active, is_paused, is_published,
		COALESCE(icon_code, ''), COALESCE(unmet_resources, '') FROM job_types WHERE id IN `,
	scan: func(t *coreshed.JobType) []any {
		return []any{&t.ID, &t.Name, &t.Version, &t.Title, &t.Description, &t.IsSystem, &t.IsActive, &t.IsPaused, &t.IsPublished,
			&t.IconCode, &t.UnmetResources}
	},
	of: func(e *coreshed.Entry) *coreshed.JobType { return e.Made.JobType },
}

var entryRecipeTypes = shownRow[coreshed.RecipeType]{
	query: `SELECT id, name, title, description, revision_num FROM recipe_types WHERE id IN `,
	scan: func(t *coreshed.RecipeType) []any {
		return []any{&t.ID, &t.Name, &t.Title, &t.Description, &t.Revision}
	},
	of: func(e *coreshed.Entry) *coreshed.RecipeType { return e.Made.RecipeType },
}

// A batch that was imported without a workspace is nobody's to hide.
var entryBatches = shownRow[coreshed.Batch]{
	query: `SELECT id, title, description, created_at FROM batches WHERE id IN `,
	in:    `workspace_id`,
	scan: func(b *coreshed.Batch) []any {
		return []any{&b.ID, &b.Title, &b.Description, (*microTime)(&b.CreatedAt)}
	},
	of:   func(e *coreshed.Entry) *coreshed.Batch { return e.Made.Batch },
	hide: func(e *coreshed.Entry) { e.Made.Batch = nil },
}

// microTime reads a time from microseconds since the epoch.
type microTime time.Time

// Scan implements [sql.Scanner].
func (t *microTime) Scan(src any) error {
	micros, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is %T, not microseconds", src)
	}
	*t = microTime(timeOf(micros))
	return nil
}
