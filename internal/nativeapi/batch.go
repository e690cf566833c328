package nativeapi

import (
	"encoding/json"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// batchBody is a batch as it is recorded.
type batchBody struct {
	ID            string          `json:"id"`
	Title         string          `json:"title"`
	Description   string          `json:"description"`
	Type          *recipeTypeBody `json:"type"`
	Event         *eventBody      `json:"event"`
	Definition    json.RawMessage `json:"definition"`
	Configuration json.RawMessage `json:"configuration"`
	Estimated     int64           `json:"recipes_estimated"`
	Supersedes    int64           `json:"supersedes"`
}

// batch is a batch as this interface shows it.
type batch struct {
	Batch      int64            `json:"batch"`
	ID         *string          `json:"id"`
	Title      string           `json:"title"`
	Text       string           `json:"description"`
	Type       *recipeType      `json:"type"`
	Event      *event           `json:"event"`
	Done       bool             `json:"recorded"` // all of its recipes
	Supersedes *int64           `json:"supersedes"`
	Superseded bool             `json:"superseded"`
	Estimated  int64            `json:"recipes_estimated"`
	Recipes    int64            `json:"recipes"`
	Completed  int64            `json:"recipes_completed"`
	Runs       map[string]int64 `json:"runs"` // by status
	CreatedAt  string           `json:"created_at"`
	ModifiedAt string           `json:"modified_at"`
}

func batchOf(b store.BatchEntry) batch {
	out := batch{
		Batch: b.ID, ID: textOrNull(b.Key), Title: b.Title, Text: b.Description, Event: eventOf(b.Event), Done: b.CreationDone,
		Supersedes: idOrNull(b.Supersedes), Superseded: !b.SupersededAt.IsZero(), Estimated: b.Estimated, Recipes: b.Recipes,
		Completed: b.RecipesCompleted, Runs: countsOf(b.Jobs), CreatedAt: timestamp(b.CreatedAt), ModifiedAt: timestamp(b.ModifiedAt),
	}
	if t := b.RecipeType; t != nil {
		out.Type = &recipeType{t.ID, t.Name, t.Title, b.Revision.Number}
	}
	return out
}

func (a *api) recordBatch(w http.ResponseWriter, q *request) error {
	var body batchBody
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	if body.Estimated < 0 || body.Supersedes < 0 {
		return coreshed.Errorf(coreshed.Invalid, "Numbers must not be negative.")
	}
	n := store.NewBatch{
		Key: body.ID, Title: body.Title, Description: body.Description, Event: body.Event.event(), Definition: body.Definition,
		Configuration: body.Configuration, Estimated: body.Estimated, Supersedes: body.Supersedes,
	}
	if body.Type != nil {
		kind := body.Type.recipeType()
		n.Type = &kind
	}
	b, created, err := a.DB.RecordBatch(q.Context(), q.view, q.access.Workspace.ID, n)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return web.JSON(w, status, batchOf(b))
}

func (a *api) getBatch(w http.ResponseWriter, q *request) error {
	b, err := a.DB.Batch(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, batchOf(b))
}

func (a *api) listBatches(w http.ResponseWriter, q *request) error {
	page, err := pageWanted(q.query)
	if err != nil {
		return err
	}
	batches, total, err := a.DB.Batches(q.Context(), q.view, store.BatchFilter{Key: q.query["id"]}, []coreshed.Order{{Field: "id", Desc: true}}, page)
	if err != nil {
		return err
	}
	out := make([]batch, len(batches))
	for i, b := range batches {
		out[i] = batchOf(b)
	}
	return web.JSON(w, http.StatusOK, listOf(page, total, out))
}

// completeBatch says that all recipes of a batch have been recorded.
func (a *api) completeBatch(w http.ResponseWriter, q *request) error {
	if err := readJSON(q.Request, &struct{}{}); err != nil {
		return err
	}
	b, err := a.DB.Batch(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	if err := q.require(b.Workspace, coreshed.Editor); err != nil {
		return err
	}
	if err := a.DB.CompleteBatch(q.Context(), q.view, q.id); err != nil {
		return err
	}
	return a.getBatch(w, q)
}
