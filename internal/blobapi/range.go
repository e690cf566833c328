package blobapi

import (
	"math"
	"net/http"
	"strconv"
	"strings"
)

// span is a run of a blob's bytes.
type span struct {
	offset, length int64
	partial        bool // asked for as a range, even if it is everything
}

// rangeOf returns the bytes of a blob that a request asks for: all of them
// without a range, with several, or with one that cannot be read.
func rangeOf(h http.Header, size int64) (span, error) {
	text := h.Get("X-Ms-Range")
	if text == "" {
		text = h.Get("Range")
	}
	first, last, ok := parseRange(text, size)
	if !ok {
		return span{0, size, false}, nil
	}
	if first >= size {
		r := refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The range specified is invalid for the current size of the resource.")
		r.header = http.Header{"Content-Range": {"bytes */" + strconv.FormatInt(size, 10)}}
		return span{}, r
	}
	return span{first, min(last, size-1) - first + 1, true}, nil
}

// parseRange reads bytes=first-last, bytes=first- and bytes=-suffix (RFC 9110
// §14.1.2). A first that is size or more cannot be satisfied.
func parseRange(text string, size int64) (first, last int64, ok bool) {
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
