package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/openlineage"
)

// lineageEvent is the type of what causes recipes that runs are said to be part
// of.
const lineageEvent = "OPENLINEAGE"

// join makes the run a node of the recipe that its parent is, and of no other.
func (r *lineageRun) join(ctx context.Context, t tx) error {
	before, err := one(ctx, t, value[int64], `SELECT COALESCE(recipe_id, 0) FROM jobs WHERE id = $1`, r.job)
	if err != nil {
		return err
	}
	var recipe int64
	var node string
	if parent, ok := r.state.Parent(); ok {
		node = cut(r.state.Name.Name)
		if recipe, err = r.recipe(ctx, t, parent); err != nil {
			return err
		}
	}
	if before != 0 && before != recipe {
		if err := leaveRecipe(ctx, t, before, r.job); err != nil {
			return err
		}
	}
	if recipe != 0 {
		if err := r.node(ctx, t, recipe, node); err != nil {
			return err
		}
	}
	_, err = t.exec(ctx, `UPDATE jobs SET recipe_id = $2, recipe_node = $3, root_recipe_id = (SELECT COALESCE(root_recipe_id, id) FROM recipes WHERE id = $2),
		batch_id = (SELECT batch_id FROM recipes WHERE id = $2) WHERE id = $1`, r.job, nullID(recipe), textOrNull(node))
	return err
}

// recipe returns the recipe of a parent in the run's workspace, made when it is
// not there.
func (r *lineageRun) recipe(ctx context.Context, t tx, parent openlineage.Parent) (int64, error) {
	const known = `SELECT id FROM recipes WHERE workspace_id = $1 AND recipe_key = $2`
	key := parent.Run.String()
	id, err := one(ctx, t, value[int64], known, r.workspace, key)
	if !errors.Is(err, coreshed.NotFound) {
		return id, err
	}
	definition, err := json.Marshal(map[string]any{"openlineage": openlineage.Name{Namespace: parent.Job.Namespace, Name: parent.Job.Name}})
	if err != nil {
		return 0, err
	}
	recipeType, err := ensureRecipeType(ctx, t, r.view, NewRecipeType{
		Name: openlineage.Slug(parent.Job.Namespace, parent.Job.Name), Title: cut(parent.Job.Name), Definition: definition,
	})
	if err != nil {
		return 0, err
	}
	event, err := addEvent(ctx, t, r.view, &coreshed.Event{Type: lineageEvent})
	if err != nil {
		return 0, err
	}
	if id, err = insert(ctx, t, `INSERT INTO recipes (workspace_id, recipe_key, recipe_type_id, recipe_type_rev, event_id, created_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING id`, r.workspace, key, recipeType.id, recipeType.revision, event, t.db().micros()); err != nil {
		return 0, err
	}
	// No name: such a recipe also goes without a purge, which would erase it.
	if err := auditRecipe(ctx, t, r.view.Actor, coreshed.ActRecipeRecord, id, r.workspace, details{"id": key}); err != nil {
		return 0, err
	}
	return id, r.completeRecipe(ctx, t, key)
}

// completeRecipe gives the recipe of a parent the end of the parent's own run,
// as far as both are known.
func (r *lineageRun) completeRecipe(ctx context.Context, t tx, key string) error {
	_, err := t.exec(ctx, `UPDATE recipes SET modified_at = $3, completed_at = (SELECT j.ended_at FROM jobs j
			WHERE j.workspace_id = $1 AND j.run_key = $2 AND j.status = 'COMPLETED')
		WHERE workspace_id = $1 AND recipe_key = $2 AND completed_at IS NULL
		AND EXISTS (SELECT 1 FROM jobs j WHERE j.workspace_id = $1 AND j.run_key = $2 AND j.status = 'COMPLETED')
		AND event_id IN (SELECT id FROM trigger_events WHERE type = $4)`, r.workspace, key, t.db().micros(), lineageEvent)
	return err
}

// node puts the run's job into a recipe. A name that another run has there gets
// the run's id behind it.
func (r *lineageRun) node(ctx context.Context, t tx, recipe int64, name string) error {
	for _, name := range []string{name, name[:min(len(name), maxName-40)] + " " + r.state.ID} {
		taken, err := all(ctx, t, value[sql.NullInt64], `SELECT job_id FROM recipe_nodes WHERE recipe_id = $1 AND (node_name = $2 OR job_id = $3)`,
			recipe, strings.ToValidUTF8(name, ""), r.job)
		if err != nil {
			return err
		}
		mine := false
		for _, job := range taken {
			mine = mine || job.Int64 == r.job
		}
		if mine {
			return nil
		}
		if len(taken) > 0 {
			continue
		}
		_, err = t.exec(ctx, `INSERT INTO recipe_nodes (recipe_id, node_name, job_id) VALUES ($1, $2, $3)`, recipe, strings.ToValidUTF8(name, ""), r.job)
		return err
	}
	return nil
}

// leaveRecipe takes a job out of a recipe. A recipe that was made for lineage
// events alone goes with its last node.
func leaveRecipe(ctx context.Context, t tx, recipe, job int64) error {
	if _, err := t.exec(ctx, `DELETE FROM recipe_nodes WHERE recipe_id = $1 AND job_id = $2`, recipe, job); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE jobs SET recipe_id = NULL, recipe_node = NULL, root_recipe_id = NULL, batch_id = NULL WHERE id = $1`, job); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE ancestry SET recipe_id = NULL WHERE job_id = $1`, job); err != nil {
		return err
	}
	_, err := t.exec(ctx, `DELETE FROM recipes WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM recipe_nodes WHERE recipe_id = $1)
		AND event_id IN (SELECT id FROM trigger_events WHERE type = $2)`, recipe, lineageEvent)
	return err
}
