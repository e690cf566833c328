package blobapi

import (
	"bytes"
	"cmp"
	"crypto/md5" //nolint:gosec // what the protocol's clients compare
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// maxMD5Range bounds a range whose MD5 is asked for.
const maxMD5Range = 4 << 20

// getBlob is Get Blob.
func (a *api) getBlob(w http.ResponseWriter, q *request) error {
	hashed, err := wantsMD5(q.Header)
	if err != nil {
		return err
	}
	s, err := a.readable(w.Header(), q)
	if err != nil {
		return err
	}
	part, err := rangeOf(q.Header, s.Version.Size)
	if err != nil {
		return err
	}
	if hashed && (!part.partial || part.length > maxMD5Range) {
		return invalidHeader("x-ms-range-get-content-md5", "sent with a range of at most 4 MiB")
	}
	r, err := a.catalog.Open(q.Context(), s, part.offset, part.length)
	if err != nil {
		return err
	}
	defer r.Close()
	if hashed {
		return a.sendHashed(w, q, s, part, r)
	}
	return a.send(w, q, s, part, r, r.Served)
}

// headBlob is Get Blob Properties. It has no ranges.
func (a *api) headBlob(w http.ResponseWriter, q *request) error {
	s, err := a.readable(w.Header(), q)
	if err != nil {
		return err
	}
	if s.Version.State == coreshed.InPlace {
		// What is there by now may be something else.
		r, err := a.catalog.Open(q.Context(), s, 0, 0)
		if err != nil {
			return err
		}
		defer r.Close()
	}
	describe(w.Header(), q, s, span{length: s.Version.Size})
	w.Header().Set("X-Ms-Access-Tier", "Hot")
	w.WriteHeader(http.StatusOK)
	return nil
}

// readable returns a committed version that may be sent, and sets what its
// headers depend on, which a 304 has to tell too (RFC 9110 §15.4.5).
func (a *api) readable(h http.Header, q *request) (store.Slot, error) {
	if err := checkMeaningful(q.Header); err != nil {
		return store.Slot{}, err
	}
	c, err := readConditions(q.Header)
	if err != nil {
		return store.Slot{}, err
	}
	s, err := a.catalog.Committed(q.Context(), q.target)
	if err != nil {
		return s, err
	}
	if !q.sees(s) || !s.Version.State.Served() {
		return s, notFound()
	}
	if encodingOf(q, s.Version.Headers) != "" {
		h.Add("Vary", "Accept-Encoding")
	}
	return s, c.forRead(s.Version)
}

// sees reports whether a URL shows what it names: a deleted file's are for
// that.
func (q *request) sees(s store.Slot) bool { return !s.FileDeleted || q.grant.DeletedToo }

func wantsMD5(h http.Header) (bool, error) {
	switch strings.ToLower(h.Get("X-Ms-Range-Get-Content-Md5")) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, invalidHeader("x-ms-range-get-content-md5", "true or false")
}

// send sends a part of a version as long as still, if there is one, returns nil.
func (a *api) send(w http.ResponseWriter, q *request, s store.Slot, part span, r io.Reader, still func() error) error {
	describe(w.Header(), q, s, part)
	status := http.StatusOK
	if part.partial {
		status = http.StatusPartialContent
	}
	w.WriteHeader(status)
	out := web.NewDownload(w, a.patience)
	out.While(still)
	if _, err := io.Copy(out, r); err != nil {
		return err
	}
	return out.End()
}

// sendHashed sends a range after its MD5.
func (a *api) sendHashed(w http.ResponseWriter, q *request, s store.Slot, part span, r io.Reader) error {
	data := make([]byte, part.length)
	if _, err := io.ReadFull(r, data); err != nil {
		return err
	}
	sum := md5.Sum(data) //nolint:gosec // see the import
	w.Header().Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	return a.send(w, q, s, part, bytes.NewReader(data), nil)
}

// describe sets the headers of a blob, of which part is sent.
func describe(h http.Header, q *request, s store.Slot, part span) {
	v := s.Version
	h.Set("Content-Length", strconv.FormatInt(part.length, 10))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Etag", v.ETag)
	h.Set("Last-Modified", httpTime(v.CreatedAt))
	h.Set("X-Ms-Creation-Time", httpTime(v.CreatedAt))
	h.Set("X-Ms-Blob-Type", "BlockBlob")
	h.Set("X-Ms-Lease-Status", "unlocked")
	h.Set("X-Ms-Lease-State", "available")
	h.Set("X-Ms-Server-Encrypted", "true")
	describeContent(h, q, v.Headers)
	if part.partial {
		h.Set("Content-Range", "bytes "+strconv.FormatInt(part.offset, 10)+"-"+
			strconv.FormatInt(part.offset+part.length-1, 10)+"/"+strconv.FormatInt(v.Size, 10))
	}
	if v.MD5 != nil {
		name := "Content-Md5"
		if part.partial {
			name = "X-Ms-Blob-Content-Md5"
		}
		h.Set(name, base64.StdEncoding.EncodeToString(v.MD5))
	}
}

// describeContent sets the headers that the uploader chose, or the URL in
// their place. Browsers get nothing that they would show or run: what is
// stored is whatever someone uploaded.
func describeContent(h http.Header, q *request, stored coreshed.BlobHeaders) {
	over := q.grant.Override
	h.Set("Content-Type", cmp.Or(over.ContentType, stored.ContentType, coreshed.DefaultContentType))
	h.Set("Content-Disposition", cmp.Or(over.ContentDisposition, "attachment"))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox")
	setIf(h, "Content-Language", cmp.Or(over.ContentLanguage, stored.ContentLanguage))
	// Unless someone says otherwise: the URL expires, and its file may be deleted.
	h.Set("Cache-Control", cmp.Or(over.CacheControl, stored.CacheControl, "private, no-cache"))
	if q.Header.Get("Accept-Encoding") != "" {
		// A caller that knows no encodings takes the bytes as they are.
		setIf(h, "Content-Encoding", encodingOf(q, stored))
	}
}

func encodingOf(q *request, stored coreshed.BlobHeaders) string {
	return cmp.Or(q.grant.Override.ContentEncoding, stored.ContentEncoding)
}

func setIf(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}
