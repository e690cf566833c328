package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
)

// entryKey is what entries are sorted by: an expression over the aliases of
// entryJoins, the same in both databases. Text compares by its bytes, and where
// people read it, by a folded form.
type entryKey struct {
	expr     string
	nullable bool
	joined   bool   // needs more than the alias v
	index    string // that has all entries in this order
}

// entryKeys are all that entries can be sorted by: the fields that a list
// shows, under their names in Scale's v6, with those of nested objects behind
// two underscores.
var entryKeys = map[coreshed.OrderField]entryKey{
	"id":                  {expr: "v.id"},
	"file_name":           {expr: "v.name_key", index: "entries_name"},
	"file_type":           {expr: "v.file_type"},
	"file_size":           {expr: "v.size"},
	"file_path":           {expr: "lower(v.storage_path)"},
	"media_type":          {expr: "lower(v.media_type)"},
	"data_type_tags":      {expr: "v.tags"},
	"url":                 {expr: "w.base_url || '/' || v.storage_path", joined: true},
	"is_deleted":          {expr: "CASE WHEN v.deleted_at IS NULL THEN 0 ELSE 1 END"},
	"deleted":             {expr: "v.deleted_at", nullable: true},
	"is_superseded":       {expr: "CASE WHEN v.superseded_at IS NULL THEN 0 ELSE 1 END"},
	"superseded":          {expr: "v.superseded_at", nullable: true},
	"created":             {expr: "v.created_at", index: "entries_created"},
	"last_modified":       {expr: "v.modified_at", index: "entries_modified"},
	"data_started":        {expr: "v.data_started", nullable: true},
	"data_ended":          {expr: "v.data_ended", nullable: true},
	"source_started":      {expr: "v.source_started", nullable: true},
	"source_ended":        {expr: "v.source_ended", nullable: true},
	"source_sensor_class": {expr: "v.source_sensor_class", nullable: true},
	"source_sensor":       {expr: "v.source_sensor", nullable: true},
	"source_collection":   {expr: "v.source_collection", nullable: true},
	"source_task":         {expr: "v.source_task", nullable: true},
	"geometry":            {expr: "v.geometry", nullable: true},
	"center_point":        {expr: "v.center_point", nullable: true},
	"countries":           {expr: "v.countries"},
	"workspace":           {expr: "v.workspace_id"},
	"workspace__id":       {expr: "v.workspace_id"},
	"workspace__name":     {expr: "w.name", joined: true},
	"job":                 {expr: "v.job_id", nullable: true},
	"job__id":             {expr: "v.job_id", nullable: true},
	"job_exe":             {expr: "v.job_exe_id", nullable: true},
	"job_exe__id":         {expr: "v.job_exe_id", nullable: true},
	"job_output":          {expr: "v.job_output", nullable: true},
	"job_type":            {expr: "v.job_type_id", nullable: true},
	"job_type__id":        {expr: "v.job_type_id", nullable: true},
	"recipe":              {expr: "v.recipe_id", nullable: true},
	"recipe__id":          {expr: "v.recipe_id", nullable: true},
	"recipe_node":         {expr: "v.recipe_node", nullable: true},
	"recipe_type":         {expr: "v.recipe_type_id", nullable: true},
	"recipe_type__id":     {expr: "v.recipe_type_id", nullable: true},
	"batch":               {expr: "v.batch_id", nullable: true},
	"batch__id":           {expr: "v.batch_id", nullable: true},

	"job_type__name":            {expr: "jt.name", nullable: true, joined: true},
	"job_type__version":         {expr: "jt.version", nullable: true, joined: true},
	"job_type__title":           {expr: "jt.title", nullable: true, joined: true},
	"job_type__description":     {expr: "jt.description", nullable: true, joined: true},
	"job_type__is_active":       {expr: "jt.is_active", nullable: true, joined: true},
	"job_type__is_system":       {expr: "jt.is_system", nullable: true, joined: true},
	"job_type__is_paused":       {expr: "jt.is_paused", nullable: true, joined: true},
	"job_type__is_published":    {expr: "jt.is_published", nullable: true, joined: true},
	"job_type__icon_code":       {expr: "jt.icon_code", nullable: true, joined: true},
	"job_type__unmet_resources": {expr: "jt.unmet_resources", nullable: true, joined: true},
	"recipe_type__name":         {expr: "rt.name", nullable: true, joined: true},
	"recipe_type__title":        {expr: "rt.title", nullable: true, joined: true},
	"recipe_type__description":  {expr: "rt.description", nullable: true, joined: true},
	"recipe_type__revision_num": {expr: "rt.revision_num", nullable: true, joined: true},
	"batch__title":              {expr: "b.title", nullable: true, joined: true},
	"batch__description":        {expr: "b.description", nullable: true, joined: true},
	"batch__created":            {expr: "b.created_at", nullable: true, joined: true},
}

// entryOrder is a total order of entries: by its keys, and by id last.
type entryOrder struct {
	keys  []entryKey
	desc  []bool
	names string // tells orders apart
}

// orderEntries compiles an order, by default that of last modification. Invalid
// for a field that entries cannot be sorted by.
func orderEntries(orders []coreshed.Order) (entryOrder, error) {
	if len(orders) == 0 {
		orders = []coreshed.Order{{Field: "last_modified"}}
	}
	var o entryOrder
	for _, order := range orders {
		key, ok := entryKeys[order.Field]
		if !ok {
			err := coreshed.Errorf(coreshed.Invalid, "Cannot sort by %q.", string(order.Field))
			err.Field = "order"
			return o, err
		}
		o.keys, o.desc = append(o.keys, key), append(o.desc, order.Desc)
		o.names += fmt.Sprint(" ", order.Field, order.Desc)
		if key.expr == "v.id" {
			break // nothing after it can matter
		}
	}
	return o, nil
}

// outer is the order as SQL, over the columns k0, k1, … and id, backwards if
// asked for. What has no value comes last, or first when the order is reversed.
// The row id is the last key, in the direction of the key before it, so that one
// index serves both ways.
func (o entryOrder) outer(backward bool) string {
	keys := make([]string, 0, len(o.keys)+1)
	direction := ""
	for i, key := range o.keys {
		nulls := " NULLS LAST"
		if direction = ""; o.desc[i] != backward {
			direction, nulls = " DESC", " NULLS FIRST"
		}
		if !key.nullable {
			nulls = ""
		}
		keys = append(keys, "k"+strconv.Itoa(i)+direction+nulls)
	}
	return " ORDER BY " + strings.Join(append(keys, "id"+direction), ", ")
}

// joined reports whether a key needs more than the alias v.
func (o entryOrder) joined() bool {
	return slices.ContainsFunc(o.keys, func(k entryKey) bool { return k.joined })
}

// single returns the only key besides the id; false when there are several.
func (o entryOrder) single() (entryKey, bool) { return o.keys[0], len(o.keys) == 1 }
