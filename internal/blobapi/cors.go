package blobapi

import (
	"net/http"
	"slices"
	"strings"
)

const (
	allowedMethods = "GET, HEAD, PUT, OPTIONS"
	// exposedHeaders have no prefixes: browsers know none.
	exposedHeaders = "Accept-Ranges, Content-Disposition, Content-Length, Content-MD5, Content-Range, Date, ETag, Last-Modified, " +
		"x-ms-blob-content-length, x-ms-blob-content-md5, x-ms-blob-type, x-ms-client-request-id, x-ms-content-crc64, " +
		"x-ms-creation-time, x-ms-error-code, x-ms-request-id, x-ms-request-server-encrypted, x-ms-server-encrypted, x-ms-version"
	preflightSeconds = "3600"
)

// allowOrigin lets the page that sent a request read the answer.
func (a *api) allowOrigin(h http.Header, r *http.Request) {
	if len(a.origins) == 0 {
		return
	}
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); a.allowed(origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", exposedHeaders)
	}
}

func (a *api) allowed(origin string) bool {
	return origin != "" && (slices.Contains(a.origins, origin) || slices.Contains(a.origins, "*"))
}

// preflight answers a browser that asks what its page may send. It needs no
// signature, since browsers ask by themselves.
func (a *api) preflight(w http.ResponseWriter, r *http.Request) error {
	origin, method := r.Header.Get("Origin"), r.Header.Get("Access-Control-Request-Method")
	if origin == "" || method == "" {
		return refuse(http.StatusBadRequest, "MissingRequiredHeader",
			"An HTTP header that's mandatory for this request is not specified: OPTIONS needs Origin and Access-Control-Request-Method.")
	}
	asked := r.Header.Get("Access-Control-Request-Headers")
	if !a.allowed(origin) || !slices.Contains(strings.Split(allowedMethods, ", "), method) || !sendable(asked) {
		return refuse(http.StatusForbidden, "CorsPreflightFailure", "CORS not enabled for this origin, method or header.")
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", allowedMethods)
	if asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", preflightSeconds)
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	return nil
}

// sendable reports whether pages may send all headers of a list.
func sendable(list string) bool {
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.ToLower(strings.TrimSpace(name)); {
		case name == "", strings.HasPrefix(name, "x-ms-"), strings.HasPrefix(name, "content-"), strings.HasPrefix(name, "if-"):
		case name == "range", name == "accept", name == "cache-control":
		default:
			return false
		}
	}
	return true
}
