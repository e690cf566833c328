package store

import (
	"maps"

	"github.com/coreshed/coreshed"
)

// sortKeys are what rows are sorted by under the names that Scale's v6 shows;
// those of nested objects are joined by two underscores.
type sortKeys = map[coreshed.OrderField]sortKey

// merged are keys of several kinds.
func merged(list ...sortKeys) sortKeys {
	all := sortKeys{}
	for _, keys := range list {
		maps.Copy(all, keys)
	}
	return all
}

// runSorting is how runs are sorted: j is their alias, and the others are those
// of runJoins.
func runSorting(d dialect) sorting {
	failure := func(name string) sortKey {
		return sortKey{expr: d.member("j.error", name), nullable: true}
	}
	return sorting{fallback: "last_modified", id: "j.id", keys: merged(sourceKeys("j"), supersededKeys("j"), batchKeys, jobTypeKeys, recipeTypeKeys("recipe__", true), sortKeys{
		"id": {expr: "j.id"}, "status": {expr: "j.status"}, "created": {expr: "j.created_at"}, "last_modified": {expr: "j.modified_at"},
		"queued": {expr: "j.queued_at", nullable: true}, "started": {expr: "j.started_at", nullable: true}, "ended": {expr: "j.ended_at", nullable: true},
		"last_status_change": {expr: "j.status_at"}, "job_type": {expr: "j.job_type_id"}, "job_type__id": {expr: "j.job_type_id"},
		"num_exes": {expr: "j.num_exes"}, "max_tries": {expr: "j.max_tries"}, "input_file_size": {expr: "j.input_size"},
		"node": {expr: "j.node", nullable: true}, "node__hostname": {expr: "j.node", nullable: true},
		"recipe": {expr: "r.id", nullable: true, joined: true}, "recipe__id": {expr: "r.id", nullable: true, joined: true},
		"error__name": failure("name"), "error__title": failure("title"), "error__category": failure("category"),
	})}
}

var recipeSorting = sorting{fallback: "last_modified", id: "r.id", keys: merged(sourceKeys("r"), supersededKeys("r"), batchKeys, recipeTypeKeys("", false), sortKeys{
	"id": {expr: "r.id"}, "created": {expr: "r.created_at"}, "last_modified": {expr: "r.modified_at"},
	"completed": {expr: "r.completed_at", nullable: true}, "is_completed": {expr: "CASE WHEN r.completed_at IS NULL THEN 0 ELSE 1 END"},
	"input_file_size": {expr: "r.input_size"}, "recipe_type": {expr: "r.recipe_type_id"}, "recipe_type__id": {expr: "r.recipe_type_id"},
})}

var batchSorting = sorting{fallback: "last_modified", id: "b.id", keys: merged(supersededKeys("b"), recipeTypeKeys("", true), sortKeys{
	"id": {expr: "b.id"}, "title": {expr: "b.title"}, "description": {expr: "b.description"},
	"created": {expr: "b.created_at"}, "created_at": {expr: "b.created_at"}, "last_modified": {expr: "b.modified_at"},
	"is_creation_done": {expr: "b.is_creation_done"}, "recipes_estimated": {expr: "b.recipes_estimated"},
	"recipe_type": {expr: "b.recipe_type_id", nullable: true}, "recipe_type__id": {expr: "b.recipe_type_id", nullable: true},
})}

var jobTypeSorting = typeSorting("jt", sortKeys{
	"version": {expr: "jt.version"}, "is_paused": {expr: "jt.is_paused"}, "is_published": {expr: "jt.is_published"}, "max_tries": {expr: "jt.max_tries"},
})

// typeSorting is how types of an alias are sorted, and by what more.
func typeSorting(alias string, more sortKeys) sorting {
	a := alias + "."
	return sorting{fallback: "name", id: a + "id", keys: merged(more, sortKeys{
		"id": {expr: a + "id"}, "name": {expr: a + "name"}, "title": {expr: a + "title"}, "description": {expr: a + "description"},
		"is_active": {expr: a + "is_active"}, "is_system": {expr: a + "is_system"}, "revision_num": {expr: a + "revision_num"},
		"created": {expr: a + "created_at"}, "deprecated": {expr: a + "deprecated_at", nullable: true}, "last_modified": {expr: a + "modified_at"},
	})}
}

// sourceKeys are what inputs say of where they come from.
func sourceKeys(alias string) sortKeys {
	keys := sortKeys{}
	for _, name := range []string{"source_started", "source_ended", "source_sensor_class", "source_sensor", "source_collection", "source_task"} {
		keys[coreshed.OrderField(name)] = sortKey{expr: alias + "." + name, nullable: true}
	}
	return keys
}

func supersededKeys(alias string) sortKeys {
	return sortKeys{
		"superseded":    {expr: alias + ".superseded_at", nullable: true},
		"is_superseded": {expr: "CASE WHEN " + alias + ".superseded_at IS NULL THEN 0 ELSE 1 END"},
	}
}

// batchKeys are those of the batch of runs or recipes, under the alias b: none
// where the view does not show it.
var batchKeys = sortKeys{
	"batch": {expr: "b.id", nullable: true, joined: true}, "batch__id": {expr: "b.id", nullable: true, joined: true},
	"batch__title": {expr: "b.title", nullable: true, joined: true}, "batch__description": {expr: "b.description", nullable: true, joined: true},
	"batch__created": {expr: "b.created_at", nullable: true, joined: true},
}

var jobTypeKeys = sortKeys{
	"job_type__name": {expr: "jt.name", joined: true}, "job_type__version": {expr: "jt.version", joined: true},
	"job_type__title": {expr: "jt.title", joined: true}, "job_type__description": {expr: "jt.description", joined: true},
}

// recipeTypeKeys are those of a recipe type under the alias rt, of rows that
// have perhaps none.
func recipeTypeKeys(prefix coreshed.OrderField, perhaps bool) sortKeys {
	keys := sortKeys{}
	for _, name := range []coreshed.OrderField{"name", "title", "description"} {
		keys[prefix+"recipe_type__"+name] = sortKey{expr: "rt." + string(name), nullable: perhaps, joined: true}
	}
	return keys
}
