package web

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
)

// Query reads a query string by form rules. It fails with BadRequest on a bad
// escape; net/url alone would drop such pairs and others with a semicolon.
func Query(raw string) (url.Values, error) {
	values := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		k, err := url.QueryUnescape(key)
		if err != nil {
			return nil, badEscape()
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, badEscape()
		}
		values.Add(k, v)
	}
	return values, nil
}

func badEscape() error {
	return coreshed.Errorf(coreshed.BadRequest, "The query string has a malformed percent-escape.")
}

// Bool reads a boolean parameter in any case; absent or empty is fallback.
func Bool(q url.Values, name string, fallback bool) (bool, error) {
	switch strings.ToLower(q.Get(name)) {
	case "":
		return fallback, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, invalid(name, "true or false")
}

// Int reads an integer parameter of at least least; absent is fallback.
func Int(q url.Values, name string, fallback, least int64) (int64, error) {
	text := q.Get(name)
	if text == "" && !q.Has(name) {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least {
		return 0, invalid(name, "an integer of at least "+strconv.FormatInt(least, 10))
	}
	return n, nil
}

// ID reads a UUID parameter; absent is nil.
func ID(q url.Values, name string) (*coreshed.UUID, error) {
	if !q.Has(name) {
		return nil, nil
	}
	id, err := ParseID(q.Get(name))
	if err != nil {
		return nil, invalid(name, "a UUID")
	}
	return &id, nil
}

// ParseID reads a UUID in its canonical form of 36 characters, in any case,
// and no other. It fails with Invalid, without repeating the text: it may be the
// name of a file, and errors are logged.
func ParseID(text string) (coreshed.UUID, error) {
	var id coreshed.UUID
	if len(text) == 36 {
		if err := id.UnmarshalText([]byte(text)); err == nil {
			return id, nil
		}
	}
	return id, coreshed.Errorf(coreshed.Invalid, "This is not a UUID.")
}

func invalid(name, want string) error {
	err := coreshed.Errorf(coreshed.Invalid, "The parameter %s must be %s.", name, want)
	err.Field = name
	return err
}
