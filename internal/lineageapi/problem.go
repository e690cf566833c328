package lineageapi

import (
	"errors"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// problem is a problem document (RFC 9457).
type problem struct {
	Type   string `json:"type"` // always about:blank: the status and the detail say it all
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"` // the member at fault

	PermittedRoles []coreshed.Role `json:"permitted_roles,omitempty"`
}

// errMethod refuses all methods but one.
var errMethod = errors.New("the method is not allowed; POST is")

// writeProblem writes err. What has no kind, and what the database says, stays
// in the log.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	doc := problem{Status: statusOf(err), Detail: "The server's log has more under the request id " + web.RequestID(r) + "."}
	var e *coreshed.Error
	switch {
	case doc.Status >= http.StatusInternalServerError:
	case errors.As(err, &e):
		doc.Detail, doc.Field, doc.PermittedRoles = e.Msg, e.Field, e.Permitted
	default:
		doc.Detail = err.Error()
	}
	if doc.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if doc.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	doc.Type, doc.Title = "about:blank", http.StatusText(doc.Status)
	// The caller has gone when this fails, and there is nobody to tell.
	_ = web.JSONAs(w, doc.Status, "application/problem+json", doc)
}

// statusOf is the one table from errors to statuses.
func statusOf(err error) int {
	switch {
	case errors.Is(err, errMethod):
		return http.StatusMethodNotAllowed
	case errors.Is(err, errTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errEncoding):
		return http.StatusUnsupportedMediaType
	}
	switch coreshed.KindOf(err) {
	case coreshed.BadRequest:
		return http.StatusBadRequest
	case coreshed.Unauthenticated, coreshed.InvalidToken:
		return http.StatusUnauthorized
	case coreshed.Forbidden:
		return http.StatusForbidden
	case coreshed.NotFound:
		return http.StatusNotFound
	case coreshed.Conflict:
		return http.StatusConflict
	case coreshed.Invalid:
		return http.StatusUnprocessableEntity
	case coreshed.StoreFailed, coreshed.BadGateway:
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}
