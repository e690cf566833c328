package nativeapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// runToChange is the run that the path names, if the caller may change it.
func (a *api) runToChange(q *request) (coreshed.Run, error) {
	r, err := a.DB.Run(q.Context(), q.view, q.id)
	if err != nil {
		return r, err
	}
	return r, q.require(r.Workspace.ID, coreshed.Editor)
}

// changeRun reads a body, changes the run that the path names, and answers with
// it as it is then.
func (a *api) changeRun(w http.ResponseWriter, q *request, body any, change func(context.Context) error) error {
	if err := readJSON(q.Request, body); err != nil {
		return err
	}
	if _, err := a.runToChange(q); err != nil {
		return err
	}
	if err := change(q.Context()); err != nil {
		return err
	}
	return a.getRun(w, q)
}

func (a *api) startRun(w http.ResponseWriter, q *request) error {
	var body startBody
	return a.changeRun(w, q, &body, func(ctx context.Context) error { return a.DB.StartRun(ctx, q.view, q.id, body.start()) })
}

// updateBody is what is learnt of a run on the way.
type updateBody struct {
	Status   string          `json:"status"`
	Inputs   []inputBody     `json:"inputs"`
	Facets   json.RawMessage `json:"facets"`
	Progress []progressBody  `json:"progress"`
	Priority *int64          `json:"priority"`
}

func (a *api) updateRun(w http.ResponseWriter, q *request) error {
	var body updateBody
	return a.changeRun(w, q, &body, func(ctx context.Context) error {
		inputs, err := inputsOf(body.Inputs)
		if err != nil {
			return err
		}
		return a.DB.UpdateRun(ctx, q.view, q.id, store.RunUpdate{
			Status: coreshed.RunStatus(body.Status), Inputs: inputs, Facets: body.Facets,
			Progress: progressOf(body.Progress), Priority: body.Priority,
		})
	})
}

func (a *api) completeRun(w http.ResponseWriter, q *request) error {
	return a.endRun(w, q, coreshed.Completed)
}

func (a *api) failRun(w http.ResponseWriter, q *request) error {
	return a.endRun(w, q, coreshed.Failed)
}

func (a *api) cancelRun(w http.ResponseWriter, q *request) error {
	return a.endRun(w, q, coreshed.Canceled)
}

func (a *api) endRun(w http.ResponseWriter, q *request, status coreshed.RunStatus) error {
	var body doneBody
	return a.changeRun(w, q, &body, func(ctx context.Context) error { return a.DB.EndRun(ctx, q.view, q.id, body.end(status)) })
}

func (a *api) publishRun(w http.ResponseWriter, q *request) error {
	return a.changeRun(w, q, &struct{}{}, func(ctx context.Context) error { return a.DB.PublishRun(ctx, q.view, q.id) })
}

func (a *api) unpublishRun(w http.ResponseWriter, q *request) error {
	return a.changeRun(w, q, &struct{}{}, func(ctx context.Context) error { return a.DB.UnpublishRun(ctx, q.view, q.id) })
}

// addOutputs takes more outputs of a run: versions that are there already, and
// files to be uploaded. Said again it answers with new URLs.
func (a *api) addOutputs(w http.ResponseWriter, q *request) error {
	var body struct {
		Outputs []outputBody `json:"outputs"`
	}
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	adopted, uploads, err := outputsOf(body.Outputs, a.NewPrefix)
	if err != nil {
		return err
	}
	r, err := a.runToChange(q)
	if err != nil {
		return err
	}
	if err := a.room(q, r, uploads); err != nil {
		return err
	}
	slots, err := a.DB.AddOutputs(q.Context(), q.view, q.id, adopted, uploads)
	if err != nil {
		return err
	}
	if r, err = a.DB.Run(q.Context(), q.view, q.id); err != nil {
		return err
	}
	return a.showRun(w, q, http.StatusOK, r, uploads, slots)
}

// room fails with Full when the run's workspace may not begin another upload.
func (a *api) room(q *request, r coreshed.Run, uploads []store.NewOutput) error {
	if len(uploads) == 0 {
		return nil
	}
	access, err := a.DB.Access(q.Context(), q.view.Actor, a.Org, r.Workspace.UUID)
	if err != nil {
		return err
	}
	return a.Catalog.RoomIn(q.Context(), access.Workspace)
}

// runVersions answers with a page of what a run has read or put out.
func (a *api) runVersions(w http.ResponseWriter, q *request,
	read func(context.Context, coreshed.View, int64, coreshed.Page) ([]coreshed.NamedEntry, int64, int64, error),
) error {
	page, err := pageWanted(q.query)
	if err != nil {
		return err
	}
	if _, err := a.DB.Run(q.Context(), q.view, q.id); err != nil {
		return err
	}
	versions, total, hidden, err := read(q.Context(), q.view, q.id, page)
	if err != nil {
		return err
	}
	ids := make([]int64, len(versions))
	for i, v := range versions {
		ids[i] = v.Entry.ID
	}
	trust, err := a.DB.Trust(q.Context(), q.view, ids...)
	if err != nil {
		return err
	}
	body := listOf(page, total, namedVersions(versions, trust))
	body.Hidden = &hidden
	return web.JSON(w, http.StatusOK, body)
}
