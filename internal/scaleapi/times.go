package scaleapi

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// timestamp reads a date and time with a zone, or a duration before now; nil
// when the parameter is absent.
func (q *request) timestamp(name string, now time.Time) (*time.Time, error) {
	v := q.value(name)
	if v == nil {
		return nil, nil
	}
	text, _ := v.(string)
	t, ok := parseTime(text, now)
	if !ok {
		return nil, bad("Invalid ISO timestamp format for parameter: %s", name)
	}
	return &t, nil
}

// window reads a range of times, whose ends are two parameters. Either may be
// absent.
func (q *request) window(from, until string, now time.Time) (coreshed.Window, error) {
	start, err := q.timestamp(from, now)
	if err != nil {
		return coreshed.Window{}, err
	}
	end, err := q.timestamp(until, now)
	if err != nil {
		return coreshed.Window{}, err
	}
	if start != nil && end != nil {
		switch start.Compare(*end) {
		case 0:
			return coreshed.Window{}, bad("Start and end values must be different")
		case 1:
			return coreshed.Window{}, bad("Start time must come before end time")
		}
	}
	return coreshed.Window{From: micros(start), Until: micros(end)}, nil
}

func micros(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	n := coreshed.Micros(*t)
	return &n
}

// parseTime reads a time; a duration is that long before now.
func parseTime(text string, now time.Time) (time.Time, bool) {
	if strings.HasPrefix(text, "P") {
		return parseAgo(text, now)
	}
	return parseDateTime(text)
}

var dateTime = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{2})` +
	`(?::(\d{2})(?:\.(\d{1,6})\d{0,6})?)?(?:Z|([+-])(\d{2})(?::?(\d{2}))?)$`)

// parseDateTime reads an ISO 8601 date and time with a zone, without which it
// is no moment. Digits beyond microseconds are cut off.
func parseDateTime(text string) (time.Time, bool) {
	m := dateTime.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v } // digits, or ""
	fraction := m[7] + strings.Repeat("0", 6-len(m[7]))
	us, _ := strconv.Atoi(fraction) // digits
	t := time.Date(n(1), time.Month(n(2)), n(3), n(4), n(5), n(6), us*1000, time.UTC)
	// A field that is out of its range would have moved the others.
	same := t.Year() == n(1) && int(t.Month()) == n(2) && t.Day() == n(3) &&
		t.Hour() == n(4) && t.Minute() == n(5) && t.Second() == n(6)
	if !same || n(1) == 0 || n(9) > 23 || n(10) > 59 {
		return time.Time{}, false
	}
	offset := time.Duration(n(9))*time.Hour + time.Duration(n(10))*time.Minute
	if m[8] == "-" {
		offset = -offset
	}
	return t.Add(-offset), true
}

var duration = regexp.MustCompile(`^P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$`)

// parseAgo reads an ISO 8601 duration of days, hours, minutes and seconds, and
// returns the time that long before now. There is none before year 1.
func parseAgo(text string, now time.Time) (time.Time, bool) {
	m := duration.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	var seconds float64
	for i, unit := range []float64{86400, 3600, 60, 1} {
		n, _ := strconv.ParseFloat(m[i+1], 64) // digits, "", or too many: infinity
		seconds += n * unit
	}
	const centuries = 100 * 365 * 86400
	days := int(min(seconds, 30*centuries) / 86400)
	rest := time.Duration((seconds - float64(days)*86400) * float64(time.Second))
	if seconds > 30*centuries {
		return time.Time{}, false
	}
	t := now.UTC().AddDate(0, 0, -days).Add(-rest).Truncate(time.Microsecond)
	return t, t.Year() >= 1
}

// stamp writes a time: in UTC, without a fraction or with six digits of one.
func stamp(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond()/1000 == 0 {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000000Z")
}

// stampOrNull is stamp, and null for no time.
func stampOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}
