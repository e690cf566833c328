package scaleapi

import (
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// params are the parameters of a request. Each is looked for in the query
// string, then in the body. An empty value is not an absent one; null in a body
// is. Readers fail with the documented texts.
type params struct {
	query url.Values
	body  map[string]any // of JSON; of a form, []string
}

// all returns every value of a parameter: of the query string in order, else of
// the body, where one that is no list is a list of one.
func (p params) all(name string) []any {
	if values, ok := p.query[name]; ok {
		return anys(values)
	}
	switch v := p.body[name].(type) {
	case nil:
		return nil
	case []string:
		return anys(v)
	case []any:
		return v
	default:
		return []any{v}
	}
}

func anys(values []string) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return list
}

// value returns a parameter that has one value, the last one sent; nil when it
// is absent.
func (p params) value(name string) any {
	if values, ok := p.query[name]; ok {
		return values[len(values)-1]
	}
	if values, ok := p.body[name].([]string); ok {
		return values[len(values)-1]
	}
	return p.body[name]
}

// says reports whether a parameter was sent and is not empty.
func (p params) says(name string) bool { return p.value(name) != nil && p.value(name) != "" }

// text reads a string; nil when it is absent.
func (p params) text(name string) (*string, error) {
	v := p.value(name)
	if v == nil {
		return nil, nil
	}
	s, err := textOf(name, v)
	return &s, err
}

// required reads a string that has to be there.
func (p params) required(name string) (string, error) {
	s, err := p.text(name)
	if err == nil && s == nil {
		err = missing(name)
	}
	if err != nil {
		return "", err
	}
	return *s, nil
}

// texts reads a list of strings; nil when it is absent.
func (p params) texts(name string) ([]string, error) {
	var list []string
	for _, v := range p.all(name) {
		s, err := textOf(name, v)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// textOf reads a string. A number of a body counts as its digits.
func textOf(name string, v any) (string, error) {
	switch v := v.(type) {
	case string:
		if storable(v) {
			return v, nil
		}
	case json.Number:
		return v.String(), nil
	}
	return "", bad("Parameter must be a valid string: %s", quoted(name))
}

// storable reports whether the databases can hold s: PostgreSQL takes neither
// NUL nor invalid UTF-8.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// integer reads an integer; nil when it is absent.
func (p params) integer(name string) (*int64, error) {
	v := p.value(name)
	if v == nil {
		return nil, nil
	}
	n, err := intOf(name, v)
	return &n, err
}

// integers reads a list of integers; nil when it is absent.
func (p params) integers(name string) ([]int64, error) {
	var list []int64
	for _, v := range p.all(name) {
		n, err := intOf(name, v)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

func intOf(name string, v any) (int64, error) {
	text, ok := v.(string)
	if number, is := v.(json.Number); is {
		text, ok = number.String(), true
	}
	if ok {
		if n, ok := parseInt(text); ok {
			return n, nil
		}
	}
	return 0, bad("Parameter must be a valid integer: %s", quoted(name))
}

// parseInt reads blanks, a sign and digits. What does not fit is the largest,
// or least, that does: no id is either.
func parseInt(text string) (int64, bool) {
	text = strings.TrimSpace(text)
	digits := strings.TrimPrefix(text, "-")
	if digits == text {
		digits = strings.TrimPrefix(text, "+")
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && text[0] == '-' {
		return math.MinInt64, true
	}
	if err != nil {
		return math.MaxInt64, true
	}
	return n, true
}

// textsParam and integersParam are lists of values and where they go.
type textsParam struct {
	name string
	into *[]string
}

type integersParam struct {
	name string
	into *[]int64
}

func (p params) readTexts(list []textsParam) (err error) {
	for _, l := range list {
		if *l.into, err = p.texts(l.name); err != nil {
			return err
		}
	}
	return nil
}

func (p params) readIntegers(list []integersParam) (err error) {
	for _, l := range list {
		if *l.into, err = p.integers(l.name); err != nil {
			return err
		}
	}
	return nil
}

// boolean reads true, t, 1, false, f or 0 in any case; nil when it is absent.
func (p params) boolean(name string) (*bool, error) {
	v := p.value(name)
	if v == nil {
		return nil, nil
	}
	if b, ok := v.(bool); ok {
		return &b, nil
	}
	if number, ok := v.(json.Number); ok {
		v = number.String()
	}
	if text, ok := v.(string); ok {
		yes, no := true, false
		switch strings.ToLower(text) {
		case "true", "t", "1":
			return &yes, nil
		case "false", "f", "0":
			return &no, nil
		}
	}
	return nil, bad("Parameter must be a valid boolean: %s", quoted(name))
}

// object reads a JSON object that has to be there.
func (p params) object(name string) (map[string]any, error) {
	v := p.value(name)
	if v == nil {
		return nil, missing(name)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, bad("Parameter must be a valid JSON object: %s", quoted(name))
	}
	return object, nil
}

func missing(name string) error { return bad("Missing required parameter: %s", quoted(name)) }

func quoted(name string) string { return `"` + name + `"` }
