package client

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/coreshed/coreshed"
)

// Error is what the server answered instead of doing what it was asked. Its
// kind is among the errors it wraps: errors.Is(err, coreshed.Gone).
type Error struct {
	Status int    // of HTTP
	Type   string // the URI of a problem document, or Azure's error code
	Title  string
	Detail string

	// Permitted and Role say, for coreshed.Forbidden, which roles would do and
	// which one the caller has.
	Permitted []coreshed.Role
	Role      coreshed.Role

	Held bool // a hold is why

	// Plan is what there is to purge by now, when a plan was out of date.
	Plan *Purge
}

// Error says what the server said.
func (e *Error) Error() string {
	text := e.Title
	if e.Detail != "" {
		text = e.Detail
	}
	if text == "" {
		text = http.StatusText(e.Status)
	}
	if e.Role != "" {
		text += fmt.Sprintf(" (your role: %s)", e.Role)
	}
	return fmt.Sprintf("%s [%d]", strings.TrimSpace(text), e.Status)
}

// Unwrap returns the error's kind.
func (e *Error) Unwrap() error { return e.Kind() }

// problems are the types whose kind the status alone does not tell.
var problems = map[string]coreshed.Kind{
	"/files/no-file-upload-in-progress": coreshed.Committed,
	"/files/invalid-path":               coreshed.InvalidPath,
	"/auth/missing-token":               coreshed.Unauthenticated,
	"/metadata/store-error":             coreshed.StoreFailed,
	"BlobImmutableDueToLegalHold":       coreshed.Held,
}

// Kind is the error's class: what a server of ours had in mind.
func (e *Error) Kind() coreshed.Kind {
	if e.Held {
		return coreshed.Held
	}
	for suffix, kind := range problems {
		if strings.HasSuffix(e.Type, suffix) {
			return kind
		}
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusRequestedRangeNotSatisfiable, http.StatusLengthRequired:
		return coreshed.BadRequest
	case http.StatusUnauthorized:
		return coreshed.InvalidToken
	case http.StatusForbidden:
		return coreshed.Forbidden
	case http.StatusNotFound:
		return coreshed.NotFound
	case http.StatusGone:
		return coreshed.Gone
	case http.StatusConflict, http.StatusPreconditionFailed:
		return coreshed.Conflict
	case http.StatusUnprocessableEntity:
		return coreshed.Invalid
	case http.StatusInsufficientStorage:
		return coreshed.Full
	case http.StatusBadGateway:
		return coreshed.BadGateway
	}
	return coreshed.Internal
}

// maxErrorBody bounds what is read of an answer that tells of a failure.
const maxErrorBody = 1 << 20

// refused reads an answer that is a failure: a problem document of the control
// plane (RFC 9457) or the XML of the blob plane.
func refused(res *http.Response) error {
	e := &Error{Status: res.StatusCode, Type: res.Header.Get("x-ms-error-code")}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
	if err != nil {
		return e
	}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		e.readProblem(body)
	} else if strings.Contains(res.Header.Get("Content-Type"), "xml") {
		e.readXML(body)
	}
	return e
}

func (e *Error) readProblem(body []byte) {
	var p struct {
		Type, Title, Detail string
		Permitted           []coreshed.Role `json:"permitted_roles"`
		Role                coreshed.Role   `json:"your_role"`
		Plan                *Purge
		Held                bool
	}
	if json.Unmarshal(body, &p) != nil {
		return // the status is all there is
	}
	e.Type, e.Title, e.Detail, e.Permitted, e.Role, e.Plan, e.Held = p.Type, p.Title, p.Detail, p.Permitted, p.Role, p.Plan, p.Held
}

func (e *Error) readXML(body []byte) {
	var x struct{ Code, Message string }
	if xml.Unmarshal(body, &x) != nil {
		return
	}
	e.Type, e.Title = x.Code, x.Code
	// Azure puts the request's id and time on further lines.
	e.Detail, _, _ = strings.Cut(x.Message, "\n")
}
