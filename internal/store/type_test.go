package store_test

import (
	"encoding/json"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestTypeOfOthers: what is current of a type is for those to say who made it.
// Others have revisions of their own.
func TestTypeOfOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		other := s.User(t, "other@"+s.Org.ID.String()+".example")
		wantIs(t, db.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, other.ID, coreshed.Editor), nil)
		recipe := func(p coreshed.Person, definition string) (revision, current int64) {
			n := store.NewRecipe{Type: store.NewRecipeType{Name: "tiles", Definition: json.RawMessage(definition)}}
			r, _, err := db.RecordRecipe(t.Context(), s.View(t, p), s.Workspace.ID, n)
			wantIs(t, err, nil)
			kind, err := db.RecipeType(t.Context(), s.View(t, p), r.Type.ID)
			wantIs(t, err, nil)
			return r.Revision.Number, kind.Revision
		}
		run := func(p coreshed.Person, manifest string) (revision, current int64) {
			n := storetest.NewRun()
			n.Type.Manifest = json.RawMessage(manifest)
			r, _, err := db.RecordRun(t.Context(), s.View(t, p), s.Workspace.ID, n)
			wantIs(t, err, nil)
			kind, err := db.JobType(t.Context(), s.View(t, p), r.Type.ID)
			wantIs(t, err, nil)
			return r.Revision.Number, kind.Revision
		}
		for _, record := range []func(coreshed.Person, string) (int64, int64){recipe, run} {
			for _, step := range []struct {
				who               coreshed.Person
				document          string
				revision, current int64
			}{
				{s.Editor, `{"a":1}`, 1, 1},
				{other, `{"a":2}`, 2, 1},
				{other, `{"a":2}`, 2, 1},
				{other, `{"a":1}`, 1, 1},
				{s.Editor, `{"a":3}`, 3, 3},
				{other, `{"a":1}`, 1, 3},
				{other, `{"a":4}`, 4, 3},
				{s.Admin, `{"a":4}`, 5, 5},
			} {
				revision, current := record(step.who, step.document)
				wantEqual(t, []int64{revision, current}, []int64{step.revision, step.current})
			}
		}
	})
}

// TestSystemType: nobody says what the server's own types are, whether they are
// there already or not.
func TestSystemType(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		n := storetest.NewRun()
		n.Type = store.NewJobType{Name: store.StrikeJob, Version: "1.0", Title: "Mine", Manifest: json.RawMessage(`{"a":1}`)}
		for _, p := range []coreshed.Person{s.Editor, s.Admin} {
			r, _, err := db.RecordRun(t.Context(), s.View(t, p), s.Workspace.ID, n)
			wantIs(t, err, nil)
			got, err := db.JobType(t.Context(), s.View(t, s.Viewer), r.Type.ID)
			wantIs(t, err, nil)
			wantEqual(t, []any{got.IsSystem, got.Title, got.Revision}, []any{true, "Scale Strike", int64(1)})
		}
	})
}
