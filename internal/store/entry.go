package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/coreshed/coreshed"
)

// entryListColumns need the alias v. What other ids in them stand for is filled in by
// showEntries: many entries have few of those.
const entryListColumns = `v.id, v.version_id, v.created_at, v.size, v.etag, v.state, v.content_type, v.sha256,
	v.workspace_id,
	v.file_type, v.file_name, v.media_type, v.storage_path, COALESCE(v.product_key, ''),
	v.modified_at, v.deleted_at, v.superseded_at, v.published_at, v.unpublished_at, v.parsed_at,
	v.tags, v.countries, COALESCE(v.geometry, ''), COALESCE(v.center_point, ''),
	v.data_started, v.data_ended, v.source_started, v.source_ended,
	COALESCE(v.source_sensor_class, ''), COALESCE(v.source_sensor, ''), COALESCE(v.source_collection, ''), COALESCE(v.source_task, ''),
	COALESCE(v.job_id, 0), COALESCE(v.job_exe_id, 0), COALESCE(v.job_output, ''),
	COALESCE(v.recipe_id, 0), COALESCE(v.recipe_node, ''),
	v.job_type_id, v.recipe_type_id, v.batch_id`

// entryColumns also tell of the file, and need the alias f.
const entryColumns = entryListColumns + `, f.uuid, f.path`

// entryFrom has the aliases of entryColumns.
const entryFrom = `FROM versions v JOIN files f ON f.id = v.file_id`

const entryOwnJoins = `JOIN workspaces w ON w.id = v.workspace_id
	LEFT JOIN job_types jt ON jt.id = v.job_type_id
	LEFT JOIN recipe_types rt ON rt.id = v.recipe_type_id`

// entryJoins are what entries are sorted by: of batches, those that the view
// shows.
func (c *conditions) entryJoins(d dialect, view coreshed.View) string {
	return entryOwnJoins + c.batchJoin(d, view, `v.batch_id`)
}

// batchJoin joins the batch of a column under the alias b, if the view shows it.
// One that was imported without a workspace is nobody's to hide.
func (c *conditions) batchJoin(d dialect, view coreshed.View, column string) string {
	join := ` LEFT JOIN batches b ON b.id = ` + column
	if !view.Everything {
		join += ` AND (b.workspace_id IS NULL OR ` + oneOf(c, d, `b.workspace_id`, workspacesOf(view), "bigint") + `)`
	}
	return join
}

func scanEntry(rows *sql.Rows) (coreshed.Entry, error) {
	var e coreshed.Entry
	return e, scanEntryAnd(rows, &e, &e.FileUUID, &e.Path)
}

// scanEntryAnd reads entryListColumns, then what follows them into more. Of what
// showEntries fills in it sets the ids.
func scanEntryAnd(rows *sql.Rows, e *coreshed.Entry, more ...any) error {
	var created, modified int64
	var deleted, superseded, published, unpublished, parsed sql.NullInt64
	var dataStarted, dataEnded, sourceStarted, sourceEnded sql.NullInt64
	var tags, countries string
	var jobType, recipeType, batch sql.NullInt64
	m := &e.Made
	dest := []any{&e.ID, &e.VersionID, &created, &e.Size, &e.ETag, &e.State, &e.Headers.ContentType, &e.SHA256,
		&e.Workspace.ID,
		&e.Type, &e.Name, &e.MediaType, &e.StoragePath, &e.ProductKey,
		&modified, &deleted, &superseded, &published, &unpublished, &parsed,
		&tags, &countries, &e.Geometry, &e.CenterPoint,
		&dataStarted, &dataEnded, &sourceStarted, &sourceEnded,
		&e.SensorClass, &e.Sensor, &e.Collection, &e.Task,
		&m.Job, &m.Execution, &m.Output, &m.Recipe, &m.Node,
		&jobType, &recipeType, &batch}
	if err := rows.Scan(append(dest, more...)...); err != nil {
		return err
	}
	e.CreatedAt, e.ModifiedAt = timeOf(created), timeOf(modified)
	e.DeletedAt, e.SupersededAt, e.Superseded = timeOrZero(deleted), timeOrZero(superseded), superseded.Valid
	e.PublishedAt, e.Unpublished, e.ParsedAt = timeOrZero(published), timeOrZero(unpublished), timeOrZero(parsed)
	e.DataStarted, e.DataEnded = timeOrZero(dataStarted), timeOrZero(dataEnded)
	e.SourceStarted, e.SourceEnded = timeOrZero(sourceStarted), timeOrZero(sourceEnded)
	e.Countries = strings.Fields(countries)
	if tags != "[]" {
		if err := json.Unmarshal([]byte(tags), &e.Tags); err != nil {
			return fmt.Errorf("tags of version %d: %w", e.ID, err)
		}
	}
	if jobType.Valid {
		m.JobType = &coreshed.JobType{ID: jobType.Int64}
	}
	if recipeType.Valid {
		m.RecipeType = &coreshed.RecipeType{ID: recipeType.Int64}
	}
	if batch.Valid {
		m.Batch = &coreshed.Batch{ID: batch.Int64}
	}
	return nil
}

// seen adds that entries, of the alias v, are in the view.
func (c *conditions) seen(d dialect, view coreshed.View) {
	if !view.Everything {
		c.anyID(d, `v.workspace_id`, workspacesOf(view))
	}
}

// Entry returns the entry with that id, with its metadata. NotFound when there
// is none in the view.
func (db *DB) Entry(ctx context.Context, view coreshed.View, id int64) (coreshed.Entry, error) {
	return entry(ctx, db, db.dialect, view, id)
}

func entry(ctx context.Context, q querier, d dialect, view coreshed.View, id int64) (coreshed.Entry, error) {
	c := &conditions{}
	c.add(`v.id = ?`, id)
	c.seen(d, view)
	e, err := one(ctx, q, scanEntry, `SELECT `+entryColumns+` `+entryFrom+` WHERE `+c.text(), c.args...)
	if err != nil {
		return e, notFound(err, "There is no such version.")
	}
	if err := showEntries(ctx, q, d, view, &e); err != nil {
		return e, err
	}
	document, err := all(ctx, q, value[string], `SELECT document FROM version_metadata WHERE version_row = $1`, id)
	if len(document) > 0 {
		e.Metadata = json.RawMessage(document[0])
	}
	return e, err
}
