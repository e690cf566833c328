package store

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
)

// entryConditions is a filter, over the alias v, within a view.
func entryConditions(d dialect, view coreshed.View, f coreshed.EntryFilter) *conditions {
	c := &conditions{}
	c.seen(d, view)
	c.within(`v.data_started`, `v.data_ended`, f.Data)
	c.within(`v.source_started`, `v.source_ended`, f.Source)
	c.within(`v.created_at`, `v.created_at`, f.Created)
	c.within(`v.modified_at`, `v.modified_at`, f.Modified)
	c.anyText(d, `v.source_sensor_class`, f.SensorClass)
	c.anyText(d, `v.source_sensor`, f.Sensor)
	c.anyText(d, `v.source_collection`, f.Collection)
	c.anyText(d, `v.source_task`, f.Task)
	c.anyText(d, `v.file_type`, f.Type)
	c.anyText(d, `v.media_type`, f.MediaType)
	if f.Name != nil {
		c.anyText(d, `v.name_key`, folded(f.Name)) // which has an index
		c.anyText(d, `v.file_name`, f.Name)
	}
	if f.NameContains != "" {
		c.contains(`v.name_key`, f.NameContains)
	}
	c.anyID(d, `v.job_id`, f.Job)
	c.anyID(d, `v.job_type_id`, f.JobType)
	c.anyID(d, `v.recipe_id`, f.Recipe)
	c.anyID(d, `v.recipe_type_id`, f.RecipeType)
	c.anyID(d, `v.batch_id`, f.Batch)
	if f.JobTypeName != nil {
		c.anyText(d, `name`, f.JobTypeName)
		last := len(c.terms) - 1
		c.terms[last] = `v.job_type_id IN (SELECT id FROM job_types WHERE org_id = ` + c.arg(view.Org) + ` AND ` + c.terms[last] + `)`
	}
	c.anyText(d, `v.job_output`, f.JobOutput)
	c.anyText(d, `v.recipe_node`, f.RecipeNode)
	if f.Countries != nil {
		c.anyText(d, `iso3`, f.Countries)
		last := len(c.terms) - 1
		c.terms[last] = `v.id IN (SELECT version_row FROM version_countries WHERE ` + c.terms[last] + `)`
	}
	return c
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

// contains adds that a key holds text, without regard to case.
func (c *conditions) contains(key, text string) {
	if !storable(text) {
		c.add(`1 = 0`)
		return
	}
	c.like(key, containing(coreshed.FoldPath(text)))
}

// maxListed is how many values become arguments of their own. More are one
// argument, JSON: databases bound the number of arguments.
const maxListed = 32

// anyText adds that a column is one of the values, unless they are nil.
func (c *conditions) anyText(d dialect, column string, values []string) {
	if values == nil {
		return
	}
	values = slices.DeleteFunc(sorted(values), func(s string) bool { return !storable(s) })
	c.terms = append(c.terms, oneOf(c, column, values, d.texts))
}

// anyID is anyText for ids.
func (c *conditions) anyID(d dialect, column string, values []int64) {
	if values != nil {
		c.terms = append(c.terms, oneOf(c, column, sorted(values), d.ids))
	}
}

func oneOf[T any](c *conditions, column string, values []T, rows string) string {
	switch n := len(values); {
	case n == 0:
		return `1 = 0`
	case n == 1:
		return column + ` = ` + c.arg(values[0])
	case n > maxListed:
		list, err := json.Marshal(values)
		if err != nil {
			panic(err) // of texts and numbers
		}
		return column + ` IN (` + strings.ReplaceAll(rows, "?", c.arg(string(list))) + `)`
	}
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = c.arg(v)
	}
	return column + ` IN (` + strings.Join(list, ", ") + `)`
}

// sorted returns the distinct values in order, so that equal filters give equal
// queries.
func sorted[T string | int64](values []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

func folded(names []string) []string {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = coreshed.FoldPath(name)
	}
	return keys
}

// storable reports whether both databases take s as text. No row has what they
// do not.
func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
