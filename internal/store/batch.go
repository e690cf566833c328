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

	"github.com/coreshed/coreshed"
)

// NewBatch is a batch as it is recorded.
type NewBatch struct {
	Key                       string // the recorder's own id; "" is never a repeat
	Title, Description        string
	Type                      *NewRecipeType // of its recipes; nil is unknown
	Event                     *coreshed.Event
	Definition, Configuration json.RawMessage // objects
	Estimated                 int64           // recipes
	Supersedes                int64           // a batch, or 0
}

func (n NewBatch) hash() ([]byte, error) {
	text, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// maxBatchTitle is the longest title of a batch, in code points. Contract: Scale
// v6 §1.2.
const maxBatchTitle = 50

// RecordBatch records a batch in a workspace of the view, and returns it and
// whether it is new. A repeat, by its key, of the same batch changes nothing;
// another one under that key is a Conflict.
func (db *DB) RecordBatch(ctx context.Context, view coreshed.View, workspace int64, n NewBatch) (BatchEntry, bool, error) {
	if !view.Sees(workspace) {
		return BatchEntry{}, false, coreshed.Errorf(coreshed.NotFound, "The workspace does not exist.")
	}
	var id int64
	var created bool
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		id, created, err = recordBatch(ctx, t, view, workspace, n)
		return err
	})
	if err != nil {
		return BatchEntry{}, false, err
	}
	b, err := db.Batch(ctx, view, id)
	return b, created, err
}

func recordBatch(ctx context.Context, t tx, view coreshed.View, workspace int64, n NewBatch) (int64, bool, error) {
	if err := checkKey("id", n.Key); err != nil {
		return 0, false, err
	}
	if err := checkText("title", n.Title, maxBatchTitle); err != nil {
		return 0, false, err
	}
	if err := checkText("description", n.Description, maxDescription); err != nil {
		return 0, false, err
	}
	hash, err := n.hash()
	if err != nil {
		return 0, false, err
	}
	if n.Key != "" {
		var known []byte
		id, err := one(ctx, t, func(rows *sql.Rows) (id int64, err error) { return id, rows.Scan(&id, &known) },
			`SELECT id, request_hash FROM batches WHERE workspace_id = $1 AND batch_key = $2`, workspace, n.Key)
		if err == nil && !bytes.Equal(known, hash) {
			err = coreshed.Errorf(coreshed.Conflict, "Another batch has been recorded under this id.")
		}
		if !errors.Is(err, coreshed.NotFound) {
			return id, false, err
		}
	}
	id, err := addBatch(ctx, t, view, workspace, n, hash)
	return id, true, err
}

func addBatch(ctx context.Context, t tx, view coreshed.View, workspace int64, n NewBatch, hash []byte) (int64, error) {
	var kind typeRow
	var err error
	if n.Type != nil {
		if kind, err = ensureRecipeType(ctx, t, view, *n.Type); err != nil {
			return 0, err
		}
	}
	documents, err := objects(n.Definition, n.Configuration)
	if err != nil {
		return 0, err
	}
	event, err := addEvent(ctx, t, view, n.Event)
	if err != nil {
		return 0, err
	}
	now := t.db().micros()
	root, err := supersedeBatch(ctx, t, view, n.Supersedes, now)
	if err != nil {
		return 0, err
	}
	id, err := insert(ctx, t, `INSERT INTO batches (org_id, workspace_id, batch_key, request_hash, title, description, recipe_type_id, recipe_type_rev, event_id,
			definition, configuration, root_batch_id, superseded_batch_id, recipes_estimated, is_creation_done, created_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15, $15) RETURNING id`,
		view.Org, workspace, textOr(n.Key), hash, n.Title, n.Description, nullID(kind.id), nullID(kind.revision), event,
		documents[0], documents[1], nullID(root), nullID(n.Supersedes), n.Estimated, now)
	if err != nil {
		return 0, err
	}
	return id, auditBatch(ctx, t, view, coreshed.ActBatchRecord, id, workspace, details{"title": n.Title, "id": n.Key})
}

func auditBatch(ctx context.Context, t tx, view coreshed.View, action coreshed.AuditAction, id, workspace int64, said details) error {
	return audit(ctx, t, act{
		by: view.Actor, action: action, kind: coreshed.AuditBatch, id: id, workspace: workspace, org: view.Org, details: said,
	})
}

// supersedeBatch supersedes a batch, 0 is none, and returns the first of its
// line.
func supersedeBatch(ctx context.Context, t tx, view coreshed.View, id, at int64) (int64, error) {
	if id == 0 {
		return 0, nil
	}
	if err := mayChangeBatch(ctx, t, view, id); err != nil {
		return 0, err
	}
	root, err := one(ctx, t, value[int64], `SELECT COALESCE(root_batch_id, id) FROM batches WHERE id = $1`, id)
	if err != nil {
		return 0, err
	}
	n, err := t.exec(ctx, `UPDATE batches SET superseded_at = $2, modified_at = $2 WHERE id = $1 AND superseded_at IS NULL`, id, at)
	if err == nil && n == 0 {
		err = coreshed.Errorf(coreshed.Conflict, "The batch %d has been superseded already.", id)
	}
	return root, err
}

// mayChangeBatch fails with NotFound when a batch is not in the view, and with
// Forbidden unless the caller may change what is in its workspace. One that was
// imported with no workspace is seen, and changed, by admins.
func mayChangeBatch(ctx context.Context, t tx, view coreshed.View, id int64) error {
	c := batchConditions(t.db().dialect, view)
	c.add(`b.id = ?`, id)
	workspace, err := one(ctx, t, value[int64], `SELECT COALESCE(b.workspace_id, 0) FROM batches b WHERE `+c.text(), c.args...)
	if err != nil {
		return notFound(err, "There is no such batch.")
	}
	if workspace == 0 {
		return nil
	}
	return mayChange(view, workspace)
}

func batchConditions(d dialect, view coreshed.View) *conditions {
	c := &conditions{}
	c.add(`b.org_id = ?`, view.Org)
	if !view.Admin {
		c.anyID(d, `b.workspace_id`, workspacesOf(view))
	}
	return c
}

// CompleteBatch records that all recipes of a batch have been recorded.
func (db *DB) CompleteBatch(ctx context.Context, view coreshed.View, id int64) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := mayChangeBatch(ctx, t, view, id); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE batches SET is_creation_done = 1, modified_at = $2 WHERE id = $1 AND is_creation_done = 0`, id, t.db().micros())
		if err != nil || n == 0 {
			return err
		}
		workspace, err := one(ctx, t, value[int64], `SELECT COALESCE(workspace_id, 0) FROM batches WHERE id = $1`, id)
		if err != nil {
			return err
		}
		return auditBatch(ctx, t, view, coreshed.ActBatchComplete, id, workspace, nil)
	})
}

// BatchEntry is a batch as lists show it.
type BatchEntry struct {
	coreshed.Batch
	Key       string
	Workspace int64 // row id; 0 when it was imported without

	RecipeType                *coreshed.RecipeType
	Revision                  coreshed.Revision
	Event                     *coreshed.Event
	Definition, Configuration json.RawMessage
	CreationDone              bool
	Root, Supersedes          int64
	SupersededAt, ModifiedAt  time.Time

	Jobs                                 map[coreshed.RunStatus]int64
	Estimated, Recipes, RecipesCompleted int64
}

const batchColumns = `b.id, b.title, b.description, b.created_at, COALESCE(b.batch_key, ''), COALESCE(b.workspace_id, 0),
	rt.id, rt.name, rt.title, rt.description, rt.revision_num, COALESCE(rr.id, 0), COALESCE(b.recipe_type_rev, 0),
	ev.id, ev.type, ev.description, ev.occurred_at, b.definition, b.configuration, b.is_creation_done,
	COALESCE(b.root_batch_id, 0), COALESCE(b.superseded_batch_id, 0), b.superseded_at, b.modified_at, b.recipes_estimated`

// bareBatchColumns are batchColumns without the documents.
var bareBatchColumns = withoutDocuments(batchColumns, `b.definition`, `b.configuration`, `ev.description`)

const batchJoins = `LEFT JOIN recipe_types rt ON rt.id = b.recipe_type_id
	LEFT JOIN recipe_type_revisions rr ON rr.recipe_type_id = b.recipe_type_id AND rr.revision_num = b.recipe_type_rev
	LEFT JOIN trigger_events ev ON ev.id = b.event_id`

func scanBatch(rows *sql.Rows) (BatchEntry, error) {
	var b BatchEntry
	var created, modified, done int64
	var kind, current, superseded sql.NullInt64
	var name, title, text sql.NullString
	var definition, configuration string
	var event nullEvent
	dest := []any{
		&b.ID, &b.Title, &b.Description, &created, &b.Key, &b.Workspace,
		&kind, &name, &title, &text, &current, &b.Revision.ID, &b.Revision.Number,
	}
	dest = append(dest, event.into()...)
	dest = append(dest, &definition, &configuration, &done, &b.Root, &b.Supersedes, &superseded, &modified, &b.Estimated)
	err := rows.Scan(dest...)
	if kind.Valid {
		b.RecipeType = &coreshed.RecipeType{ID: kind.Int64, Name: name.String, Title: title.String, Description: text.String, Revision: current.Int64}
	}
	b.Event, b.Definition, b.Configuration = event.event(), json.RawMessage(definition), json.RawMessage(configuration)
	b.CreatedAt, b.ModifiedAt, b.SupersededAt, b.CreationDone = timeOf(created), timeOf(modified), timeOrZero(superseded), done != 0
	return b, err
}

// Batch returns the batch with that id: NotFound when there is none in the view.
func (db *DB) Batch(ctx context.Context, view coreshed.View, id int64) (BatchEntry, error) {
	c := batchConditions(db.dialect, view)
	c.add(`b.id = ?`, id)
	b, err := one(ctx, db, scanBatch, `SELECT `+batchColumns+` FROM batches b `+batchJoins+` WHERE `+c.text(), c.args...)
	if err != nil {
		return b, notFound(err, "There is no such batch.")
	}
	list := []BatchEntry{b}
	err = db.countBatches(ctx, view, list)
	return list[0], err
}

// BatchFilter says which batches are wanted; nil is any. Bounds are inclusive.
type BatchFilter struct {
	ID, RecipeType, Root     []int64
	Key                      []string
	Modified                 coreshed.Window
	CreationDone, Superseded *bool

	Bare bool // without definition, configuration and what events say
}

// Batches returns a page of the batches that match, with their counts, and how
// many there are. The default order is by last modification; the id is always
// the last key.
func (db *DB) Batches(ctx context.Context, view coreshed.View, f BatchFilter, order []coreshed.Order, page coreshed.Page) ([]BatchEntry, int64, error) {
	c := batchConditions(db.dialect, view)
	c.anyID(db.dialect, `b.id`, f.ID)
	c.anyID(db.dialect, `b.recipe_type_id`, f.RecipeType)
	c.anyID(db.dialect, `b.root_batch_id`, f.Root)
	c.anyText(db.dialect, `b.batch_key`, f.Key)
	c.within(`b.modified_at`, `b.modified_at`, f.Modified)
	c.flag(`b.is_creation_done`, f.CreationDone)
	c.since(`b.superseded_at`, f.Superseded)
	s := selection{batchColumns, `batches b ` + batchJoins, c, batchSorting}
	if f.Bare {
		s.columns = bareBatchColumns
	}
	list, total, err := sortedPage(ctx, db, s, scanBatch, order, page)
	if err != nil {
		return nil, 0, err
	}
	return list, total, db.countBatches(ctx, view, list)
}

// countBatches fills in what has become of the batches' runs and recipes that
// the view shows.
func (db *DB) countBatches(ctx context.Context, view coreshed.View, list []BatchEntry) error {
	if len(list) == 0 {
		return nil
	}
	at, ids := map[int64]*BatchEntry{}, make([]int64, len(list))
	for i := range list {
		list[i].Jobs = map[coreshed.RunStatus]int64{}
		at[list[i].ID], ids[i] = &list[i], list[i].ID
	}
	c := &conditions{}
	c.anyID(db.dialect, `batch_id`, ids)
	c.seenIn(db.dialect, view, `workspace_id`)
	if _, err := all(ctx, db, func(rows *sql.Rows) (bool, error) {
		var id, n int64
		var status coreshed.RunStatus
		err := rows.Scan(&id, &status, &n)
		if err == nil {
			at[id].Jobs[status] = n
		}
		return true, err
	}, `SELECT batch_id, status, count(*) FROM jobs WHERE `+c.text()+` GROUP BY batch_id, status`, c.args...); err != nil {
		return err
	}
	_, err := all(ctx, db, func(rows *sql.Rows) (bool, error) {
		var id, recipes, completed int64
		err := rows.Scan(&id, &recipes, &completed)
		if err == nil {
			at[id].Recipes, at[id].RecipesCompleted = recipes, completed
		}
		return true, err
	}, `SELECT batch_id, count(*), count(completed_at) FROM recipes WHERE `+c.text()+` AND recipe_id IS NULL GROUP BY batch_id`, c.args...)
	return err
}
