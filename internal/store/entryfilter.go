package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
)

// entryFilter is what entries must have, as rows hold it: each part has an index
// that finds its rows. A filter is the conjunction of its parts.
type entryFilter struct {
	nothing bool // matches no entry
	parts   []entryPart
	search  string // folded text that names contain; "" is any
	names   []string
	// visible are the row ids of the workspaces, sorted; nil is all.
	visible []int64
}

// entryPart is one condition of a filter: that a column has one of some values,
// or that something began and ended in a window.
type entryPart struct {
	column string // of versions; "iso3" for countries
	index  string // begins with the column
	texts  []string
	ids    []int64

	window coreshed.Window
	ended  string // column of the window's end; "" without a window

	rows int64 // that its index has, as far as was counted
}

// readEntryFilter puts a filter into the words of rows. Names of job types are
// looked up by q.
func readEntryFilter(ctx context.Context, t tx, view coreshed.View, f coreshed.EntryFilter) (*entryFilter, error) {
	e := &entryFilter{names: f.Name}
	if !view.Everything {
		e.visible = workspacesOf(view)
		e.nothing = len(e.visible) == 0
	}
	e.addIDs("job_id", "entries_job", f.Job)
	if f.Name != nil {
		e.names = storableOnes(f.Name)
		e.addTexts("name_key", "entries_name", folded(e.names))
	}
	e.addIDs("recipe_id", "entries_recipe", f.Recipe)
	e.addIDs("batch_id", "entries_batch", f.Batch)
	e.addTexts("source_collection", "entries_collection", f.Collection)
	e.addTexts("iso3", "", f.Countries)
	if f.JobTypeName != nil {
		ids, err := jobTypesNamed(ctx, t, view.Org, storableOnes(f.JobTypeName))
		if err != nil {
			return nil, err
		}
		e.addIDs("job_type_id", "entries_job_type", ids)
	}
	e.addIDs("job_type_id", "entries_job_type", f.JobType)
	e.addTexts("source_sensor", "entries_sensor", f.Sensor)
	e.addIDs("recipe_type_id", "entries_recipe_type", f.RecipeType)
	e.addWindow("data_started", "data_ended", "entries_data", f.Data)
	e.addWindow("source_started", "source_ended", "entries_source", f.Source)
	e.addWindow("created_at", "created_at", "entries_created", f.Created)
	e.addWindow("modified_at", "modified_at", "entries_modified", f.Modified)
	e.addTexts("source_task", "entries_task", f.Task)
	e.addTexts("source_sensor_class", "entries_class", f.SensorClass)
	e.addTexts("recipe_node", "entries_node", f.RecipeNode)
	e.addTexts("job_output", "entries_output", f.JobOutput)
	e.addTexts("media_type", "entries_media", f.MediaType)
	e.addTexts("file_type", "entries_type", f.Type)
	if f.NameContains != "" {
		e.search = coreshed.FoldPath(f.NameContains)
		e.nothing = e.nothing || !storable(f.NameContains) || len(e.search) > maxPattern/2
	}
	return e, nil
}

// empty reports whether the filter is all that is visible.
func (e *entryFilter) empty() bool { return len(e.parts) == 0 && e.names == nil && e.search == "" }

func jobTypesNamed(ctx context.Context, t tx, org int64, names []string) ([]int64, error) {
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	return all(ctx, t, value[int64], `SELECT id FROM job_types WHERE org_id = $1 AND name IN (`+t.db().dialect.list(`$2`, "")+`)`, org, string(list))
}

func (e *entryFilter) addTexts(column, index string, values []string) {
	if values != nil {
		values = sorted(storableOnes(values))
		e.nothing = e.nothing || len(values) == 0
		e.parts = append(e.parts, entryPart{column: column, index: index, texts: values})
	}
}

func (e *entryFilter) addIDs(column, index string, values []int64) {
	if values != nil {
		e.nothing = e.nothing || len(values) == 0
		e.parts = append(e.parts, entryPart{column: column, index: index, ids: sorted(values)})
	}
}

func (e *entryFilter) addWindow(started, ended, index string, w coreshed.Window) {
	if w.From != nil || w.Until != nil {
		e.parts = append(e.parts, entryPart{column: started, ended: ended, index: index, window: w})
	}
}

// values is how many values the part allows.
func (p *entryPart) values() int { return len(p.texts) + len(p.ids) }

// only returns the part with its i-th value alone.
func (p *entryPart) only(i int) *entryPart {
	o := *p
	if p.ids != nil {
		o.ids = p.ids[i : i+1]
	} else {
		o.texts = p.texts[i : i+1]
	}
	return &o
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

func storableOnes(values []string) []string {
	kept := make([]string, 0, len(values))
	for _, v := range values {
		if storable(v) {
			kept = append(kept, v)
		}
	}
	return kept
}
