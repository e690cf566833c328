package store

import (
	"context"
	"database/sql"
)

// InPieces lets the sets of purges be found and summed up a few things at a time, so
// that those of tests are in several pieces.
func InPieces() { purgeFollowed, purgeAdded, purgeSummed = 3, 2, 2 }

// PurgeLinks are all rows that a purge could follow, as pairs of ids.
type PurgeLinks struct {
	Versions, Runs, Recipes []int64
	Inputs, Outputs         [][2]int64 // run, version
	RecipeInputs            [][2]int64 // recipe, version
	NodeRuns, NodeRecipes   [][3]int64 // recipe, run or recipe, original
	Jobs                    [][2]int64 // recipe, run
	Parents, Superseded     [][2]int64 // recipe, the one above it or before it
}

// PurgeLinksOf reads the links that there are in a workspace.
func PurgeLinksOf(ctx context.Context, db *DB, workspace int64) (l PurgeLinks, err error) {
	ids := func(into *[]int64, query string) {
		if err == nil {
			*into, err = all(ctx, db, value[int64], query, workspace)
		}
	}
	pairs := func(into *[][2]int64, query string) {
		if err == nil {
			*into, err = all(ctx, db, func(rows *sql.Rows) (p [2]int64, err error) { return p, rows.Scan(&p[0], &p[1]) }, query, workspace)
		}
	}
	triples := func(into *[][3]int64, query string) {
		if err == nil {
			*into, err = all(ctx, db, func(rows *sql.Rows) (p [3]int64, err error) { return p, rows.Scan(&p[0], &p[1], &p[2]) }, query, workspace)
		}
	}
	ids(&l.Versions, `SELECT id FROM versions WHERE workspace_id = $1 ORDER BY id`)
	ids(&l.Runs, `SELECT id FROM jobs WHERE workspace_id = $1 ORDER BY id`)
	ids(&l.Recipes, `SELECT id FROM recipes WHERE workspace_id = $1 ORDER BY id`)
	pairs(&l.Inputs, `SELECT job_id, version_row FROM job_inputs WHERE job_id IN (SELECT id FROM jobs WHERE workspace_id = $1)`)
	pairs(&l.Outputs, `SELECT job_id, id FROM versions WHERE job_id IN (SELECT id FROM jobs WHERE workspace_id = $1) UNION SELECT job_id, version_row FROM job_outputs WHERE job_id IN (SELECT id FROM jobs WHERE workspace_id = $1)`)
	pairs(&l.RecipeInputs, `SELECT recipe_id, version_row FROM recipe_inputs WHERE recipe_id IN (SELECT id FROM recipes WHERE workspace_id = $1)`)
	triples(&l.NodeRuns, `SELECT recipe_id, job_id, is_original FROM recipe_nodes WHERE job_id IS NOT NULL AND recipe_id IN (SELECT id FROM recipes WHERE workspace_id = $1)`)
	triples(&l.NodeRecipes, `SELECT recipe_id, sub_recipe_id, is_original FROM recipe_nodes WHERE sub_recipe_id IS NOT NULL AND recipe_id IN (SELECT id FROM recipes WHERE workspace_id = $1)`)
	pairs(&l.Jobs, `SELECT recipe_id, id FROM jobs WHERE recipe_id IN (SELECT id FROM recipes WHERE workspace_id = $1)`)
	pairs(&l.Parents, `SELECT id, recipe_id FROM recipes WHERE recipe_id IN (SELECT id FROM recipes WHERE workspace_id = $1)`)
	pairs(&l.Superseded, `SELECT id, superseded_recipe_id FROM recipes WHERE superseded_recipe_id IN (SELECT id FROM recipes WHERE workspace_id = $1)`)
	return l, err
}

// Rows returns the texts that a query selects.
func (db *DB) Rows(ctx context.Context, query string) ([]string, error) {
	return all(ctx, db, value[string], query)
}
