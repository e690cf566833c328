package nativeapi

import (
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// recordRun records a run, or repeats it: 201 when it is new, else 200.
func (a *api) recordRun(w http.ResponseWriter, q *request) error {
	var body runBody
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	n, uploads, err := body.record(a.NewPrefix)
	if err != nil {
		return err
	}
	if len(uploads) > 0 {
		if err := a.Catalog.RoomIn(q.Context(), q.access.Workspace); err != nil {
			return err
		}
	}
	n.Progress = progressOf(body.Progress)
	r, slots, created, err := a.DB.RecordRunWith(q.Context(), q.view, q.access.Workspace.ID, n, uploads)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return a.showRun(w, q, status, r, uploads, slots)
}

// showRun answers with a run, and with where the outputs that it has announced
// are uploaded to.
func (a *api) showRun(w http.ResponseWriter, q *request, status int, r coreshed.Run, uploads []store.NewOutput, slots []store.OutputSlot) error {
	executions, err := a.DB.Executions(q.Context(), q.view, r.ID)
	if err != nil {
		return err
	}
	body := runDetails{run: runOf(r), Executions: executionsOf(executions)}
	for i, s := range slots {
		u := uploadOf(uploads[i].Name, s)
		if s.Version == 0 {
			blob := signedurl.Blob{Workspace: r.Workspace.UUID, File: s.FileUUID, VersionID: s.VersionID}
			url, err := a.Signer.Upload(q.Context(), q.origin, blob)
			if err != nil {
				return err
			}
			u.URL = &url
		}
		body.Uploads = append(body.Uploads, u)
	}
	return web.JSON(w, status, body)
}

func (a *api) getRun(w http.ResponseWriter, q *request) error {
	r, err := a.DB.Run(q.Context(), q.view, q.id)
	if err != nil {
		return err
	}
	return a.showRun(w, q, http.StatusOK, r, nil, nil)
}

func (a *api) listRuns(w http.ResponseWriter, q *request) error {
	page, err := pageWanted(q.query)
	if err != nil {
		return err
	}
	f, err := a.runsWanted(q)
	if err != nil {
		return err
	}
	runs, total, err := a.DB.Runs(q.Context(), q.view, f, []coreshed.Order{{Field: "id", Desc: true}}, page)
	if err != nil {
		return err
	}
	out := make([]run, len(runs))
	for i, r := range runs {
		out[i] = runOf(r)
	}
	return web.JSON(w, http.StatusOK, listOf(page, total, out))
}

func (a *api) runsWanted(q *request) (store.RunFilter, error) {
	f := store.RunFilter{TypeName: q.query["type"], Key: q.query["id"]}
	var err error
	if f.Status, err = wordsWanted(q.query, "status", coreshed.Pending, coreshed.Blocked, coreshed.Queued, coreshed.Running,
		coreshed.Failed, coreshed.Completed, coreshed.Canceled); err != nil {
		return f, err
	}
	if f.Recipe, err = idsWanted(q.query, "recipe"); err != nil {
		return f, err
	}
	if f.Batch, err = idsWanted(q.query, "batch"); err != nil {
		return f, err
	}
	if f.Superseded, err = boolWanted(q.query, "superseded"); err != nil {
		return f, err
	}
	f.Workspace, err = a.workspaceWanted(q)
	return f, err
}

// workspaceWanted reads the parameter workspace: one that the caller does not
// see has nothing in it.
func (a *api) workspaceWanted(q *request) ([]int64, error) {
	id, err := web.ID(q.query, "workspace")
	if err != nil || id == nil {
		return nil, err
	}
	access, err := a.DB.AccessDeleted(q.Context(), q.view.Actor, a.Org, *id)
	if err != nil && coreshed.KindOf(err) != coreshed.NotFound {
		return nil, err
	}
	if !q.view.Sees(access.Workspace.ID) {
		return []int64{}, nil
	}
	return []int64{access.Workspace.ID}, nil
}

func (a *api) runInputs(w http.ResponseWriter, q *request) error {
	return a.runVersions(w, q, a.DB.RunInputs)
}

func (a *api) runOutputs(w http.ResponseWriter, q *request) error {
	return a.runVersions(w, q, a.DB.RunOutputs)
}
