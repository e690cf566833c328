package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/coreshed/coreshed"
)

// Files returns a page of a workspace's files and how many match in all. Of
// their versions they have the id, the size and the ETag alone. The
// default order is by creation. Every order ends with the file's row id, so
// that pages neither overlap nor leave anything out.
func (db *DB) Files(ctx context.Context, a coreshed.Access, f coreshed.Filter, order []coreshed.Order, page coreshed.Page) ([]coreshed.File, int64, error) {
	if len(order) == 0 {
		order = []coreshed.Order{{Field: coreshed.ByCreated}}
	}
	l, err := newFileList(db, a, f, order)
	if err != nil {
		return nil, 0, err
	}
	var files []coreshed.File
	var total int64
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		if err := l.count(ctx, t); err != nil {
			return err
		}
		if total = l.total; page.Offset >= total || page.Limit == 0 {
			return nil
		}
		page.Limit = min(page.Limit, total-page.Offset)
		rows, err := l.page(ctx, t, page)
		if err != nil {
			return err
		}
		files, err = named(ctx, t, db, rows)
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
	c.by(`f.created_by`, f.CreatedBy)
	c.by(`f.modified_by`, f.ModifiedBy)
	c.by(`f.deleted_by`, f.DeletedBy)
	c.between(`f.created_at`, f.Created)
	c.between(`f.modified_at`, f.Modified)
	c.between(`f.deleted_at`, f.DeletedAt)
	if f.Name != "" {
		c.like(`f.name_key`, containing(coreshed.FoldPath(f.Name)))
	}
	if f.Folder != "" {
		c.like(`f.path_key`, escapeLike(coreshed.FoldPath(f.Folder))+"%")
	}
	return c
}

// fileList is a filtered and sorted list of a workspace's files.
type fileList struct {
	db        *DB
	workspace int64
	filter    coreshed.Filter
	where     *conditions
	order     []coreshed.Order
	forward   string // the order as SQL
	name      string
	total     int64
	changes   int64 // of the workspace
}

var fileOrder = map[coreshed.OrderField]string{
	coreshed.ByCreated:  "f.created_at",
	coreshed.ByModified: "f.modified_at",
	coreshed.ByDeleted:  "f.deleted_at",
}

func newFileList(db *DB, a coreshed.Access, f coreshed.Filter, order []coreshed.Order) (*fileList, error) {
	l := &fileList{db: db, workspace: a.Workspace.ID, filter: f, where: fileConditions(a, f), order: order}
	var err error
	l.forward, err = orderBy(order, fileOrder, "", "f.id")
	l.name = listName(l.where, l.forward)
	return l, err
}

// count finds how many files match: from the maintained counters where the
// filter is the whole workspace, else by counting, once until something in the
// workspace changes.
func (l *fileList) count(ctx context.Context, t tx) error {
	var live, deleted int64
	var err error
	l.changes, err = one(ctx, t, func(rows *sql.Rows) (changes int64, err error) {
		return changes, rows.Scan(&changes, &live, &deleted)
	}, `SELECT changes, live_files, deleted_files FROM workspaces WHERE id = $1`, l.workspace)
	if err != nil {
		return err
	}
	if l.filter.IsZero() {
		l.total = live
		if l.filter.Deleted {
			l.total = deleted
		}
		return nil
	}
	whole := markKey{l.name, wholeList}
	if m, ok := l.db.marks.find(whole, l.changes); ok {
		l.total = m.total
		return nil
	}
	l.total, err = one(ctx, t, value[int64], `SELECT count(*) FROM files f WHERE `+l.where.text(), l.where.args...)
	l.db.marks.put(whole, mark{changes: l.changes, total: l.total})
	return err
}

// page reads one page. The keys are found first, from an index alone, so that
// skipped rows cost no look-up. A page that follows one read before is found by
// its last key; one in the far half from the end, so that the last page costs
// what the first does.
func (l *fileList) page(ctx context.Context, t tx, page coreshed.Page) ([]fileRow, error) {
	keys := &conditions{terms: slices.Clone(l.where.terms), args: slices.Clone(l.where.args)}
	search, skip := l.forward, page.Offset
	if m, ok := l.db.marks.find(markKey{l.name, page.Offset}, l.changes); ok {
		keys.after(l.order[0], m)
		skip = 0
	} else if fromEnd := l.total - page.Offset - page.Limit; fromEnd < page.Offset {
		search, skip = l.backward(), fromEnd
	}
	limit := keys.page(coreshed.Page{Offset: skip, Limit: page.Limit})
	rows, err := atMost(ctx, t, page.Limit, scanListed, `SELECT `+listColumns+` FROM (
			SELECT f.id AS key FROM files f WHERE `+keys.text()+search+limit+`) k
		JOIN files f ON f.id = k.key JOIN versions v ON v.id = f.current_id`, keys.args...)
	// Here and not in SQL: SQLite would write whole rows to its sorter, though
	// they come in order or backwards.
	slices.SortFunc(rows, l.compare)
	if err == nil && len(rows) > 0 {
		l.remember(page.Offset+int64(len(rows)), rows[len(rows)-1].file)
	}
	return rows, err
}

// compare is the order of forward.
func (l *fileList) compare(a, b fileRow) int {
	var desc bool
	for _, o := range l.order {
		desc = o.Desc
		if c := orderTime(&a.file, o.Field).Compare(orderTime(&b.file, o.Field)); c != 0 {
			return directed(c, desc)
		}
	}
	return directed(cmp.Compare(a.file.ID, b.file.ID), desc)
}

func orderTime(f *coreshed.File, field coreshed.OrderField) time.Time {
	switch field {
	case coreshed.ByModified:
		return f.ModifiedAt
	case coreshed.ByDeleted:
		return f.DeletedAt
	}
	return f.CreatedAt
}

func directed(c int, desc bool) int {
	if desc {
		return -c
	}
	return c
}

// after adds that rows come behind a mark, in the order of one key.
func (c *conditions) after(o coreshed.Order, m mark) {
	sign := ">"
	if o.Desc {
		sign = "<"
	}
	c.add(`(`+fileOrder[o.Field]+`, f.id) `+sign+` (?, ?)`, m.key, m.id)
}

// remember keeps where a page ended. Orders of several keys are not worth it.
func (l *fileList) remember(offset int64, last coreshed.File) {
	if len(l.order) > 1 {
		return
	}
	field := l.order[0].Field
	if field == coreshed.ByDeleted && !l.filter.Deleted {
		return // NULL, which does not compare
	}
	m := mark{changes: l.changes, key: orderTime(&last, field).UnixMicro(), id: last.ID}
	l.db.marks.put(markKey{l.name, offset}, m)
}

// backward is the order from the end.
func (l *fileList) backward() string {
	back := slices.Clone(l.order)
	for i := range back {
		back[i].Desc = !back[i].Desc
	}
	text, err := orderBy(back, fileOrder, "", "f.id")
	if err != nil {
		panic(err) // the same fields are in l.forward
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
