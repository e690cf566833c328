package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// Reserve begins an upload to a clean path: of the live file there, else of
// the file that is reserved there already, else of a new one. The prefix is
// that of the keys of all objects that the upload will write.
func (db *DB) Reserve(ctx context.Context, a coreshed.Access, path, prefix string) (coreshed.Reservation, error) {
	var r coreshed.Reservation
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		f, err := lockPath(ctx, t, a, path)
		if errors.Is(err, coreshed.NotFound) {
			f, err = reserveFile(ctx, t, a, path)
		}
		if err != nil {
			return err
		}
		r, err = addUpload(ctx, t, a, f.id, prefix)
		return err
	})
	return r, err
}

// reserveFile makes the row of a file that has no version yet, or finds it:
// two uploads to one new path are versions of one file.
func reserveFile(ctx context.Context, t tx, a coreshed.Access, path string) (fileState, error) {
	person, err := personRow(ctx, t, a.Actor.ID)
	if err != nil {
		return fileState{}, err
	}
	_, name := coreshed.SplitPath(path)
	if _, err := t.exec(ctx, `
		INSERT INTO files (uuid, workspace_id, path, path_key, address, name_key, created_at, created_by, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7) ON CONFLICT DO NOTHING`,
		uuid.New(), a.Workspace.ID, path, coreshed.FoldPath(path), Address(path), coreshed.FoldPath(name), t.db().micros(), person); err != nil {
		return fileState{}, err
	}
	return lockPath(ctx, t, a, path)
}

// lockPath locks the live file at a path, else the one reserved there. One
// query looks for both: the other may become the one while this waits.
func lockPath(ctx context.Context, t tx, a coreshed.Access, path string) (fileState, error) {
	return lockFile(ctx, t, a, wanting("files", "$2")+` ORDER BY current_id IS NULL`, Address(path))
}

// wanting is true for the live file at a path and for the one reserved there.
// The files of outputs that were never published reserve nothing.
// Both halves say all that the condition of their index says: with less,
// SQLite reads the whole table.
func wanting(files, key string) string {
	has := files + `.address = ` + key + ` AND ` + files + `.deleted_at IS NULL AND ` + files + `.current_id IS `
	return `((` + has + `NOT NULL) OR (` + has + `NULL AND ` + files + `.product_key IS NULL))`
}

// ReserveVersion begins an upload of a new version of a file: Gone when it is
// deleted or has been purged, NotFound when there is none.
func (db *DB) ReserveVersion(ctx context.Context, a coreshed.Access, id coreshed.UUID, prefix string) (coreshed.Reservation, error) {
	var r coreshed.Reservation
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		f, err := lockFile(ctx, t, a, `uuid = $2`, id)
		if err != nil {
			return err
		}
		if f.deleted {
			return coreshed.Errorf(coreshed.Gone, "The file has been deleted; restore it to upload a new version.")
		}
		r, err = addUpload(ctx, t, a, f.id, prefix)
		return err
	})
	return r, db.buried(ctx, a, id, 0, err)
}

func addUpload(ctx context.Context, t tx, a coreshed.Access, file int64, prefix string) (coreshed.Reservation, error) {
	person, err := actorRow(ctx, t, a.Actor)
	if err != nil {
		return coreshed.Reservation{}, err
	}
	version, err := nextVersionID(ctx, t, file)
	if err != nil {
		return coreshed.Reservation{}, err
	}
	id, err := insert(ctx, t, `INSERT INTO uploads (file_id, version_id, prefix, created_at, created_by, staged_at)
		VALUES ($1, $2, $3, $4, $5, $4) RETURNING id`, file, version, prefix, t.db().micros(), person)
	if err != nil {
		return coreshed.Reservation{}, err
	}
	return one(ctx, t, scanReservation, `SELECT `+reservationColumns+` FROM uploads u JOIN files f ON f.id = u.file_id WHERE u.id = $1`, id)
}

// nextVersionID takes the id of a file's next version: now, in nanoseconds, or
// more.
func nextVersionID(ctx context.Context, t tx, file int64) (int64, error) {
	last, err := one(ctx, t, value[int64], `SELECT last_version_id FROM files WHERE id = $1`, file)
	if err != nil {
		return 0, err
	}
	version := max(t.db().now().UnixNano(), last+1)
	_, err = t.exec(ctx, `UPDATE files SET last_version_id = $2 WHERE id = $1`, file, version)
	return version, err
}

const reservationColumns = `u.id, f.uuid, u.version_id, f.path, u.prefix, u.staged_at`

func scanReservation(rows *sql.Rows) (coreshed.Reservation, error) {
	var r coreshed.Reservation
	var staged int64
	err := rows.Scan(&r.ID, &r.FileUUID, &r.VersionID, &r.Path, &r.Prefix, &staged)
	r.StagedAt = timeOf(staged)
	return r, err
}

// Reservation returns an upload in progress, so that it can have a new URL:
// Committed when it has become a version, Gone when its file is deleted,
// NotFound when there is none.
func (db *DB) Reservation(ctx context.Context, a coreshed.Access, id coreshed.UUID, versionID int64) (coreshed.Reservation, error) {
	return db.reservation(ctx, a, versionID, `f.uuid = $3`, id)
}

// ReservationByPath is Reservation for a clean path, at which no deleted file
// is found.
func (db *DB) ReservationByPath(ctx context.Context, a coreshed.Access, path string, versionID int64) (coreshed.Reservation, error) {
	return db.reservation(ctx, a, versionID, wanting("f", "$3"), Address(path))
}

func (db *DB) reservation(ctx context.Context, a coreshed.Access, versionID int64, where string, key any) (coreshed.Reservation, error) {
	r, err := one(ctx, db, func(rows *sql.Rows) (reservationState, error) {
		var r reservationState
		return r, rows.Scan(&r.upload, &r.file, &r.path, &r.prefix, &r.staged, &r.committed, &r.deleted)
	}, `SELECT u.id, f.uuid, f.path, u.prefix, u.staged_at, v.id IS NOT NULL, f.deleted_at IS NOT NULL FROM files f
		LEFT JOIN uploads u ON u.file_id = f.id AND u.version_id = $2
		LEFT JOIN versions v ON v.file_id = f.id AND v.version_id = $2
		WHERE f.workspace_id = $1 AND `+where+` ORDER BY u.id IS NULL, v.id IS NULL`, a.Workspace.ID, versionID, key)
	switch {
	case err != nil:
		return coreshed.Reservation{}, notFound(err, "The file does not exist.")
	case r.deleted:
		return coreshed.Reservation{}, coreshed.Errorf(coreshed.Gone, "The file has been deleted.")
	case r.committed:
		return coreshed.Reservation{}, coreshed.Errorf(coreshed.Committed, "The upload of version %d is complete.", versionID)
	case !r.upload.Valid:
		return coreshed.Reservation{}, coreshed.Errorf(coreshed.NotFound, "The file has no upload with version_id %d.", versionID)
	}
	return coreshed.Reservation{
		ID: r.upload.Int64, FileUUID: r.file, VersionID: versionID, Path: r.path,
		Prefix: r.prefix.String, StagedAt: timeOf(r.staged.Int64),
	}, nil
}

type reservationState struct {
	upload, staged     sql.NullInt64
	file               coreshed.UUID
	prefix             sql.NullString
	path               string
	committed, deleted bool
}

// Slot is where a signed URL points: an upload in progress, a committed
// version, or neither.
type Slot struct {
	Workspace   int64
	File        int64
	FileDeleted bool

	Upload   int64  // row of the upload in progress; 0 for none
	Prefix   string // of the upload or the version
	IDLength int64  // of block ids so far; 0 before the first
	Blocks   int64  // staged

	Committed  bool
	Version    coreshed.Version // when committed
	CommitHash []byte
	Name       string          // of a committed version: what to save it as
	First      coreshed.Extent // of the version; zero for an empty one
	Place      Place           // where the bytes lie of a version in place

	Quota, Used int64 // bytes of the workspace, staged ones counted
}

// Slot finds what a signed URL points to. The URL is the caller's permission.
// NotFound when nothing is there.
func (db *DB) Slot(ctx context.Context, workspace, file coreshed.UUID, versionID int64) (Slot, error) {
	return slot(ctx, db, workspace, file, versionID, "")
}

// Committed is Slot for downloads, which are many and need little: the version,
// its first extent, and whether the file is deleted. NotFound when the version
// has not been committed.
func (db *DB) Committed(ctx context.Context, workspace, file coreshed.UUID, versionID int64) (Slot, error) {
	return one(ctx, db, scanCommitted, committed+`
		WHERE f.uuid = $2 AND f.workspace_id = (SELECT id FROM workspaces WHERE uuid = $1 AND deleted_at IS NULL)
			AND v.version_id = $3`, workspace, file, versionID)
}

// CommittedEntry is Committed for an entry of a view, deleted or not.
func (db *DB) CommittedEntry(ctx context.Context, view coreshed.View, id int64) (Slot, error) {
	c := &conditions{}
	c.add(`v.id = ?`, id)
	c.seen(db.dialect, view)
	return one(ctx, db, scanCommitted, committed+` WHERE `+c.text(), c.args...)
}

const committed = `
		SELECT f.deleted_at IS NOT NULL, v.id, v.created_at, v.size, v.etag, v.content_type, v.content_encoding,
			v.content_language, v.cache_control, v.md5, v.state, v.file_name, e.size, e.object_key, ` + placeColumns + `
		FROM files f
		JOIN versions v ON v.file_id = f.id
		LEFT JOIN extents e ON e.version_row = v.id AND e.offset_bytes = 0`

func scanCommitted(rows *sql.Rows) (Slot, error) {
	s := Slot{Committed: true}
	v, h := &s.Version, &s.Version.Headers
	var created int64
	var size sql.NullInt64
	var key sql.NullString
	var place scannedPlace
	err := rows.Scan(append([]any{&s.FileDeleted, &v.ID, &created, &v.Size, &v.ETag, &h.ContentType, &h.ContentEncoding,
		&h.ContentLanguage, &h.CacheControl, &v.MD5, &v.State, &s.Name, &size, &key}, place.dest()...)...)
	v.CreatedAt = timeOf(created)
	place.into(&s)
	s.First.Size, s.First.Key = size.Int64, key.String
	return s, err
}

func slot(ctx context.Context, q querier, workspace, file coreshed.UUID, versionID int64, lock string) (Slot, error) {
	return one(ctx, q, scanSlot, `
		SELECT w.id, w.quota, w.used_bytes + w.staged_bytes, f.id, f.deleted_at IS NOT NULL,
			u.id, u.id_length, u.block_count, COALESCE(u.prefix, v.prefix, ''),
			v.id, v.created_at, v.size, v.etag, v.content_type, v.content_encoding, v.content_language,
			v.content_disposition, v.cache_control, v.sha256, v.md5, v.state, v.commit_hash,
			e.size, e.object_key, e.sha256, e.block_id, `+placeColumns+`
		FROM workspaces w
		JOIN files f ON f.workspace_id = w.id AND f.uuid = $2
		LEFT JOIN uploads u ON u.file_id = f.id AND u.version_id = $3
		LEFT JOIN versions v ON v.file_id = f.id AND v.version_id = $3
		LEFT JOIN extents e ON e.version_row = v.id AND e.offset_bytes = 0
		WHERE w.uuid = $1 AND w.deleted_at IS NULL AND (u.id IS NOT NULL OR v.id IS NOT NULL)`+lock,
		workspace, file, versionID)
}

func scanSlot(rows *sql.Rows) (Slot, error) {
	var s Slot
	v := &s.Version
	var upload, idLength, blocks, row, created, size, extent sql.NullInt64
	var etag, contentType, encoding, language, disposition, cache, state, key, block sql.NullString
	var place scannedPlace
	err := rows.Scan(append([]any{&s.Workspace, &s.Quota, &s.Used, &s.File, &s.FileDeleted, &upload, &idLength, &blocks, &s.Prefix,
		&row, &created, &size, &etag, &contentType, &encoding, &language, &disposition, &cache,
		&v.SHA256, &v.MD5, &state, &s.CommitHash, &extent, &key, &s.First.SHA256, &block}, place.dest()...)...)
	s.Upload, s.IDLength, s.Blocks = upload.Int64, idLength.Int64, blocks.Int64
	s.Committed = row.Valid
	v.ID, v.CreatedAt, v.Size, v.ETag = row.Int64, timeOrZero(created), size.Int64, etag.String
	v.State = coreshed.ByteState(state.String)
	v.Headers = coreshed.BlobHeaders{
		ContentType: contentType.String, ContentEncoding: encoding.String, ContentLanguage: language.String,
		ContentDisposition: disposition.String, CacheControl: cache.String,
	}
	s.First.Size, s.First.Key, s.First.Block = extent.Int64, key.String, block.String
	place.into(&s)
	return s, err
}

// StageBlock records a block whose bytes are durable. A block of the same id
// is replaced. NotFound when the upload is no longer open.
func (db *DB) StageBlock(ctx context.Context, upload int64, b coreshed.Extent) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		u, err := lockStaging(ctx, t, upload)
		if err == nil && u.deleted {
			err = coreshed.NotFound
		}
		if err != nil {
			return notFound(err, "The upload is no longer open.")
		}
		replaced, err := dropBlocks(ctx, t, upload, `block_id = $2`, b.Block)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `INSERT INTO blocks (upload_id, block_id, size, object_key, sha256) VALUES ($1, $2, $3, $4, $5)`,
			upload, b.Block, b.Size, b.Key, b.SHA256); err != nil {
			return err
		}
		grown := b.Size - replaced.bytes
		if _, err := t.exec(ctx, `UPDATE uploads SET staged_at = $2, staged_bytes = staged_bytes + $3,
			block_count = block_count + $4, id_length = $5 WHERE id = $1`,
			upload, t.db().micros(), grown, 1-replaced.count, len(b.Block)); err != nil {
			return err
		}
		return countStaged(ctx, t, u.workspace, grown)
	})
}

// staging is an upload whose blocks are about to change.
type staging struct {
	file, workspace int64
	deleted         bool  // the file
	at, bytes       int64 // of its blocks
}

// lockStaging locks the file of an upload and then looks at the upload, which
// may have ended while it waited. Every change of a file locks the file first:
// two that began elsewhere would wait for each other.
func lockStaging(ctx context.Context, t tx, upload int64) (staging, error) {
	file, err := one(ctx, t, value[int64], `SELECT file_id FROM uploads WHERE id = $1`, upload)
	if err != nil {
		return staging{}, err
	}
	u, err := one(ctx, t, func(rows *sql.Rows) (staging, error) {
		u := staging{file: file}
		return u, rows.Scan(&u.workspace, &u.deleted)
	}, `SELECT workspace_id, deleted_at IS NOT NULL FROM files WHERE id = $1`+t.db().dialect.lock, file)
	if err != nil {
		return staging{}, err
	}
	return one(ctx, t, func(rows *sql.Rows) (staging, error) {
		return u, rows.Scan(&u.at, &u.bytes)
	}, `SELECT staged_at, staged_bytes FROM uploads WHERE id = $1`, upload)
}

// dropped counts blocks that left an upload.
type dropped struct{ count, bytes int64 }

// dropBlocks takes blocks out of an upload; the collector removes their
// objects. The condition's arguments start at $2.
func dropBlocks(ctx context.Context, t tx, upload int64, where string, args ...any) (dropped, error) {
	args = append([]any{upload}, args...)
	d, err := one(ctx, t, func(rows *sql.Rows) (dropped, error) {
		var d dropped
		return d, rows.Scan(&d.count, &d.bytes)
	}, `SELECT count(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM blocks WHERE upload_id = $1 AND `+where, args...)
	if err != nil || d.count == 0 {
		return d, err
	}
	at := placeholders(len(args)+1, 1)
	if _, err := t.exec(ctx, `INSERT INTO dropped_objects (object_key, dropped_at)
		SELECT object_key, `+at+` FROM blocks WHERE upload_id = $1 AND `+where+` ON CONFLICT DO NOTHING`,
		append(args, t.db().micros())...); err != nil {
		return d, err
	}
	_, err = t.exec(ctx, `DELETE FROM blocks WHERE upload_id = $1 AND `+where, args...)
	return d, err
}

// Blocks returns the staged blocks of an upload, in order of their ids.
func (db *DB) Blocks(ctx context.Context, upload int64) ([]coreshed.Block, error) {
	return all(ctx, db, scanBlock, `SELECT block_id, size FROM blocks WHERE upload_id = $1 ORDER BY block_id`, upload)
}

// CommittedBlocks returns the block list of a version; it is empty when the
// version was written in one piece.
func (db *DB) CommittedBlocks(ctx context.Context, version int64) ([]coreshed.Block, error) {
	return all(ctx, db, scanBlock, `SELECT block_id, size FROM extents WHERE version_row = $1 AND block_id <> '' ORDER BY offset_bytes`, version)
}

func scanBlock(rows *sql.Rows) (coreshed.Block, error) {
	var b coreshed.Block
	return b, rows.Scan(&b.ID, &b.Size)
}

// Extents returns up to limit extents of a version, in order, from the one
// that holds the byte at offset.
func (db *DB) Extents(ctx context.Context, version, offset int64, limit int) ([]coreshed.Extent, error) {
	return all(ctx, db, func(rows *sql.Rows) (coreshed.Extent, error) {
		var e coreshed.Extent
		return e, rows.Scan(&e.Block, &e.Offset, &e.Size, &e.Key, &e.SHA256)
	}, `SELECT block_id, offset_bytes, size, object_key, sha256 FROM extents
		WHERE version_row = $1 AND offset_bytes >= (SELECT COALESCE(MAX(offset_bytes), 0) FROM extents
			WHERE version_row = $1 AND offset_bytes <= $2)
		ORDER BY offset_bytes LIMIT `+strconv.Itoa(limit), version, offset)
}

// UploadLifetime is how long staged blocks wait for their commit, counted from
// the last of them.
const UploadLifetime = 7 * 24 * time.Hour
