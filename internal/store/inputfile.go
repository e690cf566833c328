package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
)

// InputName is a version that a run read, by the name of the input.
type InputName struct {
	Entry          int64
	Name, FileName string
}

// maxInputNames is how many inputs of a run are named in a list of runs. All are
// in the run's own list of inputs.
const maxInputNames = 100

// inputNameRuns is how many runs one statement names the inputs of.
const inputNameRuns = 50

// RunInputNames returns the first inputs of each run that the view shows, by
// name, of runs that it shows too.
func (db *DB) RunInputNames(ctx context.Context, view coreshed.View, runs []int64) (map[int64][]InputName, error) {
	names := make(map[int64][]InputName, len(runs))
	for chunk := range slices.Chunk(runs, inputNameRuns) {
		c := &conditions{}
		c.seen(db.dialect, view)
		seen, limit := c.text(), c.arg(maxInputNames)
		each := make([]string, len(chunk))
		for i, run := range chunk { // a run has its first inputs from the key, however many it has
			each[i] = `SELECT * FROM (SELECT i.job_id, v.id, i.input_name, v.file_name FROM job_inputs i JOIN versions v ON v.id = i.version_row
				WHERE i.job_id = ` + c.arg(run) + ` AND ` + seen + ` ORDER BY i.input_name, i.version_row LIMIT ` + limit + `) x`
		}
		_, err := all(ctx, db, func(rows *sql.Rows) (bool, error) {
			var run int64
			var n InputName
			err := rows.Scan(&run, &n.Entry, &n.Name, &n.FileName)
			names[run] = append(names[run], n)
			return true, err
		}, strings.Join(each, ` UNION ALL `), c.args...)
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// nameTable is what is read or put out under names: a table of the alias i, whose
// rows name versions, with its columns.
type nameTable struct{ from, owner, name string }

var (
	readByRun    = nameTable{`job_inputs i`, `i.job_id`, `i.input_name`}
	readByRecipe = nameTable{`recipe_inputs i`, `i.recipe_id`, `i.input_name`}
	putOut       = nameTable{`(SELECT id AS version_row, job_output AS name, job_id FROM versions WHERE job_id IS NOT NULL
		UNION SELECT version_row, output_name, job_id FROM job_outputs) i`, `i.job_id`, `i.name`}
)

// RunInputs returns a page of what a run of the view read, by name and id, and
// how many the view shows. Hidden is how many others there are.
func (db *DB) RunInputs(ctx context.Context, view coreshed.View, run int64, page coreshed.Page) (list []coreshed.NamedEntry, total, hidden int64, err error) {
	return db.namedEntries(ctx, view, readByRun, run, page)
}

// RunOutputs is RunInputs for what a run has put out: made, or adopted.
func (db *DB) RunOutputs(ctx context.Context, view coreshed.View, run int64, page coreshed.Page) (list []coreshed.NamedEntry, total, hidden int64, err error) {
	return db.namedEntries(ctx, view, putOut, run, page)
}

func (db *DB) namedEntries(ctx context.Context, view coreshed.View, n nameTable, id int64, page coreshed.Page) (list []coreshed.NamedEntry, total, hidden int64, err error) {
	c := &conditions{}
	c.add(n.owner+` = ?`, id)
	from := `FROM ` + n.from + ` JOIN versions v ON v.id = i.version_row JOIN files f ON f.id = v.file_id`
	every, err := one(ctx, db, value[int64], `SELECT count(*) `+from+` WHERE `+c.text(), c.args...)
	if err != nil {
		return nil, 0, 0, err
	}
	c.seen(db.dialect, view)
	list, total, err = pageOf(ctx, db, func(rows *sql.Rows) (coreshed.NamedEntry, error) {
		var e coreshed.NamedEntry
		return e, scanEntryAnd(rows, &e.Entry, &e.FileUUID, &e.Path, &e.Name)
	}, entryColumns+`, `+n.name, from, c, ` ORDER BY `+n.name+`, v.id`, page)
	if err != nil {
		return nil, 0, 0, err
	}
	shown := make([]*coreshed.Entry, len(list))
	for i := range list {
		shown[i] = &list[i].Entry
	}
	return list, total, every - total, showEntries(ctx, db, db.dialect, view, shown...)
}

// RunInputIDs returns what a run of the view read and the view shows: ids by
// name, in their order.
func (db *DB) RunInputIDs(ctx context.Context, view coreshed.View, run int64) (map[string][]int64, error) {
	return db.namedIDs(ctx, view, readByRun, run)
}

// RunOutputIDs is RunInputIDs for what a run has put out.
func (db *DB) RunOutputIDs(ctx context.Context, view coreshed.View, run int64) (map[string][]int64, error) {
	return db.namedIDs(ctx, view, putOut, run)
}

// RecipeInputIDs is RunInputIDs for a recipe.
func (db *DB) RecipeInputIDs(ctx context.Context, view coreshed.View, recipe int64) (map[string][]int64, error) {
	return db.namedIDs(ctx, view, readByRecipe, recipe)
}

func (db *DB) namedIDs(ctx context.Context, view coreshed.View, n nameTable, id int64) (map[string][]int64, error) {
	c := &conditions{}
	c.add(n.owner+` = ?`, id)
	c.seen(db.dialect, view)
	ids := map[string][]int64{}
	_, err := all(ctx, db, func(rows *sql.Rows) (bool, error) {
		var name string
		var version int64
		err := rows.Scan(&name, &version)
		ids[name] = append(ids[name], version)
		return true, err
	}, `SELECT `+n.name+`, v.id FROM `+n.from+` JOIN versions v ON v.id = i.version_row WHERE `+c.text()+` ORDER BY 1, 2`, c.args...)
	return ids, err
}

// InputFilter says which of the files that were read are wanted; nil is any.
type InputFilter struct {
	Modified, Data, Source coreshed.Window
	FileName, Input        *string
}

// RunInputFiles returns a page of the files that a run of the view read and that
// the view shows, each once, in order of their last modification, and how many
// there are.
func (db *DB) RunInputFiles(ctx context.Context, view coreshed.View, run int64, f InputFilter, page coreshed.Page) ([]coreshed.Entry, int64, error) {
	return db.inputFiles(ctx, view, `job_inputs`, `job_id`, run, f, page)
}

// RecipeInputFiles is RunInputFiles for a recipe.
func (db *DB) RecipeInputFiles(ctx context.Context, view coreshed.View, recipe int64, f InputFilter, page coreshed.Page) ([]coreshed.Entry, int64, error) {
	return db.inputFiles(ctx, view, `recipe_inputs`, `recipe_id`, recipe, f, page)
}

func (db *DB) inputFiles(ctx context.Context, view coreshed.View, table, owner string, id int64, f InputFilter, page coreshed.Page) ([]coreshed.Entry, int64, error) {
	c := &conditions{}
	c.seen(db.dialect, view)
	in := `SELECT version_row FROM ` + table + ` WHERE ` + owner + ` = ` + c.arg(id)
	if f.Input != nil {
		in += ` AND input_name = ` + c.arg(*f.Input)
	}
	c.add(`v.id IN (` + in + `)`)
	c.within(`v.modified_at`, `v.modified_at`, f.Modified)
	c.within(`v.data_started`, `v.data_ended`, f.Data)
	c.within(`v.source_started`, `v.source_ended`, f.Source)
	if f.FileName != nil {
		c.add(`v.file_name = ?`, *f.FileName)
	}
	list, total, err := pageOf(ctx, db, scanEntry, entryColumns, entryFrom, c, ` ORDER BY v.modified_at, v.id`, page)
	if err != nil {
		return nil, 0, err
	}
	return list, total, showEntries(ctx, db, db.dialect, view, pointers(list)...)
}

// SupersededBy returns the run of the view that supersedes another, or 0.
func (db *DB) SupersededBy(ctx context.Context, view coreshed.View, run int64) (int64, error) {
	return db.supersededBy(ctx, view, `jobs`, `superseded_job_id`, run)
}

// RecipeSupersededBy is SupersededBy for recipes.
func (db *DB) RecipeSupersededBy(ctx context.Context, view coreshed.View, recipe int64) (int64, error) {
	return db.supersededBy(ctx, view, `recipes`, `superseded_recipe_id`, recipe)
}

func (db *DB) supersededBy(ctx context.Context, view coreshed.View, table, column string, id int64) (int64, error) {
	c := &conditions{}
	c.add(column+` = ?`, id)
	c.seenIn(db.dialect, view, `workspace_id`)
	list, err := all(ctx, db, value[int64], `SELECT id FROM `+table+` WHERE `+c.text(), c.args...)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0], nil
}
