package scaleapi

import (
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listScans(w http.ResponseWriter, q *request) error {
	f, order, err := a.originsWanted(q)
	if err != nil {
		return err
	}
	f.Name, f.NameContains = nil, f.Name // as Scale has it, unlike strikes
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Scan, int64, error) {
		return a.DB.Scans(q.Context(), q.view, f, order, p)
	}, scanOf)
}

func (a *api) getScan(w http.ResponseWriter, q *request) error {
	s, err := a.DB.Scan(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	return a.sendScan(w, q, http.StatusOK, s, q.view.Admin)
}

func (a *api) sendScan(w http.ResponseWriter, q *request, status int, s coreshed.Scan, clear bool) error {
	configuration, err := a.shown(q, s.Configuration, clear)
	if err != nil {
		return err
	}
	return web.JSON(w, status, scanDetails{scanOf(s), configuration})
}

func (a *api) createScan(w http.ResponseWriter, q *request) error {
	o, err := a.newOrigin(q, scans)
	if err != nil {
		return err
	}
	s, err := a.DB.AddScan(q.Context(), q.view, o)
	if err != nil {
		return err
	}
	w.Header().Set("Location", q.url("/scans/"+decimal(s.ID)+"/"))
	return a.sendScan(w, q, http.StatusCreated, s, false)
}

// ownScan is the scan of the path, which the caller may change.
func (a *api) ownScan(q *request) (coreshed.Scan, error) {
	s, err := a.DB.Scan(q.Context(), q.view, q.id("id"))
	if err == nil && !q.view.Roles[s.Workspace].AtLeast(coreshed.Owner) {
		err = forbidden()
	}
	return s, err
}

func (a *api) editScan(w http.ResponseWriter, q *request) error {
	s, err := a.ownScan(q)
	if err != nil {
		return err
	}
	e, err := a.originEdit(q, scans, s.Origin)
	if err != nil {
		return err
	}
	if err := a.DB.EditScan(q.Context(), q.view, s.ID, e); err != nil {
		return err
	}
	return web.Empty(w, http.StatusNoContent)
}

// processScan starts a scan; without "ingest" it only counts.
func (a *api) processScan(w http.ResponseWriter, q *request) error {
	s, err := a.ownScan(q)
	if err != nil {
		return err
	}
	take, err := q.boolean("ingest")
	if err != nil {
		return err
	}
	s, err = a.DB.ProcessScan(q.Context(), q.view, s.ID, take != nil && *take)
	if err != nil {
		return err
	}
	w.Header().Set("Location", q.url("/scans/"+decimal(s.ID)+"/"))
	return a.sendScan(w, q, http.StatusCreated, s, q.view.Admin)
}

func (a *api) cancelScan(w http.ResponseWriter, q *request) error {
	s, err := a.ownScan(q)
	if err != nil {
		return err
	}
	canceled, err := a.DB.CancelScan(q.Context(), q.view, s.ID)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, struct {
		ID           string  `json:"id"`
		CanceledJobs []int64 `json:"canceled_jobs"`
	}{decimal(s.ID), canceled})
}

func (a *api) validateScan(w http.ResponseWriter, q *request) error { return a.validate(w, q, scans) }
