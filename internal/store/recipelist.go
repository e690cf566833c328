package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"github.com/coreshed/coreshed"
)

// recipeColumns need the aliases and joins of recipeJoins.
const recipeColumns = `r.id, COALESCE(r.recipe_key, ''), w.id, w.uuid, w.name, w.base_url, COALESCE(rr.id, 0), r.recipe_type_rev,
	COALESCE(r.ingest_event_id, 0), COALESCE(r.recipe_id, 0), COALESCE(r.root_recipe_id, 0),
	COALESCE(r.superseded_recipe_id, 0), COALESCE(r.root_superseded_recipe_id, 0), r.superseded_at, r.input, r.input_size,
	r.source_started, r.source_ended, COALESCE(r.source_sensor_class, ''), COALESCE(r.source_sensor, ''),
	COALESCE(r.source_collection, ''), COALESCE(r.source_task, ''), r.completed_at, r.created_at, r.modified_at,
	ev.id, ev.type, ev.description, ev.occurred_at, b.id, b.title, b.description, b.created_at, ` + recipeTypeColumns

// bareRecipeColumns are recipeColumns without the documents.
var bareRecipeColumns = withoutDocuments(recipeColumns, `r.input`, `ev.description`)

const recipeOwnJoins = `JOIN workspaces w ON w.id = r.workspace_id
	JOIN recipe_types rt ON rt.id = r.recipe_type_id
	LEFT JOIN recipe_type_revisions rr ON rr.recipe_type_id = r.recipe_type_id AND rr.revision_num = r.recipe_type_rev
	LEFT JOIN trigger_events ev ON ev.id = r.event_id`

// recipeJoins are what recipes are shown with: of batches, those that the view
// shows.
func (c *conditions) recipeJoins(d dialect, view coreshed.View) string {
	return recipeOwnJoins + c.batchJoin(d, view, `r.batch_id`)
}

func scanRecipe(rows *sql.Rows) (coreshed.Recipe, error) {
	var r coreshed.Recipe
	var values string
	var superseded, sourceStarted, sourceEnded, completed sql.NullInt64
	var created, modified int64
	var event nullEvent
	var batch nullBatch
	var kind recipeTypeRow
	dest := append([]any{&r.ID, &r.Key}, workspaceInto(&r.Workspace)...)
	dest = append(dest, &r.Revision.ID, &r.Revision.Number, &r.IngestEvent, &r.Parent, &r.Root,
		&r.Supersedes, &r.RootSuperseded, &superseded, &values, &r.InputSize,
		&sourceStarted, &sourceEnded, &r.SensorClass, &r.Sensor, &r.Collection, &r.Task, &completed, &created, &modified)
	dest = append(dest, event.into()...)
	dest = append(dest, batch.into()...)
	if err := rows.Scan(append(dest, kind.into()...)...); err != nil {
		return r, err
	}
	r.Type, r.Event, r.Batch, r.Values = kind.recipeType(), event.event(), batch.batch(), json.RawMessage(values)
	r.SupersededAt, r.CompletedAt = timeOrZero(superseded), timeOrZero(completed)
	r.SourceStarted, r.SourceEnded = timeOrZero(sourceStarted), timeOrZero(sourceEnded)
	r.CreatedAt, r.ModifiedAt = timeOf(created), timeOf(modified)
	return r, nil
}

// Recipe returns the recipe with that id, with its counts: NotFound when there
// is none in the view.
func (db *DB) Recipe(ctx context.Context, view coreshed.View, id int64) (coreshed.Recipe, error) {
	c := &conditions{}
	c.add(`r.id = ?`, id)
	c.seenIn(db.dialect, view, `r.workspace_id`)
	r, err := one(ctx, db, scanRecipe, `SELECT `+recipeColumns+` FROM recipes r `+c.recipeJoins(db.dialect, view)+` WHERE `+c.text(), c.args...)
	if err != nil {
		return r, notFound(err, "There is no such recipe.")
	}
	list := []coreshed.Recipe{r}
	err = db.countNodes(ctx, view, list)
	return list[0], err
}

// RecipeFilter says which recipes are wanted; nil is any. Bounds are inclusive.
type RecipeFilter struct {
	ID, Type, Batch, Root, Workspace      []int64
	TypeName, Key                         []string
	Modified, Source                      coreshed.Window
	SensorClass, Sensor, Collection, Task []string
	Superseded, Completed                 *bool

	Bare bool // without values and what events say
}

func (f RecipeFilter) conditions(d dialect, view coreshed.View) *conditions {
	c := &conditions{}
	c.seenIn(d, view, `r.workspace_id`)
	c.anyID(d, `r.id`, f.ID)
	c.anyID(d, `r.recipe_type_id`, f.Type)
	c.anyID(d, `r.batch_id`, f.Batch)
	c.anyID(d, `r.root_recipe_id`, f.Root)
	c.anyID(d, `r.workspace_id`, f.Workspace)
	if f.TypeName != nil {
		c.anyText(d, `name`, f.TypeName)
		last := len(c.terms) - 1
		c.terms[last] = `r.recipe_type_id IN (SELECT id FROM recipe_types WHERE org_id = ` + c.arg(view.Org) + ` AND ` + c.terms[last] + `)`
	}
	c.anyText(d, `r.recipe_key`, f.Key)
	c.within(`r.modified_at`, `r.modified_at`, f.Modified)
	c.within(`r.source_started`, `r.source_ended`, f.Source)
	c.anyText(d, `r.source_sensor_class`, f.SensorClass)
	c.anyText(d, `r.source_sensor`, f.Sensor)
	c.anyText(d, `r.source_collection`, f.Collection)
	c.anyText(d, `r.source_task`, f.Task)
	c.since(`r.superseded_at`, f.Superseded)
	c.since(`r.completed_at`, f.Completed)
	return c
}

// Recipes returns a page of the recipes that match, with their counts, and how
// many there are. The default order is by last modification; the id is always
// the last key.
func (db *DB) Recipes(ctx context.Context, view coreshed.View, f RecipeFilter, order []coreshed.Order, page coreshed.Page) ([]coreshed.Recipe, int64, error) {
	d := db.dialect
	m := manyJoins{
		table: `recipes`, alias: `r`, columns: recipeColumns, sorting: recipeSorting,
		joins: func(c *conditions) string { return c.recipeJoins(d, view) },
	}
	if f.Bare {
		m.columns = bareRecipeColumns
	}
	list, total, err := keyedPage(ctx, db, scanRecipe, m, f.conditions(d, view), order, page)
	if err != nil {
		return nil, 0, err
	}
	return list, total, db.countNodes(ctx, view, list)
}

// countNodes fills in what has become of the recipes' nodes that the view shows.
func (db *DB) countNodes(ctx context.Context, view coreshed.View, list []coreshed.Recipe) error {
	at := map[int64]*coreshed.RecipeCounts{}
	var ids []int64
	for i := range list {
		list[i].Counts.Jobs = map[coreshed.RunStatus]int64{}
		at[list[i].ID] = &list[i].Counts
		ids = append(ids, list[i].ID)
	}
	if len(ids) == 0 {
		return nil
	}
	c, subsOf := &conditions{}, &conditions{}
	c.anyID(db.dialect, `n.recipe_id`, ids)
	c.seenIn(db.dialect, view, `j.workspace_id`)
	subsOf.anyID(db.dialect, `n.recipe_id`, ids)
	subsOf.seenIn(db.dialect, view, `s.workspace_id`)
	type counted struct {
		recipe, n int64
		status    string
	}
	scan := func(rows *sql.Rows) (counted, error) {
		var x counted
		return x, rows.Scan(&x.recipe, &x.status, &x.n)
	}
	jobs, err := all(ctx, db, scan, `SELECT n.recipe_id, j.status, count(*) FROM recipe_nodes n JOIN jobs j ON j.id = n.job_id
		WHERE `+c.text()+` GROUP BY n.recipe_id, j.status`, c.args...)
	if err != nil {
		return err
	}
	for _, x := range jobs {
		at[x.recipe].Jobs[coreshed.RunStatus(x.status)] = x.n
	}
	subs, err := all(ctx, db, scan, `SELECT n.recipe_id, CASE WHEN s.completed_at IS NULL THEN '' ELSE 'COMPLETED' END AS done, count(*)
		FROM recipe_nodes n JOIN recipes s ON s.id = n.sub_recipe_id
		WHERE `+subsOf.text()+` GROUP BY n.recipe_id, CASE WHEN s.completed_at IS NULL THEN '' ELSE 'COMPLETED' END`, subsOf.args...)
	for _, x := range subs {
		at[x.recipe].SubRecipes += x.n
		if x.status != "" {
			at[x.recipe].SubRecipesComplete += x.n
		}
	}
	return err
}

// RecipeNodes returns the nodes of a recipe of the view, in the order in which
// they were added. Nodes that are runs or recipes of other workspaces than the
// view's are left out.
func (db *DB) RecipeNodes(ctx context.Context, view coreshed.View, recipe int64) ([]coreshed.RecipeNode, error) {
	owner := &conditions{}
	owner.add(`r.id = ?`, recipe)
	owner.seenIn(db.dialect, view, `r.workspace_id`)
	if _, err := one(ctx, db, value[int64], `SELECT r.id FROM recipes r WHERE `+owner.text(), owner.args...); err != nil {
		return nil, notFound(err, "There is no such recipe.")
	}
	nodes, err := nodesOf(ctx, db, recipe)
	if err != nil || view.Everything {
		return nodes, err
	}
	c := &conditions{}
	c.add(`n.recipe_id = ?`, recipe)
	c.seenIn(db.dialect, view, `COALESCE(j.workspace_id, s.workspace_id)`)
	seen, err := all(ctx, db, value[string], `SELECT n.node_name FROM recipe_nodes n LEFT JOIN jobs j ON j.id = n.job_id
		LEFT JOIN recipes s ON s.id = n.sub_recipe_id WHERE `+c.text(), c.args...)
	return slices.DeleteFunc(nodes, func(n coreshed.RecipeNode) bool { return n.Condition == nil && !slices.Contains(seen, n.Name) }), err
}
