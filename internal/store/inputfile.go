package store

import (
	"context"
	"database/sql"

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

// RunInputNames returns the first inputs of each run that the view shows, by
// name, of runs that it shows too.
func (db *DB) RunInputNames(ctx context.Context, view coreshed.View, runs []int64) (map[int64][]InputName, error) {
	c := &conditions{}
	c.anyID(db.dialect, `i.job_id`, runs)
	c.seen(db.dialect, view)
	type of struct {
		run int64
		InputName
	}
	list, err := all(ctx, db, func(rows *sql.Rows) (of, error) {
		var v of
		return v, rows.Scan(&v.run, &v.Entry, &v.Name, &v.FileName)
	}, `SELECT job_id, id, input_name, file_name FROM (
			SELECT i.job_id, v.id, i.input_name, v.file_name, row_number() OVER (PARTITION BY i.job_id ORDER BY i.input_name, v.id) AS n
			FROM job_inputs i JOIN versions v ON v.id = i.version_row WHERE `+c.text()+`) x
		WHERE n <= `+c.arg(maxInputNames)+` ORDER BY job_id, n`, c.args...)
	names := map[int64][]InputName{}
	for _, v := range list {
		names[v.run] = append(names[v.run], v.InputName)
	}
	return names, err
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
	return pageOf(ctx, db, scanEntry, entryColumns, `FROM versions v `+c.entryJoins(db.dialect, view), c, ` ORDER BY v.modified_at, v.id`, page)
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
