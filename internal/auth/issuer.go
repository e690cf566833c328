package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// How long what the issuer gives out is good.
const (
	AccessTTL  = time.Hour
	codeTTL    = time.Minute
	refreshTTL = 30 * 24 * time.Hour
	reuseGrace = 30 * time.Second
	sessionTTL = 12 * time.Hour
)

// The types of tokens, in their header: an access token (RFC 9068 §2.1) and an
// id token.
const (
	accessType = "at+jwt"
	idType     = "JWT"
)

// maxForm is the largest form that is read, in bytes.
const maxForm = 64 << 10

// IssuerConfig is what an Issuer works with.
type IssuerConfig struct {
	Store         *store.DB
	Authenticator *Authenticator // has the keys
	Hasher        *Hasher
	// Origin returns the origin that a request came to: the issuer's name.
	Origin func(*http.Request) string
	// Caller returns the IP address that a request came from, by which failed
	// sign-ins are counted.
	Caller func(*http.Request) string
}

// Issuer is the built-in issuer of tokens. It serves /connect/ and the
// documents below /.well-known/.
type Issuer struct {
	IssuerConfig
	mux  *http.ServeMux
	page *page
}

// NewIssuer returns the issuer's handler.
func NewIssuer(c IssuerConfig) *Issuer {
	i := &Issuer{IssuerConfig: c, mux: http.NewServeMux(), page: newPage()}
	api := web.Family{Name: "auth", WriteError: writeJSONError}
	pages := web.Family{Name: "auth", WriteError: i.page.writeError}
	i.mux.HandleFunc("GET /connect/authorize", pages.Handle(i.authorize))
	i.mux.HandleFunc("POST /connect/authorize", pages.Handle(i.signIn))
	i.mux.HandleFunc("GET /connect/logout", pages.Handle(i.logout))
	i.mux.HandleFunc("POST /connect/token", api.Handle(i.token))
	i.mux.HandleFunc("GET /connect/userinfo", api.Handle(i.userinfo))
	i.mux.HandleFunc("POST /connect/userinfo", api.Handle(i.userinfo))
	i.mux.HandleFunc("GET /.well-known/openid-configuration", api.Handle(i.discovery))
	i.mux.HandleFunc("GET /.well-known/oauth-authorization-server", api.Handle(i.discovery))
	i.mux.HandleFunc("GET /.well-known/jwks.json", api.Handle(i.jwks))
	return i
}

// ServeHTTP serves the issuer's routes.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) { i.mux.ServeHTTP(w, r) }

// now is the clock of the tokens.
func (i *Issuer) now() time.Time { return i.Authenticator.now() }

// oauthError is a failure in the words of RFC 6749 §4.1.2.1 and §5.2.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`

	status int           // 0 is 400
	retry  time.Duration // until it is worth another try; 0 is not told
	cause  error         // for the log alone
}

func (e *oauthError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Description, e.cause)
	}
	return e.Code + ": " + e.Description
}

func (e *oauthError) Unwrap() error { return e.cause }

func oauthErrorf(code, format string, args ...any) *oauthError {
	return &oauthError{Code: code, Description: fmt.Sprintf(format, args...), status: http.StatusBadRequest}
}

func (e *oauthError) because(cause error) *oauthError {
	e.cause = cause
	return e
}

// asOAuth gives any error the form that callers may see.
func asOAuth(err error) *oauthError {
	var e *oauthError
	if errors.As(err, &e) {
		return e
	}
	var told *coreshed.Error
	switch errors.As(err, &told); coreshed.KindOf(err) {
	case coreshed.Unauthenticated, coreshed.InvalidToken:
		return &oauthError{Code: "invalid_token", Description: told.Msg, status: http.StatusUnauthorized}
	case coreshed.BadRequest, coreshed.Invalid:
		return oauthErrorf("invalid_request", "%s", told.Msg)
	case coreshed.StoreFailed, coreshed.BadGateway:
		// 502 is what the Evo client repeats a token request on.
		return &oauthError{Code: "temporarily_unavailable", Description: "Something that is needed to decide does not answer.", status: http.StatusBadGateway}
	}
	return &oauthError{Code: "server_error", Description: "An error occurred.", status: http.StatusInternalServerError}
}

func writeJSONError(w http.ResponseWriter, _ *http.Request, err error) {
	e := asOAuth(err)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	e.setRetry(h)
	if e.Code == "invalid_token" {
		h.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	web.JSON(w, e.status, e) //nolint:errcheck // the caller has gone
}

func (e *oauthError) setRetry(h http.Header) {
	if e.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.retry+time.Second-1)/time.Second)))
	}
}

// hashOf is the form in which codes, refresh tokens and cookies are stored.
// They are random, so a plain hash cannot be guessed back.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// evoScopes are the scopes of the Evo APIs. A token without a word on scopes
// is asked for all of them.
var evoScopes = scope{"evo.audit", "evo.blocksync", "evo.discovery", "evo.file", "evo.object", "evo.workspace"}

// The scopes that mean something to the issuer itself.
const (
	scopeOpenID  = "openid"
	scopeOffline = "offline_access"
)

// readScope reads a request's scope (RFC 6749 §3.3). Any scope is granted: it
// only limits what a token may be used for, while roles say what its person
// may do.
func readScope(s string) (scope, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) || len(s) > 1000 {
		return nil, oauthErrorf("invalid_scope", "The scope is malformed.")
	}
	words := scope{}
	for word := range strings.FieldsSeq(s) {
		if !words.has(word) {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return evoScopes, nil
	}
	return words, nil
}
