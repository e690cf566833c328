package evoapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// problem is a problem document (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	PermittedRoles []coreshed.Role `json:"permitted_roles,omitempty"`
	YourRole       string          `json:"your_role,omitempty"`
	InvalidParams  []invalidParam  `json:"invalid-params,omitempty"`
	Held           bool            `json:"held,omitempty"` // a hold refuses it
}

type invalidParam struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// problems is how one service presents errors.
type problems struct {
	family string // in logs and metrics
	prefix string // of problem types
	params bool   // tells in invalid-params what exactly is invalid
}

const errorCodes = "https://seequent.com/error-codes"

func problemsOf(path string) problems {
	if strings.HasPrefix(path, "/file/") {
		return problems{family: "evo-file", prefix: errorCodes + "/file-api"}
	}
	return problems{family: "evo-workspace", prefix: errorCodes + "/workspace-api", params: true}
}

// write writes err. What has no kind, and what the database says, stays in the
// log.
func (p problems) write(w http.ResponseWriter, r *http.Request, err error) {
	if method, ok := errors.AsType[*web.MethodError](err); ok {
		w.Header().Set("Allow", method.Allow)
		send(w, problem{
			Type: p.prefix + "/method-not-allowed", Title: "Method Not Allowed.", Status: http.StatusMethodNotAllowed,
			Detail: "Allowed here: " + method.Allow + ".",
		})
		return
	}
	kind := coreshed.KindOf(err)
	doc := p.describe(kind)
	doc.Detail, doc.Held = detail(kind, err, web.RequestID(r)), kind == coreshed.Held
	var e *coreshed.Error
	if errors.As(err, &e) {
		p.extend(&doc, e)
	}
	if doc.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	send(w, doc)
}

func send(w http.ResponseWriter, doc problem) {
	// The caller has gone when this fails, and there is nobody to tell.
	_ = web.JSONAs(w, doc.Status, web.ProblemJSON, doc)
}

// describe is the one table from kinds to documents.
func (p problems) describe(kind coreshed.Kind) problem {
	doc := func(status int, suffix, title string) problem {
		return problem{Type: p.prefix + suffix, Title: title, Status: status}
	}
	switch kind {
	case coreshed.BadRequest, coreshed.Full, coreshed.Held:
		return doc(400, "/bad-request", "Bad Request.")
	case coreshed.Conflict:
		if p.params {
			return doc(422, "/validation", "Validation Error.")
		}
		return doc(400, "/bad-request", "Bad Request.")
	case coreshed.InvalidPath:
		return doc(400, "/files/invalid-path", "Invalid Path.")
	case coreshed.Committed:
		return doc(400, "/files/no-file-upload-in-progress", "No file upload in progress")
	case coreshed.Unauthenticated:
		return problem{Type: errorCodes + "/file-api/auth/missing-token", Title: "Access Denied.", Status: 401}
	case coreshed.InvalidToken:
		return problem{Type: errorCodes + "/file-api/auth/invalid-token", Title: "Access Denied.", Status: 401}
	case coreshed.Forbidden:
		return problem{Type: errorCodes + "/file-api/auth/invalid-token", Title: "Access Denied.", Status: 403}
	case coreshed.NotFound:
		if p.params {
			return doc(404, "/not-found", "Not Found.")
		}
		return doc(404, "/files/not-found", "File Not Found.")
	case coreshed.Gone:
		if p.params {
			return doc(410, "/gone", "The workspace has been deleted")
		}
		return doc(410, "/files/gone", "The file has been deleted")
	case coreshed.Invalid:
		return doc(422, "/validation", "Validation Error.")
	case coreshed.StoreFailed:
		return doc(502, "/metadata/store-error", "File Metadata Storage Operation Failed.")
	case coreshed.BadGateway:
		return doc(502, "/bad-gateway", "Bad Gateway.")
	}
	return doc(500, "/api-errors", "An Error Occurred.")
}

func detail(kind coreshed.Kind, err error, request string) string {
	var e *coreshed.Error
	hidden := kind == coreshed.Internal || kind == coreshed.StoreFailed
	switch {
	case hidden:
		return "The server's log has more under the request id " + request + "."
	case errors.As(err, &e) && e.Msg != "":
		return e.Msg
	}
	return kind.Error()
}

// extend adds what a role, or a parameter, has to do with the error.
func (p problems) extend(doc *problem, e *coreshed.Error) {
	if e.Kind == coreshed.Forbidden && len(e.Permitted) > 0 {
		doc.Type, doc.Title = p.prefix+"/auth/insufficient-role", "Insufficient Role."
		doc.PermittedRoles, doc.YourRole = e.Permitted, "none"
		if e.Role != coreshed.NoRole {
			doc.YourRole = string(e.Role)
		}
	}
	if p.params && e.Field != "" {
		doc.InvalidParams = []invalidParam{{Name: e.Field, Reason: e.Msg}}
	}
}
