package evoapi

import (
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) uploadByPath(w http.ResponseWriter, q *request) error {
	version, err := versionID(q.query, "version_id")
	if err != nil {
		return err
	}
	path, err := q.cleanPath()
	if err != nil {
		return err
	}
	if version != 0 {
		r, err := a.DB.ReservationByPath(q.Context(), q.access, path, version)
		return a.offer(w, q, r, err)
	}
	if err := a.Room(q.Context(), q.access.Workspace); err != nil {
		return err
	}
	r, err := a.DB.Reserve(q.Context(), q.access, path, a.NewPrefix())
	return a.offer(w, q, r, err)
}

// updateByID begins a new version, renews the URL of an upload, or restores a
// deleted file.
func (a *api) updateByID(w http.ResponseWriter, q *request) error {
	version, err := versionID(q.query, "version_id")
	if err != nil {
		return err
	}
	restore, err := wantsRestore(q)
	if err != nil {
		return err
	}
	switch {
	case restore && version != 0:
		return coreshed.Errorf(coreshed.Invalid, "Either deleted or version_id can be given.")
	case restore:
		return a.restoreFile(w, q)
	case version != 0:
		r, err := a.DB.Reservation(q.Context(), q.access, q.file, version)
		return a.offer(w, q, r, err)
	}
	if err := a.Room(q.Context(), q.access.Workspace); err != nil {
		return err
	}
	r, err := a.DB.ReserveVersion(q.Context(), q.access, q.file, a.NewPrefix())
	return a.offer(w, q, r, err)
}

// wantsRestore reports whether deleted=false was sent, which asks for a thing
// to be restored. To send true has no meaning, and must not delete.
func wantsRestore(q *request) (bool, error) {
	deleted, err := web.Bool(q.query, "deleted", false)
	if err == nil && deleted {
		bad := coreshed.Errorf(coreshed.Invalid, "The parameter deleted can only be false here, to restore; use DELETE to delete.")
		bad.Field = "deleted"
		err = bad
	}
	return q.query.Get("deleted") != "", err
}

// offer answers with the URL for an upload, or with why there is none.
func (a *api) offer(w http.ResponseWriter, q *request, r coreshed.Reservation, err error) error {
	if err != nil {
		return err
	}
	url, err := a.Signer.Upload(q.Context(), q.origin, q.blob(r.FileUUID, r.VersionID))
	if err != nil {
		return err
	}
	if q.path != "" {
		q.note("file", r.FileUUID)
	}
	return web.JSON(w, http.StatusOK, uploadFile{FileID: r.FileUUID, VersionID: decimal(r.VersionID), Upload: url})
}

// restoreFile answers 204, or 303 with the file when it had to take another
// name.
func (a *api) restoreFile(w http.ResponseWriter, q *request) error {
	moved, err := a.DB.RestoreFile(q.Context(), q.access, q.file)
	if err != nil {
		return err
	}
	if !moved {
		return web.Empty(w, http.StatusNoContent)
	}
	f, err := a.DB.FileByID(q.Context(), q.access, q.file, 0)
	if err != nil {
		return err
	}
	w.Header().Set("Location", q.filesURL()+"/"+q.file.String())
	// Also when the bytes cannot be had: the restore has happened.
	return a.show(w, q, http.StatusSeeOther, f, false, false)
}

func (a *api) deleteByID(w http.ResponseWriter, q *request) error {
	if err := a.DB.DeleteFile(q.Context(), q.access, q.file); err != nil {
		return err
	}
	return web.Empty(w, http.StatusNoContent)
}

func (a *api) deleteByPath(w http.ResponseWriter, q *request) error {
	path, err := q.cleanPath()
	if err != nil {
		return err
	}
	if err := a.DB.DeleteFileByPath(q.Context(), q.access, path); err != nil {
		return err
	}
	return web.Empty(w, http.StatusNoContent)
}
