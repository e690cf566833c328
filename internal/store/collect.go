package store

import (
	"context"
	"errors"
	"time"

	"github.com/coreshed/coreshed"
)

// ExpireUploads ends up to limit uploads whose last block was staged before
// the given time, and returns how many. Their objects are dropped; a file that
// was never committed and has no other upload is forgotten.
func (db *DB) ExpireUploads(ctx context.Context, before time.Time, limit int) (int, error) {
	uploads, err := all(ctx, db, value[int64], `SELECT id FROM uploads WHERE staged_at < $1 ORDER BY staged_at LIMIT $2`,
		before.UnixMicro(), limit)
	for _, u := range uploads {
		// A transaction each: one that held several files could wait for a
		// commit that waits for it.
		if err := db.expire(ctx, u, before.UnixMicro()); err != nil {
			return 0, err
		}
	}
	return len(uploads), err
}

// expire ends an upload, unless it has ended or gone on meanwhile.
func (db *DB) expire(ctx context.Context, upload, before int64) error {
	return db.update(ctx, func(ctx context.Context, t tx) error { return endUpload(ctx, t, upload, before) })
}

// endUpload ends an upload whose last block was staged before a time.
func endUpload(ctx context.Context, t tx, upload, before int64) error {
	u, err := lockStaging(ctx, t, upload)
	if errors.Is(err, coreshed.NotFound) || (err == nil && u.at >= before) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := dropBlocks(ctx, t, upload, `1 = 1`); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `DELETE FROM uploads WHERE id = $1`, upload); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `DELETE FROM files WHERE id = $1 AND current_id IS NULL
		AND NOT EXISTS (SELECT 1 FROM uploads WHERE file_id = $1)
		AND NOT EXISTS (SELECT 1 FROM versions WHERE file_id = $1)`, u.file); err != nil {
		return err
	}
	return countStaged(ctx, t, u.workspace, -u.bytes)
}

// PurgedAt is when objects count as dropped that go with a purge: long ago.
var PurgedAt = time.Unix(0, 0)

// Dropped returns up to limit keys of objects that were dropped before the
// given time, oldest first, without the first few.
func (db *DB) Dropped(ctx context.Context, before time.Time, skip, limit int) ([]string, error) {
	return all(ctx, db, value[string], `SELECT object_key FROM dropped_objects WHERE dropped_at < $1
		ORDER BY dropped_at, object_key LIMIT $2 OFFSET $3`, before.UnixMicro(), limit, skip)
}

// Forget removes the rows of dropped objects that have been deleted.
func (db *DB) Forget(ctx context.Context, keys []string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		for _, k := range keys {
			if _, err := t.exec(ctx, `DELETE FROM dropped_objects WHERE object_key = $1`, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// Named returns which objects with the prefix a row names: staged blocks,
// extents of versions, and objects dropped but not yet collected.
func (db *DB) Named(ctx context.Context, prefix string) (map[string]bool, error) {
	keys, err := all(ctx, db, value[string], `
		SELECT b.object_key FROM blocks b JOIN uploads u ON u.id = b.upload_id WHERE u.prefix = $1
		UNION ALL SELECT e.object_key FROM extents e JOIN versions v ON v.id = e.version_row WHERE v.prefix = $1
		UNION ALL SELECT object_key FROM dropped_objects WHERE object_key >= $2 AND object_key < $3`,
		prefix, prefix+"/", prefix+"0") // "0" follows "/"
	named := make(map[string]bool, len(keys))
	for _, k := range keys {
		named[k] = true
	}
	return named, err
}

// Unhashed returns the first version after the row id whose bytes are served and
// whose hashes are not all known, in none of the workspaces that are excepted.
// NotFound when there is none. Those in place of deleted workspaces wait.
func (db *DB) Unhashed(ctx context.Context, after int64, except []int64) (Slot, error) {
	c := &conditions{}
	c.add(`v.id > ?`, after)
	if len(except) > 0 {
		c.terms = append(c.terms, `v.workspace_id NOT IN (`+c.list(except)+`)`)
	}
	return one(ctx, db, scanUnattended, `SELECT `+unattendedColumns+` FROM versions v JOIN workspaces w ON w.id = v.workspace_id
		WHERE v.md5 IS NULL AND v.state IN ('kept', 'in place') AND (v.state = 'kept' OR w.deleted_at IS NULL)
		AND `+c.text()+` ORDER BY v.id LIMIT 1`, c.args...)
}

// SetHashes records the hashes of a version's whole content.
func (db *DB) SetHashes(ctx context.Context, version int64, sha256, md5 []byte) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `UPDATE versions SET sha256 = $2, md5 = $3 WHERE id = $1`, version, sha256, md5)
		return err
	})
}

// Served reports whether the bytes of a version may be read: it has not been purged,
// and they are there as far as is known.
func (db *DB) Served(ctx context.Context, version int64) (bool, error) {
	state, err := one(ctx, db, value[coreshed.ByteState], `SELECT state FROM versions WHERE id = $1`, version)
	if errors.Is(err, coreshed.NotFound) {
		return false, nil
	}
	return state.Served(), err
}

// SetState records what has become of a version's bytes, unless a purge removes
// them.
func (db *DB) SetState(ctx context.Context, version int64, state coreshed.ByteState) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `UPDATE versions SET state = $2 WHERE id = $1 AND state <> 'removed'`, version, state)
		return err
	})
}
