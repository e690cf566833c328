package blobapi

import (
	"net/http"
	"strconv"

	"github.com/coreshed/coreshed/internal/web"
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
	first, last, ok := web.ParseRange(text, size)
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
