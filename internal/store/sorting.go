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
		list, total, err = counted(ctx, t, s, scan, order, page)
		return err
	})
	return list, total, err
}

func counted[T any](ctx context.Context, t tx, s selection, scan func(*sql.Rows) (T, error), order string, page coreshed.Page) ([]T, int64, error) {
	from := ` FROM ` + s.from + ` WHERE ` + s.where.text()
	total, err := one(ctx, t, value[int64], `SELECT count(*)`+from, s.where.args...)
	if err != nil {
		return nil, 0, err
	}
	c := &conditions{args: slices.Clone(s.where.args)}
	limit := c.page(page)
	list, err := all(ctx, t, scan, `SELECT `+s.columns+from+order+limit, c.args...)
	return list, total, err
}

// searchedPage is sortedPage for a condition that no index helps with: while few
// rows match, the table is read once.
func searchedPage[T any](ctx context.Context, db *DB, s selection, scan func(*sql.Rows) (T, error), orders []coreshed.Order, page coreshed.Page) ([]T, int64, error) {
	order, err := s.sorting.order(orders)
	if err != nil {
		return nil, 0, err
	}
	var list []T
	var total int64
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		c := &conditions{args: slices.Clone(s.where.args)}
		limit := c.page(coreshed.Page{Limit: few + 1})
		found, err := all(ctx, t, value[int64], `SELECT `+s.sorting.id+` FROM `+s.from+` WHERE `+s.where.text()+order+limit, c.args...)
		if err != nil {
			return err
		}
		if len(found) > few {
			list, total, err = counted(ctx, t, s, scan, order, page)
			return err
		}
		total = int64(len(found))
		from := min(page.Offset, total)
		c = &conditions{}
		c.anyID(t.db().dialect, s.sorting.id, found[from:min(from+page.Limit, total)])
		list, err = all(ctx, t, scan, `SELECT `+s.columns+` FROM `+s.from+` WHERE `+c.text()+order, c.args...)
		return err
	})
	return list, total, err
}
