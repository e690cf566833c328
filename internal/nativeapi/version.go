package nativeapi

import (
	"net/http"

	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) getVersion(w http.ResponseWriter, q *request) error {
	e, err := a.DB.Entry(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, entryOf(e))
}
