package nativeapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/coreshed/coreshed"
)

// maxBody bounds a body: a run can name some ten thousand versions.
const maxBody = 4 << 20

// readJSON reads a body that is one JSON object: BadRequest when it is none,
// Invalid when a member is unknown or has the wrong type. A body without a byte
// is an empty object.
func readJSON(r *http.Request, into any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return coreshed.Errorf(coreshed.BadRequest, "The body did not arrive whole.").Because(err)
	}
	if len(data) > maxBody {
		return coreshed.Errorf(coreshed.BadRequest, "The body is larger than 4 MiB.")
	}
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return nil
	}
	if data[0] != '{' || !json.Valid(data) {
		return coreshed.Errorf(coreshed.BadRequest, "The body must be a JSON object.")
	}
	if bytes.Contains(data, []byte(`\u0000`)) || bytes.IndexByte(data, 0) >= 0 {
		return coreshed.Errorf(coreshed.Invalid, "The body must not contain NUL.")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return badMember(d.Decode(into))
}

// badMember says which member could not be read. A message of the JSON package
// about an unknown one holds nothing but its name.
func badMember(err error) error {
	var wrong *json.UnmarshalTypeError
	var ours *coreshed.Error
	switch {
	case err == nil || errors.As(err, &ours):
		return err
	case errors.As(err, &wrong):
		return invalidMember(wrong.Field, "has the wrong type")
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return invalidMember(strings.Trim(name, `"`), "is unknown")
	}
	return coreshed.Errorf(coreshed.Invalid, "The body has a value of the wrong form.").Because(err)
}

func invalidMember(name, reason string) error {
	err := coreshed.Errorf(coreshed.Invalid, "The member %s %s.", name, reason)
	err.Field = name
	return err
}
