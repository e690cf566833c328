package store_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestBareLists: lists without documents show all else, and single ones show
// what lists show.
func TestBareLists(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view, ctx, page := s.View(t, s.Editor), t.Context(), coreshed.Page{Limit: 10}
		none, document := json.RawMessage(`{}`), json.RawMessage(`{"a":1}`)
		event := &coreshed.Event{Type: "TEST", Description: document}
		batch, _, err := db.RecordBatch(ctx, view, s.Workspace.ID, store.NewBatch{Title: "b", Event: event, Definition: document, Configuration: document})
		must(t, err)
		recipe, _, err := db.RecordRecipe(ctx, view, s.Workspace.ID, store.NewRecipe{
			Type: store.NewRecipeType{Name: "tiles"}, Batch: batch.ID, Event: event, Values: document,
		})
		must(t, err)
		n := storetest.NewRun()
		n.Recipe, n.Node, n.Event, n.Values, n.Configuration, n.Facets = recipe.ID, "n", event, document, document, document
		run := s.Record(t, n)

		batch, err = db.Batch(ctx, view, batch.ID)
		must(t, err)
		batches, _, err := db.Batches(ctx, view, store.BatchFilter{}, nil, page)
		must(t, err)
		bareBatches, _, err := db.Batches(ctx, view, store.BatchFilter{Bare: true}, nil, page)
		must(t, err)
		recipe, err = db.Recipe(ctx, view, recipe.ID)
		must(t, err)
		recipes, _, err := db.Recipes(ctx, view, store.RecipeFilter{}, nil, page)
		must(t, err)
		bareRecipes, _, err := db.Recipes(ctx, view, store.RecipeFilter{Bare: true}, nil, page)
		must(t, err)
		run, err = db.Run(ctx, view, run.ID)
		must(t, err)
		runs, _, err := db.Runs(ctx, view, store.RunFilter{}, nil, page)
		must(t, err)
		bareRuns, _, err := db.Runs(ctx, view, store.RunFilter{Bare: true}, nil, page)
		must(t, err)
		if diff := cmp.Diff([]store.BatchEntry{batch}, batches) + cmp.Diff([]coreshed.Recipe{recipe}, recipes) + cmp.Diff([]coreshed.Run{run}, runs); diff != "" {
			t.Errorf("alone and in lists: %s", diff)
		}

		if batch.Recipes != 1 || batch.Jobs[coreshed.Running] != 1 || recipe.Counts.Jobs[coreshed.Running] != 1 {
			t.Errorf("counts of %+v, %+v", batch, recipe)
		}
		for _, d := range []*json.RawMessage{
			&batch.Definition, &batch.Configuration, &batch.Event.Description, &recipe.Values, &recipe.Event.Description,
			&run.Values, &run.Configuration, &run.Facets, &run.Event.Description, &run.Recipe.Event.Description,
		} {
			if string(*d) != string(document) {
				t.Errorf("a document is %s", *d)
			}
			*d = none
		}
		if diff := cmp.Diff([]store.BatchEntry{batch}, bareBatches) + cmp.Diff([]coreshed.Recipe{recipe}, bareRecipes) + cmp.Diff([]coreshed.Run{run}, bareRuns); diff != "" {
			t.Errorf("bare: %s", diff)
		}
	})
}

// BenchmarkRuns lists runs with 100 kB of facets each.
func BenchmarkRuns(b *testing.B) {
	db, err := store.Open(b.Context(), store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "coreshed.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := storetest.New(b, db)
	n := storetest.NewRun()
	n.Facets = json.RawMessage(fmt.Sprintf(`{"a": %q}`, strings.Repeat("x", 100_000)))
	for range 200 {
		s.Record(b, n)
	}
	view := s.View(b, s.Viewer)
	for _, bare := range []bool{false, true} {
		b.Run(fmt.Sprintf("bare=%v", bare), func(b *testing.B) {
			for b.Loop() {
				if list, _, err := db.Runs(b.Context(), view, store.RunFilter{Bare: bare}, nil, coreshed.Page{Limit: 100}); err != nil || len(list) != 100 {
					b.Fatalf("%d runs, %v", len(list), err)
				}
			}
		})
	}
}
