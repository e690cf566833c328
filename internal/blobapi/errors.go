package blobapi

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// refusal is a failure as Azure Storage presents it.
type refusal struct {
	status int
	code   string // for programs
	msg    string // for people
	detail string // why a signed URL is refused
	header http.Header
	cause  error // for the log
}

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status: status, code: code, msg: fmt.Sprintf(format, args...)}
}

func (r *refusal) because(cause error) *refusal {
	r.cause = cause
	return r
}

// Error says what is logged.
func (r *refusal) Error() string {
	if r.cause != nil {
		return r.code + ": " + r.cause.Error()
	}
	return r.code + ": " + r.msg
}

// Unwrap returns the cause, or nil.
func (r *refusal) Unwrap() error { return r.cause }

// LogCode implements [web.Coded].
func (r *refusal) LogCode() string { return r.code }

func notFound() *refusal {
	return refuse(http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
}

// unauthenticated says why a signed URL is no permission.
func unauthenticated(err error) error {
	var expired *signedurl.ExpiredError
	detail := ""
	switch {
	case errors.As(err, &expired):
		detail = fmt.Sprintf("Signed expiry time [%s] must be after signed start time [%s] and both must enclose the current time [%s]. "+
			"Ask for a new URL.", expired.Expiry.Format(http.TimeFormat), expired.Start.Format(http.TimeFormat), expired.Now.Format(http.TimeFormat))
	case errors.Is(err, signedurl.ErrSignature):
		detail = "The signature (sig) does not match the path and the parameters of the URL."
	case errors.Is(err, signedurl.ErrMalformed):
		detail = err.Error() + "."
	default:
		return err
	}
	r := refuse(http.StatusForbidden, "AuthenticationFailed",
		"Server failed to authenticate the request. Make sure the signed URL is complete, unchanged and not expired.").because(err)
	r.detail = detail
	return r
}

// refusalOf presents any failure.
func refusalOf(err error) *refusal {
	var r *refusal
	var broken *bodyError
	switch {
	case errors.As(err, &r):
		return r
	case errors.As(err, &broken):
		return broken.refusal()
	case errors.Is(err, context.Canceled):
		return refuse(http.StatusServiceUnavailable, "ServerBusy", "The request was cancelled.").because(err)
	case errors.Is(err, catalog.ErrMD5):
		return refuse(http.StatusBadRequest, "Md5Mismatch",
			"The MD5 value specified in the request did not match the MD5 value calculated by the server.")
	case errors.Is(err, catalog.ErrCRC64):
		return refuse(http.StatusBadRequest, "Crc64Mismatch",
			"The CRC64 value specified in the request did not match the CRC64 value calculated by the server.")
	case errors.Is(err, catalog.ErrBlockIDLength):
		return refuse(http.StatusBadRequest, "InvalidBlobOrBlock",
			"The specified blob or block content is invalid: all block ids of a blob must have the same length.")
	case errors.Is(err, catalog.ErrTooManyBlocks):
		return refuse(http.StatusConflict, "BlockCountExceedsLimit",
			"The uncommitted block count cannot exceed the maximum limit of %d blocks.", catalog.MaxStagedBlocks)
	case errors.Is(err, store.ErrUnknownBlock):
		return refuse(http.StatusBadRequest, "InvalidBlockList", "The specified block list is invalid: it names a block that has not been staged.")
	case errors.Is(err, store.ErrOtherCommit):
		return refuse(http.StatusConflict, "BlobAlreadyExists",
			"The specified blob already exists: this version has been committed. Ask for a new upload URL to make another version.")
	}
	return refusalOfKind(err)
}

func refusalOfKind(err error) *refusal {
	switch coreshed.KindOf(err) {
	case coreshed.NotFound, coreshed.Gone:
		return notFound().because(err)
	case coreshed.Full:
		return refuse(http.StatusInsufficientStorage, "InsufficientStorage", "%s", message(err)).because(err)
	case coreshed.Conflict, coreshed.Committed:
		return refuse(http.StatusConflict, "BlobAlreadyExists", "The specified blob already exists.").because(err)
	case coreshed.Held:
		return refuse(http.StatusConflict, "BlobImmutableDueToLegalHold", "%s", message(err)).because(err)
	case coreshed.BadRequest, coreshed.Invalid:
		return refuse(http.StatusBadRequest, "InvalidQueryParameterValue", "%s", message(err)).because(err)
	case coreshed.StoreFailed, coreshed.BadGateway:
		return refuse(http.StatusServiceUnavailable, "ServerBusy", "The server is currently unable to receive requests. Please retry your request.").because(err)
	default:
		return refuse(http.StatusInternalServerError, "InternalError", "The server encountered an internal error. Please retry the request.").because(err)
	}
}

// message returns what may be shown of err.
func message(err error) string {
	var e *coreshed.Error
	if errors.As(err, &e) && e.Msg != "" {
		return e.Msg
	}
	return coreshed.KindOf(err).Error()
}

// refusal says that a body did not arrive whole.
func (e *bodyError) refusal() *refusal {
	if errors.Is(e.err, os.ErrDeadlineExceeded) {
		return refuse(http.StatusRequestTimeout, "RequestTimeout", "The body stopped arriving.").because(e)
	}
	return refuse(http.StatusBadRequest, "InvalidInput", "The body did not arrive whole.").because(e)
}

func writeError(w http.ResponseWriter, r *http.Request, err error) {
	ref := refusalOf(err)
	h := w.Header()
	for name, values := range ref.header {
		h[name] = values
	}
	h.Set("X-Ms-Error-Code", ref.code)
	if ref.status == http.StatusNotModified {
		h.Del("Cache-Control") // that of the answer which the caller has
		w.WriteHeader(ref.status)
		return
	}
	body := ref.xml(h.Get("X-Ms-Request-Id"))
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(ref.status)
	if r.Method != http.MethodHead {
		w.Write(body) //nolint:errcheck // the caller has gone
	}
}

func (r *refusal) xml(requestID string) []byte {
	var b bytes.Buffer
	b.WriteString(xmlDeclaration + "<Error><Code>" + r.code + "</Code><Message>")
	escape(&b, r.msg)
	b.WriteString("\nRequestId:" + requestID + "\nTime:" + time.Now().UTC().Format("2006-01-02T15:04:05.0000000Z") + "</Message>")
	if r.detail != "" {
		b.WriteString("<AuthenticationErrorDetail>")
		escape(&b, r.detail)
		b.WriteString("</AuthenticationErrorDetail>")
	}
	b.WriteString("</Error>")
	return b.Bytes()
}

const xmlDeclaration = `<?xml version="1.0" encoding="utf-8"?>`

func escape(b *bytes.Buffer, text string) {
	xml.EscapeText(b, []byte(text)) //nolint:errcheck // a buffer never fails
}

// identify sets what every answer has, errors included.
func identify(h http.Header, r *http.Request) {
	h.Set("Server", "Coreshed")
	h.Set("Cache-Control", "no-store") // but for a blob itself
	h.Set("X-Ms-Request-Id", web.RequestID(r))
	h.Set("X-Ms-Version", signedurl.Version)
	if v := r.Header.Get("X-Ms-Version"); echoable(v) {
		h.Set("X-Ms-Version", v)
	}
	if v := r.Header.Get("X-Ms-Client-Request-Id"); echoable(v) {
		h.Set("X-Ms-Client-Request-Id", v)
	}
}

// echoable reports whether a header's value is sent back.
func echoable(v string) bool {
	for _, c := range []byte(v) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return v != "" && len(v) <= 1024
}
