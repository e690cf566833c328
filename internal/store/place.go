package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// Place is a file as it was found in the folder or bucket of a workspace.
type Place struct {
	Path     string // there, as found
	Size     int64
	Modified time.Time
	ETag     string // of a bucket's object
	SHA256   []byte // nil until known

	Owned     bool // Coreshed has put the bytes there itself
	MediaType string
	Tags      []string
}

// same reports whether a place has the bytes that were found there before, as
// far as is known.
func (p Place) same(was placed) bool {
	switch {
	case p.Size != was.size:
		return false
	case p.SHA256 != nil && was.sha256 != nil:
		return bytes.Equal(p.SHA256, was.sha256)
	}
	return p.unmoved(was)
}

// unmoved reports whether nothing has been written there since.
func (p Place) unmoved(was placed) bool {
	if p.ETag != "" || was.etag != "" {
		return p.ETag == was.etag
	}
	return p.Modified.UnixNano() == was.modified.Int64
}

// placeColumns need the alias v. They are NULL for bytes that do not lie in
// place.
const placeColumns = `CASE WHEN v.place IS NULL THEN NULL ELSE v.workspace_id END, CASE WHEN v.place IS NULL THEN NULL ELSE v.storage_path END,
	v.place_modified, v.place_etag`

// scannedPlace reads placeColumns.
type scannedPlace struct {
	workspace, modified sql.NullInt64
	path, etag          sql.NullString
}

func (p *scannedPlace) dest() []any { return []any{&p.workspace, &p.path, &p.modified, &p.etag} }

// into sets the place of a slot whose version is set.
func (p *scannedPlace) into(s *Slot) {
	if !p.path.Valid {
		return
	}
	s.Workspace = p.workspace.Int64
	s.Place = Place{
		Path: p.path.String, Size: s.Version.Size, Modified: time.Unix(0, p.modified.Int64), ETag: p.etag.String, SHA256: s.Version.SHA256,
	}
}

// Registered is what a place has become.
type Registered struct {
	Version   int64 // row id: the id of the entry
	File      coreshed.UUID
	VersionID int64
	Path      string // the file's address
	Added     bool   // false when it was registered already
}

// placed is the last version that was registered at a place.
type placed struct {
	version, versionID int64
	file               int64
	uuid               coreshed.UUID
	path               string // address of the file
	deleted            bool   // the file
	size               int64
	modified           sql.NullInt64
	etag               string
	sha256             []byte
	state              coreshed.ByteState
}

// placeKey is what a version is found by that lies at a path: a hash, as
// PostgreSQL's indexes take no text as long as a path may be.
func placeKey(path string) []byte {
	sum := sha256.Sum256([]byte(path))
	return sum[:]
}

// errFound says that another transaction has registered the place meanwhile.
var errFound = errors.New("the place has been registered")

// AddInPlace makes what lies at a place of the workspace a version: of the file
// that was registered from there before, else of a new one. When a live file has
// the new one's address, the new one is numbered (coreshed.NumberedPath).
//
// What has been registered, with the same size and SHA-256, else the same size
// and ETag or time of modification, stays as it is. A file of other content
// replaces that of the version before, whose bytes then read "changed outside".
//
// InvalidPath when the path cannot be an address. Gone when the same bytes have
// been registered and their file is deleted: they come back by a restore, or
// when they change.
func (db *DB) AddInPlace(ctx context.Context, a coreshed.Access, p Place) (Registered, error) {
	var r Registered
	add := func() error {
		return db.update(ctx, func(ctx context.Context, t tx) (err error) {
			r, err = addInPlace(ctx, t, a, p)
			return err
		})
	}
	err := add()
	for errors.Is(err, errFound) {
		err = add()
	}
	return r, err
}

// addInPlace is AddInPlace in a transaction, which must be run again after
// errFound.
func addInPlace(ctx context.Context, t tx, a coreshed.Access, p Place) (Registered, error) {
	address, err := coreshed.CleanPath(p.Path)
	if err != nil {
		return Registered{}, err
	}
	if err := barred(ctx, t, a.Workspace.ID, p); err != nil && !errors.Is(err, ErrUnhashed) {
		return Registered{}, err
	}
	person, err := actorRow(ctx, t, a.Actor)
	if err != nil {
		return Registered{}, err
	}
	was, err := lockPlace(ctx, t, a, p.Path)
	if errors.Is(err, coreshed.NotFound) {
		return addPlacedFile(ctx, t, a, p, address, person)
	}
	if err != nil {
		return Registered{}, err
	}
	if p.same(was) {
		return was.again(ctx, t, p)
	}
	if err := overwritten(ctx, t, a, p.Path); err != nil {
		return Registered{}, err
	}
	if was.deleted {
		return addPlacedFile(ctx, t, a, p, address, person)
	}
	return addPlacedVersion(ctx, t, a, p, was, person)
}

// actorRow returns the row of the actor, NULL for the server itself.
func actorRow(ctx context.Context, q querier, actor coreshed.Actor) (sql.NullInt64, error) {
	if actor.ID == uuid.Nil {
		return sql.NullInt64{}, nil
	}
	row, err := personRow(ctx, q, actor.ID)
	return sql.NullInt64{Int64: row, Valid: true}, err
}

// lockPlace locks the file of the last version that was registered at a path.
func lockPlace(ctx context.Context, t tx, a coreshed.Access, path string) (placed, error) {
	was, err := findPlace(ctx, t, a, path)
	if err != nil {
		return was, err
	}
	if _, err := one(ctx, t, value[int64], `SELECT id FROM files WHERE id = $1`+t.db().dialect.lock, was.file); err != nil {
		return was, err
	}
	return findPlace(ctx, t, a, path) // as it is now that nobody changes it
}

func findPlace(ctx context.Context, q querier, a coreshed.Access, path string) (placed, error) {
	return one(ctx, q, func(rows *sql.Rows) (placed, error) {
		var w placed
		return w, rows.Scan(&w.version, &w.versionID, &w.file, &w.uuid, &w.path, &w.deleted, &w.size, &w.modified, &w.etag, &w.sha256, &w.state)
	}, `SELECT v.id, v.version_id, f.id, f.uuid, f.path, f.deleted_at IS NOT NULL, v.size, v.place_modified, v.place_etag, v.sha256, v.state
		FROM versions v JOIN files f ON f.id = v.file_id
		WHERE v.workspace_id = $1 AND v.place = $2 AND v.state <> 'removed' ORDER BY v.id DESC LIMIT 1`, a.Workspace.ID, placeKey(path))
}

// again takes what is known of a version that has been found again: also that
// its bytes are there, if they seemed not to be.
func (w placed) again(ctx context.Context, t tx, p Place) (Registered, error) {
	if w.deleted {
		return Registered{}, coreshed.Errorf(coreshed.Gone, "The file has been deleted here; restore it to have it again.")
	}
	if !p.unmoved(w) || (p.SHA256 != nil && w.sha256 == nil) {
		if _, err := t.exec(ctx, `UPDATE versions SET place_modified = $2, place_etag = $3, sha256 = COALESCE($4, sha256) WHERE id = $1`,
			w.version, p.Modified.UnixNano(), p.ETag, p.SHA256); err != nil {
			return Registered{}, err
		}
	}
	if w.state == coreshed.Missing || w.state == coreshed.ChangedOutside {
		if err := changeEntries(ctx, t, []int64{w.version}, assignment{"state", coreshed.InPlace}); err != nil {
			return Registered{}, err
		}
	}
	return Registered{Version: w.version, File: w.uuid, VersionID: w.versionID, Path: w.path}, nil
}

// overwritten marks the versions whose bytes were at a path: they are not there
// any more.
func overwritten(ctx context.Context, t tx, a coreshed.Access, path string) error {
	before, err := all(ctx, t, value[int64], `SELECT id FROM versions WHERE workspace_id = $1 AND place = $2 AND state = 'in place'`,
		a.Workspace.ID, placeKey(path))
	if err != nil {
		return err
	}
	return changeEntries(ctx, t, before, assignment{"state", coreshed.ChangedOutside})
}

// addPlacedVersion adds a version to the file at the place.
func addPlacedVersion(ctx context.Context, t tx, a coreshed.Access, p Place, was placed, person sql.NullInt64) (Registered, error) {
	v, err := insertPlaced(ctx, t, a, p, was.file, person)
	if err != nil {
		return Registered{}, err
	}
	if err := makeCurrent(ctx, t, openUpload{file: was.file, workspace: a.Workspace.ID, person: person}, v); err != nil {
		return Registered{}, err
	}
	r := Registered{Version: v.ID, File: was.uuid, VersionID: v.VersionID, Path: was.path, Added: true}
	return r, count(ctx, t, a.Workspace.ID, totals{entries: 1})
}

// addPlacedFile makes a file of what lies at a place. The workspace is locked
// from when its address is chosen, so that the place is registered once.
func addPlacedFile(ctx context.Context, t tx, a coreshed.Access, p Place, address string, person sql.NullInt64) (Registered, error) {
	path, err := freePath(ctx, t, a.Workspace.ID, address)
	if err != nil {
		return Registered{}, err
	}
	if was, err := findPlace(ctx, t, a, p.Path); err == nil && !was.deleted {
		return Registered{}, errFound
	} else if err != nil && !errors.Is(err, coreshed.NotFound) {
		return Registered{}, err
	}
	r := Registered{File: uuid.New(), Path: path, Added: true}
	file, err := insertPlacedFile(ctx, t, a, r, person)
	if err != nil {
		return r, err
	}
	v, err := insertPlaced(ctx, t, a, p, file, person)
	if err != nil {
		return r, err
	}
	r.Version, r.VersionID = v.ID, v.VersionID
	if _, err := t.exec(ctx, `UPDATE files SET current_id = $2, created_at = $3, modified_at = $3 WHERE id = $1`,
		file, v.ID, v.CreatedAt.UnixMicro()); err != nil {
		return r, err
	}
	return r, count(ctx, t, a.Workspace.ID, totals{live: 1, entries: 1})
}

// insertPlacedFile makes the row of a file that is no reservation: it has a
// current version before that has an id.
func insertPlacedFile(ctx context.Context, t tx, a coreshed.Access, r Registered, person sql.NullInt64) (int64, error) {
	_, name := coreshed.SplitPath(r.Path)
	return insert(ctx, t, `
		INSERT INTO files (uuid, workspace_id, path, path_key, address, name_key, current_id, created_at, created_by, modified_at, modified_by)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $7, $8) RETURNING id`,
		r.File, a.Workspace.ID, r.Path, coreshed.FoldPath(r.Path), Address(r.Path), coreshed.FoldPath(name), t.db().micros(), person)
}

func insertPlaced(ctx context.Context, t tx, a coreshed.Access, p Place, file int64, person sql.NullInt64) (coreshed.Version, error) {
	id, err := nextVersionID(ctx, t, file)
	if err != nil {
		return coreshed.Version{}, err
	}
	_, name := coreshed.SplitPath(p.Path)
	media := mediaType(name, p.MediaType)
	v, err := insertVersion(ctx, t, newVersion{
		Version: coreshed.Version{
			VersionID: id, Size: p.Size, ETag: newETag(), SHA256: p.SHA256, State: coreshed.InPlace,
			Headers: coreshed.BlobHeaders{ContentType: media},
		},
		file: file, workspace: a.Workspace.ID, person: person,
		storagePath: p.Path, name: name, mediaType: media, tags: p.Tags,
		prefix: strings.ToLower(rand.Text()), hash: []byte{}, // of no objects; no commit is repeated
		place: placeKey(p.Path), modified: sql.NullInt64{Int64: p.Modified.UnixNano(), Valid: true}, etag: p.ETag, owned: p.Owned,
	})
	if err != nil {
		return v, err
	}
	return v, auditVersion(ctx, t, a.Actor, coreshed.ActVersionRegister, v.ID, a.Workspace.ID, details{"storage_path": p.Path, "size": p.Size})
}

func auditVersion(ctx context.Context, t tx, by coreshed.Actor, action coreshed.AuditAction, id, workspace int64, said details) error {
	return audit(ctx, t, act{by: by, action: action, kind: coreshed.AuditVersion, id: id, workspace: workspace, details: said})
}

// LostInPlace returns the first version after the row id whose bytes were not
// found where they lay, or were others, if nothing has been registered there
// since: they may be back. NotFound when there is none in a live workspace that
// is not excepted.
func (db *DB) LostInPlace(ctx context.Context, after int64, except []int64) (Slot, error) {
	c := &conditions{}
	c.add(`v.id > ?`, after)
	if len(except) > 0 {
		c.terms = append(c.terms, `v.workspace_id NOT IN (`+c.list(except)+`)`)
	}
	return one(ctx, db, scanUnattended, `SELECT `+unattendedColumns+` FROM versions v JOIN workspaces w ON w.id = v.workspace_id
		WHERE v.place IS NOT NULL AND v.state IN ('missing', 'changed outside') AND w.deleted_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM versions x WHERE x.workspace_id = v.workspace_id AND x.place = v.place AND x.id > v.id)
		AND `+c.text()+` ORDER BY v.id LIMIT 1`, c.args...)
}

// unattendedColumns are what work in the background needs of a version, of the
// alias v.
const unattendedColumns = `v.workspace_id, v.id, v.version_id, v.size, v.state, v.sha256, ` + placeColumns

func scanUnattended(rows *sql.Rows) (Slot, error) {
	s := Slot{Committed: true}
	var place scannedPlace
	err := rows.Scan(append([]any{
		&s.Workspace, &s.Version.ID, &s.Version.VersionID, &s.Version.Size, &s.Version.State, &s.Version.SHA256,
	}, place.dest()...)...)
	place.into(&s)
	return s, err
}

// MoveInPlace records that the bytes of a version lie in place, elsewhere in its
// folder or bucket. Its file keeps its address and its name.
func (db *DB) MoveInPlace(ctx context.Context, view coreshed.View, id int64, p Place) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		file, err := fileOf(ctx, t, view, id)
		if err != nil {
			return err
		}
		if _, err := one(ctx, t, value[int64], `SELECT id FROM files WHERE id = $1`+t.db().dialect.lock, file); err != nil {
			return err
		}
		workspace, err := one(ctx, t, value[int64], `SELECT workspace_id FROM versions WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if err := changeEntries(ctx, t, []int64{id}, assignment{"storage_path", p.Path}, assignment{"place", placeKey(p.Path)},
			assignment{"place_modified", p.Modified.UnixNano()}, assignment{"place_etag", p.ETag}, assignment{"state", coreshed.InPlace}); err != nil {
			return err
		}
		return auditVersion(ctx, t, view.Actor, coreshed.ActVersionMove, id, workspace, details{"storage_path": p.Path})
	})
}

// newETag returns a strong ETag that no other version has, in the form of those
// of uploads.
func newETag() string {
	var b [8]byte
	rand.Read(b[:])
	return fmt.Sprintf("\"0x%X\"", b)
}
