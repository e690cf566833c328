package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
)

// object returns a JSON object as rows keep it: compact, {} for nil. Invalid
// for anything else.
func object(document json.RawMessage) (string, error) {
	if document == nil || bytes.Equal(document, []byte("null")) {
		return "{}", nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, document); err != nil || !bytes.HasPrefix(b.Bytes(), []byte("{")) || !storable(b.String()) {
		return "", coreshed.Errorf(coreshed.Invalid, "A document must be a JSON object without NUL.")
	}
	if reason := unportable(b.Bytes()); reason != "" {
		return "", coreshed.Errorf(coreshed.Invalid, "A document must have %s.", reason)
	}
	return b.String(), nil
}

// maxDepth bounds how deep the objects and arrays of a document are nested. The
// databases' own bounds are wider, and differ.
const maxDepth = 100

// unportable says what a valid document may not have, since a database that is
// asked for a member of it would fail, and the list with it; "" when there is
// nothing.
func unportable(document []byte) string {
	depth := 0
	for i := 0; i < len(document); i++ {
		switch c := document[i]; {
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return "at most 100 objects and arrays in each other"
			}
		case c == '}' || c == ']':
			depth--
		case c == '"':
			n := textLength(document[i:])
			if n < 0 {
				return "no NUL and no half of a surrogate pair in its texts"
			}
			i += n - 1
		case c == '-' || '0' <= c && c <= '9':
			n := bytes.IndexAny(document[i:], ",]}")
			if _, err := strconv.ParseFloat(string(document[i:i+n]), 64); err != nil || n > maxDigits || hasTinyPower(document[i:i+n]) {
				return "no numbers out of the range of doubles"
			}
			i += n - 1
		}
	}
	return ""
}

// maxDigits bounds the length of a number.
const maxDigits = 1000

// hasTinyPower reports whether a number has a power of ten below that of any
// double, which reads as zero.
func hasTinyPower(number []byte) bool {
	_, power, ok := bytes.Cut(bytes.ToLower(number), []byte("e-"))
	n, err := strconv.Atoi(string(power))
	return ok && (err != nil || n > 400)
}

// textLength is how long the JSON text at the start is, -1 when it has an escape
// that PostgreSQL refuses.
func textLength(document []byte) int {
	for i := 1; ; i++ {
		switch document[i] {
		case '"':
			return i + 1
		case '\\':
			i++
			if document[i] != 'u' {
				continue
			}
			r := escaped(document[i:])
			if i += 4; utf16.IsSurrogate(r) {
				if !bytes.HasPrefix(document[i+1:], []byte(`\u`)) || utf16.DecodeRune(r, escaped(document[i+2:])) == utf8.RuneError {
					return -1
				}
				i += 6
			}
			if r == 0 {
				return -1
			}
		}
	}
}

// escaped is the code unit of uXXXX.
func escaped(text []byte) rune {
	n, err := strconv.ParseUint(string(text[1:5]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n) //nolint:gosec // of 16 bits
}

// objectOrNull is object, with NULL for nil.
func objectOrNull(document json.RawMessage) (any, error) {
	if document == nil || bytes.Equal(document, []byte("null")) {
		return nil, nil
	}
	return object(document)
}

// documentOf is an object as read; NULL is nil.
func documentOf(text sql.NullString) json.RawMessage {
	if !text.Valid {
		return nil
	}
	return json.RawMessage(text.String)
}

// maxName bounds names of types, inputs, outputs and nodes, and keys, in code
// points. Contract: Scale v6 §1.2.
const maxName = 250

// checkName fails with Invalid unless a required name can be kept.
func checkName(field, name string) error {
	if name == "" {
		return invalidField(field, "is required")
	}
	return checkKey(field, name)
}

// checkKey is checkName for one that may be empty.
func checkKey(field, name string) error { return checkText(field, name, maxName) }

// maxDescription bounds what is said of types and batches, in code points.
const maxDescription = 5000

// checkText fails with Invalid unless a text can be kept.
func checkText(field, text string, most int) error {
	if utf8.RuneCountInString(text) > most || !storable(text) {
		return invalidField(field, fmt.Sprintf("must be at most %d characters of UTF-8, none of them NUL", most))
	}
	return nil
}

// checkType fails with Invalid unless what a type is called and said to be can be
// kept.
func checkType(name, title, description string) error {
	if err := checkName("type.name", name); err != nil {
		return err
	}
	if err := checkKey("type.title", title); err != nil {
		return err
	}
	return checkText("type.description", description, maxDescription)
}

// checkMediaType fails with Invalid unless it is the name of a media type, or
// empty.
func checkMediaType(field, name string) error {
	if err := checkKey(field, name); err != nil || name == "" {
		return err
	}
	if _, _, err := mime.ParseMediaType(name); err != nil || !strings.Contains(name, "/") {
		return invalidField(field, "must be a media type")
	}
	return nil
}

func invalidField(field, reason string) error {
	err := coreshed.Errorf(coreshed.Invalid, "The member %s %s.", field, reason)
	err.Field = field
	return err
}

func nullID(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// flag adds that a column is a boolean, if one is wanted.
func (c *conditions) flag(column string, want *bool) {
	if want != nil {
		c.add(column+` = ?`, btoi(*want))
	}
}

// pageOf returns a page of rows and how many match in all, both of one moment.
// The order is total.
func pageOf[T any](ctx context.Context, db *DB, scan func(*sql.Rows) (T, error), columns, from string, c *conditions, order string, page coreshed.Page) ([]T, int64, error) {
	var list []T
	var total int64
	err := db.view(ctx, func(ctx context.Context, t tx) (err error) {
		if total, err = one(ctx, t, value[int64], `SELECT count(*) `+from+` WHERE `+c.text(), c.args...); err != nil {
			return err
		}
		limit := c.page(page)
		list, err = all(ctx, t, scan, `SELECT `+columns+` `+from+` WHERE `+c.text()+order+limit, c.args...)
		return err
	})
	return list, total, err
}

// manyJoins is a list of rows that are shown with many others.
type manyJoins struct {
	table, alias string
	columns      string
	joins        func(*conditions) string // of what is shown
	sorting      sorting
}

// keyedPage is pageOf for such a list: the keys of a page are found in the table
// alone, so that its indexes are used and only a page is joined.
func keyedPage[T any](ctx context.Context, db *DB, scan func(*sql.Rows) (T, error), m manyJoins, c *conditions, orders []coreshed.Order, page coreshed.Page) ([]T, int64, error) {
	order, err := m.sorting.order(orders)
	if err != nil {
		return nil, 0, err
	}
	from := ` FROM ` + m.table + ` ` + m.alias
	var list []T
	var total int64
	err = db.view(ctx, func(ctx context.Context, t tx) (err error) {
		if total, err = one(ctx, t, value[int64], `SELECT count(*)`+from+` WHERE `+c.text(), c.args...); err != nil {
			return err
		}
		where, limit, joins := ` WHERE `+c.text(), c.page(page), ` `+m.joins(c)
		if m.sorting.joined(orders) {
			from += joins
		}
		list, err = all(ctx, t, scan, `SELECT `+m.columns+` FROM (SELECT `+m.alias+`.id AS key`+from+where+order+limit+`) k
			JOIN `+m.table+` `+m.alias+` ON `+m.alias+`.id = k.key`+joins+order, c.args...)
		return err
	})
	return list, total, err
}
