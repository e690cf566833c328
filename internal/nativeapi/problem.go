package nativeapi

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
	Field  string `json:"field,omitempty"` // the member or parameter at fault

	PermittedRoles []coreshed.Role `json:"permitted_roles,omitempty"`
}

// methodError refuses a method that a path does not have.
type methodError struct{ allow string }

func (e *methodError) Error() string { return "the method is not allowed; these are: " + e.allow }

// writeProblem writes err. What has no kind, and what the database says, stays
// in the log.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(coreshed.KindOf(err))
	doc := problem{Detail: "The server's log has more under the request id " + web.RequestID(r) + "."}
	var method *methodError
	var e *coreshed.Error
	switch {
	case errors.As(err, &method):
		w.Header().Set("Allow", method.allow)
		status, doc.Detail = http.StatusMethodNotAllowed, "Allowed here: "+method.allow+"."
	case status >= http.StatusInternalServerError && status != http.StatusInsufficientStorage:
	case errors.As(err, &e):
		doc.Detail, doc.Field, doc.PermittedRoles = e.Msg, e.Field, e.Permitted
		if e.Msg == "" {
			doc.Detail = e.Kind.Error()
		}
	default:
		doc.Detail = coreshed.KindOf(err).Error()
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	doc.Type, doc.Title, doc.Status = "about:blank", http.StatusText(status), status
	// The caller has gone when this fails, and there is nobody to tell.
	_ = web.JSONAs(w, status, "application/problem+json", doc)
}

// statusOf is the one table from kinds to statuses.
func statusOf(kind coreshed.Kind) int {
	switch kind {
	case coreshed.BadRequest, coreshed.InvalidPath:
		return http.StatusBadRequest
	case coreshed.Unauthenticated, coreshed.InvalidToken:
		return http.StatusUnauthorized
	case coreshed.Forbidden:
		return http.StatusForbidden
	case coreshed.NotFound:
		return http.StatusNotFound
	case coreshed.Conflict, coreshed.Committed:
		return http.StatusConflict
	case coreshed.Gone:
		return http.StatusGone
	case coreshed.Invalid:
		return http.StatusUnprocessableEntity
	case coreshed.StoreFailed, coreshed.BadGateway:
		return http.StatusBadGateway
	case coreshed.Full:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}
