package scaleapi

import (
	"net/http"

	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) version(w http.ResponseWriter, _ *request) error {
	return web.JSON(w, http.StatusOK, struct {
		Version string `json:"version"`
	}{a.Version})
}
