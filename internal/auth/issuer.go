package auth

import (
	"crypto/sha256"
	"net/http"
	"time"

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

// hashOf is the form in which codes, refresh tokens and cookies are stored.
// They are random, so a plain hash cannot be guessed back.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
