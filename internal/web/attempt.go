package web

import (
	"net/http"

	"github.com/coreshed/coreshed"
)

// Attempt is a change that was asked for and refused, as the audit log keeps it:
// the route and ids, never a path of a file, a name or an address.
type Attempt struct {
	Person    coreshed.UUID // zero for who has not signed in
	Workspace coreshed.UUID // zero where the route names none
	Said      map[string]any
}

// attempt returns what the record tells of a change that was refused for rights, a
// hold, or the state that things are in. Malformed requests, and those that only
// look, are none.
func (rec *Record) attempt(method string) (Attempt, bool) {
	if !changes(method) || !rec.refused() {
		return Attempt{}, false
	}
	a := Attempt{Said: map[string]any{"family": rec.family, "route": rec.route, "method": method, "status": rec.status}}
	if kind := coreshed.KindOf(rec.err); rec.err != nil && kind != coreshed.Internal {
		a.Said["kind"] = kind.Error()
	}
	for _, attr := range rec.attrs {
		value := attr.Value.Any()
		switch attr.Key {
		case "caller": // an address
		case "person":
			a.Person = idOf(value)
		case "workspace":
			a.Workspace = idOf(value)
			fallthrough
		default:
			a.Said[attr.Key] = value
		}
	}
	return a, true
}

func idOf(value any) coreshed.UUID {
	if text, ok := value.(string); ok {
		id, _ := ParseID(text) // zero for what is none, such as the number of one
		return id
	}
	id, _ := value.(coreshed.UUID)
	return id
}

func changes(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

func (rec *Record) refused() bool {
	switch rec.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict, http.StatusGone, http.StatusLocked:
		return true
	}
	return rec.err != nil && coreshed.KindOf(rec.err) == coreshed.Held // 400 in the Evo API and in Scale's
}
