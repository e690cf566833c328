package web

import (
	"math"
	"strconv"
	"strings"
)

// ParseRange reads bytes=first-last, bytes=first- and bytes=-suffix (RFC 9110
// §14.1.2). A first that is size or more cannot be satisfied;
// last may be beyond the end.
func ParseRange(text string, size int64) (first, last int64, ok bool) {
	unit, spec, _ := strings.Cut(strings.TrimSpace(text), "=")
	from, to, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !strings.EqualFold(unit, "bytes") || !dash {
		return 0, 0, false
	}
	last = math.MaxInt64
	if from == "" {
		suffix, ok := parseOffset(to)
		return max(size-suffix, 0), last, ok
	}
	if to != "" {
		if last, ok = parseOffset(to); !ok {
			return 0, 0, false
		}
	}
	first, ok = parseOffset(from)
	return first, last, ok && first <= last
}

// parseOffset reads digits; more than fit into an int64 are its maximum.
func parseOffset(text string) (int64, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	return n, true
}
