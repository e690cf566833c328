package store

import (
	"context"
	"time"

	"github.com/coreshed/coreshed"
)

// Types are what runs and recipes are of.
type Types struct {
	Jobs    []coreshed.JobType
	Recipes []coreshed.RecipeType
	Batches []coreshed.Batch
}

// AddTypes adds types that are not there yet, and batches, and sets their ids.
func (db *DB) AddTypes(ctx context.Context, a coreshed.Access, types *Types) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		org, err := one(ctx, t, value[int64], `SELECT org_id FROM workspaces WHERE id = $1`, a.Workspace.ID)
		if err != nil {
			return err
		}
		view := coreshed.View{Actor: a.Actor, Org: org}
		for i := range types.Jobs {
			j := &types.Jobs[i]
			row, err := ensureJobType(ctx, t, view, NewJobType{
				Name: j.Name, Version: j.Version, Title: j.Title, Description: j.Description, IconCode: j.IconCode,
			})
			if err != nil {
				return err
			}
			j.ID, j.Revision = row.id, row.revision
		}
		for i := range types.Recipes {
			r := &types.Recipes[i]
			row, err := ensureRecipeType(ctx, t, view, NewRecipeType{Name: r.Name, Title: r.Title, Description: r.Description})
			if err != nil {
				return err
			}
			r.ID, r.Revision = row.id, row.revision
		}
		for i := range types.Batches {
			b := &types.Batches[i]
			b.ID, err = insert(ctx, t, `INSERT INTO batches (org_id, workspace_id, title, description, created_at, modified_at)
				VALUES ($1, $2, $3, $4, $5, $5) RETURNING id`, org, a.Workspace.ID, b.Title, b.Description, b.CreatedAt.UnixMicro())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// BulkRecipe is a recipe to add. Its id is set.
type BulkRecipe struct {
	ID, Type, Batch int64
	At              time.Time
}

// AddRecipes adds completed recipes in one transaction.
func (db *DB) AddRecipes(ctx context.Context, a coreshed.Access, recipes []BulkRecipe) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		for i := range recipes {
			r := &recipes[i]
			var err error
			r.ID, err = insert(ctx, t, `INSERT INTO recipes (workspace_id, recipe_type_id, batch_id, completed_at, created_at, modified_at)
				VALUES ($1, $2, $3, $4, $4, $4) RETURNING id`, a.Workspace.ID, r.Type, idOrNil(r.Batch), r.At.UnixMicro())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// BulkRun is a run to add, with one try. Its ids are set.
type BulkRun struct {
	ID, Execution int64
	Type, Recipe  int64
	Status        string
	At            time.Time
}

// AddRuns adds runs in one transaction.
func (db *DB) AddRuns(ctx context.Context, a coreshed.Access, runs []BulkRun) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		for i := range runs {
			r := &runs[i]
			at := r.At.UnixMicro()
			var err error
			r.ID, err = insert(ctx, t, `INSERT INTO jobs (workspace_id, job_type_id, status, recipe_id, num_exes, created_at, queued_at,
				started_at, ended_at, status_at, modified_at) VALUES ($1, $2, $3, $4, 1, $5, $5, $5, $5, $5, $5) RETURNING id`,
				a.Workspace.ID, r.Type, r.Status, idOrNil(r.Recipe), at)
			if err != nil {
				return err
			}
			r.Execution, err = insert(ctx, t, `INSERT INTO job_exes (job_id, exe_num, queued_at, started_at, created_at)
				VALUES ($1, 1, $2, $2, $2) RETURNING id`, r.ID, at)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// BulkInput says that a run has read a version.
type BulkInput struct{ Run, Version int64 }

// AddInputs adds what runs have read in one transaction.
func (db *DB) AddInputs(ctx context.Context, inputs []BulkInput) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		for _, i := range inputs {
			if _, err := t.exec(ctx, `INSERT INTO job_inputs (job_id, input_name, version_row) VALUES ($1, 'INPUT', $2)`, i.Run, i.Version); err != nil {
				return err
			}
		}
		return nil
	})
}
