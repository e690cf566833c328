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

// NewRun is a run as it is recorded: what it is, and as much as is known of what
// has become of it.
type NewRun struct {
	Key  string // the recorder's own id; "" is never a repeat
	Type NewJobType

	Status      coreshed.RunStatus // Queued when "", or Pending, or Blocked
	Event       *coreshed.Event    // nil is the caller, now
	IngestEvent int64
	Recipe      int64  // in which it is original, or 0
	Node        string // of the recipe
	Batch       int64  // 0 is the recipe's
	Supersedes  int64  // a run, or 0

	Inputs                        []coreshed.Input
	Values, Configuration, Facets json.RawMessage // objects
	MaxTries, Priority            int64           // 0 is 1, and 100
	QueuedAt                      time.Time       // zero is now

	// What has become of it. Each may be said again, and later.
	Start    *RunStart             `json:"-"`
	Progress []coreshed.TaskUpdate `json:"-"`
	Outputs  []Output              `json:"-"` // versions that are there already
	End      *RunEnd               `json:"-"`
	// Merge adds what a repeat brings that the first has not, instead of
	// refusing a repeat that is not the same.
	Merge bool `json:"-"`
}

// hash tells a repeat of a run from another one.
func (n NewRun) hash() ([]byte, error) {
	text, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("encode run: %w", err)
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// RecordRun records a run in a workspace of the view, and returns it and whether
// it is new. A repeat, by its key, of the same run changes nothing but what Start,
// Outputs and End say; another run under that key is a Conflict. What it names
// must be in the view: NotFound otherwise.
func (db *DB) RecordRun(ctx context.Context, view coreshed.View, workspace int64, n NewRun) (coreshed.Run, bool, error) {
	run, _, created, err := db.RecordRunWith(ctx, view, workspace, n, nil)
	return run, created, err
}

// RecordRunWith is RecordRun of a run that will upload outputs: where to, in
// their order.
func (db *DB) RecordRunWith(ctx context.Context, view coreshed.View, workspace int64, n NewRun, uploads []NewOutput) (run coreshed.Run, slots []OutputSlot, created bool, err error) {
	var id int64
	err = db.update(ctx, func(ctx context.Context, t tx) (err error) {
		if id, created, err = recordRun(ctx, t, view, workspace, n); err != nil || len(uploads) == 0 {
			return err
		}
		r, err := lockRun(ctx, t, view, id)
		if err == nil {
			slots, err = reserveOutputs(ctx, t, view, r, uploads)
		}
		return err
	})
	if err != nil {
		return coreshed.Run{}, nil, false, err
	}
	run, err = db.Run(ctx, view, id)
	return run, slots, created, err
}

func recordRun(ctx context.Context, t tx, view coreshed.View, workspace int64, n NewRun) (id int64, created bool, err error) {
	if !view.Sees(workspace) {
		return 0, false, coreshed.Errorf(coreshed.NotFound, "The workspace does not exist.")
	}
	hash, err := n.hash()
	if err != nil {
		return 0, false, err
	}
	id, err = repeatedRun(ctx, t, workspace, n, hash)
	if errors.Is(err, coreshed.NotFound) {
		id, err = addRun(ctx, t, view, workspace, n, hash)
		created = true
	}
	if err != nil {
		return 0, false, err
	}
	r, err := lockRun(ctx, t, view, id)
	if err != nil {
		return 0, false, err
	}
	said := details{"type": n.Type.Name, "id": n.Key}
	switch {
	case created:
		err = r.audit(ctx, t, coreshed.ActRunRecord, said)
	case n.Merge:
		if err = addToRun(ctx, t, view, r, RunUpdate{Inputs: n.Inputs, Facets: n.Facets}); err == nil {
			err = r.audit(ctx, t, coreshed.ActRunChange, said)
		}
	}
	if err != nil {
		return 0, false, err
	}
	return id, created, advance(ctx, t, view, r, n)
}

// advance says what has become of a run.
func advance(ctx context.Context, t tx, view coreshed.View, r *runState, n NewRun) error {
	if n.Start != nil {
		if err := startRun(ctx, t, r, *n.Start); err != nil {
			return err
		}
	}
	if err := addProgress(ctx, t, r, n.Progress); err != nil {
		return err
	}
	if len(n.Outputs) > 0 {
		if err := adoptOutputs(ctx, t, view, r, n.Outputs); err != nil {
			return err
		}
	}
	if n.End != nil {
		return endRun(ctx, t, view, r, *n.End)
	}
	return nil
}

// repeatedRun finds the run with the same key: NotFound when there is none,
// Conflict when it is another.
func repeatedRun(ctx context.Context, t tx, workspace int64, n NewRun, hash []byte) (int64, error) {
	if n.Key == "" {
		return 0, coreshed.NotFound
	}
	var known []byte
	id, err := one(ctx, t, func(rows *sql.Rows) (id int64, err error) { return id, rows.Scan(&id, &known) },
		`SELECT id, request_hash FROM jobs WHERE workspace_id = $1 AND run_key = $2`, workspace, n.Key)
	if err == nil && !n.Merge && !bytes.Equal(known, hash) {
		return 0, coreshed.Errorf(coreshed.Conflict, "Another run has been recorded under this id.")
	}
	return id, err
}

func addRun(ctx context.Context, t tx, view coreshed.View, workspace int64, n NewRun, hash []byte) (int64, error) {
	if err := n.check(); err != nil {
		return 0, err
	}
	jobType, err := ensureJobType(ctx, t, view, n.Type)
	if err != nil {
		return 0, err
	}
	place, err := placeRun(ctx, t, view, n)
	if err != nil {
		return 0, err
	}
	id, err := insertRun(ctx, t, view, workspace, n, hash, jobType, place)
	if err != nil {
		return 0, err
	}
	if n.Status == coreshed.Queued {
		if err := enqueue(ctx, t, id); err != nil {
			return 0, err
		}
	}
	if err := supersedeRun(ctx, t, view.Actor, place.superseded); err != nil {
		return 0, err
	}
	if err := addNode(ctx, t, n.Recipe, coreshed.RecipeNode{Name: n.Node, Original: true, Run: id}); err != nil {
		return 0, err
	}
	if _, err := addInputs(ctx, t, view, jobInputs, id, workspace, n.Inputs); err != nil {
		return 0, err
	}
	return id, relink(ctx, t, id, false)
}

// check completes what is not said, and refuses what cannot be kept.
func (n *NewRun) check() error {
	if n.Status == "" {
		n.Status = coreshed.Queued
	}
	n.MaxTries = max(n.MaxTries, 1)
	if n.Priority == 0 {
		n.Priority = 100
	}
	switch {
	case !n.Status.Waiting():
		return invalidField("status", "of a run that is recorded is QUEUED, PENDING or BLOCKED; its start and its end say the rest")
	case n.Recipe == 0 && n.Node != "":
		return invalidField("node", "needs a recipe")
	case n.Recipe != 0 && n.Node == "":
		return invalidField("node", "is required in a recipe")
	}
	if err := checkKey("id", n.Key); err != nil {
		return err
	}
	return checkKey("node", n.Node)
}

// runPlace is where a run stands among others.
type runPlace struct {
	batch, root      int64
	superseded, line int64 // the run that it supersedes, and the first of all those
}

func placeRun(ctx context.Context, t tx, view coreshed.View, n NewRun) (runPlace, error) {
	p := runPlace{batch: n.Batch}
	if n.Batch != 0 {
		if err := mayChangeBatch(ctx, t, view, n.Batch); err != nil {
			return p, err
		}
	}
	if n.Recipe != 0 {
		r, err := lockRecipe(ctx, t, view, n.Recipe)
		if err != nil {
			return p, err
		}
		if err := mayChange(view, r.workspace); err != nil {
			return p, err
		}
		if p.batch == 0 {
			p.batch = r.batch
		}
		if p.root = r.root; p.root == 0 {
			p.root = n.Recipe
		}
	}
	if n.Supersedes == 0 {
		return p, nil
	}
	old, err := lockRun(ctx, t, view, n.Supersedes)
	if err != nil {
		return p, notFound(err, "The run to supersede does not exist.")
	}
	if err := mayChange(view, old.workspace); err != nil {
		return p, err
	}
	if old.superseded {
		return p, coreshed.Errorf(coreshed.Conflict, "The run %d has been superseded already.", old.id)
	}
	p.superseded, p.line = old.id, old.line
	if p.line == 0 {
		p.line = old.id
	}
	return p, mayChangeLine(ctx, t, view, p.line)
}

// mayChangeLine is mayChange for all runs of a line: the completion of the last
// takes back what the others have published.
func mayChangeLine(ctx context.Context, t tx, view coreshed.View, first int64) error {
	runs, err := all(ctx, t, value[int64], `SELECT id FROM jobs WHERE id = $1 OR root_superseded_job_id = $1`, first)
	if err != nil {
		return err
	}
	return mayChangeAll(ctx, t, view, "jobs", runs)
}

func insertRun(ctx context.Context, t tx, view coreshed.View, workspace int64, n NewRun, hash []byte, jobType typeRow, p runPlace) (int64, error) {
	documents, err := objects(n.Values, n.Configuration, n.Facets)
	if err != nil {
		return 0, err
	}
	event, err := addEvent(ctx, t, view, n.Event)
	if err != nil {
		return 0, err
	}
	now := t.db().micros()
	queued := microsOr(n.QueuedAt)
	if queued == nil && n.Status == coreshed.Queued {
		queued = now
	}
	return insert(ctx, t, `INSERT INTO jobs (workspace_id, run_key, request_hash, job_type_id, job_type_rev, status, event_id, ingest_event_id,
			recipe_id, recipe_node, root_recipe_id, batch_id, superseded_job_id, root_superseded_job_id,
			max_tries, priority, input, configuration, facets, queued_at, created_at, status_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $21, $21) RETURNING id`,
		workspace, textOr(n.Key), hash, jobType.id, jobType.revision, string(n.Status), event, nullID(n.IngestEvent),
		nullID(n.Recipe), textOr(n.Node), nullID(p.root), nullID(p.batch), nullID(p.superseded), nullID(p.line),
		n.MaxTries, n.Priority, documents[0], documents[1], documents[2], queued, now)
}

func objects(documents ...json.RawMessage) ([]string, error) {
	texts := make([]string, len(documents))
	for i, d := range documents {
		var err error
		if texts[i], err = object(d); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// addEvent records what caused something; nil is the caller, now.
func addEvent(ctx context.Context, t tx, view coreshed.View, e *coreshed.Event) (int64, error) {
	if e == nil {
		e = &coreshed.Event{Type: "USER", Description: json.RawMessage(`{"user": "` + view.Actor.ID.String() + `"}`)}
	}
	if e.ID != 0 {
		return e.ID, nil
	}
	if err := checkName("event.type", e.Type); err != nil {
		return 0, err
	}
	text, err := object(e.Description)
	if err != nil {
		return 0, err
	}
	at := e.OccurredAt
	if at.IsZero() {
		at = t.db().now()
	}
	return insert(ctx, t, `INSERT INTO trigger_events (type, description, occurred_at) VALUES ($1, $2, $3) RETURNING id`, e.Type, text, at.UnixMicro())
}

// AddEvent records what will have caused several runs or recipes, and returns
// its id.
func (db *DB) AddEvent(ctx context.Context, view coreshed.View, e coreshed.Event) (int64, error) {
	var id int64
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		id, err = addEvent(ctx, t, view, &e)
		return err
	})
	return id, err
}

// supersedeRun marks a run as superseded; 0 is none.
func supersedeRun(ctx context.Context, t tx, by coreshed.Actor, id int64) error {
	if id == 0 {
		return nil
	}
	workspace, err := one(ctx, t, value[int64], `SELECT workspace_id FROM jobs WHERE id = $1`, id)
	if err != nil {
		return err
	}
	if err := (&runState{id: id, workspace: workspace, by: by}).audit(ctx, t, coreshed.ActRunSupersede, nil); err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE jobs SET superseded_at = $2, modified_at = $2 WHERE id = $1`, id, t.db().micros())
	return err
}
