package store

import (
	"context"
	"maps"
	"slices"

	"github.com/coreshed/coreshed"
)

// supersedeRecipe supersedes a recipe, 0 is none, by another that keeps some of
// its nodes. The others are superseded with all that they contain, and what they
// have published is taken back: Forbidden, unless all that is the caller's to
// change.
func supersedeRecipe(ctx context.Context, t tx, view coreshed.View, old, recipe int64, keep []string) error {
	if old == 0 {
		return nil
	}
	nodes, err := nodesOf(ctx, t, old)
	if err != nil {
		return err
	}
	var dropped []coreshed.RecipeNode
	for _, n := range nodes {
		if !slices.Contains(keep, n.Name) {
			dropped = append(dropped, n)
			continue
		}
		n.Original = false
		if err := addNode(ctx, t, recipe, n); err != nil {
			return err
		}
	}
	for _, name := range keep {
		if !slices.ContainsFunc(nodes, func(n coreshed.RecipeNode) bool { return n.Name == name }) {
			return invalidField("carried_over", "names a node that the superseded recipe does not have")
		}
	}
	if _, err := t.exec(ctx, `UPDATE recipes SET superseded_at = $2, modified_at = $2 WHERE id = $1`, old, t.db().micros()); err != nil {
		return err
	}
	return supersedeNodes(ctx, t, view, dropped)
}

// supersedeNodes supersedes what nodes are, with all that sub-recipes contain.
func supersedeNodes(ctx context.Context, t tx, view coreshed.View, nodes []coreshed.RecipeNode) error {
	var recipes, runs []int64
	for _, n := range nodes {
		switch {
		case n.Recipe != 0:
			recipes = append(recipes, n.Recipe)
		case n.Run != 0:
			runs = append(runs, n.Run)
		}
	}
	recipes, err := recipesWithin(ctx, t, recipes)
	if err != nil {
		return err
	}
	inner, err := nodeIDs(ctx, t, "job_id", recipes)
	if err != nil {
		return err
	}
	runs = sorted(append(runs, inner...))
	if err := mayChangeAll(ctx, t, view, "recipes", recipes); err != nil {
		return err
	}
	if err := mayChangeAll(ctx, t, view, "jobs", runs); err != nil {
		return err
	}
	now := t.db().micros()
	for _, id := range recipes {
		if _, err := t.exec(ctx, `UPDATE recipes SET superseded_at = COALESCE(superseded_at, $2), modified_at = $2 WHERE id = $1`, id, now); err != nil {
			return err
		}
	}
	for _, id := range runs {
		if _, err := t.exec(ctx, `UPDATE jobs SET superseded_at = COALESCE(superseded_at, $2), modified_at = $2 WHERE id = $1`, id, now); err != nil {
			return err
		}
		if err := unpublish(ctx, t, view.Actor, now, `id = $1`, id); err != nil {
			return err
		}
	}
	return nil
}

// recipesWithin returns recipes and all that they contain. They are locked, so that
// nobody adds to them meanwhile.
func recipesWithin(ctx context.Context, t tx, roots []int64) ([]int64, error) {
	found := map[int64]bool{}
	for level := roots; len(level) > 0; {
		for _, id := range level {
			found[id] = true
		}
		c := &conditions{}
		c.anyID(t.db().dialect, `id`, level)
		if _, err := all(ctx, t, value[int64], `SELECT id FROM recipes WHERE `+c.text()+` ORDER BY id`+t.db().dialect.lock, c.args...); err != nil {
			return nil, err
		}
		next, err := nodeIDs(ctx, t, "sub_recipe_id", level)
		if err != nil {
			return nil, err
		}
		level = slices.DeleteFunc(next, func(id int64) bool { return found[id] })
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// nodeIDs returns what a column of the nodes of recipes names.
func nodeIDs(ctx context.Context, t tx, column string, recipes []int64) ([]int64, error) {
	if len(recipes) == 0 {
		return nil, nil
	}
	c := &conditions{}
	c.anyID(t.db().dialect, `recipe_id`, recipes)
	return all(ctx, t, value[int64], `SELECT DISTINCT `+column+` FROM recipe_nodes WHERE `+column+` IS NOT NULL AND `+c.text(), c.args...)
}

// notWithin refuses a parent, 0 is none, that lies in the recipe which its new
// part supersedes: what is carried over would contain itself.
func notWithin(ctx context.Context, t tx, parent, superseded int64) error {
	if parent == 0 {
		return nil
	}
	recipes, err := recipesWithin(ctx, t, []int64{superseded})
	if err == nil && slices.Contains(recipes, parent) {
		err = coreshed.Errorf(coreshed.Conflict, "A recipe cannot be part of the one that it supersedes.")
	}
	return err
}

// mayChangeAll is mayChange for the workspaces of rows of a table.
func mayChangeAll(ctx context.Context, t tx, view coreshed.View, table string, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	c := &conditions{}
	c.anyID(t.db().dialect, `id`, ids)
	workspaces, err := all(ctx, t, value[int64], `SELECT DISTINCT workspace_id FROM `+table+` WHERE `+c.text(), c.args...)
	if err != nil {
		return err
	}
	for _, w := range workspaces {
		if err := mayChange(view, w); err != nil {
			return err
		}
	}
	return nil
}
