package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/coreshed/coreshed"
)

// spanBits are the bits of a time within its span, in the table entry_spans;
// groupBits those of a span within a group that is added up first.
const (
	spanBits  = 33
	groupBits = 7
)

// inSpans reports whether a page of the list is found by spans: of all entries,
// in the order of their modification, far from both ends.
func (l *entryList) inSpans(d dialect, page coreshed.Page) bool {
	key, single := l.order.single()
	return d.searches && single && key.expr == "v.modified_at" && l.filter.visible == nil && l.total == l.all && l.filter.empty() &&
		min(page.Offset, l.total-page.Offset-page.Limit) > spanWorth
}

// spanWorth is how many entries are skipped in the time that a span is found.
const spanWorth = 20_000

// spanPage returns the ids of a page, read from the span in which it begins.
func (l *entryList) spanPage(ctx context.Context, t tx, page coreshed.Page) ([]int64, error) {
	skip := page.Offset
	if l.order.desc[0] {
		skip = l.total - page.Offset - page.Limit
	}
	group, skip, err := reach(ctx, t, skip, `SELECT span >> $1 AS g, sum(entries) FROM entry_spans GROUP BY g ORDER BY g`, groupBits)
	if err != nil {
		return nil, err
	}
	span, skip, err := reach(ctx, t, skip, `SELECT span, entries FROM entry_spans WHERE span >= $1 ORDER BY span`, group<<groupBits)
	if err != nil {
		return nil, err
	}
	ids, err := all(ctx, t, value[int64], `SELECT v.id FROM versions v INDEXED BY entries_modified WHERE v.modified_at >= $1
		ORDER BY v.modified_at, v.id LIMIT $2 OFFSET $3`, span<<spanBits, page.Limit, skip)
	if l.order.desc[0] {
		slices.Reverse(ids)
	}
	return ids, err
}

// reach goes through counted rows until those before the next would be more than
// skip. It returns that row, and how many are to be skipped in it.
func reach(ctx context.Context, t tx, skip int64, query string, arg int64) (row, left int64, err error) {
	rows, err := t.query(ctx, query, arg)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&row, &n); err != nil {
			return 0, 0, failed("scan span", err)
		}
		if n > skip {
			return row, skip, nil
		}
		skip -= n
	}
	if err := rows.Err(); err != nil {
		return 0, 0, failed("read spans", err)
	}
	return 0, 0, failed("find span", sql.ErrNoRows)
}
