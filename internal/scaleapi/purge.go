package scaleapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// purgeSource asks for the removal of a source with everything that was made
// from it. Contract: Scale v6 §3.6.
func (a *api) purgeSource(w http.ResponseWriter, q *request) error {
	id, err := q.integer("file_id")
	if err == nil && id == nil {
		err = missing("file_id")
	}
	if err != nil {
		return err
	}
	q.note("file", *id)
	err = a.DB.QueueSourcePurge(q.Context(), q.view, *id)
	switch {
	case errors.Is(err, coreshed.NotFound):
		return bare(w, "No file record exists for the given file_id: %d", *id)
	case errors.Is(err, coreshed.BadRequest):
		return bare(w, "The given file_id does not correspond to a SOURCE file_type: %d", *id)
	case errors.Is(err, coreshed.Held):
		web.NoteError(q.Request, err)
		return bare(w, "%s", err)
	case err != nil:
		return err
	}
	return web.Empty(w, http.StatusNoContent)
}

// bare refuses with a text that is the whole body.
func bare(w http.ResponseWriter, format string, args ...any) error {
	return web.JSON(w, http.StatusBadRequest, fmt.Sprintf(format, args...))
}
