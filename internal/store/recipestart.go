package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/coreshed/coreshed"
)

// RecipeStart says which recipe is begun with a file that has arrived. Nothing
// here runs it: it is accepted, and whoever runs recipes finds it.
type RecipeStart struct {
	Type     string // name
	Revision int64  // 0 is the current one
}

// The causes of what arrivals start, in Scale's words.
const (
	strikeIngest = "STRIKE_INGEST"
	scanIngestBy = "SCAN_INGEST"
)

// definitionInputs is the part of a recipe type's definition that names its
// inputs.
type definitionInputs struct {
	Input struct {
		Files []struct {
			Name string `json:"name"`
		} `json:"files"`
	} `json:"input"`
}

// startRecipe accepts a recipe with the file as its first input, and records
// why. A recipe type that is not active, or takes no file, starts nothing.
func startRecipe(ctx context.Context, t tx, w IngestWork, start *RecipeStart, entry int64) error {
	if start == nil {
		return nil
	}
	rt, err := recipeToStart(ctx, t, w.Org, start)
	if errors.Is(err, coreshed.NotFound) || (err == nil && rt.input == "") {
		return nil
	}
	if err != nil {
		return err
	}
	cause := scanIngestBy
	if w.Strike != 0 {
		cause = strikeIngest
	}
	now := t.db().micros()
	why := jsonText(map[string]any{"version": "1.0", "ingest_id": w.ID, "file_id": entry})
	event, err := insert(ctx, t, `INSERT INTO trigger_events (type, description, occurred_at) VALUES ($1, $2, $3) RETURNING id`, cause, why, now)
	if err != nil {
		return err
	}
	arrival, err := insert(ctx, t, `INSERT INTO ingest_events (ingest_id, strike_id, scan_id, type, description, occurred_at)
		VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`, w.ID, idOrNil(w.Strike), idOrNil(w.Scan), cause, why, now)
	if err != nil {
		return err
	}
	return acceptRecipe(ctx, t, rt, recipeCause{event, arrival}, entry)
}

// recipeToBegin is what is needed to start one.
type recipeToBegin struct {
	id, revision int64
	input        string // its first
}

func recipeToStart(ctx context.Context, t tx, org int64, start *RecipeStart) (recipeToBegin, error) {
	type found struct {
		id, revision int64
		definition   string
	}
	f, err := one(ctx, t, func(rows *sql.Rows) (found, error) {
		var f found
		return f, rows.Scan(&f.id, &f.revision, &f.definition)
	}, `SELECT rt.id, r.revision_num, r.definition FROM recipe_types rt
		JOIN recipe_type_revisions r ON r.recipe_type_id = rt.id AND r.revision_num = CASE WHEN CAST($3 AS BIGINT) > 0 THEN $3 ELSE rt.revision_num END
		WHERE rt.org_id = $1 AND rt.name = $2 AND rt.is_active = 1`, org, start.Type, start.Revision)
	if err != nil {
		return recipeToBegin{}, err
	}
	var d definitionInputs
	if err := json.Unmarshal([]byte(f.definition), &d); err != nil || len(d.Input.Files) == 0 {
		return recipeToBegin{}, nil
	}
	return recipeToBegin{f.id, f.revision, d.Input.Files[0].Name}, nil
}

// recipeCause are the rows that say why a recipe was accepted.
type recipeCause struct{ event, ingestEvent int64 }

func acceptRecipe(ctx context.Context, t tx, rt recipeToBegin, why recipeCause, entry int64) error {
	if err := usable(ctx, t, rowVersion, entry); err != nil {
		return err
	}
	workspace, err := one(ctx, t, value[int64], `SELECT workspace_id FROM versions WHERE id = $1`, entry)
	if err != nil {
		return err
	}
	recipe, err := insert(ctx, t, `INSERT INTO recipes (workspace_id, recipe_type_id, recipe_type_rev, event_id, ingest_event_id, created_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING id`,
		workspace, rt.id, rt.revision, why.event, why.ingestEvent, t.db().micros())
	if err != nil {
		return err
	}
	if err := auditRecipe(ctx, t, coreshed.Actor{}, coreshed.ActRecipeRecord, recipe, workspace, details{"version": entry}); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO recipe_inputs (recipe_id, input_name, version_row) VALUES ($1, $2, $3)`, recipe, rt.input, entry); err != nil {
		return err
	}
	return sumInputs(ctx, t, recipeInputs, recipe)
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // of texts and numbers
	}
	return string(text)
}

// CanStart reports whether there is a recipe type, in that revision, to be
// started.
func (db *DB) CanStart(ctx context.Context, view coreshed.View, start RecipeStart) (bool, error) {
	n, err := one(ctx, db, value[int64], `SELECT count(*) FROM recipe_types rt
		JOIN recipe_type_revisions r ON r.recipe_type_id = rt.id AND r.revision_num = CASE WHEN CAST($3 AS BIGINT) > 0 THEN $3 ELSE rt.revision_num END
		WHERE rt.org_id = $1 AND rt.name = $2`, view.Org, start.Type, start.Revision)
	return n > 0, err
}
