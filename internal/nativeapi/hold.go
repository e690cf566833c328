package nativeapi

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// hold is a hold as this interface shows it.
type hold struct {
	Hold      int64          `json:"hold"`
	Kind      string         `json:"kind"`
	Workspace workspaceRef   `json:"workspace"`
	FileID    *coreshed.UUID `json:"file_id"` // null for a workspace
	Path      *string        `json:"path"`
	Version   *int64         `json:"version"`   // null but for a version
	Direction *string        `json:"direction"` // of lineage that is held too
	Reason    string         `json:"reason"`
	InForce   bool           `json:"in_force"`
	CreatedAt string         `json:"created_at"`
	CreatedBy *person        `json:"created_by"`
	Until     *string        `json:"until"`
	LiftedAt  *string        `json:"lifted_at"`
	LiftedBy  *person        `json:"lifted_by"`
}

func holdOf(h coreshed.Hold) hold {
	out := hold{
		Hold: h.ID, Kind: string(h.Kind), Workspace: workspaceRef{h.Workspace.UUID, h.Workspace.Name},
		Path: textOrNull(h.Path), Version: idOrNull(h.Version), Direction: textOrNull(string(h.Direction)), Reason: h.Reason,
		InForce: h.InForce(time.Now()), CreatedAt: timestamp(h.CreatedAt), CreatedBy: personOf(h.CreatedBy),
		Until: timeOrNull(h.Until), LiftedAt: timeOrNull(h.LiftedAt), LiftedBy: personOf(h.LiftedBy),
	}
	if h.File != uuid.Nil {
		out.FileID = &h.File
	}
	return out
}

// heldBy is what keeps a file from being removed; null is not for the caller.
type heldBy struct {
	Hold   *int64  `json:"hold"`
	Reason *string `json:"reason"`
}

func heldByOf(h *coreshed.HeldBy) *heldBy {
	if h == nil {
		return nil
	}
	return &heldBy{idOrNull(h.Hold), textOrNull(h.Reason)}
}

// holdBody is a hold as it is set.
type holdBody struct {
	Version   int64         `json:"version"`
	File      coreshed.UUID `json:"file"`
	Workspace coreshed.UUID `json:"workspace"`
	Direction string        `json:"direction"`
	Reason    string        `json:"reason"`
	Until     time.Time     `json:"until"`
}

func (a *api) addHold(w http.ResponseWriter, q *request) error {
	var body holdBody
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	named := 0
	for _, is := range []bool{body.Version != 0, body.File != uuid.Nil, body.Workspace != uuid.Nil} {
		if is {
			named++
		}
	}
	if named != 1 {
		return coreshed.Errorf(coreshed.Invalid, "A hold is on one of these: version, file, workspace.")
	}
	h, err := a.DB.AddHold(q.Context(), q.view, store.NewHold{
		Version: body.Version, File: body.File, Workspace: body.Workspace,
		Direction: coreshed.Direction(body.Direction), Reason: body.Reason, Until: body.Until,
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, holdOf(h))
}

func (a *api) listHolds(w http.ResponseWriter, q *request) error {
	page, err := pageWanted(q.query)
	if err != nil {
		return err
	}
	var f store.HoldFilter
	if f.Workspace, err = a.workspaceWanted(q); err != nil {
		return err
	}
	if f.File, err = web.ID(q.query, "file_id"); err != nil {
		return err
	}
	if f.InForce, err = boolWanted(q.query, "in_force"); err != nil {
		return err
	}
	holds, total, err := a.DB.Holds(q.Context(), q.view, f, page)
	if err != nil {
		return err
	}
	out := make([]hold, len(holds))
	for i, h := range holds {
		out[i] = holdOf(h)
	}
	return web.JSON(w, http.StatusOK, listOf(page, total, out))
}

func (a *api) getHold(w http.ResponseWriter, q *request) error {
	h, err := a.DB.Hold(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, holdOf(h))
}

// liftHold ends a hold, and answers with what is left of it: its row.
func (a *api) liftHold(w http.ResponseWriter, q *request) error {
	h, err := a.DB.LiftHold(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, holdOf(h))
}
