package nativeapi

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// auditEntry is an entry of the audit log as this interface shows it.
type auditEntry struct {
	ID        int64           `json:"id"`
	Number    *int64          `json:"number"` // null while it waits for one
	At        string          `json:"at"`
	Actor     string          `json:"actor"`
	Action    string          `json:"action"`
	Kind      string          `json:"kind"`
	Subject   *int64          `json:"subject"`
	Workspace *int64          `json:"workspace"`
	Outcome   string          `json:"outcome"`
	Details   json.RawMessage `json:"details"`   // null once they are erased
	ErasedBy  *int64          `json:"erased_by"` // the subject of the purge's entries
}

func auditEntryOf(e coreshed.AuditEntry) auditEntry {
	out := auditEntry{
		ID: e.ID, At: timestamp(e.At), Actor: e.Actor, Action: string(e.Action), Kind: string(e.Kind),
		Subject: idOrNull(e.Subject), Workspace: idOrNull(e.Workspace), Outcome: string(e.Outcome), Details: e.Details,
		ErasedBy: idOrNull(e.ErasedBy),
	}
	if e.Number >= 0 {
		out.Number = &e.Number
	}
	return out
}

// auditPage is a page of entries, the newest first. Before is what the next page
// is asked for with; null on the last.
type auditPage struct {
	Results []auditEntry `json:"results"`
	Before  *int64       `json:"before"`
}

func (a *api) listAudit(w http.ResponseWriter, q *request) error {
	limit, err := web.Int(q.query, "limit", defaultLimit, 1)
	if err != nil {
		return err
	}
	f, err := a.auditWanted(q)
	if err != nil {
		return err
	}
	limit = min(limit, maxLimit)
	entries, err := a.DB.AuditEntries(q.Context(), q.view, f, limit)
	if err != nil {
		return err
	}
	page := auditPage{Results: make([]auditEntry, len(entries))}
	for i, e := range entries {
		page.Results[i] = auditEntryOf(e)
	}
	if n := int64(len(entries)); n == limit {
		page.Before = &entries[n-1].ID
	}
	return web.JSON(w, http.StatusOK, page)
}

func (a *api) auditWanted(q *request) (store.AuditFilter, error) {
	f := store.AuditFilter{Actor: q.query.Get("actor")}
	var err error
	if f.Action, err = wordWanted(q.query, "action", coreshed.AuditActions...); err != nil {
		return f, err
	}
	if f.Kind, err = wordWanted(q.query, "kind", coreshed.AuditKinds...); err != nil {
		return f, err
	}
	if f.Outcome, err = wordWanted(q.query, "outcome", coreshed.AuditDone, coreshed.AuditRefused); err != nil {
		return f, err
	}
	for _, number := range []struct {
		name string
		into *int64
	}{{"subject", &f.Subject}, {"workspace", &f.Workspace}, {"before", &f.Before}} {
		if *number.into, err = web.Int(q.query, number.name, 0, 1); err != nil {
			return f, err
		}
	}
	if f.At.From, err = timeWanted(q.query, "from"); err != nil {
		return f, err
	}
	f.At.Until, err = timeWanted(q.query, "until")
	return f, err
}

// timeWanted reads a time with a zone; nil when it is absent.
func timeWanted(q url.Values, name string) (*int64, error) {
	if !q.Has(name) {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, q.Get(name))
	if err != nil {
		bad := coreshed.Errorf(coreshed.Invalid, "The parameter %s must be a time with a zone (RFC 3339).", name)
		bad.Field = name
		return nil, bad
	}
	micros := at.UnixMicro()
	return &micros, nil
}

// auditCheckpoint answers with the newest signed checkpoint, as the text that was
// signed.
func (a *api) auditCheckpoint(w http.ResponseWriter, q *request) error {
	note, err := a.DB.AuditCheckpoint(q.Context(), q.view)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err = io.WriteString(w, note)
	return err
}

func (a *api) auditProof(w http.ResponseWriter, q *request) error {
	size, err := web.Int(q.query, "size", 0, 1)
	if err != nil {
		return err
	}
	r, err := a.DB.AuditReceipt(q.Context(), q.view, q.id, size)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, r)
}

func (a *api) auditConsistency(w http.ResponseWriter, q *request) error {
	from, err := web.Int(q.query, "from", 0, 0)
	if err != nil {
		return err
	}
	c, err := a.DB.AuditConsistency(q.Context(), q.view, from)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, c)
}
