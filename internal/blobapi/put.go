package blobapi

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/web"
)

// Limits of Azure's block blobs, in bytes.
const (
	maxBlob    = 5000 << 20
	maxBlock   = 4000 << 20
	maxBlockID = 64 // decoded
)

// putBlob is Put Blob: the body is the whole content.
func (a *api) putBlob(w http.ResponseWriter, q *request) error {
	if err := q.checkBody(maxBlob); err != nil {
		return err
	}
	if err := checkBlobType(q.Header); err != nil {
		return err
	}
	claims, err := blobSums(q.Header)
	if err != nil {
		return err
	}
	properties, err := blobProperties(q.Header)
	if err != nil {
		return err
	}
	if err := a.checkWrite(q); err != nil {
		return err
	}
	v, err := a.catalog.PutBlob(q.Context(), q.target, q.body, q.ContentLength, claims, properties)
	if err != nil {
		return err
	}
	setSums(w.Header(), catalog.Sums{MD5: v.MD5, CRC64: claims.CRC64})
	return committed(w, v)
}

func checkBlobType(h http.Header) error {
	switch h.Get("X-Ms-Blob-Type") {
	case "BlockBlob":
		return nil
	case "":
		return refuse(http.StatusBadRequest, "MissingRequiredHeader",
			"An HTTP header that's mandatory for this request is not specified: Put Blob needs x-ms-blob-type: BlockBlob.")
	}
	return invalidHeader("x-ms-blob-type", "BlockBlob")
}

// blobSums are the claims on a Put Blob. The MD5 to store counts as one: a
// wrong one would make downloads fail.
func blobSums(h http.Header) (catalog.Sums, error) {
	s, err := sums(h)
	if err != nil {
		return s, err
	}
	stored, err := md5Header(h, "X-Ms-Blob-Content-Md5")
	if err != nil || stored == nil {
		return s, err
	}
	if s.MD5 != nil && !bytes.Equal(s.MD5, stored) {
		return s, catalog.ErrMD5
	}
	s.MD5 = stored
	return s, nil
}

// putBlock is Put Block: it stages a piece of the content under an id.
func (a *api) putBlock(w http.ResponseWriter, q *request) error {
	id, err := q.blockID()
	if err != nil {
		return err
	}
	if err := q.checkBody(maxBlock); err != nil {
		return err
	}
	if q.ContentLength == 0 {
		return invalidHeader("Content-Length", "more than 0")
	}
	claims, err := sums(q.Header)
	if err != nil {
		return err
	}
	if err := a.catalog.PutBlock(q.Context(), q.target, id, q.body, q.ContentLength, claims); err != nil {
		return err
	}
	setSums(w.Header(), claims)
	w.Header().Set("X-Ms-Request-Server-Encrypted", "true")
	return web.Empty(w, http.StatusCreated)
}

func (q *request) blockID() (string, error) {
	values := q.query["blockid"]
	if len(values) == 0 {
		return "", refuse(http.StatusBadRequest, "MissingRequiredQueryParameter",
			"A query parameter that's mandatory for this request is not specified: blockid.")
	}
	id, err := base64.StdEncoding.Strict().DecodeString(values[0])
	if err != nil || len(values) > 1 || len(id) == 0 || len(id) > maxBlockID || strings.ContainsAny(values[0], "\r\n") {
		return "", refuse(http.StatusBadRequest, "InvalidQueryParameterValue",
			"Value for one of the query parameters specified in the request URI is invalid: blockid must be base64 of 1 to %d bytes.", maxBlockID)
	}
	return values[0], nil
}

// checkBody looks at a body's length, and at headers that would make it
// something else than the bytes to store.
func (q *request) checkBody(most int64) error {
	if q.ContentLength < 0 || (q.ContentLength == 0 && q.ProtoMajor == 1 && q.Header.Get("Content-Length") == "") {
		return refuse(http.StatusLengthRequired, "MissingContentLengthHeader", "The Content-Length header was not specified.")
	}
	if q.ContentLength > most {
		return refuse(http.StatusRequestEntityTooLarge, "RequestBodyTooLarge",
			"The request body is too large and exceeds the maximum permissible limit of %d bytes.", most)
	}
	return checkMeaningful(q.Header)
}

// checkWrite evaluates conditions, if there are any, on what has been
// committed. Without, the commit itself is the check.
func (a *api) checkWrite(q *request) error {
	c, err := readConditions(q.Header)
	if err != nil || c.none() {
		return err
	}
	s, err := a.catalog.Slot(q.Context(), q.target)
	if err != nil {
		return err
	}
	if s.FileDeleted {
		return notFound()
	}
	return c.forWrite(s.Version, s.Committed)
}

// committed answers that a version is there.
func committed(w http.ResponseWriter, v coreshed.Version) error {
	h := w.Header()
	h.Set("Etag", v.ETag)
	h.Set("Last-Modified", httpTime(v.CreatedAt))
	h.Set("X-Ms-Request-Server-Encrypted", "true")
	return web.Empty(w, http.StatusCreated)
}
