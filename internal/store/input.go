package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// reader is what reads versions: runs or recipes.
type reader struct{ table, inputs, key string }

var (
	jobInputs    = reader{"jobs", "job_inputs", "job_id"}
	recipeInputs = reader{"recipes", "recipe_inputs", "recipe_id"}
)

// addInputs adds the versions that something reads, and says how many it did not
// have. Each must be in the view; a path alone is one of the workspace.
func addInputs(ctx context.Context, t tx, view coreshed.View, r reader, id, workspace int64, inputs []coreshed.Input) (int64, error) {
	versions := make([]int64, len(inputs))
	for i, in := range inputs {
		if err := checkName(fmt.Sprintf("inputs[%d].name", i), in.Name); err != nil {
			return 0, err
		}
		var err error
		if versions[i], err = resolve(ctx, t, t.db().dialect, view, workspace, in.Version); err != nil {
			return 0, refused(err, fmt.Sprintf("inputs[%d]", i))
		}
	}
	if err := usable(ctx, t, rowVersion, versions...); err != nil {
		return 0, err
	}
	var added int64
	for i, in := range inputs {
		n, err := t.exec(ctx, `INSERT INTO `+r.inputs+` (`+r.key+`, input_name, version_row) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, id, in.Name, versions[i])
		if err != nil {
			return 0, err
		}
		added += n
	}
	if added == 0 {
		return 0, nil
	}
	return added, sumInputs(ctx, t, r, id)
}

// sumInputs gives a run or a recipe the size, the times and the sensors of what
// it reads. Contract: Scale v6 §6.4.
func sumInputs(ctx context.Context, t tx, r reader, id int64) error {
	of := `FROM ` + r.inputs + ` i JOIN versions v ON v.id = i.version_row WHERE i.` + r.key + ` = $1)`
	_, err := t.exec(ctx, `UPDATE `+r.table+` SET
		input_size = (SELECT CAST(COALESCE(SUM(v.size), 0) AS BIGINT) `+of+`,
		source_started = (SELECT MIN(v.source_started) `+of+`,
		source_ended = (SELECT MAX(v.source_ended) `+of+`,
		source_sensor_class = (SELECT MAX(v.source_sensor_class) `+of+`,
		source_sensor = (SELECT MAX(v.source_sensor) `+of+`,
		source_collection = (SELECT MAX(v.source_collection) `+of+`,
		source_task = (SELECT MAX(v.source_task) `+of+`,
		modified_at = $2 WHERE id = $1`, id, t.db().micros())
	return err
}

// refused says which member of a request named what is not there.
func refused(err error, field string) error {
	if coreshed.KindOf(err) != coreshed.NotFound {
		return err
	}
	named := coreshed.Errorf(coreshed.NotFound, "The version that %s names does not exist.", field)
	named.Field = field
	return named
}

// Resolve returns the row id of a version of the view; a path alone is one of
// the workspace with that row id. NotFound when there is none.
func (db *DB) Resolve(ctx context.Context, view coreshed.View, workspace int64, r coreshed.Ref) (int64, error) {
	return resolve(ctx, db, db.dialect, view, workspace, r)
}

func resolve(ctx context.Context, q querier, d dialect, view coreshed.View, workspace int64, r coreshed.Ref) (int64, error) {
	c := &conditions{}
	c.seen(d, view)
	join := `JOIN versions v ON v.id = f.current_id`
	if r.VersionID != 0 {
		join = `JOIN versions v ON v.file_id = f.id`
		c.add(`v.version_id = ?`, r.VersionID)
	}
	switch {
	case r.ID != 0:
		join = `JOIN versions v ON v.file_id = f.id`
		c.add(`v.id = ?`, r.ID)
	case r.File != uuid.Nil:
		c.add(`f.uuid = ?`, r.File)
	default:
		path, err := coreshed.CleanPath(r.Path)
		if err != nil {
			return 0, err
		}
		c.add(`f.address = ?`, Address(path))
		c.terms = append(c.terms, `f.deleted_at IS NULL AND f.current_id IS NOT NULL`)
		if r.Workspace != uuid.Nil {
			c.add(`f.workspace_id = (SELECT id FROM workspaces WHERE uuid = ?)`, r.Workspace)
		} else {
			c.add(`f.workspace_id = ?`, workspace)
		}
	}
	id, err := one(ctx, q, value[int64], `SELECT v.id FROM files f `+join+` WHERE `+c.text(), c.args...)
	return id, notFound(late(ctx, q, view, err, rowVersion, r.ID, r.File), "There is no such version.")
}

// addLateInputs adds inputs to a run that has perhaps put out versions already:
// their links, and those of all that was made from them, follow.
func addLateInputs(ctx context.Context, t tx, view coreshed.View, r *runState, inputs []coreshed.Input) error {
	if len(inputs) == 0 {
		return nil
	}
	if err := lockFilesOfRun(ctx, t, r); err != nil {
		return err
	}
	added, err := addInputs(ctx, t, view, jobInputs, r.id, r.workspace, inputs)
	if err != nil || added == 0 {
		return err
	}
	if err := checkLinks(ctx, t, r.id); err != nil {
		return err
	}
	if err := checkLoop(ctx, t, r.id); err != nil {
		return err
	}
	if err := rekey(ctx, t, r); err != nil {
		return err
	}
	return relink(ctx, t, r.id, false)
}

// checkLoop refuses a run whose inputs come from its outputs, over however many
// runs. While nobody has read its outputs they cannot.
func checkLoop(ctx context.Context, t tx, job int64) error {
	if err := lockLinks(ctx, t, job); err != nil {
		return err
	}
	read, err := one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM (`+outputsOf+`) o JOIN job_inputs i ON i.version_row = o.id)`, job)
	if err != nil || !read {
		return err
	}
	w := newWalk(t.db().dialect, coreshed.View{Everything: true}, LineageWant{Direction: coreshed.Up})
	w.shared, w.external = true, true
	if w.nextVersions, err = all(ctx, t, value[int64], `SELECT DISTINCT version_row FROM job_inputs WHERE job_id = $1 ORDER BY version_row`, job); err != nil {
		return err
	}
	for _, id := range w.nextVersions {
		w.versions.add(id, 0)
	}
	for more := true; more; {
		if more, err = w.step(ctx, t); err != nil {
			return err
		}
		if _, looped := w.runs.distance[job]; looped {
			return coreshed.Errorf(coreshed.Conflict, "The inputs of a run cannot come from its outputs.")
		}
	}
	return nil
}

// inputKeys are the keys of a run's inputs.
func inputKeys(ctx context.Context, t tx, job int64) ([]string, error) {
	return all(ctx, t, func(rows *sql.Rows) (string, error) {
		var key sql.NullString
		var file coreshed.UUID
		err := rows.Scan(&key, &file)
		if key.Valid {
			return key.String, err
		}
		return coreshed.SourceKey(file), err
	}, `SELECT v.product_key, f.uuid FROM job_inputs i JOIN versions v ON v.id = i.version_row JOIN files f ON f.id = v.file_id WHERE i.job_id = $1`, job)
}
