package web

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/coreshed/coreshed"
)

// ProblemJSON is the media type of problem documents (RFC 9457).
const ProblemJSON = "application/problem+json"

// Refusal is a status with its text, where no kind of failure says both.
type Refusal struct {
	Status int
	Detail string
}

func (r *Refusal) Error() string { return r.Detail }

// Refuse returns a *Refusal.
func Refuse(status int, format string, args ...any) error {
	return &Refusal{status, fmt.Sprintf(format, args...)}
}

// problem is a problem document.
type problem struct {
	Type   string `json:"type"` // always about:blank: the status and the detail say it all
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"` // the member or parameter at fault

	PermittedRoles []coreshed.Role `json:"permitted_roles,omitempty"`
	Held           bool            `json:"held,omitempty"` // a hold refuses it
}

// WriteProblem writes err as a problem document, for families whose interface is
// ours to say. What has no kind, and what the database says, stays in the log.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	doc := describe(err)
	if doc.Detail == "" {
		doc.Detail = "The server's log has more under the request id " + RequestID(r) + "."
	}
	doc.Type, doc.Title = "about:blank", http.StatusText(doc.Status)
	if doc.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if method, ok := errors.AsType[*MethodError](err); ok {
		w.Header().Set("Allow", method.Allow)
	}
	var document any = doc
	if more, ok := errors.AsType[*Extended](err); ok {
		if extended, err := more.extend(doc); err == nil {
			document = extended
		}
	}
	// The caller has gone when this fails, and there is nobody to tell.
	_ = JSONAs(w, doc.Status, ProblemJSON, document)
}

// describe is the status of an error, and what may be told of it.
func describe(err error) problem {
	if method, ok := errors.AsType[*MethodError](err); ok {
		return problem{Status: http.StatusMethodNotAllowed, Detail: "Allowed here: " + method.Allow + "."}
	}
	if refused, ok := errors.AsType[*Refusal](err); ok {
		return problem{Status: refused.Status, Detail: refused.Detail}
	}
	kind := coreshed.KindOf(err)
	doc := problem{Status: statusOf(kind), Held: kind == coreshed.Held}
	if doc.Status >= http.StatusInternalServerError && kind != coreshed.Full && kind != coreshed.BadGateway {
		return doc
	}
	doc.Detail = kind.Error()
	if e, ok := errors.AsType[*coreshed.Error](err); ok {
		doc.Field, doc.PermittedRoles = e.Field, e.Permitted
		if e.Msg != "" {
			doc.Detail = e.Msg
		}
	}
	return doc
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
	case coreshed.Conflict, coreshed.Committed, coreshed.Held:
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
