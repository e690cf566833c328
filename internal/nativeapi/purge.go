package nativeapi

import (
	"encoding/hex"
	"net/http"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// purgeBody says what is to be purged.
type purgeBody struct {
	Versions    []int64               `json:"versions"`
	Files       []coreshed.UUID       `json:"files"`
	Paths       []pathBody            `json:"paths"`
	Filter      *coreshed.PurgeFilter `json:"filter"`
	Scope       string                `json:"scope"`
	SourceBytes bool                  `json:"source_bytes"`
	Reason      string                `json:"reason"`
}

// pathBody is the address of a live file.
type pathBody struct {
	Workspace coreshed.UUID `json:"workspace"`
	Path      string        `json:"path"`
}

// maxReason is how long the reason of a purge is, in characters.
const maxReason = 2000

// planPurge plans a purge, which removes nothing yet.
func (a *api) planPurge(w http.ResponseWriter, q *request) error {
	var body purgeBody
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	n, err := body.wanted()
	if err != nil {
		return err
	}
	for _, p := range body.Paths {
		id, err := a.DB.Resolve(q.Context(), q.view, 0, coreshed.Ref{Path: p.Path, Workspace: p.Workspace})
		if err != nil {
			return err
		}
		e, err := a.DB.Entry(q.Context(), q.view, id)
		if err != nil {
			return err
		}
		n.Files = append(n.Files, e.FileUUID)
	}
	p, err := a.DB.PlanPurge(q.Context(), q.view, n)
	if err != nil {
		return err
	}
	return a.showPurge(w, q, http.StatusCreated, p)
}

// wanted is the purge, without its paths.
func (b purgeBody) wanted() (store.NewPurge, error) {
	n := store.NewPurge{Versions: b.Versions, Files: b.Files, Filter: b.Filter, Scope: coreshed.PurgeScope(b.Scope), SourceBytes: b.SourceBytes, Reason: b.Reason}
	switch n.Scope {
	case "":
		n.Scope = coreshed.PurgeLineage
	case coreshed.PurgeLineage, coreshed.PurgeRecipe:
	default:
		return n, invalidMember("scope", "must be lineage or recipe")
	}
	switch sources := len(b.Versions) + len(b.Files) + len(b.Paths); {
	case sources == 0 && b.Filter == nil:
		return n, coreshed.Errorf(coreshed.Invalid, "A purge needs something to begin with: versions, files, paths or a filter.")
	case sources > maxNamed:
		return n, coreshed.Errorf(coreshed.Invalid, "One request names at most %d versions, files and paths.", maxNamed)
	case utf8.RuneCountInString(b.Reason) > maxReason:
		return n, invalidMember("reason", "is too long")
	}
	return n, nil
}

// showPurge answers with a purge, what its set amounts to, and what is beside it.
func (a *api) showPurge(w http.ResponseWriter, q *request, status int, p coreshed.Purge) error {
	body, err := a.details(q, p)
	if err != nil {
		return err
	}
	return web.JSON(w, status, body)
}

func (a *api) details(q *request, p coreshed.Purge) (purgeDetails, error) {
	plan, err := a.DB.PurgePlan(q.Context(), q.view, p)
	shown := planOf(plan)
	return purgeDetails{purgeOf(p), &shown}, err
}

func (a *api) getPurge(w http.ResponseWriter, q *request) error {
	p, err := a.DB.Purge(q.Context(), q.view, q.purge)
	if err != nil {
		return err
	}
	if p.Status == coreshed.PurgeRunning { // who asks how far it is asks again and again
		return web.JSON(w, http.StatusOK, purgeDetails{purge: purgeOf(p)})
	}
	return a.showPurge(w, q, http.StatusOK, p)
}

// executeBody says that a plan has been looked at.
type executeBody struct {
	Fingerprint string `json:"fingerprint"`
}

// executePurge begins to remove what a plan says. When there is something else
// to remove by now, the answer has the new plan.
func (a *api) executePurge(w http.ResponseWriter, q *request) error {
	var body executeBody
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	fingerprint, err := hex.DecodeString(body.Fingerprint)
	if err != nil || len(fingerprint) == 0 {
		return invalidMember("fingerprint", "must be that of the plan, in hexadecimal digits")
	}
	p, err := a.DB.ExecutePurge(q.Context(), q.view, q.purge, fingerprint)
	if err != nil && p.ID != 0 && p.UUID != q.purge {
		fresh, failed := a.details(q, p)
		if failed != nil {
			return failed
		}
		return &web.Extended{Err: err, Name: "plan", Value: fresh}
	}
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, purgeOf(p))
}

func (a *api) stopPurge(w http.ResponseWriter, q *request) error {
	if err := readJSON(q.Request, &struct{}{}); err != nil {
		return err
	}
	p, err := a.DB.StopPurge(q.Context(), q.view, q.purge)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, purgeOf(p))
}
