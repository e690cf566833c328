package store

import (
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
)

// conditions collects what a query must hold, with its arguments. Only
// constant text and placeholders become SQL.
type conditions struct {
	terms []string
	args  []any
}

// add takes a term in which each ? stands for the next of args.
func (c *conditions) add(term string, args ...any) {
	for _, a := range args {
		term = strings.Replace(term, "?", c.arg(a), 1)
	}
	c.terms = append(c.terms, term)
}

// arg returns the placeholder of a new argument.
func (c *conditions) arg(a any) string {
	c.args = append(c.args, a)
	return "$" + strconv.Itoa(len(c.args))
}

// list returns the placeholders of new arguments, for IN.
func (c *conditions) list(ids []int64) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = c.arg(id)
	}
	return strings.Join(list, ", ")
}

// row returns the placeholders of a row of new arguments, for VALUES.
func (c *conditions) row(values ...any) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = c.arg(v)
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// set is list for ids that may be many: the driver looks for each argument in the
// whole statement.
func (c *conditions) set(d dialect, ids []int64) string {
	if len(ids) <= maxListed {
		return c.list(ids)
	}
	return jsonList(c, d, ids, "bigint")
}

func (c *conditions) between(column string, r coreshed.TimeRange) {
	if r.From != nil {
		c.add(column+` >= ?`, *r.From)
	}
	if r.Until != nil {
		c.add(column+` < ?`, *r.Until)
	}
}

// by adds that a column is a person, if one is given.
func (c *conditions) by(column string, person *coreshed.UUID) {
	if person != nil {
		c.add(column+` = (SELECT id FROM people WHERE uuid = ?)`, *person)
	}
}

// text is all that must hold.
func (c *conditions) text() string {
	if len(c.terms) == 0 {
		return "1 = 1"
	}
	return strings.Join(c.terms, " AND ")
}

func (c *conditions) page(p coreshed.Page) string {
	return " LIMIT " + c.arg(p.Limit) + " OFFSET " + c.arg(p.Offset)
}

// orderBy writes a total order: the given keys by their columns, else the
// fallback, and the row's id last, in the direction of the key before it, so
// that one index serves both ways.
func orderBy(orders []coreshed.Order, columns map[coreshed.OrderField]string, fallback, id string) (string, error) {
	var keys []string
	var direction string
	for _, o := range orders {
		column, ok := columns[o.Field]
		if !ok {
			return "", coreshed.Errorf(coreshed.Invalid, "Cannot sort by %q.", string(o.Field))
		}
		direction = ""
		if o.Desc {
			direction = " DESC"
		}
		keys = append(keys, column+direction)
	}
	if len(keys) == 0 {
		keys = []string{fallback}
	}
	return " ORDER BY " + strings.Join(keys, ", ") + ", " + id + direction, nil
}

// maxPattern is the longest pattern that SQLite takes, in bytes. No key of a
// path or title is that long, escaped.
const maxPattern = 50_000

// like adds that a key matches a pattern, escaped with a backslash. None
// matches one that is longer than a key.
func (c *conditions) like(key, pattern string) {
	if len(pattern) > maxPattern {
		c.add(`1 = 0`)
		return
	}
	c.add(key+` LIKE ? ESCAPE '\'`, pattern)
}

// containing makes a LIKE pattern, escaped with a backslash, for text that
// contains s.
func containing(s string) string { return "%" + escapeLike(s) + "%" }

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
