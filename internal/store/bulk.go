package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// Bulk runs load without the indexes that lists of entries and runs need, which
// it makes again at the end: a load that is large beside what is there takes a
// fraction of the time. Nobody else may use the store meanwhile. If the process
// ends in between, the next Open makes the indexes.
func (db *DB) Bulk(ctx context.Context, load func(context.Context) error) error {
	if err := db.cache(ctx, bulkCache); err != nil {
		return err
	}
	if err := db.dropIndexes(ctx); err != nil {
		return err
	}
	return errors.Join(load(ctx), db.makeIndexes(ctx), db.cache(ctx, 0))
}

// bulkCache is the memory that SQLite's writer may use in a bulk load, in KiB.
const bulkCache = 256 << 10

// cache sets what SQLite's writer may use; 0 is what it uses else.
func (db *DB) cache(ctx context.Context, size int) error {
	if db.writer == nil {
		return nil
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, fmt.Sprintf(`PRAGMA cache_size = -%d`, cmp.Or(size, cacheSize)))
		return err
	})
}

// AddEntries adds entries, each with a file of its own, in one transaction. Of
// the workspace it takes the row id, and of the types and the batch; ids of
// entries are given by the store, and set. Conflict when a file's path is taken.
func (db *DB) AddEntries(ctx context.Context, a coreshed.Access, entries []coreshed.Entry) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		person, err := personRow(ctx, t, a.Actor.ID)
		if err != nil {
			return err
		}
		b := bulk{t: t, person: person, changed: map[int64]*totals{}}
		for i := range entries {
			if err := b.add(ctx, &entries[i]); err != nil {
				return err
			}
		}
		for _, id := range slices.Sorted(maps.Keys(b.changed)) {
			if err := count(ctx, t, id, *b.changed[id]); err != nil {
				return err
			}
			if err := auditVersion(ctx, t, a.Actor, coreshed.ActVersionLoad, 0, id, details{"entries": b.changed[id].entries}); err != nil {
				return err
			}
		}
		if !db.dialect.searches {
			return nil
		}
		return indexNames(ctx, t, math.MaxInt64)
	})
}

// bulk adds entries in a transaction.
type bulk struct {
	t       tx
	person  any
	changed map[int64]*totals // of workspaces
}

func (b *bulk) add(ctx context.Context, e *coreshed.Entry) error {
	if e.FileUUID == uuid.Nil {
		e.FileUUID = uuid.New()
	}
	at := e.CreatedAt.UnixMicro()
	_, name := coreshed.SplitPath(e.Path)
	file, err := insert(ctx, b.t, `
		INSERT INTO files (uuid, workspace_id, path, path_key, address, name_key, product_key, current_id, last_version_id,
			created_at, created_by, modified_at, modified_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $9, $10) RETURNING id`,
		e.FileUUID, e.Workspace.ID, e.Path, coreshed.FoldPath(e.Path), Address(e.Path), coreshed.FoldPath(name), textOr(e.ProductKey),
		e.VersionID, at, b.person)
	if err != nil {
		if b.t.db().dialect.unique(err) {
			return coreshed.Errorf(coreshed.Conflict, "There is a file at %q already.", e.Path)
		}
		return err
	}
	if err := b.version(ctx, file, e); err != nil {
		return err
	}
	if _, err := b.t.exec(ctx, `UPDATE files SET current_id = $2 WHERE id = $1`, file, e.ID); err != nil {
		return err
	}
	if err := b.describe(ctx, e); err != nil {
		return err
	}
	if b.changed[e.Workspace.ID] == nil {
		b.changed[e.Workspace.ID] = &totals{}
	}
	d := b.changed[e.Workspace.ID]
	d.live, d.entries, d.used = d.live+1, d.entries+1, d.used+e.Size
	return nil
}

func (b *bulk) version(ctx context.Context, file int64, e *coreshed.Entry) error {
	tags := "[]"
	if len(e.Tags) > 0 {
		list, err := json.Marshal(e.Tags)
		if err != nil {
			return err
		}
		tags = string(list)
	}
	var place []byte
	owned := 1
	if e.State == coreshed.InPlace {
		place, owned = placeKey(e.StoragePath), 0
	}
	m, prefix := e.Made, strings.ToLower(rand.Text())
	var jobType, recipeType, batch int64
	if m.JobType != nil {
		jobType = m.JobType.ID
	}
	if m.RecipeType != nil {
		recipeType = m.RecipeType.ID
	}
	if m.Batch != nil {
		batch = m.Batch.ID
	}
	var err error
	e.ID, err = insert(ctx, b.t, `
		INSERT INTO versions (file_id, version_id, created_at, created_by, storage_path, size, etag, content_type, sha256, state,
			prefix, commit_hash, workspace_id, file_type, file_name, name_key, media_type, product_key, modified_at, published_at, parsed_at,
			tags, countries, geometry, center_point, data_started, data_ended, source_started, source_ended,
			source_sensor_class, source_sensor, source_collection, source_task,
			job_id, job_exe_id, job_type_id, job_output, recipe_id, recipe_type_id, recipe_node, batch_id, place, owned)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
			$26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43) RETURNING id`,
		file, e.VersionID, e.CreatedAt.UnixMicro(), b.person, e.StoragePath, e.Size, e.ETag, e.Headers.ContentType, e.SHA256, e.State,
		prefix, []byte(prefix), e.Workspace.ID, e.Type, e.Name, coreshed.FoldPath(e.Name), e.MediaType, textOr(e.ProductKey),
		e.ModifiedAt.UnixMicro(), microsOr(e.PublishedAt), microsOr(e.ParsedAt),
		tags, strings.Join(e.Countries, " "), textOr(e.Geometry), textOr(e.CenterPoint),
		microsOr(e.DataStarted), microsOr(e.DataEnded), microsOr(e.SourceStarted), microsOr(e.SourceEnded),
		textOr(e.SensorClass), textOr(e.Sensor), textOr(e.Collection), textOr(e.Task),
		idOrNil(m.Job), idOrNil(m.Execution), idOrNil(jobType), textOr(m.Output), idOrNil(m.Recipe), idOrNil(recipeType), textOr(m.Node), idOrNil(batch),
		place, owned)
	return err
}

// describe adds what is kept beside the version's row.
func (b *bulk) describe(ctx context.Context, e *coreshed.Entry) error {
	if len(e.Metadata) > 0 {
		if _, err := b.t.exec(ctx, `INSERT INTO version_metadata (version_row, document) VALUES ($1, $2)`, e.ID, string(e.Metadata)); err != nil {
			return err
		}
	}
	for _, iso3 := range e.Countries {
		if _, err := b.t.exec(ctx, `INSERT INTO version_countries (iso3, modified_at, version_row, workspace_id) VALUES ($1, $2, $3, $4)`,
			iso3, e.ModifiedAt.UnixMicro(), e.ID, e.Workspace.ID); err != nil {
			return err
		}
	}
	return nil
}

func idOrNil(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}
