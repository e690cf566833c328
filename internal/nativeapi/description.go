package nativeapi

import (
	"io"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/geo"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) getDescription(w http.ResponseWriter, q *request) error {
	e, err := a.DB.Entry(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, descriptionOf(e.Description))
}

// putDescription describes a version by the metadata document in the body.
func (a *api) putDescription(w http.ResponseWriter, q *request) error {
	data, err := io.ReadAll(io.LimitReader(q.Body, geo.MaxDocument+1))
	if err != nil {
		return coreshed.Errorf(coreshed.BadRequest, "The body did not arrive whole.").Because(err)
	}
	e, err := a.DB.Entry(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	if err := q.require(e.Workspace.ID, coreshed.Editor); err != nil {
		return err
	}
	read := geo.Read
	if e.Type == coreshed.Product {
		read = geo.ReadProduct
	}
	document, err := read(data)
	if err != nil {
		return err
	}
	e, err = a.Catalog.Describe(q.Context(), q.view, q.id, document)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, descriptionOf(e.Description))
}
