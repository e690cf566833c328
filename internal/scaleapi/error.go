package scaleapi

import (
	"errors"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// detail is how every refusal looks.
type detail struct {
	Detail string `json:"detail"`
}

// bad is a 400 for a parameter or a body.
func bad(format string, args ...any) error { return web.Refuse(http.StatusBadRequest, format, args...) }

// writeError writes err. What has no kind, and what the database says, stays in
// the log.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	status, text := explain(r, err)
	// The caller has gone when this fails, and there is nobody to tell.
	_ = web.JSON(w, status, detail{text})
}

func explain(r *http.Request, err error) (status int, text string) {
	if refused, ok := errors.AsType[*web.Refusal](err); ok {
		return refused.Status, refused.Detail
	}
	kind := coreshed.KindOf(err)
	switch kind {
	case coreshed.Unauthenticated:
		return http.StatusForbidden, "Authentication credentials were not provided."
	case coreshed.InvalidToken:
		return http.StatusForbidden, "Invalid token."
	case coreshed.Forbidden:
		return http.StatusForbidden, "You do not have permission to perform this action."
	case coreshed.NotFound:
		return http.StatusNotFound, "Not found."
	}
	status = statusOf(kind)
	if e, ok := errors.AsType[*coreshed.Error](err); ok && e.Msg != "" && (status < http.StatusInternalServerError || kind == coreshed.BadGateway) {
		return status, e.Msg
	}
	return status, "The server's log has more under the request id " + web.RequestID(r) + "."
}

// statusOf is the one table from kinds to statuses. 403 and 404 have texts of
// their own.
func statusOf(kind coreshed.Kind) int {
	switch kind {
	case coreshed.Invalid, coreshed.BadRequest, coreshed.InvalidPath, coreshed.Committed, coreshed.Full, coreshed.Held:
		return http.StatusBadRequest
	case coreshed.Conflict:
		return http.StatusConflict
	case coreshed.Gone:
		return http.StatusGone
	case coreshed.StoreFailed:
		return http.StatusServiceUnavailable
	case coreshed.BadGateway:
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}
