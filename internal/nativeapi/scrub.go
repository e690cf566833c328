package nativeapi

import (
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// scrub is a round of reading all bytes as this interface shows it.
type scrub struct {
	Scrub    int64   `json:"scrub"`
	BeganAt  string  `json:"began_at"`
	EndedAt  *string `json:"ended_at"`
	Versions int64   `json:"versions"`
	Bytes    int64   `json:"bytes"`
	OfBytes  int64   `json:"of_bytes"`
	Damaged  int64   `json:"damaged"`
	Unread   int64   `json:"unread"`
}

func scrubOf(s coreshed.Scrub) scrub {
	return scrub{s.ID, timestamp(s.BeganAt), timeOrNull(s.EndedAt), s.Versions, s.Bytes, s.Of, s.Damaged, s.Unread}
}

func (a *api) listScrubs(w http.ResponseWriter, q *request) error {
	page, err := pageWanted(q.query)
	if err != nil {
		return err
	}
	found, total, err := a.DB.Scrubs(q.Context(), q.view, page)
	if err != nil {
		return err
	}
	out := make([]scrub, len(found))
	for i, s := range found {
		out[i] = scrubOf(s)
	}
	return web.JSON(w, http.StatusOK, listOf(page, total, out))
}

func (a *api) askScrub(w http.ResponseWriter, q *request) error {
	s, err := a.DB.AskScrub(q.Context(), q.view)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, scrubOf(s))
}

// damaged is a version that is not served as this interface shows it.
type damaged struct {
	Version   int64         `json:"version"`
	VersionID string        `json:"version_id"`
	FileID    coreshed.UUID `json:"file_id"`
	Path      string        `json:"path"`
	Workspace workspaceRef  `json:"workspace"`
	Size      int64         `json:"size"`
	SHA256    *string       `json:"sha256"`
	State     string        `json:"state"`
}

func damagedOf(d store.DamagedVersion) damaged {
	v := d.Version
	return damaged{
		v.ID, strconv.FormatInt(v.VersionID, 10), d.File, d.Path, workspaceRef{d.Workspace, d.WorkspaceName},
		v.Size, textOrNull(hex.EncodeToString(v.SHA256)), string(v.State),
	}
}

func (a *api) listDamaged(w http.ResponseWriter, q *request) error {
	page, err := pageWanted(q.query)
	if err != nil {
		return err
	}
	found, total, err := a.DB.Damaged(q.Context(), q.view, page)
	if err != nil {
		return err
	}
	out := make([]damaged, len(found))
	for i, d := range found {
		out[i] = damagedOf(d)
	}
	return web.JSON(w, http.StatusOK, listOf(page, total, out))
}
