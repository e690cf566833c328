package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/coreshed/coreshed"
)

// Session is a browser that has signed in on the issuer's page.
type Session struct {
	Actor coreshed.Actor // with every scope
	// FormToken is what unsafe requests repeat in a header. It comes from the
	// session's secret, so nobody else can make it, and does not give it away.
	FormToken string
}

// Session returns the session of a request's cookie. Unauthenticated when there
// is none that is good.
func (a *Authenticator) Session(r *http.Request) (Session, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return Session{}, coreshed.Errorf(coreshed.Unauthenticated, "The request has no session.")
	}
	p, err := a.db.Session(r.Context(), hashOf(c.Value))
	if errors.Is(err, coreshed.NotFound) {
		return Session{}, coreshed.Errorf(coreshed.Unauthenticated, "The session is over.")
	}
	if err != nil {
		return Session{}, err
	}
	sum := sha256.Sum256([]byte("form token\n" + c.Value))
	return Session{Actor: coreshed.Actor{ID: p.ID}, FormToken: base64.RawURLEncoding.EncodeToString(sum[:])}, nil
}
