package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// NewRecipeType names a recipe type, and says of a new one what it is.
type NewRecipeType struct {
	Name               string // unique in the organisation
	Title, Description string
	System             bool
	Definition         json.RawMessage // an object; nil is what is known, or an empty one
}

// EnsureRecipeType returns the recipe type with that name, which it makes when
// there is none. A definition that is not the current one is a new revision,
// which is current if the type is the caller's.
func (db *DB) EnsureRecipeType(ctx context.Context, view coreshed.View, n NewRecipeType) (coreshed.RecipeType, error) {
	var row typeRow
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		row, err = ensureRecipeType(ctx, t, view, n)
		return err
	})
	if err != nil {
		return coreshed.RecipeType{}, err
	}
	return db.RecipeType(ctx, view, row.id)
}

func ensureRecipeType(ctx context.Context, t tx, view coreshed.View, n NewRecipeType) (typeRow, error) {
	if err := checkType(n.Name, n.Title, n.Description); err != nil {
		return typeRow{}, err
	}
	maker, err := actorRow(ctx, t, view.Actor)
	if err != nil {
		return typeRow{}, err
	}
	now := t.db().micros()
	if _, err := t.exec(ctx, `INSERT INTO recipe_types (org_id, name, title, description, is_system, revision_num, created_by, created_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $7) ON CONFLICT DO NOTHING`, view.Org, n.Name, n.Title, n.Description, btoi(n.System), maker, now); err != nil {
		return typeRow{}, err
	}
	row, err := one(ctx, t, scanTypeRow, `SELECT `+typeRowColumns+` FROM recipe_types WHERE org_id = $1 AND name = $2`+t.db().dialect.lock, view.Org, n.Name)
	if err != nil {
		return row, err
	}
	return revise(ctx, t, recipeTypeTables, row.of(view, maker), n.Definition)
}

const recipeTypeColumns = `rt.id, rt.name, rt.title, rt.description, rt.is_active, rt.is_system, rt.revision_num, rt.created_at, rt.modified_at, rt.deprecated_at`

// recipeTypeRow is a recipe type as read.
type recipeTypeRow struct {
	r                 coreshed.RecipeType
	active, system    int64
	created, modified int64
	deprecated        sql.NullInt64
}

func (r *recipeTypeRow) into() []any {
	return []any{&r.r.ID, &r.r.Name, &r.r.Title, &r.r.Description, &r.active, &r.system, &r.r.Revision, &r.created, &r.modified, &r.deprecated}
}

func (r *recipeTypeRow) recipeType() coreshed.RecipeType {
	t := r.r
	t.IsActive, t.IsSystem = r.active != 0, r.system != 0
	t.CreatedAt, t.ModifiedAt, t.DeprecatedAt = timeOf(r.created), timeOf(r.modified), timeOrZero(r.deprecated)
	return t
}

func scanRecipeType(rows *sql.Rows) (coreshed.RecipeType, error) {
	var r recipeTypeRow
	err := rows.Scan(r.into()...)
	return r.recipeType(), err
}

// RecipeType returns a recipe type of the organisation.
func (db *DB) RecipeType(ctx context.Context, view coreshed.View, id int64) (coreshed.RecipeType, error) {
	r, err := one(ctx, db, scanRecipeType, `SELECT `+recipeTypeColumns+` FROM recipe_types rt WHERE rt.id = $1 AND rt.org_id = $2`, id, typesOf(view))
	return r, notFound(err, "There is no such recipe type.")
}

// RecipeTypes returns a page of the organisation's recipe types, and how many
// there are. The default order is by name; the id is always the last key.
func (db *DB) RecipeTypes(ctx context.Context, view coreshed.View, f TypeFilter, order []coreshed.Order, page coreshed.Page) ([]coreshed.RecipeType, int64, error) {
	c := &conditions{}
	c.types(db.dialect, view, f, `rt`)
	s := selection{recipeTypeColumns, `recipe_types rt`, c, typeSorting(`rt`, nil)}
	return sortedPage(ctx, db, s, scanRecipeType, order, page)
}

// RecipeTypeRevisions is JobTypeRevisions for a recipe type.
func (db *DB) RecipeTypeRevisions(ctx context.Context, view coreshed.View, recipeType int64, page coreshed.Page) ([]TypeRevision, int64, error) {
	return db.typeRevisions(ctx, view, recipeTypeTables, recipeType, page)
}

// RecipeTypeRevision returns one revision of a recipe type.
func (db *DB) RecipeTypeRevision(ctx context.Context, view coreshed.View, recipeType, number int64) (TypeRevision, error) {
	return db.typeRevision(ctx, view, recipeTypeTables, recipeType, number)
}

// NewRecipe is a recipe as it is recorded.
type NewRecipe struct {
	Key         string // the recorder's own id; "" is never a repeat
	Type        NewRecipeType
	Event       *coreshed.Event // nil is the caller, now
	IngestEvent int64
	Batch       int64
	Parent      int64  // the recipe that contains it, or 0
	ParentNode  string // under which it does
	Supersedes  int64  // a recipe, or 0
	// CarriedOver are the nodes of the superseded recipe that this one keeps as
	// they are. The others are superseded with it.
	CarriedOver []string
	Conditions  []NewCondition
	Inputs      []coreshed.Input
	Values      json.RawMessage // an object
}

// NewCondition is a node that decides whether those behind it run.
type NewCondition struct {
	Node                string
	Processed, Accepted bool
}

func (n NewRecipe) hash() ([]byte, error) {
	text, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("encode recipe: %w", err)
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// RecordRecipe records a recipe in a workspace of the view, and returns it and
// whether it is new. Its runs are recorded with it as their recipe. A repeat, by
// its key, of the same recipe changes nothing; another one under that key is a
// Conflict.
func (db *DB) RecordRecipe(ctx context.Context, view coreshed.View, workspace int64, n NewRecipe) (coreshed.Recipe, bool, error) {
	var id int64
	var created bool
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		id, created, err = recordRecipe(ctx, t, view, workspace, n)
		return err
	})
	if err != nil {
		return coreshed.Recipe{}, false, err
	}
	r, err := db.Recipe(ctx, view, id)
	return r, created, err
}

func recordRecipe(ctx context.Context, t tx, view coreshed.View, workspace int64, n NewRecipe) (int64, bool, error) {
	if !view.Sees(workspace) {
		return 0, false, coreshed.Errorf(coreshed.NotFound, "The workspace does not exist.")
	}
	if err := checkKey("id", n.Key); err != nil {
		return 0, false, err
	}
	hash, err := n.hash()
	if err != nil {
		return 0, false, err
	}
	if n.Key != "" {
		var known []byte
		id, err := one(ctx, t, func(rows *sql.Rows) (id int64, err error) { return id, rows.Scan(&id, &known) },
			`SELECT id, request_hash FROM recipes WHERE workspace_id = $1 AND recipe_key = $2`, workspace, n.Key)
		if err == nil && !bytes.Equal(known, hash) {
			err = coreshed.Errorf(coreshed.Conflict, "Another recipe has been recorded under this id.")
		}
		if !errors.Is(err, coreshed.NotFound) {
			return id, false, err
		}
	}
	id, err := addRecipe(ctx, t, view, workspace, n, hash)
	return id, true, err
}

func addRecipe(ctx context.Context, t tx, view coreshed.View, workspace int64, n NewRecipe, hash []byte) (int64, error) {
	kind, err := ensureRecipeType(ctx, t, view, n.Type)
	if err != nil {
		return 0, err
	}
	p, err := placeRecipe(ctx, t, view, n)
	if err != nil {
		return 0, err
	}
	values, err := object(n.Values)
	if err != nil {
		return 0, err
	}
	event, err := addEvent(ctx, t, view, n.Event)
	if err != nil {
		return 0, err
	}
	id, err := insert(ctx, t, `INSERT INTO recipes (workspace_id, recipe_key, request_hash, recipe_type_id, recipe_type_rev, event_id, ingest_event_id,
			batch_id, recipe_id, root_recipe_id, superseded_recipe_id, root_superseded_recipe_id, input, created_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14) RETURNING id`,
		workspace, textOr(n.Key), hash, kind.id, kind.revision, event, nullID(n.IngestEvent), nullID(p.batch),
		nullID(n.Parent), nullID(p.root), nullID(p.superseded), nullID(p.line), values, t.db().micros())
	if err != nil {
		return 0, err
	}
	if err := auditRecipe(ctx, t, view.Actor, coreshed.ActRecipeRecord, id, workspace, details{"type": n.Type.Name, "id": n.Key}); err != nil {
		return 0, err
	}
	if err := addNode(ctx, t, n.Parent, coreshed.RecipeNode{Name: n.ParentNode, Original: true, Recipe: id}); err != nil {
		return 0, err
	}
	for _, c := range n.Conditions {
		if err := addCondition(ctx, t, id, c); err != nil {
			return 0, err
		}
	}
	if err := supersedeRecipe(ctx, t, view, p.superseded, id, n.CarriedOver); err != nil {
		return 0, err
	}
	_, err = addInputs(ctx, t, view, recipeInputs, id, workspace, n.Inputs)
	return id, err
}

func auditRecipe(ctx context.Context, t tx, by coreshed.Actor, action coreshed.AuditAction, id, workspace int64, said details) error {
	return audit(ctx, t, act{by: by, action: action, kind: coreshed.AuditRecipe, id: id, workspace: workspace, details: said})
}

// placeRecipe finds where a recipe stands among others.
func placeRecipe(ctx context.Context, t tx, view coreshed.View, n NewRecipe) (runPlace, error) {
	p := runPlace{batch: n.Batch}
	if n.Batch != 0 {
		if err := mayChangeBatch(ctx, t, view, n.Batch); err != nil {
			return p, err
		}
	}
	if n.Parent != 0 {
		if err := checkName("parent_node", n.ParentNode); err != nil {
			return p, err
		}
		parent, err := lockRecipe(ctx, t, view, n.Parent)
		if err != nil {
			return p, err
		}
		if err := mayChange(view, parent.workspace); err != nil {
			return p, err
		}
		if p.batch == 0 {
			p.batch = parent.batch
		}
		if p.root = parent.root; p.root == 0 {
			p.root = parent.id
		}
	}
	if n.Supersedes == 0 {
		if len(n.CarriedOver) > 0 {
			return p, invalidField("carried_over", "needs a recipe that is superseded")
		}
		return p, nil
	}
	old, err := lockRecipe(ctx, t, view, n.Supersedes)
	if err != nil {
		return p, err
	}
	if err := mayChange(view, old.workspace); err != nil {
		return p, err
	}
	if old.superseded {
		return p, coreshed.Errorf(coreshed.Conflict, "The recipe %d has been superseded already.", old.id)
	}
	p.superseded, p.line = old.id, old.line
	if p.line == 0 {
		p.line = old.id
	}
	return p, notWithin(ctx, t, n.Parent, old.id)
}

// recipeState is what changing a recipe needs to know of it. Its row is locked.
type recipeState struct {
	id, workspace, batch, root, line int64
	superseded                       bool
}

func lockRecipe(ctx context.Context, t tx, view coreshed.View, id int64) (recipeState, error) {
	c := &conditions{}
	c.add(`r.id = ?`, id)
	c.seenIn(t.db().dialect, view, `r.workspace_id`)
	r, err := one(ctx, t, func(rows *sql.Rows) (recipeState, error) {
		var r recipeState
		return r, rows.Scan(&r.id, &r.workspace, &r.batch, &r.root, &r.line, &r.superseded)
	}, `SELECT r.id, r.workspace_id, COALESCE(r.batch_id, 0), COALESCE(r.root_recipe_id, 0), COALESCE(r.root_superseded_recipe_id, 0),
		r.superseded_at IS NOT NULL FROM recipes r WHERE `+c.text()+t.db().dialect.lock, c.args...)
	if err != nil {
		return r, notFound(late(ctx, t, view, err, rowRecipe, id, uuid.Nil), "There is no such recipe.")
	}
	return r, usable(ctx, t, rowRecipe, id)
}

// addNode adds a node to a recipe; recipe 0 is none. A node is one thing: a
// Conflict when the recipe has another under that name.
func addNode(ctx context.Context, t tx, recipe int64, n coreshed.RecipeNode) error {
	if recipe == 0 {
		return nil
	}
	var condition int64
	if n.Condition != nil {
		condition = n.Condition.ID
	}
	added, err := t.exec(ctx, `INSERT INTO recipe_nodes (recipe_id, node_name, is_original, job_id, sub_recipe_id, condition_id)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, recipe, n.Name, btoi(n.Original), nullID(n.Run), nullID(n.Recipe), nullID(condition))
	if err != nil {
		return err
	}
	if added == 0 {
		return coreshed.Errorf(coreshed.Conflict, "The recipe %d has a node of that name already.", recipe)
	}
	_, err = t.exec(ctx, `UPDATE recipes SET completed_at = NULL, modified_at = $2 WHERE id = $1`, recipe, t.db().micros())
	return err
}

func addCondition(ctx context.Context, t tx, recipe int64, n NewCondition) error {
	if err := checkName("conditions.node", n.Node); err != nil {
		return err
	}
	now := t.db().micros()
	var processed any
	if n.Processed {
		processed = now
	}
	id, err := insert(ctx, t, `INSERT INTO recipe_conditions (recipe_id, is_processed, is_accepted, created_at, processed_at)
		VALUES ($1, $2, $3, $4, $5) RETURNING id`, recipe, btoi(n.Processed), btoi(n.Accepted), now, processed)
	if err != nil {
		return err
	}
	return addNode(ctx, t, recipe, coreshed.RecipeNode{Name: n.Node, Original: true, Condition: &coreshed.Condition{ID: id}})
}

// nodesOf returns the nodes of a recipe in the order in which they were added.
func nodesOf(ctx context.Context, q querier, recipe int64) ([]coreshed.RecipeNode, error) {
	return all(ctx, q, func(rows *sql.Rows) (coreshed.RecipeNode, error) {
		var n coreshed.RecipeNode
		var original, condition, processed, accepted int64
		var created, at sql.NullInt64
		err := rows.Scan(&n.Name, &original, &n.Run, &n.Recipe, &condition, &processed, &accepted, &created, &at)
		n.Original = original != 0
		if condition != 0 {
			n.Condition = &coreshed.Condition{
				ID: condition, Processed: processed != 0, Accepted: accepted != 0, CreatedAt: timeOrZero(created), ProcessedAt: timeOrZero(at),
			}
		}
		return n, err
	}, `SELECT n.node_name, n.is_original, COALESCE(n.job_id, 0), COALESCE(n.sub_recipe_id, 0), COALESCE(n.condition_id, 0),
		COALESCE(c.is_processed, 0), COALESCE(c.is_accepted, 0), c.created_at, c.processed_at
		FROM recipe_nodes n LEFT JOIN recipe_conditions c ON c.id = n.condition_id WHERE n.recipe_id = $1 ORDER BY n.id`, recipe)
}

// SetCondition records what a condition node of a recipe of the view has
// decided.
func (db *DB) SetCondition(ctx context.Context, view coreshed.View, recipe int64, n NewCondition) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		r, err := lockRecipe(ctx, t, view, recipe)
		if err != nil {
			return err
		}
		now := t.db().micros()
		changed, err := t.exec(ctx, `UPDATE recipe_conditions SET is_processed = $3, is_accepted = $4, processed_at = COALESCE(processed_at, $5)
			WHERE id = (SELECT condition_id FROM recipe_nodes WHERE recipe_id = $1 AND node_name = $2)`,
			recipe, n.Node, btoi(n.Processed), btoi(n.Accepted), now)
		if err == nil && changed == 0 {
			err = coreshed.Errorf(coreshed.NotFound, "The recipe has no such condition.")
		}
		if err != nil {
			return err
		}
		return auditRecipe(ctx, t, view.Actor, coreshed.ActRecipeChange, recipe, r.workspace, details{"condition": n.Node, "accepted": n.Accepted})
	})
}

// CompleteRecipe records that a recipe is complete. Said again it changes
// nothing.
func (db *DB) CompleteRecipe(ctx context.Context, view coreshed.View, recipe int64, at time.Time) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		r, err := lockRecipe(ctx, t, view, recipe)
		if err != nil {
			return err
		}
		now := t.db().micros()
		done := microsOr(at)
		if done == nil {
			done = now
		}
		n, err := t.exec(ctx, `UPDATE recipes SET completed_at = $2, modified_at = $3 WHERE id = $1 AND completed_at IS NULL`, recipe, done, now)
		if err != nil || n == 0 {
			return err
		}
		return auditRecipe(ctx, t, view.Actor, coreshed.ActRecipeComplete, recipe, r.workspace, nil)
	})
}
