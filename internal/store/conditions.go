package store

import (
	"fmt"
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

func (c *conditions) between(column string, r coreshed.TimeRange) {
	if r.From != nil {
		c.add(column+` >= ?`, *r.From)
	}
	if r.Until != nil {
		c.add(column+` < ?`, *r.Until)
	}
}

func (c *conditions) text() string { return strings.Join(c.terms, " AND ") }

func (c *conditions) page(p coreshed.Page) string {
	return " LIMIT " + c.arg(p.Limit) + " OFFSET " + c.arg(p.Offset)
}

// orderBy writes a total order: the given keys by their columns, else the
// fallback, and the row's id last.
func orderBy(orders []coreshed.Order, columns map[coreshed.OrderField]string, fallback, id string) (string, error) {
	var keys []string
	for _, o := range orders {
		column, ok := columns[o.Field]
		if !ok {
			return "", coreshed.Errorf(coreshed.Invalid, "Cannot sort by %q.", string(o.Field))
		}
		if o.Desc {
			column += " DESC"
		}
		keys = append(keys, column)
	}
	if len(keys) == 0 {
		keys = []string{fallback}
	}
	return fmt.Sprintf(" ORDER BY %s, %s", strings.Join(keys, ", "), id), nil
}

// containing makes a LIKE pattern, escaped with a backslash, for text that
// contains s.
func containing(s string) string { return "%" + escapeLike(s) + "%" }

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
