package evoapi

import (
	"net/url"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// times reads a date filter: "op:time" with op lt, lte, gt or gte, sent once or
// as two keys that must both hold; or a bare time, sent once, that means equal.
func times(q url.Values, name string) (coreshed.TimeRange, error) {
	values := q[name]
	var all coreshed.TimeRange
	if len(values) > 2 {
		return all, badTime(name, "at most two values")
	}
	for _, v := range values {
		r, operator, err := timeRange(name, v)
		if err != nil {
			return all, err
		}
		if !operator && len(values) > 1 {
			return all, badTime(name, "two values only with an operator each")
		}
		all = both(all, r)
	}
	return all, nil
}

func badTime(name, want string) error {
	err := coreshed.Errorf(coreshed.Invalid, "The parameter %s takes %s.", name, want)
	err.Field = name
	return err
}

// timeRange reads one value; operator is false for a bare time.
func timeRange(name, value string) (r coreshed.TimeRange, operator bool, err error) {
	op, text, ok := strings.Cut(value, ":")
	bare := !ok || strings.ContainsAny(op, "0123456789")
	if bare {
		text = value
	}
	t, precision, ok := parseTime(text)
	if !ok {
		return r, false, badTime(name, "an ISO 8601 time, alone or after lt:, lte:, gt: or gte:")
	}
	at := coreshed.Micros(t)
	after := at + 1 // the first microsecond later than t
	notBefore := at // the first microsecond not earlier than t
	if t.Nanosecond()%1000 != 0 {
		notBefore = after
	}
	if bare {
		end := at + precision.Microseconds()
		return coreshed.TimeRange{From: &at, Until: &end}, false, nil
	}
	switch op {
	case "lt":
		return coreshed.TimeRange{Until: &notBefore}, true, nil
	case "lte":
		return coreshed.TimeRange{Until: &after}, true, nil
	case "gt":
		return coreshed.TimeRange{From: &after}, true, nil
	case "gte":
		return coreshed.TimeRange{From: &notBefore}, true, nil
	}
	return r, false, badTime(name, "one of the operators lt, lte, gt and gte")
}

// parseTime reads an ISO 8601 time, in UTC unless it says otherwise. The
// precision is that of its last figure, at least a microsecond: an equal time
// is one that reads the same when it is written so.
func parseTime(text string) (t time.Time, precision time.Duration, ok bool) {
	const date = len("2006-01-02")
	text = strings.ToUpper(text)
	if i := strings.LastIndexByte(text, ' '); i > date {
		// The plus sign of an offset that was not escaped arrives as a space.
		text = text[:i] + "+" + text[i+1:]
	}
	if len(text) > date && text[date] == ' ' {
		text = text[:date] + "T" + text[date+1:]
	}
	for _, layout := range []struct {
		text      string
		precision time.Duration
	}{
		{"2006-01-02T15:04:05", time.Second}, {"2006-01-02T15:04", time.Minute}, {"2006-01-02", 24 * time.Hour},
	} {
		for _, zone := range []string{"", "Z07:00", "Z0700", "Z07"} {
			t, err := time.Parse(layout.text+zone, text)
			if err != nil {
				continue
			}
			// A fraction of a second is taken by every layout with seconds.
			if strings.ContainsAny(text, ".,") {
				return t, time.Microsecond, true
			}
			return t, layout.precision, true
		}
	}
	return t, 0, false
}

// both is the range of what lies in a and in b.
func both(a, b coreshed.TimeRange) coreshed.TimeRange {
	if a.From == nil || (b.From != nil && *b.From > *a.From) {
		a.From = b.From
	}
	if a.Until == nil || (b.Until != nil && *b.Until < *a.Until) {
		a.Until = b.Until
	}
	return a
}
