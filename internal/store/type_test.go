package store_test

import (
	"encoding/json"
	"strings"
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

// TestTypeTexts: what is said of types and batches can be kept, or is refused; of
// what other systems say as much is kept as can be.
func TestTypeTexts(t *testing.T) {
	eachTold(t, func(t *testing.T, r *told) {
		view := r.View(t, r.Editor)
		run := func(title, text string) error {
			n := storetest.NewRun()
			n.Type = store.NewJobType{Name: "n", Version: "1", Title: title, Description: text}
			_, _, err := r.DB.RecordRun(t.Context(), view, r.Workspace.ID, n)
			return err
		}
		recipe := func(title, text string) error {
			n := store.NewRecipe{Type: store.NewRecipeType{Name: "n", Title: title, Description: text}}
			_, _, err := r.DB.RecordRecipe(t.Context(), view, r.Workspace.ID, n)
			return err
		}
		batch := func(title, text string) error {
			_, _, err := r.DB.RecordBatch(t.Context(), view, r.Workspace.ID, store.NewBatch{Title: title, Description: text})
			return err
		}
		for _, tt := range []struct {
			record func(title, text string) error
			title  int
		}{{run, 250}, {recipe, 250}, {batch, 50}} {
			wantIs(t, tt.record(strings.Repeat("é", tt.title), strings.Repeat("é", 5000)), nil)
			wantIs(t, tt.record(strings.Repeat("é", tt.title+1), ""), coreshed.Invalid)
			wantIs(t, tt.record("", strings.Repeat("é", 5001)), coreshed.Invalid)
			wantIs(t, tt.record("a\x00", ""), coreshed.Invalid)
			wantIs(t, tt.record("", "a\x00"), coreshed.Invalid)
			wantIs(t, tt.record("a\xff", ""), coreshed.Invalid)
		}
		for said, want := range map[string]string{strings.Repeat("é", 6000): strings.Repeat("é", 5000), `a\u0000b`: "ab"} {
			r.say("START", `"job": {"namespace": "survey", "name": "tile", "facets": {"documentation": {"description": "`+said+`"}}}`)
			kind, err := r.DB.JobType(t.Context(), view, r.job().Type.ID)
			wantIs(t, err, nil)
			wantEqual(t, kind.Description, want)
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
