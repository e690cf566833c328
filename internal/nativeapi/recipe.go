package nativeapi

import (
	"encoding/json"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// recipeBody is a recipe as it is recorded.
type recipeBody struct {
	ID          string          `json:"id"`
	Type        *recipeTypeBody `json:"type"`
	Event       *eventBody      `json:"event"`
	Batch       int64           `json:"batch"`
	Parent      int64           `json:"parent"`
	ParentNode  string          `json:"parent_node"`
	Supersedes  int64           `json:"supersedes"`
	CarriedOver []string        `json:"carried_over"`
	Conditions  []conditionBody `json:"conditions"`
	Inputs      []inputBody     `json:"inputs"`
	Values      json.RawMessage `json:"values"`
}

type recipeTypeBody struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Definition  json.RawMessage `json:"definition"`
}

type conditionBody struct {
	Node      string `json:"node"`
	Processed bool   `json:"processed"`
	Accepted  bool   `json:"accepted"`
}

func (t recipeTypeBody) recipeType() store.NewRecipeType {
	return store.NewRecipeType{Name: t.Name, Title: t.Title, Description: t.Description, Definition: t.Definition}
}

func (b recipeBody) record() (store.NewRecipe, error) {
	n := store.NewRecipe{
		Key: b.ID, Event: b.Event.event(), Batch: b.Batch, Parent: b.Parent, ParentNode: b.ParentNode,
		Supersedes: b.Supersedes, CarriedOver: b.CarriedOver, Values: b.Values,
	}
	switch {
	case b.Type == nil:
		return n, invalidMember("type", "is required")
	case b.Batch < 0 || b.Parent < 0 || b.Supersedes < 0:
		return n, coreshed.Errorf(coreshed.Invalid, "Numbers must not be negative.")
	}
	n.Type = b.Type.recipeType()
	for _, c := range b.Conditions {
		n.Conditions = append(n.Conditions, store.NewCondition(c))
	}
	var err error
	n.Inputs, err = inputsOf(b.Inputs)
	return n, err
}

// recipe is a recipe as this interface shows it.
type recipe struct {
	Recipe      int64            `json:"recipe"`
	ID          *string          `json:"id"`
	Workspace   workspaceRef     `json:"workspace"`
	Type        recipeType       `json:"type"`
	Event       *event           `json:"event"`
	Batch       *int64           `json:"batch"`
	Parent      *int64           `json:"parent"`
	Supersedes  *int64           `json:"supersedes"`
	Superseded  bool             `json:"superseded"`
	Values      json.RawMessage  `json:"values"`
	InputSize   int64            `json:"input_size"`
	Runs        map[string]int64 `json:"runs"` // by status
	CreatedAt   string           `json:"created_at"`
	CompletedAt *string          `json:"completed_at"`
	ModifiedAt  string           `json:"modified_at"`
	Nodes       *[]node          `json:"nodes,omitempty"` // of one recipe
}

type recipeType struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Title    string `json:"title"`
	Revision int64  `json:"revision"`
}

// node is one of a run, a recipe and a condition.
type node struct {
	Name      string     `json:"name"`
	Original  bool       `json:"original"`
	Run       *int64     `json:"run"`
	Recipe    *int64     `json:"recipe"`
	Condition *condition `json:"condition"`
}

type condition struct {
	Processed   bool    `json:"processed"`
	Accepted    bool    `json:"accepted"`
	ProcessedAt *string `json:"processed_at"`
}

func recipeOf(r coreshed.Recipe) recipe {
	out := recipe{
		Recipe: r.ID, ID: textOrNull(r.Key), Workspace: workspaceRef{r.Workspace.UUID, r.Workspace.Name},
		Type: recipeType{r.Type.ID, r.Type.Name, r.Type.Title, r.Revision.Number}, Event: eventOf(r.Event),
		Parent: idOrNull(r.Parent), Supersedes: idOrNull(r.Supersedes), Superseded: !r.SupersededAt.IsZero(),
		Values: r.Values, InputSize: r.InputSize, Runs: countsOf(r.Counts.Jobs),
		CreatedAt: timestamp(r.CreatedAt), CompletedAt: timeOrNull(r.CompletedAt), ModifiedAt: timestamp(r.ModifiedAt),
	}
	if r.Batch != nil {
		out.Batch = &r.Batch.ID
	}
	return out
}

func countsOf(jobs map[coreshed.RunStatus]int64) map[string]int64 {
	counts := make(map[string]int64, len(jobs))
	for status, n := range jobs {
		counts[string(status)] = n
	}
	return counts
}

func nodesOf(list []coreshed.RecipeNode) *[]node {
	out := make([]node, len(list))
	for i, n := range list {
		out[i] = node{Name: n.Name, Original: n.Original, Run: idOrNull(n.Run), Recipe: idOrNull(n.Recipe)}
		if c := n.Condition; c != nil {
			out[i].Condition = &condition{c.Processed, c.Accepted, timeOrNull(c.ProcessedAt)}
		}
	}
	return &out
}

func (a *api) recordRecipe(w http.ResponseWriter, q *request) error {
	var body recipeBody
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	n, err := body.record()
	if err != nil {
		return err
	}
	r, created, err := a.DB.RecordRecipe(q.Context(), q.view, q.access.Workspace.ID, n)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return a.showRecipe(w, q, status, r)
}

func (a *api) showRecipe(w http.ResponseWriter, q *request, status int, r coreshed.Recipe) error {
	nodes, err := a.DB.RecipeNodes(q.Context(), q.view, r.ID)
	if err != nil {
		return err
	}
	body := recipeOf(r)
	body.Nodes = nodesOf(nodes)
	return web.JSON(w, status, body)
}

func (a *api) getRecipe(w http.ResponseWriter, q *request) error {
	r, err := a.DB.Recipe(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	return a.showRecipe(w, q, http.StatusOK, r)
}

func (a *api) listRecipes(w http.ResponseWriter, q *request) error {
	page, err := pageWanted(q.query)
	if err != nil {
		return err
	}
	f := store.RecipeFilter{TypeName: q.query["type"], Key: q.query["id"]}
	if f.Batch, err = idsWanted(q.query, "batch"); err != nil {
		return err
	}
	if f.Workspace, err = a.workspaceWanted(q); err != nil {
		return err
	}
	recipes, total, err := a.DB.Recipes(q.Context(), q.view, f, []coreshed.Order{{Field: "id", Desc: true}}, page)
	if err != nil {
		return err
	}
	out := make([]recipe, len(recipes))
	for i, r := range recipes {
		out[i] = recipeOf(r)
	}
	return web.JSON(w, http.StatusOK, listOf(page, total, out))
}

// recipeToChange fails unless the caller may change the recipe that the path
// names.
func (a *api) recipeToChange(q *request) error {
	r, err := a.DB.Recipe(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	return q.require(r.Workspace.ID, coreshed.Editor)
}

func (a *api) completeRecipe(w http.ResponseWriter, q *request) error {
	var body struct {
		At *instant `json:"at"`
	}
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	if err := a.recipeToChange(q); err != nil {
		return err
	}
	if err := a.DB.CompleteRecipe(q.Context(), q.view, q.id, timeOf(body.At)); err != nil {
		return err
	}
	return a.getRecipe(w, q)
}

func (a *api) setCondition(w http.ResponseWriter, q *request) error {
	var body conditionBody
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	if err := a.recipeToChange(q); err != nil {
		return err
	}
	if err := a.DB.SetCondition(q.Context(), q.view, q.id, store.NewCondition(body)); err != nil {
		return err
	}
	return a.getRecipe(w, q)
}
