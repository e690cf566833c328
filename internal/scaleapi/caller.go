package scaleapi

import (
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/web"
)

// scopeOf is what a token must cover to be used for a route.
func scopeOf(rt route) string {
	if rt.access > read && strings.HasPrefix(rt.pattern, "/workspaces/") {
		return "evo.workspace"
	}
	return "evo.file"
}

// admit finds out who calls and what they may see, and refuses those who may
// not use the route.
func (a *api) admit(w http.ResponseWriter, q *request, rt route) error {
	if rt.access == public {
		return nil
	}
	err := a.identify(w, q)
	if errors.Is(err, coreshed.Unauthenticated) && a.Anonymous && rt.access == read {
		q.view, err = a.DB.AnonymousView(q.Context(), a.Org)
		return err
	}
	if err != nil {
		return err
	}
	web.Note(q.Request, q.route, slog.String("person", q.actor.ID.String()))
	if scope := scopeOf(rt); !q.actor.HasScope(scope) {
		return coreshed.Errorf(coreshed.Forbidden, "The token does not cover the scope %s.", scope)
	}
	if q.view, err = a.DB.View(q.Context(), q.actor, a.Org); err != nil {
		return err
	}
	if rt.access == staff && !q.view.Admin {
		return forbidden()
	}
	return a.belongs(q)
}

// belongs refuses people of other organisations, who would see empty lists.
func (a *api) belongs(q *request) error {
	if q.view.Admin || len(q.view.Roles) > 0 {
		return nil
	}
	standing, err := a.DB.Standing(q.Context(), a.Org, q.actor.ID)
	if err == nil && !standing.Member {
		err = forbidden()
	}
	return err
}

func forbidden() error { return coreshed.Errorf(coreshed.Forbidden, "") }

// identify finds the caller by the Authorization header, else by the session of
// the sign-in page.
func (a *api) identify(w http.ResponseWriter, q *request) error {
	var err error
	if header := q.Header.Get("Authorization"); header != "" {
		q.actor, err = a.Auth(q.Context(), bearer(header))
		return err
	}
	s, err := a.Session(q.Request)
	if err != nil {
		return err
	}
	q.actor = s.Actor
	return a.checkForgery(w, q, s)
}

// bearer turns the scheme Token, which clients of Scale send, into ours.
func bearer(header string) string {
	if scheme, token, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Token") {
		return "Bearer " + token
	}
	return header
}

// The cookie and the header of the token that unsafe requests of a session
// repeat. Pages of the same origin alone can read the cookie.
const (
	forgeryCookie = "csrftoken"
	forgeryHeader = "X-Csrftoken"
)

// checkForgery refuses unsafe requests that another site made a browser send,
// and gives pages that only read the token for later ones. The token belongs to
// the session, so a cookie that someone else has set is no good.
func (a *api) checkForgery(w http.ResponseWriter, q *request, s auth.Session) error {
	if isSafe(q.Method) {
		if c, err := q.Cookie(forgeryCookie); err != nil || c.Value != s.FormToken {
			http.SetCookie(w, &http.Cookie{ //nolint:gosec // scripts of the page have to read it
				Name: forgeryCookie, Value: s.FormToken, Path: "/",
				SameSite: http.SameSiteStrictMode, Secure: strings.HasPrefix(q.origin, "https:"),
			})
		}
		return nil
	}
	if origin := q.Header.Get("Origin"); origin != "" && !a.Origins.IsOwn(origin) {
		return web.Refuse(http.StatusForbidden, "CSRF Failed: Origin checking failed.")
	}
	if subtle.ConstantTimeCompare([]byte(q.Header.Get(forgeryHeader)), []byte(s.FormToken)) != 1 {
		return web.Refuse(http.StatusForbidden, "CSRF Failed: CSRF token missing or incorrect.")
	}
	return nil
}

func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
