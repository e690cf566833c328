package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
)

// sortKey is something that rows are sorted by.
type sortKey struct {
	expr     string
	nullable bool
	joined   bool // needs more than the table itself
}

// sorting is how rows of a kind may be sorted.
type sorting struct {
	keys     map[coreshed.OrderField]sortKey
	fallback coreshed.OrderField
	id       string
}

// order compiles a total order. What has no value comes last, or first when the
// order is reversed. Invalid for a field that is no key.
func (s sorting) order(orders []coreshed.Order) (string, error) {
	if len(orders) == 0 {
		orders = []coreshed.Order{{Field: s.fallback}}
	}
	var terms []string
	var direction string
	for _, o := range orders {
		key, ok := s.keys[o.Field]
		if !ok {
			err := coreshed.Errorf(coreshed.Invalid, "Cannot sort by %q.", string(o.Field))
			err.Field = "order"
			return "", err
		}
		nulls := " NULLS LAST"
		if direction = ""; o.Desc {
			direction, nulls = " DESC", " NULLS FIRST"
		}
		if !key.nullable {
			nulls = ""
		}
		terms = append(terms, key.expr+direction+nulls)
	}
	return " ORDER BY " + strings.Join(append(terms, s.id+direction), ", "), nil
}

// joined reports whether a key needs more than the table itself.
func (s sorting) joined(orders []coreshed.Order) bool {
	return slices.ContainsFunc(orders, func(o coreshed.Order) bool { return s.keys[o.Field].joined })
}

// selection is a list of rows: what is read, from where, on which conditions.
type selection struct {
	columns, from string
	where         *conditions
	sorting       sorting
}

// sortedPage returns a page of a selection and how many rows it has, both of
// one moment.
func sortedPage[T any](ctx context.Context, db *DB, s selection, scan func(*sql.Rows) (T, error), orders []coreshed.Order, page coreshed.Page) ([]T, int64, error) {
	order, err := s.sorting.order(orders)
	if err != nil {
		return nil, 0, err
	}
	var list []T
	var total int64
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		from := ` FROM ` + s.from + ` WHERE ` + s.where.text()
		if total, err = one(ctx, t, value[int64], `SELECT count(*)`+from, s.where.args...); err != nil {
			return err
		}
		c := &conditions{args: slices.Clone(s.where.args)}
		limit := c.page(page)
		list, err = all(ctx, t, scan, `SELECT `+s.columns+from+order+limit, c.args...)
		return err
	})
	return list, total, err
}
