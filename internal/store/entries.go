package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
)

// Entries returns a page of the entries that match, without their metadata and
// without the id and address of their file, and how many match in all, both of one
// moment. Fields of an order are the names that Scale's v6 has for what a list shows;
// those of nested objects are joined by two underscores. The default order is by last
// modification. Every order ends with the entry's id, so that pages neither overlap
// nor leave anything out. Invalid for a field that entries cannot be sorted by.
func (db *DB) Entries(ctx context.Context, view coreshed.View, f coreshed.EntryFilter, order []coreshed.Order, page coreshed.Page) ([]coreshed.Entry, int64, error) {
	o, err := orderEntries(order)
	if err != nil {
		return nil, 0, err
	}
	var entries []coreshed.Entry
	var total int64
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		l, err := newEntryList(ctx, t, view, f, o)
		if err != nil {
			return err
		}
		if total = l.total; page.Offset >= total || page.Limit == 0 {
			return nil
		}
		page.Limit = min(page.Limit, total-page.Offset)
		ids, err := l.page(ctx, t, page)
		if err != nil {
			return err
		}
		entries, err = entriesOf(ctx, t, view, ids)
		return err
	})
	return entries, total, err
}

// entryList is a filtered and sorted list of entries, as it is in a snapshot.
type entryList struct {
	view   coreshed.View
	filter *entryFilter
	order  entryOrder
	source entrySource

	all   int64   // entries that there are
	total int64   // that match
	found []int64 // all that match, in order, when they are few
}

// few is how many ids are read at once, rather than that they are counted first.
const few = 1000

func newEntryList(ctx context.Context, t tx, view coreshed.View, f coreshed.EntryFilter, o entryOrder) (*entryList, error) {
	l := &entryList{view: view, order: o}
	var err error
	if l.filter, err = readEntryFilter(ctx, t, view, f); err != nil || l.filter.nothing {
		return l, err
	}
	visible, err := l.workspaces(ctx, t, view)
	if err != nil {
		return l, err
	}
	if l.source, err = l.filter.source(ctx, t, visible); err != nil {
		return l, err
	}
	if l.filter.empty() {
		l.total = visible
		return l, nil
	}
	if l.likelyFew() {
		key, single := l.order.single()
		p := pagePlan{source: l.source}
		if way, ok := l.filter.ordered(l.source, key); ok && single {
			p = pagePlan{source: way, ordered: true}
		}
		if l.found, err = l.keys(ctx, t, p, few+1); err != nil || len(l.found) <= few {
			l.total = int64(len(l.found))
			return l, err
		}
		l.found = nil
	}
	l.total, err = l.count(ctx, t)
	return l, err
}

// likelyFew reports whether the source has few rows, or is that of one name, run
// or recipe, or is narrowed by a window that its index has.
func (l *entryList) likelyFew() bool {
	if p := l.source.part; p != nil && p.values() == 1 && (p.column == "job_id" || p.column == "recipe_id" || p.column == "name_key") {
		return true
	}
	if len(l.filter.parts) > 1 && l.filter.covered(l.source, true) {
		return true
	}
	// What has to be looked up for each row is looked up once.
	return l.source.rows > 0 && (l.source.rows <= few || l.source.rows <= probes[1] && !l.filter.covered(l.source, true))
}

// workspaces reads the maintained counters of the workspaces.
func (l *entryList) workspaces(ctx context.Context, t tx, view coreshed.View) (visible int64, err error) {
	type counter struct{ id, entries int64 }
	rows, err := all(ctx, t, func(rows *sql.Rows) (counter, error) {
		var c counter
		return c, rows.Scan(&c.id, &c.entries)
	}, `SELECT id, entries FROM workspaces`)
	for _, c := range rows {
		l.all += c.entries
		if view.Everything || view.Sees(c.id) {
			visible += c.entries
		}
	}
	return visible, err
}

// count counts what matches.
func (l *entryList) count(ctx context.Context, t tx) (int64, error) {
	var total int64
	for _, p := range l.filter.pieces(t.db().dialect, l.source, false, false) {
		what := `*`
		if l.source.repeats(false) {
			what = `DISTINCT ` + p.id
		}
		c := &conditions{}
		p.where(c)
		n, err := one(ctx, t, value[int64], `SELECT count(`+what+`) FROM `+p.from+` WHERE `+c.text(), c.args...)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// page returns the ids of a page.
func (l *entryList) page(ctx context.Context, t tx, page coreshed.Page) ([]int64, error) {
	if l.found != nil {
		return l.found[page.Offset : page.Offset+page.Limit], nil
	}
	if l.inSpans(t.db().dialect, page) {
		return l.spanPage(ctx, t, page)
	}
	p := l.filter.plan(l.source, l.order, l.total, l.all, page.Offset, page.Limit)
	return l.keys(ctx, t, p, page.Limit)
}

// keys reads the ids of a page. Keys are found from an index alone where that is
// possible, so that skipped rows cost no look-ups.
func (l *entryList) keys(ctx context.Context, t tx, p pagePlan, limit int64) ([]int64, error) {
	d := t.db().dialect
	key, single := l.order.single()
	c := &conditions{}
	var texts []string
	read := `SELECT `
	if p.source.repeats(p.ordered) {
		read = `SELECT DISTINCT `
	}
	needsRow := !single || key.expr != "v.modified_at"
	pieces := l.filter.pieces(d, p.source, needsRow, p.ordered)
	for _, piece := range pieces {
		c.terms = nil
		piece.where(c)
		if l.order.joined() {
			piece.from += " " + c.entryJoins(d, l.view)
		}
		texts = append(texts, read+piece.id+` AS id`+l.columns(piece)+` FROM `+piece.from+` WHERE `+c.text())
	}
	union := ` UNION ALL `
	if p.source.kind == byCountry {
		union = ` UNION `
	}
	text := strings.Join(texts, union) + l.order.outer(p.backward) +
		` LIMIT ` + c.arg(limit) + ` OFFSET ` + c.arg(p.skip)
	ids, err := atMost(ctx, t, limit, func(rows *sql.Rows) (int64, error) {
		var id int64
		keys := make([]any, 1+len(l.order.keys))
		keys[0] = &id
		for i := range l.order.keys {
			keys[i+1] = new(any)
		}
		err := rows.Scan(keys...)
		return id, err
	}, text, c.args...)
	if p.backward {
		slices.Reverse(ids)
	}
	return ids, err
}

// columns selects what is sorted by.
func (l *entryList) columns(p piece) string {
	var b strings.Builder
	for i, k := range l.order.keys {
		expr := k.expr
		switch expr {
		case "v.modified_at":
			expr = p.moved
		case "v.id":
			expr = p.id
		}
		b.WriteString(`, ` + expr + ` AS k` + strconv.Itoa(i))
	}
	return b.String()
}

// entriesOf reads what a list has of the entries with these ids, which are in the
// view, in their order.
func entriesOf(ctx context.Context, t tx, view coreshed.View, ids []int64) ([]coreshed.Entry, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	at := make(map[int64]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	entries, d := make([]coreshed.Entry, len(ids)), t.db().dialect
	err = each(ctx, t, func(rows *sql.Rows) error {
		var e coreshed.Entry
		err := scanEntryAnd(rows, &e)
		entries[at[e.ID]] = e
		return err
	}, `SELECT `+entryListColumns+` FROM versions v WHERE v.id IN (`+d.list(`$1`, "bigint")+`)`, string(list))
	if err != nil {
		return nil, err
	}
	return entries, showEntries(ctx, t, d, view, pointers(entries)...)
}
