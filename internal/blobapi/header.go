package blobapi

import (
	"encoding/base64"
	"net/http"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
)

func invalidHeader(name, want string) error {
	return refuse(http.StatusBadRequest, "InvalidHeaderValue",
		"The value for one of the HTTP headers is not in the correct format: %s must be %s.", name, want)
}

// meaningful are headers of operations or options that do not exist here and
// that change what is stored, sent or permitted: to ignore one would be to do
// something else than the caller asked for.
var meaningful = [...]string{
	"X-Ms-Copy-Source", "X-Ms-Structured-Body", "X-Ms-Encryption-Key", "X-Ms-Encryption-Scope", "X-Ms-Lease-Id", "X-Ms-If-Tags",
}

func checkMeaningful(h http.Header) error {
	for _, name := range meaningful {
		if len(h[name]) > 0 {
			return invalidHeader(name, "absent: it is not supported")
		}
	}
	return nil
}

// sums returns what a client claims of the body.
func sums(h http.Header) (catalog.Sums, error) {
	var s catalog.Sums
	var err error
	if s.MD5, err = md5Header(h, "Content-Md5"); err != nil {
		return s, err
	}
	if text := h.Get("X-Ms-Content-Crc64"); text != "" {
		if s.CRC64, err = base64.StdEncoding.DecodeString(text); err != nil || len(s.CRC64) != 8 {
			return s, invalidHeader("x-ms-content-crc64", "8 bytes in base64")
		}
	}
	return s, nil
}

func md5Header(h http.Header, name string) ([]byte, error) {
	text := h.Get(name)
	if text == "" {
		return nil, nil
	}
	sum, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sum) != 16 {
		return nil, refuse(http.StatusBadRequest, "InvalidMd5",
			"The MD5 value specified in the request is invalid. The MD5 value must be 128 bits and Base64-encoded.")
	}
	return sum, nil
}

// setSums repeats the claims that have been checked.
func setSums(h http.Header, s catalog.Sums) {
	if s.MD5 != nil {
		h.Set("Content-Md5", base64.StdEncoding.EncodeToString(s.MD5))
	}
	if s.CRC64 != nil {
		h.Set("X-Ms-Content-Crc64", base64.StdEncoding.EncodeToString(s.CRC64))
	}
}

// maxProperty bounds a stored header in bytes.
const maxProperty = 1024

// listProperties are the stored headers that Put Block List takes.
func listProperties(h http.Header) (coreshed.BlobHeaders, error) {
	p := coreshed.BlobHeaders{
		ContentType: h.Get("X-Ms-Blob-Content-Type"), ContentEncoding: h.Get("X-Ms-Blob-Content-Encoding"),
		ContentLanguage: h.Get("X-Ms-Blob-Content-Language"), ContentDisposition: h.Get("X-Ms-Blob-Content-Disposition"),
		CacheControl: h.Get("X-Ms-Blob-Cache-Control"),
	}
	return p, checkProperties(p)
}

// blobProperties are those that Put Blob takes: there the body is the blob,
// so the standard headers describe it, too.
func blobProperties(h http.Header) (coreshed.BlobHeaders, error) {
	p, err := listProperties(h)
	if err != nil {
		return p, err
	}
	for _, f := range []struct {
		field *string
		name  string
	}{
		{&p.ContentType, "Content-Type"}, {&p.ContentEncoding, "Content-Encoding"},
		{&p.ContentLanguage, "Content-Language"}, {&p.CacheControl, "Cache-Control"},
	} {
		if *f.field == "" {
			*f.field = h.Get(f.name)
		}
	}
	return p, checkProperties(p)
}

func checkProperties(p coreshed.BlobHeaders) error {
	for _, v := range [...]string{p.ContentType, p.ContentEncoding, p.ContentLanguage, p.ContentDisposition, p.CacheControl} {
		if len(v) > maxProperty || !utf8.ValidString(v) {
			return invalidHeader("each property of a blob", "UTF-8 text of at most 1,024 bytes")
		}
	}
	return nil
}
