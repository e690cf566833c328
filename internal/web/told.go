package web

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/coreshed/coreshed"
)

// Coded is an error with a word of a fixed list, as protocols have for their
// refusals.
type Coded interface {
	error
	LogCode() string
}

// logged is what the log says of a failure. Of what was refused that is its code
// or its kind, since the text may hold what the caller wrote; of what failed, the
// text, which operators need, without the names of files.
func logged(status int, err error) string {
	if status < http.StatusBadRequest || status >= http.StatusInternalServerError {
		return nameless(err)
	}
	if coded, ok := errors.AsType[Coded](err); ok {
		return coded.LogCode()
	}
	if kind := coreshed.KindOf(err); kind != coreshed.Internal {
		return kind.Error()
	}
	return "refused"
}

// nameless is the text of an error with "…" where the errors of the operating
// system, and of requests to other servers, name a file. What is told to callers
// may hold their own words, so of that the kind and the cause are all.
func nameless(err error) string {
	text := err.Error()
	each(err, func(err error) {
		switch err := err.(type) { //nolint:errorlint // each error of the chain comes by itself
		case *fs.PathError:
			text = without(text, err.Path)
		case *os.LinkError:
			text = without(without(text, err.Old), err.New)
		case *url.Error:
			text = without(text, err.URL)
		case *coreshed.Error:
			if err.Msg != "" && err.Kind != coreshed.StoreFailed {
				text = strings.ReplaceAll(text, err.Msg, err.Kind.Error())
			}
		}
	})
	return text
}

func without(text, name string) string {
	if name == "" || name == "." {
		return text
	}
	return strings.ReplaceAll(text, name, "…")
}

// each calls do with an error and all that it wraps, the outermost first.
func each(err error, do func(error)) {
	do(err)
	switch err := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			each(inner, do)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			each(inner, do)
		}
	}
}
