package store_test

import (
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// record records a recipe in the shed's workspace, as a person.
func record(t *testing.T, s *storetest.Shed, p coreshed.Person, n store.NewRecipe) (coreshed.Recipe, error) {
	t.Helper()
	n.Type.Name = "tiles"
	r, _, err := s.DB.RecordRecipe(t.Context(), s.View(t, p), s.Workspace.ID, n)
	return r, err
}

// TestRecipeInItself: no recipe contains itself, over however many others.
func TestRecipeInItself(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		old, err := record(t, s, s.Editor, store.NewRecipe{})
		wantIs(t, err, nil)
		sub, err := record(t, s, s.Editor, store.NewRecipe{Parent: old.ID, ParentNode: "sub"})
		wantIs(t, err, nil)
		inner, err := record(t, s, s.Editor, store.NewRecipe{Parent: sub.ID, ParentNode: "inner"})
		wantIs(t, err, nil)
		for _, parent := range []int64{old.ID, sub.ID, inner.ID} {
			for _, keep := range [][]string{nil, {"sub"}} {
				_, err = record(t, s, s.Editor, store.NewRecipe{Supersedes: old.ID, CarriedOver: keep, Parent: parent, ParentNode: "next"})
				wantIs(t, err, coreshed.Conflict)
			}
		}
		// Beside it is not in it.
		whole, err := record(t, s, s.Editor, store.NewRecipe{})
		wantIs(t, err, nil)
		_, err = record(t, s, s.Editor, store.NewRecipe{Supersedes: old.ID, CarriedOver: []string{"sub"}, Parent: whole.ID, ParentNode: "next"})
		wantIs(t, err, nil)
	})
}

// TestSupersedeCircle: recipes that contain one another all the same are
// superseded once each.
func TestSupersedeCircle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		old, err := record(t, s, s.Editor, store.NewRecipe{})
		wantIs(t, err, nil)
		sub, err := record(t, s, s.Editor, store.NewRecipe{Parent: old.ID, ParentNode: "sub"})
		wantIs(t, err, nil)
		wantIs(t, db.Exec(t.Context(), `INSERT INTO recipe_nodes (recipe_id, node_name, sub_recipe_id) VALUES ($1, 'back', $2)`, sub.ID, old.ID), nil)
		_, err = record(t, s, s.Editor, store.NewRecipe{Supersedes: old.ID})
		wantIs(t, err, nil)
		got, err := db.Recipe(t.Context(), s.View(t, s.Editor), sub.ID)
		wantIs(t, err, nil)
		wantEqual(t, got.SupersededAt.IsZero(), false)
	})
}

// TestSupersedeElsewhere: nobody takes back what is in workspaces that are not
// theirs to change, by superseding what it is part of.
func TestSupersedeElsewhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		north, south := s.Workspace, s.AddWorkspace(t, "South pit") // the owner's alone
		old, err := record(t, s, s.Editor, store.NewRecipe{})
		wantIs(t, err, nil)
		owner := s.View(t, s.Owner)
		made := func(n store.NewRun, supersedes int64) (run, product int64) {
			n.Supersedes = supersedes
			r, slots, _, err := db.RecordRunWith(t.Context(), owner, south.ID, n, []store.NewOutput{{Name: "OUT", File: "out.tif", Prefix: storetest.Prefix()}})
			wantIs(t, err, nil)
			s.Workspace = south
			product = s.Commit(t, slots[0].Reservation, "made").ID
			s.Workspace = north
			wantIs(t, db.EndRun(t.Context(), owner, r.ID, store.RunEnd{Status: coreshed.Completed}), nil)
			return r.ID, product
		}
		n := storetest.NewRun()
		n.Recipe, n.Node = old.ID, "elsewhere"
		_, product := made(n, 0)
		sub, _, err := db.RecordRecipe(t.Context(), owner, south.ID, store.NewRecipe{Type: store.NewRecipeType{Name: "tiles"}, Parent: old.ID, ParentNode: "sub"})
		wantIs(t, err, nil)
		for _, keep := range [][]string{nil, {"sub"}, {"elsewhere"}} {
			_, err = record(t, s, s.Editor, store.NewRecipe{Supersedes: old.ID, CarriedOver: keep})
			wantIs(t, err, coreshed.Forbidden)
		}
		wantEqual(t, standingOf(t, s, product), standing{true, true, false})
		_, err = record(t, s, s.Editor, store.NewRecipe{Supersedes: old.ID, CarriedOver: []string{"elsewhere", "sub"}})
		wantIs(t, err, nil)
		wantEqual(t, standingOf(t, s, product), standing{true, true, false})
		got, err := db.Recipe(t.Context(), owner, sub.ID)
		wantIs(t, err, nil)
		wantEqual(t, got.SupersededAt.IsZero(), true)

		// A line of runs that began elsewhere.
		first, product := made(storetest.NewRun(), 0)
		next := storetest.NewRun()
		next.Supersedes = first
		second, _, err := db.RecordRun(t.Context(), owner, north.ID, next)
		wantIs(t, err, nil)
		next.Supersedes = second.ID
		_, _, err = db.RecordRun(t.Context(), s.View(t, s.Editor), north.ID, next)
		wantIs(t, err, coreshed.Forbidden)
		_, _, err = db.RecordRun(t.Context(), owner, north.ID, next)
		wantIs(t, err, nil)
		wantEqual(t, standingOf(t, s, product), standing{true, true, false}) // until one of them completes
	})
}
