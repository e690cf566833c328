package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/coreshed/coreshed"
)

// ExpireUploads ends up to limit uploads whose last block was staged before
// the given time, and returns how many. Their objects are dropped; a file that
// was never committed and has no other upload is forgotten.
func (db *DB) ExpireUploads(ctx context.Context, before time.Time, limit int) (int, error) {
	var n int
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		uploads, err := all(ctx, t, scanExpired, `SELECT u.id, u.file_id, f.workspace_id, u.staged_bytes FROM uploads u
			JOIN files f ON f.id = u.file_id WHERE u.staged_at < $1 ORDER BY u.staged_at LIMIT $2`+t.db().dialect.lock,
			before.UnixMicro(), limit)
		if err != nil {
			return err
		}
		n = len(uploads)
		for _, u := range uploads {
			if err := expire(ctx, t, u); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

type expired struct{ id, file, workspace, staged int64 }

func scanExpired(rows *sql.Rows) (expired, error) {
	var u expired
	return u, rows.Scan(&u.id, &u.file, &u.workspace, &u.staged)
}

func expire(ctx context.Context, t tx, u expired) error {
	if _, err := dropBlocks(ctx, t, u.id, `1 = 1`); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `DELETE FROM uploads WHERE id = $1`, u.id); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `DELETE FROM files WHERE id = $1 AND current_id IS NULL
		AND NOT EXISTS (SELECT 1 FROM uploads WHERE file_id = $1)
		AND NOT EXISTS (SELECT 1 FROM versions WHERE file_id = $1)`, u.file); err != nil {
		return err
	}
	return countStaged(ctx, t, u.workspace, -u.staged)
}

// Dropped returns up to limit keys of objects that were dropped before the
// given time, oldest first.
func (db *DB) Dropped(ctx context.Context, before time.Time, limit int) ([]string, error) {
	return all(ctx, db, value[string], `SELECT object_key FROM dropped_objects WHERE dropped_at < $1
		ORDER BY dropped_at, object_key LIMIT $2`, before.UnixMicro(), limit)
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

// Unhashed returns the oldest version whose bytes are kept and whose hashes
// are not all known. NotFound when there is none.
func (db *DB) Unhashed(ctx context.Context, after int64) (coreshed.Version, error) {
	return one(ctx, db, func(rows *sql.Rows) (coreshed.Version, error) {
		var v coreshed.Version
		return v, rows.Scan(&v.ID, &v.VersionID, &v.Size)
	}, `SELECT id, version_id, size FROM versions WHERE md5 IS NULL AND state = 'kept' AND id > $1 ORDER BY id LIMIT 1`, after)
}

// SetHashes records the hashes of a version's whole content.
func (db *DB) SetHashes(ctx context.Context, version int64, sha256, md5 []byte) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `UPDATE versions SET sha256 = $2, md5 = $3 WHERE id = $1`, version, sha256, md5)
		return err
	})
}

// SetState records what has become of a version's bytes.
func (db *DB) SetState(ctx context.Context, version int64, state coreshed.ByteState) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `UPDATE versions SET state = $2 WHERE id = $1`, version, state)
		return err
	})
}
