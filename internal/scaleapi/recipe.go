package scaleapi

import (
	"encoding/json"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listRecipes(w http.ResponseWriter, q *request) error {
	f, err := a.recipesWanted(q)
	if err != nil {
		return err
	}
	order, err := q.orders()
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Recipe, int64, error) {
		return a.DB.Recipes(q.Context(), q.view, f, order, p)
	}, recipeOf)
}

// recipesWanted reads the filters of a list of recipes.
func (a *api) recipesWanted(q *request) (store.RecipeFilter, error) {
	f := store.RecipeFilter{Bare: true}
	var err error
	if f.Modified, err = q.window("started", "ended", a.Now()); err != nil {
		return f, err
	}
	if f.Source, err = q.window("source_started", "source_ended", a.Now()); err != nil {
		return f, err
	}
	if err = q.readTexts([]textsParam{
		{"source_sensor_class", &f.SensorClass}, {"source_sensor", &f.Sensor}, {"source_collection", &f.Collection}, {"source_task", &f.Task},
		{"recipe_type_name", &f.TypeName},
	}); err != nil {
		return f, err
	}
	if err = q.readIntegers([]integersParam{
		{"recipe_id", &f.ID}, {"recipe_type_id", &f.Type}, {"batch_id", &f.Batch}, {"root_recipe_id", &f.Root},
	}); err != nil {
		return f, err
	}
	if f.Superseded, err = q.boolean("is_superseded"); err != nil {
		return f, err
	}
	f.Completed, err = q.boolean("is_completed")
	return f, err
}

func (a *api) getRecipe(w http.ResponseWriter, q *request) error {
	r, err := a.DB.Recipe(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	d, err := a.recipeDetails(q, r)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, d)
}

func (a *api) recipeDetails(q *request, r coreshed.Recipe) (recipeDetails, error) {
	ctx := q.Context()
	d := recipeDetails{
		recipe: recipeOf(r), RecipeTypeRev: recipeTypeRev{recipeTypeRevRef: recipeTypeRevOf(r), RecipeType: recipeTypeOf(&r.Type), Definition: orEmpty(nil)},
		Event: eventDetailsOf(r.Event), RootRecipe: refOf(r.Root), RootSupersededRecipe: refOf(r.RootSuperseded),
	}
	var err error
	d.Input.JSON = orEmpty(r.Values)
	if d.Input.Files, err = a.DB.RecipeInputIDs(ctx, q.view, r.ID); err != nil {
		return d, err
	}
	by, err := a.DB.RecipeSupersededBy(ctx, q.view, r.ID)
	if err != nil {
		return d, err
	}
	d.SupersededByRecipe = refOf(by)
	if r.Revision.ID != 0 {
		rev, err := a.DB.RecipeTypeRevision(ctx, q.view, r.Type.ID, r.Revision.Number)
		if err != nil {
			return d, err
		}
		d.RecipeTypeRev.Definition, d.RecipeTypeRev.Created = orEmpty(rev.Document), stampOfMicros(rev.Created)
	}
	return d, a.addNodes(q, r.ID, &d)
}

// addNodes adds a recipe's nodes to its details, with what they are.
func (a *api) addNodes(q *request, id int64, d *recipeDetails) error {
	list, err := a.DB.RecipeNodes(q.Context(), q.view, id)
	if err != nil {
		return err
	}
	runs, recipes, err := a.ofNodes(q, list)
	if err != nil {
		return err
	}
	d.Details.Nodes, d.JobTypes, d.SubRecipeTypes = map[string]recipeNode{}, []jobTypeRef{}, []recipeTypeRef{}
	before := dependencies(d.RecipeTypeRev.Definition)
	seenTypes, seenRecipes := map[int64]bool{}, map[int64]bool{}
	for _, n := range list {
		of := recipeNode{Dependencies: before[n.Name], IsOriginal: n.Original}
		if of.Dependencies == nil {
			of.Dependencies = []dependsOn{}
		}
		if r, ok := runs[n.Run]; ok {
			of.NodeType = jobNode{"job", r.Type.Name, r.Type.Version, r.Revision.Number, r.ID, string(r.Status)}
			if !seenTypes[r.Type.ID] {
				seenTypes[r.Type.ID] = true
				d.JobTypes = append(d.JobTypes, *jobTypeOf(&r.Type))
			}
		} else if r, ok := recipes[n.Recipe]; ok {
			of.NodeType = subRecipeNode{"recipe", r.Type.Name, r.Revision.Number, r.ID, !r.CompletedAt.IsZero(), jobCountsOf(r.Counts.Jobs)}
			if !seenRecipes[r.Type.ID] {
				seenRecipes[r.Type.ID] = true
				d.SubRecipeTypes = append(d.SubRecipeTypes, *recipeTypeOf(&r.Type))
			}
		} else if c := n.Condition; c != nil {
			of.NodeType = conditionNode{"condition", c.ID, c.Processed, c.Accepted}
		} else {
			continue // of a workspace that the caller does not see
		}
		d.Details.Nodes[n.Name] = of
	}
	return nil
}

// ofNodes returns the runs and sub-recipes of nodes by their ids.
func (a *api) ofNodes(q *request, list []coreshed.RecipeNode) (map[int64]coreshed.Run, map[int64]coreshed.Recipe, error) {
	runIDs, recipeIDs := []int64{}, []int64{}
	for _, n := range list {
		if n.Run != 0 {
			runIDs = append(runIDs, n.Run)
		}
		if n.Recipe != 0 {
			recipeIDs = append(recipeIDs, n.Recipe)
		}
	}
	runs, recipes := map[int64]coreshed.Run{}, map[int64]coreshed.Recipe{}
	page := coreshed.Page{Limit: int64(len(list))}
	foundRuns, _, err := a.DB.Runs(q.Context(), q.view, store.RunFilter{ID: runIDs, Bare: true}, nil, page)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range foundRuns {
		runs[r.ID] = r
	}
	foundRecipes, _, err := a.DB.Recipes(q.Context(), q.view, store.RecipeFilter{ID: recipeIDs, Bare: true}, nil, page)
	for _, r := range foundRecipes {
		recipes[r.ID] = r
	}
	return runs, recipes, err
}

// dependencies are what the definition of a recipe type says each node waits
// for. One that says it in another form says nothing here.
func dependencies(definition json.RawMessage) map[string][]dependsOn {
	var d struct {
		Nodes map[string]struct {
			Dependencies []dependsOn `json:"dependencies"`
		} `json:"nodes"`
	}
	if json.Unmarshal(definition, &d) != nil {
		return nil
	}
	before := map[string][]dependsOn{}
	for name, n := range d.Nodes {
		before[name] = n.Dependencies
	}
	return before
}

func (a *api) listRecipeInputs(w http.ResponseWriter, q *request) error {
	f, err := a.inputsWanted(q, "recipe_input")
	if err != nil {
		return err
	}
	r, err := a.DB.Recipe(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Entry, int64, error) {
		return a.DB.RecipeInputFiles(q.Context(), q.view, r.ID, f, p)
	}, q.file)
}

func (a *api) listBatches(w http.ResponseWriter, q *request) error {
	f, err := a.batchesWanted(q)
	if err != nil {
		return err
	}
	order, err := q.orders()
	if err != nil {
		return err
	}
	var before map[int64]*batchRef
	return sendPage(w, q, func(p coreshed.Page) ([]store.BatchEntry, int64, error) {
		list, total, err := a.DB.Batches(q.Context(), q.view, f, order, p)
		if err == nil {
			before, err = a.batchesBefore(q, list...)
		}
		return list, total, err
	}, func(b store.BatchEntry) batch { return batchEntryOf(b, before) })
}

// batchesBefore are those that batches supersede, and the first of their lines,
// where the caller sees them.
func (a *api) batchesBefore(q *request, list ...store.BatchEntry) (map[int64]*batchRef, error) {
	var ids []int64
	for _, b := range list {
		if b.Supersedes != 0 {
			ids = append(ids, b.Root, b.Supersedes)
		}
	}
	if ids == nil {
		return nil, nil
	}
	found, _, err := a.DB.Batches(q.Context(), q.view, store.BatchFilter{ID: ids, Bare: true}, nil, coreshed.Page{Limit: int64(len(ids))})
	before := map[int64]*batchRef{}
	for _, b := range found {
		before[b.ID] = batchOf(&b.Batch)
	}
	return before, err
}

func (a *api) batchesWanted(q *request) (store.BatchFilter, error) {
	f := store.BatchFilter{Bare: true}
	var err error
	if f.Modified, err = q.window("started", "ended", a.Now()); err != nil {
		return f, err
	}
	if err = q.readIntegers([]integersParam{{"recipe_type_id", &f.RecipeType}, {"root_batch_id", &f.Root}}); err != nil {
		return f, err
	}
	if f.CreationDone, err = q.boolean("is_creation_done"); err != nil {
		return f, err
	}
	f.Superseded, err = q.boolean("is_superseded")
	return f, err
}

func (a *api) getBatch(w http.ResponseWriter, q *request) error {
	b, err := a.DB.Batch(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	before, err := a.batchesBefore(q, b)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, batchDetails{
		batch: batchEntryOf(b, before), Event: eventDetailsOf(b.Event), Definition: orEmpty(b.Definition), Configuration: orEmpty(b.Configuration),
	})
}
