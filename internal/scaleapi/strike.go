package scaleapi

import (
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listStrikes(w http.ResponseWriter, q *request) error {
	f, order, err := a.originsWanted(q)
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Strike, int64, error) {
		return a.DB.Strikes(q.Context(), q.view, f, order, p)
	}, func(s coreshed.Strike) strike { return strikeOf(s.Origin) })
}

func (a *api) getStrike(w http.ResponseWriter, q *request) error {
	s, err := a.DB.Strike(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	return a.sendStrike(w, q, http.StatusOK, s, q.view.Admin)
}

func (a *api) sendStrike(w http.ResponseWriter, q *request, status int, s coreshed.Strike, clear bool) error {
	configuration, err := a.shown(q, s.Configuration, clear)
	if err != nil {
		return err
	}
	return web.JSON(w, status, strikeDetails{strikeOf(s.Origin), configuration})
}

func (a *api) createStrike(w http.ResponseWriter, q *request) error {
	o, err := a.newOrigin(q, strikes)
	if err != nil {
		return err
	}
	s, err := a.DB.AddStrike(q.Context(), q.view, o)
	if err != nil {
		return err
	}
	w.Header().Set("Location", q.url("/strikes/"+decimal(s.ID)+"/"))
	return a.sendStrike(w, q, http.StatusCreated, s, false)
}

func (a *api) editStrike(w http.ResponseWriter, q *request) error {
	s, err := a.DB.Strike(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	e, err := a.originEdit(q, strikes, s.Origin)
	if err != nil {
		return err
	}
	if err := a.DB.EditStrike(q.Context(), q.view, s.ID, e); err != nil {
		return err
	}
	return web.Empty(w, http.StatusNoContent)
}

func (a *api) validateStrike(w http.ResponseWriter, q *request) error {
	return a.validate(w, q, strikes)
}
