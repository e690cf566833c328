package store

import (
	"context"
	"slices"

	"github.com/coreshed/coreshed"
)

// Entries returns a page of the entries that match, without their metadata, and
// how many match in all, both of one moment. Fields of an order are the names
// that Scale's v6 has for what a list shows; those of nested objects are joined
// by two underscores. The default order is by last modification. Every order
// ends with the entry's id, so that pages neither overlap nor leave anything
// out. Invalid for a field that entries cannot be sorted by.
func (db *DB) Entries(ctx context.Context, view coreshed.View, f coreshed.EntryFilter, order []coreshed.Order, page coreshed.Page) ([]coreshed.Entry, int64, error) {
	l, err := newEntryList(db, view, f, order)
	if err != nil {
		return nil, 0, err
	}
	var entries []coreshed.Entry
	var total int64
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		if total, err = l.count(ctx, t); err != nil {
			return err
		}
		if page.Offset >= total || page.Limit == 0 {
			return nil
		}
		page.Limit = min(page.Limit, total-page.Offset)
		entries, err = l.page(ctx, t, page)
		return err
	})
	return entries, total, err
}

// entryList is a filtered and sorted list of entries.
type entryList struct {
	db    *DB
	where *conditions
	order entryOrder
}

func newEntryList(db *DB, view coreshed.View, f coreshed.EntryFilter, order []coreshed.Order) (*entryList, error) {
	l := &entryList{db: db, where: entryConditions(db.dialect, view, f)}
	var err error
	l.order, err = orderEntries(order)
	return l, err
}

func (l *entryList) count(ctx context.Context, t tx) (int64, error) {
	return one(ctx, t, value[int64], `SELECT count(*) FROM versions v WHERE `+l.where.text(), l.where.args...)
}

// page reads one page. The keys are found first, so that skipped rows cost no
// look-ups.
func (l *entryList) page(ctx context.Context, t tx, page coreshed.Page) ([]coreshed.Entry, error) {
	keys := &conditions{terms: l.where.terms, args: slices.Clone(l.where.args)}
	joins := ""
	if l.order.joined {
		joins = " " + entryJoins
	}
	limit := keys.page(page)
	return atMost(ctx, t, page.Limit, scanEntry, `SELECT `+entryColumns+` FROM (
			SELECT v.id AS key FROM versions v`+joins+` WHERE `+keys.text()+l.order.text+limit+`) k
		JOIN versions v ON v.id = k.key `+entryJoins+l.order.text, keys.args...)
}
