package nativeapi

import (
	"encoding/hex"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// barrier is a barrier as this interface shows it.
type barrier struct {
	Barrier   int64         `json:"barrier"`
	Purge     coreshed.UUID `json:"purge"`
	Size      int64         `json:"size"`
	SHA256    *string       `json:"sha256"`
	CreatedAt string        `json:"created_at"`
}

func barrierOf(b store.Barrier) barrier {
	return barrier{b.ID, b.Purge, b.Size, textOrNull(hex.EncodeToString(b.SHA256)), timestamp(b.CreatedAt)}
}

func (a *api) listBarriers(w http.ResponseWriter, q *request) error {
	page, err := pageWanted(q.query)
	if err != nil {
		return err
	}
	found, total, err := a.DB.Barriers(q.Context(), q.view, q.access.Workspace.ID, q.query.Get("path"), page)
	if err != nil {
		return err
	}
	out := make([]barrier, len(found))
	for i, b := range found {
		out[i] = barrierOf(b)
	}
	return web.JSON(w, http.StatusOK, listOf(page, total, out))
}

// liftBarriers answers with how many there were. The path is in the body, where no
// log of a proxy has it.
func (a *api) liftBarriers(w http.ResponseWriter, q *request) error {
	var body struct {
		Path   string `json:"path"`
		Reason string `json:"reason"`
	}
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	n, err := a.DB.LiftBarriers(q.Context(), q.view, q.access.Workspace.ID, body.Path, body.Reason)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, map[string]int64{"lifted": n})
}
