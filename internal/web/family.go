// Package web is what the API families share: handlers that return errors,
// JSON, what is logged and measured of a request, and from which address the
// caller sees the server. It knows no routes and no wire formats of a family.
package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
)

// Handler serves a request or returns why it did not. A Handler that returns
// an error has written nothing, unless its headers had to be sent before the
// failure; then the connection is cut.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Family is a set of routes that present errors alike.
type Family struct {
	Name string // in logs and metrics
	// WriteError writes err in the family's form. It decides the status.
	WriteError func(w http.ResponseWriter, r *http.Request, err error)
}

// Handle serves with h. A failure is noted once, for the request's log line,
// and written as the family writes errors.
func (f Family) Handle(h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec := record(r)
		rec.family = f.Name
		err := protect(h, w, r)
		if err == nil {
			return
		}
		rec.err = err
		if rec.status != 0 {
			// A body that has begun cannot be taken back; a cut connection is
			// the one way to say that it is not whole.
			panic(http.ErrAbortHandler)
		}
		f.WriteError(w, r, err)
	}
}

// protect turns a panic into an error, so that it is told in the family's form
// like other faults; its stack is for the log.
func protect(h Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(w, r)
}

// JSON writes v with a status. v is encoded before anything is written.
func JSON(w http.ResponseWriter, status int, v any) error {
	return JSONAs(w, status, "application/json", v)
}

// JSONAs is JSON with another media type.
func JSONAs(w http.ResponseWriter, status int, mediaType string, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}

// Empty writes a status with no body at all.
func Empty(w http.ResponseWriter, status int) error {
	if status != http.StatusNoContent && status != http.StatusNotModified {
		w.Header().Set("Content-Length", "0")
	}
	w.WriteHeader(status)
	return nil
}
