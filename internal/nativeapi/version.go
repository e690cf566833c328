package nativeapi

import (
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) getVersion(w http.ResponseWriter, q *request) error {
	e, err := a.DB.Entry(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	return a.showVersion(w, q, e)
}

// findVersion answers with the version that a path or a file's id names, the
// current one unless a version id is given.
func (a *api) findVersion(w http.ResponseWriter, q *request) error {
	named, err := q.named()
	if err != nil {
		return err
	}
	id, err := a.DB.Resolve(q.Context(), q.view, q.access.Workspace.ID, named)
	if err != nil {
		return err
	}
	e, err := a.DB.Entry(q.Context(), q.view, id)
	if err == nil && e.Workspace.ID != q.access.Workspace.ID {
		err = coreshed.Errorf(coreshed.NotFound, "There is no such version.")
	}
	if err != nil {
		return err
	}
	return a.showVersion(w, q, e)
}

// named reads how a version of the workspace is named.
func (q *request) named() (coreshed.Ref, error) {
	file, err := web.ID(q.query, "file_id")
	if err != nil {
		return coreshed.Ref{}, err
	}
	version, err := web.Int(q.query, "version_id", 0, 1)
	if err != nil {
		return coreshed.Ref{}, err
	}
	r := coreshed.Ref{Path: q.query.Get("path"), VersionID: version}
	if (file == nil) == (r.Path == "") {
		return r, coreshed.Errorf(coreshed.Invalid, "Either path or file_id must be given.")
	}
	if file != nil {
		r.File = *file
	}
	return r, nil
}

// getContent leads to the bytes of a version.
func (a *api) getContent(w http.ResponseWriter, q *request) error {
	e, err := a.DB.Entry(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	if !e.State.Served() {
		return coreshed.Errorf(coreshed.Gone, "The bytes of this version are not available: %s.", e.State)
	}
	blob := signedurl.Blob{Workspace: e.Workspace.UUID, File: e.FileUUID, VersionID: e.VersionID}
	url, err := a.Signer.Download(q.Context(), q.origin, blob, e.Name, !e.DeletedAt.IsZero())
	if err != nil {
		return err
	}
	w.Header().Set("Location", url)
	return web.Empty(w, http.StatusTemporaryRedirect)
}
