package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/coreshed/coreshed"
)

// Files returns a page of a workspace's files and how many match in all. The
// default order is by creation. Every order ends with the file's row id, so
// that pages neither overlap nor leave anything out.
func (db *DB) Files(ctx context.Context, a coreshed.Access, f coreshed.Filter, order []coreshed.Order, page coreshed.Page) ([]coreshed.File, int64, error) {
	if len(order) == 0 {
		order = []coreshed.Order{{Field: coreshed.ByCreated}}
	}
	c := fileConditions(a, f)
	var files []coreshed.File
	var total int64
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		var err error
		if total, err = fileTotal(ctx, t, a, f, c); err != nil || page.Offset >= total || page.Limit == 0 {
			return err
		}
		rows, err := filePage(ctx, t, c, order, page, total)
		if err != nil {
			return err
		}
		files, err = named(ctx, t, rows)
		return err
	})
	return files, total, err
}

func fileConditions(a coreshed.Access, f coreshed.Filter) *conditions {
	c := &conditions{}
	c.add(`f.workspace_id = ?`, a.Workspace.ID)
	c.add(`f.current_id IS NOT NULL`)
	if f.Deleted {
		c.add(`f.deleted_at IS NOT NULL`)
	} else {
		c.add(`f.deleted_at IS NULL`)
	}
	for column, id := range map[string]*coreshed.UUID{"created_by": f.CreatedBy, "modified_by": f.ModifiedBy, "deleted_by": f.DeletedBy} {
		if id != nil {
			c.add(`f.`+column+` = (SELECT id FROM people WHERE uuid = ?)`, *id)
		}
	}
	c.between(`f.created_at`, f.Created)
	c.between(`f.modified_at`, f.Modified)
	c.between(`f.deleted_at`, f.DeletedAt)
	if f.Name != "" {
		c.add(`f.name_key LIKE ? ESCAPE '\'`, containing(coreshed.FoldPath(f.Name)))
	}
	if f.Folder != "" {
		c.add(`f.path_key LIKE ? ESCAPE '\'`, escapeLike(coreshed.FoldPath(f.Folder))+"%")
	}
	return c
}

// fileTotal counts the matches: from the maintained counters where the filter
// is the whole workspace, else by counting.
func fileTotal(ctx context.Context, t tx, a coreshed.Access, f coreshed.Filter, c *conditions) (int64, error) {
	if !f.IsZero() {
		return one(ctx, t, value[int64], `SELECT count(*) FROM files f WHERE `+c.text(), c.args...)
	}
	column := "live_files"
	if f.Deleted {
		column = "deleted_files"
	}
	return one(ctx, t, value[int64], `SELECT `+column+` FROM workspaces WHERE id = $1`, a.Workspace.ID)
}

var fileOrder = map[coreshed.OrderField]string{
	coreshed.ByCreated:  "f.created_at",
	coreshed.ByModified: "f.modified_at",
	coreshed.ByDeleted:  "f.deleted_at",
}

// filePage reads one page. The keys are found first, from an index alone, so
// that skipped rows cost no look-up; and a page in the far half is found from
// the end, so that the last page costs what the first does.
func filePage(ctx context.Context, t tx, c *conditions, order []coreshed.Order, page coreshed.Page, total int64) ([]fileRow, error) {
	page.Limit = min(page.Limit, total-page.Offset)
	forward, err := orderBy(order, fileOrder, "", "f.id")
	if err != nil {
		return nil, err
	}
	keys := *c
	search, skip := forward, page.Offset
	if fromEnd := total - page.Offset - page.Limit; fromEnd < page.Offset {
		search, skip = reversed(order), fromEnd
	}
	limit := keys.page(coreshed.Page{Offset: skip, Limit: page.Limit})
	return all(ctx, t, scanFile, `SELECT `+fileColumns+` FROM (
			SELECT f.id AS key FROM files f WHERE `+keys.text()+search+limit+`) k
		JOIN files f ON f.id = k.key JOIN versions v ON v.id = f.current_id`+forward, keys.args...)
}

// reversed writes the order backwards.
func reversed(order []coreshed.Order) string {
	back := slices.Clone(order)
	for i := range back {
		back[i].Desc = !back[i].Desc
	}
	// The caller has written the same fields forwards already.
	text, err := orderBy(back, fileOrder, "", "f.id DESC")
	if err != nil {
		panic(err)
	}
	return text
}

// Usage is what a workspace holds.
type Usage struct {
	Live, Deleted       int64 // files
	Used, Staged, Quota int64 // bytes; Quota 0 is no limit
}

// Usage returns the maintained counters of a workspace.
func (db *DB) Usage(ctx context.Context, workspaceID int64) (Usage, error) {
	return one(ctx, db, func(rows *sql.Rows) (Usage, error) {
		var u Usage
		return u, rows.Scan(&u.Live, &u.Deleted, &u.Used, &u.Staged, &u.Quota)
	}, `SELECT live_files, deleted_files, used_bytes, staged_bytes, quota FROM workspaces WHERE id = $1`, workspaceID)
}
