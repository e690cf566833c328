package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// Commit is what turns an upload into a version.
type Commit struct {
	Workspace coreshed.UUID
	File      coreshed.UUID
	VersionID int64

	// Whole is the single extent of a body sent in one piece; of an empty body
	// there is no object. When nil, Blocks are the ids of staged blocks in order.
	Whole  *coreshed.Extent
	Blocks []string

	ETag    string
	Headers coreshed.BlobHeaders
	MD5     []byte // of the whole, when known

	// Hash tells a repeat of this commit from another one.
	Hash []byte
}

var (
	// ErrUnknownBlock refuses a block list with an id that is not staged.
	ErrUnknownBlock = errors.New("the block list names a block that has not been staged")
	// ErrOtherCommit refuses a commit of an upload that has already been
	// committed with other content.
	ErrOtherCommit = errors.New("the upload has already been committed with other content")
)

// Commit makes the version visible in one transaction, and all of it. A repeat
// of a commit returns the version that the first has made. NotFound when the
// upload is not open or its file is deleted.
func (db *DB) Commit(ctx context.Context, c Commit) (coreshed.Version, error) {
	var version coreshed.Version
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		u, err := lockUpload(ctx, t, c)
		if err != nil {
			return err
		}
		if u.committed {
			if c.Whole != nil && c.Whole.Size > 0 {
				if err := dropObject(ctx, t, c.Whole.Key); err != nil {
					return err
				}
			}
			version, err = repeated(ctx, t, c)
			return err
		}
		version, err = commit(ctx, t, c, u)
		return err
	})
	return version, err
}

// openUpload is what a commit needs to know.
type openUpload struct {
	id, file, workspace, staged int64
	prefix, path                string
	person                      sql.NullInt64
	by                          uuid.NullUUID // the same person
	first                       bool          // of its file
	committed                   bool

	exe           int64 // the try of a run whose output it is, or 0
	output, media string
}

func lockUpload(ctx context.Context, t tx, c Commit) (openUpload, error) {
	if err := lockRunOf(ctx, t, c); err != nil {
		return openUpload{}, err
	}
	// The file's row is locked before all else in it: commits of one file take
	// turns, and a delete comes wholly before or after.
	f, err := one(ctx, t, func(rows *sql.Rows) (openUpload, error) {
		var u openUpload
		return u, rows.Scan(&u.file, &u.workspace, &u.path, &u.first)
	}, `SELECT f.id, f.workspace_id, f.path, f.current_id IS NULL FROM files f
		WHERE f.uuid = $1 AND f.deleted_at IS NULL
		AND f.workspace_id = (SELECT id FROM workspaces WHERE uuid = $2 AND deleted_at IS NULL)`+t.db().dialect.lock, c.File, c.Workspace)
	if err != nil {
		return f, notFound(err, "The file of this upload does not exist.")
	}
	u, err := one(ctx, t, func(rows *sql.Rows) (openUpload, error) {
		u := f
		var place string
		err := rows.Scan(&u.id, &u.staged, &u.prefix, &u.person, &u.by, &u.exe, &u.output, &place, &u.media)
		if u.exe != 0 {
			u.path = place
		}
		return u, err
	}, `SELECT id, staged_bytes, prefix, created_by, (SELECT uuid FROM people WHERE id = created_by),
		COALESCE(job_exe_id, 0), output_name, output_path, output_media FROM uploads WHERE file_id = $1 AND version_id = $2`, f.file, c.VersionID)
	if errors.Is(err, coreshed.NotFound) {
		f.committed = true // or never was; repeated tells
		return f, nil
	}
	return u, err
}

// lockRunOf locks the run whose output is uploaded: a run is locked before its
// files.
func lockRunOf(ctx context.Context, t tx, c Commit) error {
	lock := t.db().dialect.lock
	if lock == "" {
		return nil // it writes one after the other
	}
	_, err := all(ctx, t, value[int64], `SELECT id FROM jobs WHERE id = (SELECT x.job_id FROM job_exes x JOIN uploads u ON u.job_exe_id = x.id
		JOIN files f ON f.id = u.file_id WHERE f.uuid = $1 AND u.version_id = $2)`+lock, c.File, c.VersionID)
	return err
}

// repeated returns the version that an earlier commit of the upload has made,
// if it was the same commit.
func repeated(ctx context.Context, t tx, c Commit) (coreshed.Version, error) {
	s, err := slot(ctx, t, c.Workspace, c.File, c.VersionID, "")
	if err != nil {
		return coreshed.Version{}, notFound(err, "The upload is no longer open.")
	}
	if !bytes.Equal(s.CommitHash, c.Hash) {
		return coreshed.Version{}, ErrOtherCommit
	}
	return s.Version, nil
}

func dropObject(ctx context.Context, t tx, key string) error {
	_, err := t.exec(ctx, `INSERT INTO dropped_objects (object_key, dropped_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, key, t.db().micros())
	return err
}

func commit(ctx context.Context, t tx, c Commit, u openUpload) (coreshed.Version, error) {
	extents, err := commitExtents(ctx, t, c, u)
	if err != nil {
		return coreshed.Version{}, err
	}
	v, err := addVersion(ctx, t, c, u, extents)
	if err != nil {
		return coreshed.Version{}, err
	}
	if err := addExtents(ctx, t, v.ID, extents); err != nil {
		return coreshed.Version{}, err
	}
	change := totals{used: v.Size, staged: -u.staged, entries: 1}
	if u.exe != 0 {
		err = holdOutput(ctx, t, u, v.ID)
	} else {
		if u.first {
			change.live = 1
		}
		err = makeCurrent(ctx, t, u, v)
	}
	if err != nil {
		return coreshed.Version{}, err
	}
	if err := closeUpload(ctx, t, u, extents); err != nil {
		return coreshed.Version{}, err
	}
	if err := auditVersion(ctx, t, coreshed.Actor{ID: u.by.UUID}, coreshed.ActVersionUpload, v.ID, u.workspace,
		details{"path": u.path, "size": v.Size}); err != nil {
		return coreshed.Version{}, err
	}
	return v, count(ctx, t, u.workspace, change)
}

// commitExtents lays the body, or the listed blocks, end to end.
func commitExtents(ctx context.Context, t tx, c Commit, u openUpload) ([]coreshed.Extent, error) {
	if c.Whole != nil {
		if c.Whole.Size == 0 {
			return nil, nil
		}
		return []coreshed.Extent{*c.Whole}, nil
	}
	staged, err := stagedBlocks(ctx, t, u.id)
	if err != nil {
		return nil, err
	}
	extents := make([]coreshed.Extent, len(c.Blocks))
	var offset int64
	for i, id := range c.Blocks {
		e, ok := staged[id]
		if !ok {
			return nil, ErrUnknownBlock
		}
		e.Offset = offset
		extents[i] = e
		offset += e.Size
	}
	return extents, nil
}

func stagedBlocks(ctx context.Context, t tx, upload int64) (map[string]coreshed.Extent, error) {
	blocks, err := all(ctx, t, func(rows *sql.Rows) (coreshed.Extent, error) {
		var e coreshed.Extent
		return e, rows.Scan(&e.Block, &e.Size, &e.Key, &e.SHA256)
	}, `SELECT block_id, size, object_key, sha256 FROM blocks WHERE upload_id = $1`, upload)
	if err != nil {
		return nil, err
	}
	staged := make(map[string]coreshed.Extent, len(blocks))
	for _, b := range blocks {
		staged[b.Block] = b
	}
	return staged, nil
}

func addVersion(ctx context.Context, t tx, c Commit, u openUpload, extents []coreshed.Extent) (coreshed.Version, error) {
	v := coreshed.Version{VersionID: c.VersionID, ETag: c.ETag, Headers: c.Headers, MD5: c.MD5, State: coreshed.Kept}
	for _, e := range extents {
		v.Size += e.Size
	}
	if c.Whole != nil {
		v.SHA256 = c.Whole.SHA256
	}
	_, name := coreshed.SplitPath(u.path)
	return insertVersion(ctx, t, newVersion{
		Version: v, file: u.file, workspace: u.workspace, person: u.person,
		storagePath: u.path, name: name, mediaType: mediaType(name, cmp.Or(u.media, c.Headers.ContentType)),
		prefix: u.prefix, hash: c.Hash, owned: true,
	})
}

// newVersion is a version before it is in the catalogue.
type newVersion struct {
	coreshed.Version // without ID and CreatedAt

	file, workspace              int64
	person                       sql.NullInt64
	storagePath, name, mediaType string
	tags                         []string
	prefix                       string // of its objects' keys
	hash                         []byte // of its commit

	place    []byte // of bytes that others hold; nil of kept ones
	modified sql.NullInt64
	etag     string // of the bucket's
	owned    bool
}

// insertVersion makes a version an entry, later than all others of its file. It
// is not its file's current version yet, and not counted.
func insertVersion(ctx context.Context, t tx, n newVersion) (coreshed.Version, error) {
	last, err := one(ctx, t, value[int64], `SELECT COALESCE(MAX(COALESCE(joined_at, created_at)), 0) FROM versions WHERE file_id = $1`, n.file)
	if err != nil {
		return coreshed.Version{}, err
	}
	v, h := n.Version, n.Headers
	v.CreatedAt = timeOf(max(t.db().micros(), last+1))
	v.ID, err = insert(ctx, t, `
		INSERT INTO versions (file_id, version_id, created_at, created_by, storage_path, size, etag, content_type, content_encoding,
			content_language, content_disposition, cache_control, sha256, md5, state, prefix, commit_hash,
			workspace_id, file_name, name_key, media_type, tags, place, place_modified, place_etag, owned, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
			$22, $23, $24, $25, $26, $3) RETURNING id`,
		n.file, v.VersionID, v.CreatedAt.UnixMicro(), n.person, n.storagePath, v.Size, v.ETag, h.ContentType, h.ContentEncoding,
		h.ContentLanguage, h.ContentDisposition, h.CacheControl, v.SHA256, v.MD5, v.State, n.prefix, n.hash,
		n.workspace, n.name, coreshed.FoldPath(n.name), n.mediaType, tagsText(n.tags), n.place, n.modified, n.etag, btoi(n.owned))
	t.db().tail.Add(1)
	return v, err
}

// tagsText writes a set of tags.
func tagsText(tags []string) string {
	set := slices.Clone(tags)
	slices.Sort(set)
	text, err := json.Marshal(append([]string{}, slices.Compact(set)...))
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}

func btoi(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// mediaType is what an uploader said of a file, if that says anything, else
// what its name says.
func mediaType(name, said string) string {
	if said == "" || said == coreshed.DefaultContentType {
		return coreshed.MediaType(name)
	}
	return said
}

// extentRows is how many rows one INSERT adds. The SQLite driver compares each
// parameter with each argument: a commit of 2,500 blocks took 220 ms with 100
// rows, 120 ms with 25 and 135 ms with 8.
const extentRows = 25

func addExtents(ctx context.Context, t tx, version int64, extents []coreshed.Extent) error {
	for len(extents) > 0 {
		n := min(len(extents), extentRows)
		var text strings.Builder
		text.WriteString(`INSERT INTO extents (version_row, offset_bytes, size, object_key, sha256, block_id) VALUES `)
		args := make([]any, 0, 6*n)
		for i, e := range extents[:n] {
			if i > 0 {
				text.WriteString(", ")
			}
			text.WriteString("(" + placeholders(6*i+1, 6) + ")")
			args = append(args, version, e.Offset, e.Size, e.Key, e.SHA256, e.Block)
		}
		if _, err := t.exec(ctx, text.String(), args...); err != nil {
			return err
		}
		extents = extents[n:]
	}
	return nil
}

// makeCurrent puts a version at the end of its file's commit sequence. A
// file's first version takes its address; where another file has it by now,
// both are kept and this one is numbered.
func makeCurrent(ctx context.Context, t tx, u openUpload, v coreshed.Version) error {
	at := v.CreatedAt.UnixMicro()
	if err := supersedeBefore(ctx, t, u.file, v.ID, at); err != nil {
		return err
	}
	if u.first {
		return takeAddress(ctx, t, u, v.ID, at)
	}
	_, err := t.exec(ctx, `UPDATE files SET current_id = $2, modified_at = $3, modified_by = $4 WHERE id = $1`, u.file, v.ID, at, u.person)
	return err
}

// supersedeBefore supersedes the other versions of a file. Those that are held
// back are none of them yet.
func supersedeBefore(ctx context.Context, t tx, file, version, at int64) error {
	before, err := all(ctx, t, value[int64], `SELECT id FROM versions WHERE file_id = $1 AND id <> $2 AND superseded_at IS NULL AND held = 0`, file, version)
	if err != nil {
		return err
	}
	return changeEntries(ctx, t, before, assignment{"superseded_at", at})
}

// takeAddress makes a reserved file one that is there. It is one statement: in
// between, the row would be a reservation of a path that another upload may
// have reserved, or a file at a path that another file has.
func takeAddress(ctx context.Context, t tx, u openUpload, version, at int64) error {
	path, err := freePath(ctx, t, u.workspace, u.path)
	if err != nil {
		return err
	}
	_, name := coreshed.SplitPath(path)
	_, err = t.exec(ctx, `UPDATE files SET path = $2, path_key = $3, address = $4, name_key = $5, current_id = $6,
		created_at = $7, created_by = $8, modified_at = $7, modified_by = $8 WHERE id = $1`,
		u.file, path, coreshed.FoldPath(path), Address(path), coreshed.FoldPath(name), version, at, u.person)
	return err
}

// closeUpload ends an upload. Blocks that the version does not use are
// dropped.
func closeUpload(ctx context.Context, t tx, u openUpload, used []coreshed.Extent) error {
	keep := make(map[string]bool, len(used))
	for _, e := range used {
		keep[e.Key] = true
	}
	staged, err := stagedBlocks(ctx, t, u.id)
	if err != nil {
		return err
	}
	for _, b := range staged {
		if !keep[b.Key] {
			if err := dropObject(ctx, t, b.Key); err != nil {
				return err
			}
		}
	}
	if _, err := t.exec(ctx, `DELETE FROM blocks WHERE upload_id = $1`, u.id); err != nil {
		return err
	}
	_, err = t.exec(ctx, `DELETE FROM uploads WHERE id = $1`, u.id)
	return err
}
