package auth

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// oauthError is a failure in the words of RFC 6749 §4.1.2.1 and §5.2.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`

	status int           // 0 is 400
	retry  time.Duration // until it is worth another try; 0 is not told
	cause  error         // for the log alone
}

func (e *oauthError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Description, e.cause)
	}
	return e.Code + ": " + e.Description
}

func (e *oauthError) Unwrap() error { return e.cause }

// LogCode implements [web.Coded].
func (e *oauthError) LogCode() string { return e.Code }

func oauthErrorf(code, format string, args ...any) *oauthError {
	return &oauthError{Code: code, Description: fmt.Sprintf(format, args...), status: http.StatusBadRequest}
}

func (e *oauthError) because(cause error) *oauthError {
	e.cause = cause
	return e
}

// asOAuth gives any error the form that callers may see.
func asOAuth(err error) *oauthError {
	var e *oauthError
	if errors.As(err, &e) {
		return e
	}
	told := &coreshed.Error{}
	switch errors.As(err, &told); coreshed.KindOf(err) {
	case coreshed.Unauthenticated, coreshed.InvalidToken:
		return &oauthError{Code: "invalid_token", Description: told.Msg, status: http.StatusUnauthorized}
	case coreshed.BadRequest, coreshed.Invalid:
		return oauthErrorf("invalid_request", "%s", told.Msg)
	case coreshed.StoreFailed, coreshed.BadGateway:
		// 502 is what the Evo client repeats a token request on.
		return &oauthError{Code: "temporarily_unavailable", Description: "Something that is needed to decide does not answer.", status: http.StatusBadGateway}
	}
	return &oauthError{Code: "server_error", Description: "An error occurred.", status: http.StatusInternalServerError}
}

func writeJSONError(w http.ResponseWriter, _ *http.Request, err error) {
	e := asOAuth(err)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	e.setRetry(h)
	if e.Code == "invalid_token" {
		h.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	web.JSON(w, e.status, e) //nolint:errcheck // the caller has gone
}

func (e *oauthError) setRetry(h http.Header) {
	if e.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.retry+time.Second-1)/time.Second)))
	}
}
