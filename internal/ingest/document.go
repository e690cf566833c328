package ingest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
)

// document is a JSON object whose members are asked for by name. Go's own
// decoder would take members in another case, and duplicates.
type document struct {
	where   string // for messages: "" or "files_to_ingest[2]."
	members map[string]json.RawMessage
}

func invalid(format string, args ...any) error {
	return coreshed.Errorf(coreshed.BadRequest, format, args...)
}

// parseDocument reads an object that has no other members than allowed; nil
// allows all.
func parseDocument(where string, raw json.RawMessage, allowed []string) (document, error) {
	d := document{where: where}
	if err := json.Unmarshal(raw, &d.members); err != nil || d.members == nil {
		return d, invalid("%s must be a JSON object", d.name())
	}
	for name := range d.members {
		if allowed != nil && !slices.Contains(allowed, name) {
			return d, invalid("%s has an unknown member %q", d.name(), name)
		}
	}
	return d, nil
}

func (d document) name() string {
	if d.where == "" {
		return "the configuration"
	}
	return strings.TrimSuffix(d.where, ".")
}

// raw returns a member; false when it is absent, null or an empty text, as
// Scale's own web page sends what is not set.
func (d document) raw(name string) (json.RawMessage, bool) {
	raw, ok := d.members[name]
	return raw, ok && !bytes.Equal(raw, []byte("null")) && !bytes.Equal(raw, []byte(`""`))
}

// text returns a member that is a string; "" when it is not set.
func (d document) text(name string) (string, error) {
	raw, ok := d.raw(name)
	if !ok {
		return "", nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", invalid("%s%s must be a string", d.where, name)
	}
	if !storable(s) {
		return "", invalid("%s%s must be a string without NUL", d.where, name)
	}
	return s, nil
}

// storable reports whether the databases can hold what was read from JSON, which
// is UTF-8 already: PostgreSQL takes no NUL.
func storable(s string) bool { return !strings.ContainsRune(s, 0) }

// required returns a member that is a string and not empty.
func (d document) required(name string) (string, error) {
	s, err := d.text(name)
	if err == nil && s == "" {
		err = invalid("%s%s is required", d.where, name)
	}
	return s, err
}

func (d document) texts(name string) ([]string, error) {
	raw, ok := d.raw(name)
	if !ok {
		return nil, nil
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil || slices.Contains(list, "") {
		return nil, invalid("%s%s must be a list of strings that are not empty", d.where, name)
	}
	if !storable(strings.Join(list, "")) {
		return nil, invalid("%s%s must be a list of strings without NUL", d.where, name)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func (d document) flag(name string, fallback bool) (bool, error) {
	raw, ok := d.raw(name)
	if !ok {
		return fallback, nil
	}
	if json.Unmarshal(raw, &fallback) != nil {
		return false, invalid("%s%s must be true or false", d.where, name)
	}
	return fallback, nil
}

func (d document) integer(name string) (int64, bool, error) {
	raw, ok := d.raw(name)
	if !ok {
		return 0, false, nil
	}
	var n int64
	if json.Unmarshal(raw, &n) != nil {
		return 0, false, invalid("%s%s must be an integer", d.where, name)
	}
	return n, true, nil
}
