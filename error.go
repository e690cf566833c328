package coreshed

import (
	"errors"
	"fmt"
)

// Kind is the class of a failure that a caller can act on. A Kind is itself an
// error, so that errors.Is(err, coreshed.NotFound) is how code asks. Each API
// family maps kinds to its own statuses in one table; an error without a Kind
// is internal, and its text stays in the log.
type Kind int

// The kinds of failure.
const (
	Internal        Kind = iota // a fault of ours
	Invalid                     // a malformed or out of range value
	BadRequest                  // a request that cannot be processed as it is
	InvalidPath                 // a path that no File can have
	Unauthenticated             // no credentials were sent
	InvalidToken                // the credentials are not, or no longer, good
	Forbidden                   // the caller's role or scope does not permit this
	NotFound                    // nothing there that the caller may know of
	Gone                        // it was there and has been deleted
	Conflict                    // it stands against what is there already
	Committed                   // the upload has already become a version
	Full                        // a quota or the free-space floor is reached
	StoreFailed                 // the metadata store did not do what it was asked
	BadGateway                  // an upstream needed to decide gave no valid answer
	Held                        // a hold protects it
)

var kindText = [...]string{
	Internal:        "internal error",
	Invalid:         "invalid value",
	BadRequest:      "bad request",
	InvalidPath:     "invalid path",
	Unauthenticated: "no credentials",
	InvalidToken:    "invalid credentials",
	Forbidden:       "forbidden",
	NotFound:        "not found",
	Gone:            "deleted",
	Conflict:        "conflict",
	Committed:       "upload already committed",
	Full:            "no space left",
	StoreFailed:     "metadata store failed",
	BadGateway:      "upstream failed",
	Held:            "held",
}

// Error says the kind in words.
func (k Kind) Error() string {
	if k < 0 || int(k) >= len(kindText) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kindText[k]
}

// Error is a failure that is told to the caller. Msg is for people and may be
// shown to them; the wrapped cause is for the log alone.
type Error struct {
	Kind Kind
	Msg  string

	// Field names the parameter or member that is at fault, when it is one.
	Field string

	// Permitted and Role say, for Forbidden, which roles would do and which
	// one the caller has.
	Permitted []Role
	Role      Role

	err error
}

// Errorf makes an Error of kind k whose message may be shown to the caller.
func Errorf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Msg: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e with a cause that is logged and never shown.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.err = cause
	return &c
}

// Error says what happened, with the cause.
func (e *Error) Error() string {
	msg := e.Msg
	if msg == "" {
		msg = e.Kind.Error()
	}
	if e.err != nil {
		return msg + ": " + e.err.Error()
	}
	return msg
}

// Is reports whether target is e's Kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.err }

// KindOf returns the Kind of err: Internal when it has none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return Internal
}
