package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/killpoint"
)

// removal removes rows of a purge's set. What is gone already is passed over, so
// that it can be done again.
type removal struct{ purge, now int64 }

// removalOf removes rows of a purge that was executed: after that, whatever the
// clock says by now.
func removalOf(ctx context.Context, t tx, purge int64) (*removal, error) {
	executed, err := one(ctx, t, value[int64], `SELECT executed_at FROM purges WHERE id = $1`, purge)
	return &removal{purge: purge, now: max(t.db().micros(), executed)}, err
}

// each runs statements in which IDS, PURGE and NOW stand for a list of row ids,
// the purge and the time, and returns how many rows the last has changed.
// PostgreSQL takes no type from the column that a selected argument is for.
func (r *removal) each(ctx context.Context, t tx, ids []int64, statements ...string) (n int64, err error) {
	for _, s := range statements {
		c := &conditions{}
		s = expand(s, c, t.db().dialect, ids)
		if strings.Contains(s, "PURGE") {
			s = strings.ReplaceAll(s, "PURGE", `CAST(`+c.arg(r.purge)+` AS BIGINT)`)
		}
		if strings.Contains(s, "NOW") {
			s = strings.ReplaceAll(s, "NOW", `CAST(`+c.arg(r.now)+` AS BIGINT)`)
		}
		if n, err = t.exec(ctx, s, c.args...); err != nil {
			return n, err
		}
	}
	return n, nil
}

// expand writes a list of row ids where a statement says IDS.
func expand(statement string, c *conditions, d dialect, ids []int64) string {
	return strings.ReplaceAll(statement, "IDS", c.set(d, ids))
}

// versions removes versions, with those of their files that have no other.
func (r *removal) versions(ctx context.Context, t tx, ids []int64) error {
	files, err := r.filesOf(ctx, t, ids)
	if err != nil || len(files) == 0 {
		return err
	}
	if err := r.sum(ctx, t, ids); err != nil {
		return err
	}
	if err := r.bury(ctx, t, ids); err != nil {
		return err
	}
	killpoint.Reach("purge.buried")
	if err := r.forget(ctx, t, ids); err != nil {
		return err
	}
	killpoint.Reach("purge.forgotten")
	if err := r.eraseAudit(ctx, t, coreshed.AuditVersion, ids); err != nil {
		return err
	}
	if err := r.settle(ctx, t, files); err != nil {
		return err
	}
	killpoint.Reach("purge.settled")
	return nil
}

// sum counts what is about to be removed: in its workspaces, and for the purge.
func (r *removal) sum(ctx context.Context, t tx, ids []int64) error {
	type change struct{ workspace, entries, kept, sources, bytes int64 }
	c := &conditions{}
	list, err := all(ctx, t, func(rows *sql.Rows) (change, error) {
		var s change
		return s, rows.Scan(&s.workspace, &s.entries, &s.kept, &s.sources, &s.bytes)
	}, `SELECT v.workspace_id, count(*), CAST(sum(CASE WHEN v.place IS NULL THEN v.size ELSE 0 END) AS BIGINT),
			CAST(sum(CASE WHEN v.file_type = 'SOURCE' THEN 1 ELSE 0 END) AS BIGINT),
			CAST(sum(CASE WHEN i.bytes = 'remove' THEN i.size ELSE 0 END) AS BIGINT)
		FROM versions v JOIN purge_items i ON i.purge_id = `+c.arg(r.purge)+` AND i.kind = 0 AND i.item_id = v.id
		WHERE v.id IN (`+c.set(t.db().dialect, ids)+`) GROUP BY v.workspace_id ORDER BY v.workspace_id`, c.args...)
	if err != nil {
		return err
	}
	for _, s := range list {
		if err := count(ctx, t, s.workspace, totals{entries: -s.entries, used: -s.kept}); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE purges SET attempts = 0, sources_gone = sources_gone + $2, products_gone = products_gone + $3,
			bytes_gone = bytes_gone + $4 WHERE id = $1`,
			r.purge, s.sources, s.entries-s.sources, s.bytes); err != nil {
			return err
		}
	}
	return nil
}

// bury leaves tombstones of versions, and barriers where their bytes lay in
// place: what was removed on purpose does not come back by itself.
func (r *removal) bury(ctx context.Context, t tx, ids []int64) error {
	_, err := r.each(ctx, t, ids,
		`INSERT INTO tombstones (kind, item_id, purge_id, workspace_id, file_uuid, version_id, size, sha256, md5, removed_at)
			SELECT 0, v.id, PURGE, v.workspace_id, f.uuid, v.version_id, v.size, v.sha256, v.md5, NOW
			FROM versions v JOIN files f ON f.id = v.file_id WHERE v.id IN (IDS) ON CONFLICT DO NOTHING`,
		`INSERT INTO tombstone_edges (run_id, version_id, output) SELECT DISTINCT job_id, version_row, 0 FROM job_inputs WHERE version_row IN (IDS) ON CONFLICT DO NOTHING`,
		`INSERT INTO tombstone_edges (run_id, version_id, output) SELECT DISTINCT job_id, version_row, 1 FROM job_outputs WHERE version_row IN (IDS) ON CONFLICT DO NOTHING`,
		`INSERT INTO tombstone_edges (run_id, version_id, output) SELECT job_id, id, 1 FROM versions WHERE id IN (IDS) AND job_id IS NOT NULL ON CONFLICT DO NOTHING`,
		`INSERT INTO barriers (workspace_id, place, size, modified, etag, sha256, purge_id, created_at)
			SELECT v.workspace_id, v.place, v.size, v.place_modified, v.place_etag, v.sha256, PURGE, NOW FROM versions v
			WHERE v.id IN (IDS) AND v.place IS NOT NULL`,
		// Where it was found, if it was copied from there, and what was taken for it.
		`INSERT INTO barriers (workspace_id, place, size, modified, etag, sha256, purge_id, created_at)
			SELECT i.workspace_id, i.place, i.file_size, i.place_modified, i.place_etag, v.sha256, PURGE, NOW FROM ingests i JOIN versions v ON v.id = i.version_row
			WHERE v.id IN (IDS) AND i.place IS NOT NULL AND i.file_size IS NOT NULL AND (v.place IS NULL OR i.place <> v.place OR i.workspace_id <> v.workspace_id)`)
	return err
}

// forget removes versions, and what is there only because of them.
func (r *removal) forget(ctx context.Context, t tx, ids []int64) error {
	const events = `SELECT e.id FROM ingest_events e JOIN ingests i ON i.id = e.ingest_id WHERE i.version_row IN (IDS)`
	_, err := r.each(ctx, t, ids,
		`UPDATE jobs SET ingest_event_id = NULL WHERE ingest_event_id IN (`+events+`)`,
		`UPDATE recipes SET ingest_event_id = NULL WHERE ingest_event_id IN (`+events+`)`,
		`DELETE FROM ingest_events WHERE ingest_id IN (SELECT id FROM ingests WHERE version_row IN (IDS))`,
		`DELETE FROM ingests WHERE version_row IN (IDS)`,
		`DELETE FROM job_inputs WHERE version_row IN (IDS)`,
		`DELETE FROM recipe_inputs WHERE version_row IN (IDS)`,
		`DELETE FROM job_outputs WHERE version_row IN (IDS)`,
		`DELETE FROM ancestry WHERE ancestor_id IN (IDS)`,
		`DELETE FROM ancestry WHERE descendant_id IN (IDS)`,
		`DELETE FROM version_metadata WHERE version_row IN (IDS)`,
		`DELETE FROM version_countries WHERE version_row IN (IDS)`,
		`DELETE FROM extents WHERE version_row IN (IDS)`,
		`DELETE FROM versions WHERE id IN (IDS)`,
		`UPDATE purge_items SET state = 1, error = '' WHERE purge_id = PURGE AND kind = 0 AND item_id IN (IDS)`)
	return err
}

// purgedFile is a file of which versions are removed.
type purgedFile struct {
	id, workspace, current int64
	uuid                   coreshed.UUID
	deleted                bool
}

// filesOf locks the files of versions, as every change of a file does first.
func (r *removal) filesOf(ctx context.Context, t tx, ids []int64) ([]purgedFile, error) {
	if err := lockFilesOf(ctx, t, slices.Clone(ids)); err != nil {
		return nil, err
	}
	c := &conditions{}
	return all(ctx, t, func(rows *sql.Rows) (purgedFile, error) {
		var f purgedFile
		return f, rows.Scan(&f.id, &f.workspace, &f.current, &f.uuid, &f.deleted)
	}, `SELECT id, workspace_id, COALESCE(current_id, 0), uuid, deleted_at IS NOT NULL FROM files
		WHERE id IN (SELECT file_id FROM versions WHERE id IN (`+c.set(t.db().dialect, ids)+`)) ORDER BY id`, c.args...)
}

// settle gives files their current versions anew: the newest that is left. Those
// without any are removed.
func (r *removal) settle(ctx context.Context, t tx, files []purgedFile) error {
	ids := make([]int64, len(files))
	for i, f := range files {
		ids[i] = f.id
	}
	newest := map[int64]int64{}
	c := &conditions{}
	err := each(ctx, t, func(rows *sql.Rows) error {
		var file, version int64
		err := rows.Scan(&file, &version)
		newest[file] = version
		return err
	}, `SELECT f.id, (SELECT v.id FROM versions v WHERE v.file_id = f.id AND v.held = 0 ORDER BY COALESCE(v.joined_at, v.created_at) DESC, v.id DESC LIMIT 1)
		FROM files f WHERE f.id IN (`+c.set(t.db().dialect, ids)+`) AND EXISTS (SELECT 1 FROM versions v WHERE v.file_id = f.id AND v.held = 0)`, c.args...)
	if err != nil {
		return err
	}
	var lost []purgedFile
	for _, f := range files {
		if newest[f.id] == 0 {
			lost = append(lost, f)
		} else if err := r.show(ctx, t, f, newest[f.id]); err != nil {
			return err
		}
	}
	return r.lost(ctx, t, lost)
}

// show makes a version the current one of its file.
func (r *removal) show(ctx context.Context, t tx, f purgedFile, newest int64) error {
	if newest == f.current {
		return nil
	}
	if _, err := t.exec(ctx, `UPDATE files SET current_id = $2, modified_at = $3 WHERE id = $1`, f.id, newest, r.now); err != nil {
		return err
	}
	superseded, err := all(ctx, t, value[int64], `SELECT id FROM versions WHERE id = $1 AND file_type = 'SOURCE' AND superseded_at IS NOT NULL`, newest)
	if err != nil {
		return err
	}
	return changeEntries(ctx, t, superseded, assignment{"superseded_at", nil})
}

// lost takes files that have no current version any more out of lists, and
// removes those that have no version at all.
func (r *removal) lost(ctx context.Context, t tx, files []purgedFile) error {
	var ids []int64
	changes := map[int64]totals{}
	for _, f := range files {
		ids = append(ids, f.id)
		if f.current == 0 {
			continue
		}
		change := changes[f.workspace]
		if f.deleted {
			change.deleted--
		} else {
			change.live--
		}
		changes[f.workspace] = change
	}
	if len(ids) == 0 {
		return nil
	}
	for _, w := range slices.Sorted(maps.Keys(changes)) {
		if err := count(ctx, t, w, changes[w]); err != nil {
			return err
		}
	}
	empty, err := r.idsOf(ctx, t, `SELECT id FROM files f WHERE id IN (IDS) AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.file_id = f.id)`, ids)
	if err != nil {
		return err
	}
	if len(empty) > 0 {
		if err := r.files(ctx, t, empty); err != nil {
			return err
		}
	}
	if len(empty) == len(ids) {
		return nil
	}
	_, err = r.each(ctx, t, ids, `UPDATE files SET current_id = NULL, deleted_at = COALESCE(deleted_at, NOW) WHERE current_id IS NOT NULL AND id IN (IDS)`)
	return err
}

// files removes files that have no version, with what was uploaded for new ones.
func (r *removal) files(ctx context.Context, t tx, ids []int64) error {
	uploads, err := r.idsOf(ctx, t, `SELECT id FROM uploads WHERE file_id IN (IDS) ORDER BY id`, ids)
	if err != nil {
		return err
	}
	// Before the uploads end: the last of them takes its file along.
	if _, err := r.each(ctx, t, ids, `INSERT INTO tombstones (kind, item_id, purge_id, workspace_id, file_uuid, removed_at)
		SELECT 3, id, PURGE, workspace_id, uuid, NOW FROM files WHERE id IN (IDS) ON CONFLICT DO NOTHING`); err != nil {
		return err
	}
	if err := r.uploads(ctx, t, uploads); err != nil {
		return err
	}
	if _, err := r.each(ctx, t, ids, `DELETE FROM files WHERE id IN (IDS)`); err != nil {
		return err
	}
	return r.eraseAudit(ctx, t, coreshed.AuditFile, ids)
}

// uploads ends uploads. What they have staged, and replaced, goes with the purge: it
// does not wait as other dropped objects do.
func (r *removal) uploads(ctx context.Context, t tx, ids []int64) error {
	for _, u := range ids {
		prefix, err := one(ctx, t, value[string], `SELECT prefix FROM uploads WHERE id = $1`, u)
		if errors.Is(err, coreshed.NotFound) {
			continue
		}
		if err == nil {
			err = endUpload(ctx, t, u, math.MaxInt64)
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE dropped_objects SET dropped_at = $3 WHERE object_key >= $1 AND object_key < $2`,
			prefix+"/", prefix+"0", PurgedAt.UnixMicro()); err != nil { // "0" follows "/"
			return err
		}
	}
	return nil
}
