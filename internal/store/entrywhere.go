package store

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
)

// maxListed is how many values become arguments of their own. More are one
// argument, JSON: databases bound the number of arguments.
const maxListed = 32

// anyText adds that a column is one of the values, unless they are nil.
func (c *conditions) anyText(d dialect, column string, values []string) {
	if values == nil {
		return
	}
	values = sorted(storableOnes(values))
	c.terms = append(c.terms, oneOf(c, d, column, values, ""))
}

// anyID is anyText for ids.
func (c *conditions) anyID(d dialect, column string, values []int64) {
	if values == nil {
		return
	}
	values = sorted(values)
	c.terms = append(c.terms, oneOf(c, d, column, values, "bigint"))
}

func jsonList[T any](c *conditions, d dialect, values []T, of string) string {
	list, err := json.Marshal(values)
	if err != nil {
		panic(err) // of texts and numbers
	}
	return d.list(c.arg(string(list)), of)
}

func oneOf[T any](c *conditions, d dialect, column string, values []T, of string) string {
	switch n := len(values); {
	case n == 0:
		return `1 = 0`
	case n == 1:
		return column + ` = ` + c.arg(values[0])
	case n > maxListed:
		return column + ` IN (` + jsonList(c, d, values, of) + `)`
	}
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = c.arg(v)
	}
	return column + ` IN (` + strings.Join(list, ", ") + `)`
}

// within adds that something began and ended in a window.
func (c *conditions) within(start, end string, w coreshed.Window) {
	if w.From != nil {
		c.add(start+` >= ?`, *w.From)
	}
	if w.Until != nil {
		c.add(end+` <= ?`, *w.Until)
	}
}

// holds adds a part of a filter, over the alias v.
func (c *conditions) holds(d dialect, p *entryPart) {
	switch {
	case p.ended != "":
		c.within(`v.`+p.column, `v.`+p.ended, p.window)
	case p.column == "iso3":
		c.anyText(d, `n.iso3`, p.texts)
		last := len(c.terms) - 1
		c.terms[last] = `EXISTS (SELECT 1 FROM version_countries n WHERE n.modified_at = v.modified_at AND n.version_row = v.id AND ` + c.terms[last] + `)`
	case p.ids != nil:
		c.anyID(d, `v.`+p.column, p.ids)
	default:
		c.anyText(d, `v.`+p.column, p.texts)
	}
}

// inSet adds a part as the set of its rows.
func (c *conditions) inSet(d dialect, p *entryPart) {
	c.holds(d, p)
	last := len(c.terms) - 1
	c.terms[last] = `v.id IN (SELECT o.id FROM versions o` + d.indexed(p.index) + ` WHERE ` + strings.Replace(c.terms[last], `v.`, `o.`, 1) + `)`
}

// rest adds all of a filter but the parts that a source has seen to.
func (c *conditions) rest(d dialect, e *entryFilter, seen ...*entryPart) {
	for i := range e.parts {
		if p := &e.parts[i]; !slices.Contains(seen, p) {
			c.holds(d, p)
		}
	}
	if e.names != nil {
		c.anyText(d, `v.file_name`, e.names)
	}
}
