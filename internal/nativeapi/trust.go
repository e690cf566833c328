package nativeapi

import (
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// trust says why a version must not be relied on.
type trust struct {
	State    string  `json:"state"`
	Reason   *string `json:"reason"` // of a bad one, as are the next two
	MarkedAt *string `json:"marked_at"`
	MarkedBy *person `json:"marked_by"`
	From     []int64 `json:"from"`   // the bad versions that it was made from
	Hidden   int64   `json:"hidden"` // others, which the caller may not see
}

// trustOf is null for what can be relied on.
func trustOf(t coreshed.Trust) *trust {
	if t.State == coreshed.Trusted {
		return nil
	}
	return &trust{
		string(t.State), textOrNull(t.Reason), timeOrNull(t.MarkedAt), personOf(t.MarkedBy), append([]int64{}, t.From...), t.Hidden,
	}
}

// showVersion answers with a version, and whether it can be relied on.
func (a *api) showVersion(w http.ResponseWriter, q *request, e coreshed.Entry) error {
	trust, err := a.DB.Trust(q.Context(), q.view, e.ID)
	if err != nil {
		return err
	}
	held, err := a.DB.HeldBy(q.Context(), q.view, e.ID)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, oneVersion{entryOf(e, trust[e.ID]), heldByOf(held)})
}

// putDistrust marks a version as bad.
func (a *api) putDistrust(w http.ResponseWriter, q *request) error {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	if err := a.DB.Distrust(q.Context(), q.view, q.id, body.Reason); err != nil {
		return err
	}
	return a.getVersion(w, q)
}

// clearDistrust takes the mark away.
func (a *api) clearDistrust(w http.ResponseWriter, q *request) error {
	if err := a.DB.ClearDistrust(q.Context(), q.view, q.id); err != nil {
		return err
	}
	return a.getVersion(w, q)
}

// staleRuns lists the runs to repeat, in an order in which they can be.
func (a *api) staleRuns(w http.ResponseWriter, q *request) error {
	page, err := pageWanted(q.query)
	if err != nil {
		return err
	}
	runs, total, hidden, err := a.DB.StaleRuns(q.Context(), q.view, q.id, page)
	if err != nil {
		return err
	}
	out := make([]lineageRun, len(runs))
	for i, r := range runs {
		out[i] = lineageRunOf(r)
	}
	body := listOf(page, total, out)
	body.Hidden = &hidden
	return web.JSON(w, http.StatusOK, body)
}
