package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/killpoint"
)

// fileColumns need the aliases f and v; people are row ids until named.
const fileColumns = `f.id, f.uuid, f.path, f.created_at, f.modified_at, f.deleted_at,
	f.created_by, f.modified_by, f.deleted_by, ` + versionColumns

const versionColumns = `v.id, v.version_id, v.created_at, v.created_by, v.size, v.etag, v.content_type,
	v.content_encoding, v.content_language, v.content_disposition, v.cache_control, v.sha256, v.md5, v.state, v.superseded_at`

// listColumns are those of a file in a list, of whose version it has the id, the
// size and the ETag.
const listColumns = `f.id, f.uuid, f.path, f.created_at, f.modified_at, f.deleted_at,
	f.created_by, f.modified_by, f.deleted_by, v.version_id, v.size, v.etag`

// fileRow is a file as read, before its people have names.
type fileRow struct {
	file                       coreshed.File
	created, modified, deleted sql.NullInt64 // people
	versioned                  sql.NullInt64
}

func scanFile(rows *sql.Rows) (fileRow, error) {
	var r fileRow
	f, v := &r.file, &r.file.Version
	var created, modified, versionCreated int64
	var deleted, superseded sql.NullInt64
	err := rows.Scan(&f.ID, &f.UUID, &f.Path, &created, &modified, &deleted, &r.created, &r.modified, &r.deleted,
		&v.ID, &v.VersionID, &versionCreated, &r.versioned, &v.Size, &v.ETag, &v.Headers.ContentType,
		&v.Headers.ContentEncoding, &v.Headers.ContentLanguage, &v.Headers.ContentDisposition, &v.Headers.CacheControl,
		&v.SHA256, &v.MD5, &v.State, &superseded)
	f.CreatedAt, f.ModifiedAt, f.DeletedAt = timeOf(created), timeOf(modified), timeOrZero(deleted)
	v.CreatedAt, v.Superseded = timeOf(versionCreated), superseded.Valid
	return r, err
}

func scanListed(rows *sql.Rows) (fileRow, error) {
	var r fileRow
	f, v := &r.file, &r.file.Version
	var created, modified int64
	var deleted sql.NullInt64
	err := rows.Scan(&f.ID, &f.UUID, &f.Path, &created, &modified, &deleted, &r.created, &r.modified, &r.deleted,
		&v.VersionID, &v.Size, &v.ETag)
	f.CreatedAt, f.ModifiedAt, f.DeletedAt = timeOf(created), timeOf(modified), timeOrZero(deleted)
	return r, err
}

// named gives the rows' people their names.
func named(ctx context.Context, q querier, db *DB, rows []fileRow) ([]coreshed.File, error) {
	people := map[int64]coreshed.Person{}
	for _, r := range rows {
		for _, id := range []sql.NullInt64{r.created, r.modified, r.deleted, r.versioned} {
			if id.Valid {
				people[id.Int64] = coreshed.Person{}
			}
		}
	}
	if err := namePeople(ctx, q, db, people); err != nil {
		return nil, err
	}
	files := make([]coreshed.File, len(rows))
	for i, r := range rows {
		r.file.CreatedBy, r.file.ModifiedBy = people[r.created.Int64], people[r.modified.Int64]
		r.file.DeletedBy, r.file.Version.CreatedBy = people[r.deleted.Int64], people[r.versioned.Int64]
		files[i] = r.file
	}
	return files, nil
}

// maxNames is how many people one query names; the databases bound the number
// of a statement's arguments.
const maxNames = 500

// namePeople fills in the people of these row ids, those it has read lately
// from memory.
func namePeople(ctx context.Context, q querier, db *DB, people map[int64]coreshed.Person) error {
	ids := db.names.fill(people, db.now())
	for len(ids) > 0 {
		n := min(len(ids), maxNames)
		if err := nameSome(ctx, q, people, ids[:n]); err != nil {
			return err
		}
		db.names.keep(people, ids[:n])
		ids = ids[n:]
	}
	return nil
}

func nameSome(ctx context.Context, q querier, people map[int64]coreshed.Person, ids []any) error {
	rows, err := q.query(ctx, `SELECT id, uuid, name, email FROM people WHERE id IN (`+placeholders(1, len(ids))+`)`, ids...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var p nullPerson
		if err := rows.Scan(&id, &p.id, &p.name, &p.email); err != nil {
			return failed("scan person", err)
		}
		people[id] = p.person()
	}
	return failed("read people", rows.Err())
}

// placeholders writes $from, $from+1, … n times.
func placeholders(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", from+i)
	}
	return b.String()
}

// Address is what the live file at a clean path is found by: a hash of its key,
// since PostgreSQL's indexes take no text as long as a path can be.
func Address(path string) []byte {
	sum := sha256.Sum256([]byte(coreshed.FoldPath(path)))
	return sum[:]
}

// FileByPath returns the live file at a clean path, with its current version,
// or with the one of versionID when that is not 0. NotFound when there is no
// such file, no such version, or nothing committed yet.
func (db *DB) FileByPath(ctx context.Context, a coreshed.Access, path string, versionID int64) (coreshed.File, error) {
	return db.file(ctx, versionID, `f.workspace_id = $1 AND f.address = $2
		AND f.deleted_at IS NULL AND f.current_id IS NOT NULL`, a.Workspace.ID, Address(path))
}

// FileByID returns the file with that id, live or deleted, with its current
// version, or with the one of versionID when that is not 0. NotFound when
// there is no such file or version, or nothing committed yet; Gone when it has
// been purged.
func (db *DB) FileByID(ctx context.Context, a coreshed.Access, id coreshed.UUID, versionID int64) (coreshed.File, error) {
	f, err := db.file(ctx, versionID, `f.workspace_id = $1 AND f.uuid = $2 AND f.current_id IS NOT NULL`, a.Workspace.ID, id)
	return f, db.buried(ctx, a, id, versionID, err)
}

// buried makes Gone of the NotFound of a file, or of one of its versions, that
// has been purged.
func (db *DB) buried(ctx context.Context, a coreshed.Access, id coreshed.UUID, versionID int64, err error) error {
	if !errors.Is(err, coreshed.NotFound) {
		return err
	}
	c := &conditions{}
	c.add(`workspace_id = ?`, a.Workspace.ID)
	c.add(`file_uuid = ?`, id)
	c.add(`(kind = 3 OR kind = 0 AND version_id = ?)`, versionID)
	gone, failed := one(ctx, db, value[bool], `SELECT EXISTS (SELECT 1 FROM tombstones WHERE `+c.text()+`)`, c.args...)
	if failed != nil {
		return failed
	}
	if gone {
		return coreshed.Errorf(coreshed.Gone, "The file, or this version of it, has been purged.")
	}
	return err
}

func (db *DB) file(ctx context.Context, versionID int64, where string, workspace int64, key any) (coreshed.File, error) {
	args := []any{workspace, key}
	join := `v.id = f.current_id`
	if versionID != 0 {
		join = `v.file_id = f.id AND v.version_id = $3 AND v.held = 0`
		args = append(args, versionID)
	}
	row, err := one(ctx, db, scanFile, `SELECT `+fileColumns+` FROM files f JOIN versions v ON `+join+` WHERE `+where, args...)
	if err != nil {
		return coreshed.File{}, notFound(err, "The file does not exist.")
	}
	files, err := named(ctx, db, db, []fileRow{row})
	if err != nil {
		return coreshed.File{}, err
	}
	return files[0], nil
}

// notFound gives a bare NotFound its message.
func notFound(err error, msg string) error {
	if errors.Is(err, coreshed.NotFound) {
		return coreshed.Errorf(coreshed.NotFound, "%s", msg)
	}
	return err
}

// Versions returns the committed versions of a file, newest first, each as the
// File with that Version.
func (db *DB) Versions(ctx context.Context, a coreshed.Access, file int64) ([]coreshed.File, error) {
	rows, err := all(ctx, db, scanFile, `SELECT `+fileColumns+` FROM files f JOIN versions v ON v.file_id = f.id
		WHERE f.workspace_id = $1 AND f.id = $2 AND v.held = 0 ORDER BY COALESCE(v.joined_at, v.created_at) DESC, v.id DESC`, a.Workspace.ID, file)
	if err != nil {
		return nil, err
	}
	return named(ctx, db, db, rows)
}

// DeleteFile marks a file and all its versions deleted. Deleting it again
// changes nothing. A file of which nothing is committed loses its address. NotFound
// when there is no such file, Gone when it has been purged, Held when a hold
// protects it.
func (db *DB) DeleteFile(ctx context.Context, a coreshed.Access, id coreshed.UUID) error {
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		return deleteFile(ctx, t, a, `uuid = $2`, id)
	})
	killpoint.Reach("delete.done")
	return db.buried(ctx, a, id, 0, err)
}

// DeleteFileByPath is DeleteFile for the live, committed file at a clean path.
func (db *DB) DeleteFileByPath(ctx context.Context, a coreshed.Access, path string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		return deleteFile(ctx, t, a, `address = $2 AND deleted_at IS NULL AND current_id IS NOT NULL`, Address(path))
	})
}

// fileState is what changing a file needs to know of it.
type fileState struct {
	id        int64
	path      string
	committed bool
	deleted   bool
}

func lockFile(ctx context.Context, t tx, a coreshed.Access, where string, key any) (fileState, error) {
	f, err := one(ctx, t, func(rows *sql.Rows) (fileState, error) {
		var f fileState
		return f, rows.Scan(&f.id, &f.path, &f.committed, &f.deleted)
	}, `SELECT id, path, current_id IS NOT NULL, deleted_at IS NOT NULL FROM files
		WHERE workspace_id = $1 AND `+where+t.db().dialect.lock, a.Workspace.ID, key)
	return f, notFound(err, "The file does not exist.")
}

func deleteFile(ctx context.Context, t tx, a coreshed.Access, where string, key any) error {
	f, err := lockFile(ctx, t, a, where, key)
	if err != nil || f.deleted {
		return err
	}
	h, err := heldFile(ctx, t, f.id)
	if err == nil {
		err = h.refuse(ctx, t, a.Actor, "this file")
	}
	if err != nil {
		return err
	}
	person, err := personRow(ctx, t, a.Actor.ID)
	if err != nil {
		return err
	}
	now := t.db().micros()
	if _, err := t.exec(ctx, `UPDATE files SET deleted_at = $2, deleted_by = $3 WHERE id = $1`, f.id, now, person); err != nil {
		return err
	}
	killpoint.Reach("delete.marked")
	if err := changeVersions(ctx, t, f.id, assignment{"deleted_at", now}); err != nil {
		return err
	}
	if !f.committed {
		return nil
	}
	if err := auditFile(ctx, t, a, coreshed.ActFileDelete, f.id, details{"path": f.path}); err != nil {
		return err
	}
	return count(ctx, t, a.Workspace.ID, totals{live: -1, deleted: 1})
}

func auditFile(ctx context.Context, t tx, a coreshed.Access, action coreshed.AuditAction, id int64, said details) error {
	return audit(ctx, t, act{by: a.Actor, action: action, kind: coreshed.AuditFile, id: id, workspace: a.Workspace.ID, details: said})
}

// RestoreFile makes a deleted file live again with all its versions. When its
// address is taken, it gets the first free numbered one (coreshed.NumberedPath)
// and moved is true. Restoring a live file changes nothing. Gone when it has been
// purged, Conflict while it is.
func (db *DB) RestoreFile(ctx context.Context, a coreshed.Access, id coreshed.UUID) (moved bool, err error) {
	err = db.update(ctx, func(ctx context.Context, t tx) error {
		f, err := lockFile(ctx, t, a, `uuid = $2 AND current_id IS NOT NULL`, id)
		if err != nil || !f.deleted {
			return err
		}
		if err := usableFile(ctx, t, f.id); err != nil {
			return err
		}
		path, err := freePath(ctx, t, a.Workspace.ID, f.path)
		if err != nil {
			return err
		}
		moved = path != f.path
		if err := setPath(ctx, t, f.id, path); err != nil {
			return err
		}
		killpoint.Reach("restore.renamed")
		if _, err := t.exec(ctx, `UPDATE files SET deleted_at = NULL, deleted_by = NULL WHERE id = $1`, f.id); err != nil {
			return err
		}
		if err := changeVersions(ctx, t, f.id, assignment{"deleted_at", nil}); err != nil {
			return err
		}
		if err := auditFile(ctx, t, a, coreshed.ActFileRestore, f.id, details{"path": path}); err != nil {
			return err
		}
		killpoint.Reach("restore.marked")
		return count(ctx, t, a.Workspace.ID, totals{live: 1, deleted: -1})
	})
	killpoint.Reach("restore.done")
	return moved, db.buried(ctx, a, id, 0, err)
}

// freePath returns path, or its first numbered alternative that no live file
// of the workspace has. It stays free until the transaction ends.
func freePath(ctx context.Context, t tx, workspace int64, path string) (string, error) {
	if _, err := one(ctx, t, value[int64], `SELECT id FROM workspaces WHERE id = $1`+t.db().dialect.lock, workspace); err != nil {
		return "", err
	}
	for n := 0; ; n++ {
		candidate := path
		if n > 0 {
			candidate = coreshed.NumberedPath(path, n)
		}
		taken, err := one(ctx, t, value[int64], `SELECT count(*) FROM files WHERE workspace_id = $1 AND address = $2
			AND deleted_at IS NULL AND current_id IS NOT NULL`, workspace, Address(candidate))
		if err != nil || taken == 0 {
			return candidate, err
		}
	}
}

func setPath(ctx context.Context, t tx, file int64, path string) error {
	_, name := coreshed.SplitPath(path)
	_, err := t.exec(ctx, `UPDATE files SET path = $2, path_key = $3, address = $4, name_key = $5 WHERE id = $1`,
		file, path, coreshed.FoldPath(path), Address(path), coreshed.FoldPath(name))
	return err
}

// totals are changes to a workspace's maintained counters.
type totals struct{ live, deleted, entries, used, staged int64 }

// count records a change that lists of the workspace's files show.
func count(ctx context.Context, t tx, workspace int64, d totals) error {
	_, err := t.exec(ctx, `UPDATE workspaces SET live_files = live_files + $2, deleted_files = deleted_files + $3,
		used_bytes = used_bytes + $4, staged_bytes = staged_bytes + $5, entries = entries + $6, changes = changes + 1 WHERE id = $1`,
		workspace, d.live, d.deleted, d.used, d.staged, d.entries)
	if err != nil {
		return err
	}
	return withinQuota(ctx, t, workspace, d.used+d.staged)
}

// countStaged records a change that nobody sees yet.
func countStaged(ctx context.Context, t tx, workspace, bytes int64) error {
	if _, err := t.exec(ctx, `UPDATE workspaces SET staged_bytes = staged_bytes + $2 WHERE id = $1`, workspace, bytes); err != nil {
		return err
	}
	return withinQuota(ctx, t, workspace, bytes)
}

// withinQuota fails with Full when the counters, which have just grown, are
// above the quota: uploads that run together, or a list that names a block many
// times, must not get past what each of them was allowed when it began.
func withinQuota(ctx context.Context, t tx, workspace, grown int64) error {
	if grown <= 0 {
		return nil
	}
	over, err := one(ctx, t, value[bool], `SELECT quota > 0 AND used_bytes + staged_bytes > quota FROM workspaces WHERE id = $1`, workspace)
	if err == nil && over {
		err = coreshed.Errorf(coreshed.Full, "The workspace's quota is reached, uploads in progress counted. Whoever runs the server can raise it: coreshed workspace set --quota.")
	}
	return err
}
