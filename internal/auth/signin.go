package auth

import (
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// The issuer's cookies: who has signed in, and that a form is our own.
const (
	sessionCookie = "coreshed_session"
	formCookie    = "coreshed_form"
)

// signIn is what the sign-in page shows.
type signIn struct {
	Client, Email, Error string
	Form                 string // the value of formCookie, repeated in the form
}

// showSignIn shows the sign-in page.
func (i *Issuer) showSignIn(w http.ResponseWriter, r *http.Request, a *authorizeRequest, s signIn) error {
	s.Client, s.Form = a.client.Name, formValue(r)
	if s.Form == "" {
		s.Form = NewSecret()
		i.setCookie(w, r, &http.Cookie{Name: formCookie, Value: s.Form, Path: "/connect/", SameSite: http.SameSiteStrictMode})
	}
	status := http.StatusOK
	if s.Error != "" {
		status = http.StatusForbidden
	}
	return i.page.write(w, status, "signin", s, a.formTarget())
}

// setCookie sets a cookie that scripts cannot read, and that is sent over TLS
// alone when it was set over TLS.
func (i *Issuer) setCookie(w http.ResponseWriter, r *http.Request, c *http.Cookie) {
	c.HttpOnly = true
	c.Secure = strings.HasPrefix(i.Origin(r), "https:")
	http.SetCookie(w, c)
}

func formValue(r *http.Request) string {
	if c, err := r.Cookie(formCookie); err == nil {
		return c.Value
	}
	return ""
}

// signIn takes the sign-in form: it begins a session and sends a code.
func (i *Issuer) signIn(w http.ResponseWriter, r *http.Request) error {
	web.Note(r, "sign-in")
	a, err := i.readAuthorize(r.Context(), r.URL.RawQuery)
	if err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return a.refuse(w, r, err)
	}
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	email := strings.TrimSpace(form.Get("email"))
	if v := formValue(r); v == "" || subtle.ConstantTimeCompare([]byte(v), []byte(form.Get("form"))) != 1 {
		return i.showSignIn(w, r, a, signIn{Email: email, Error: "This page was open for too long, or your browser keeps no cookies. Please try again."})
	}
	p, err := i.checkPassword(r.Context(), email, form.Get("password"), i.Caller(r))
	if errors.Is(err, errPassword) {
		web.Note(r, "sign-in", slog.String("client", a.client.ID), slog.String("refused", "password"), slog.String("caller", i.Caller(r)))
		return i.showSignIn(w, r, a, signIn{Email: email, Error: "This e-mail address and password do not go together."})
	}
	if err != nil {
		return err
	}
	if err := i.beginSession(w, r, p); err != nil {
		return err
	}
	return i.sendCode(w, r, a, p)
}

// beginSession gives the browser a new session, never one that it brought.
func (i *Issuer) beginSession(w http.ResponseWriter, r *http.Request, p coreshed.Person) error {
	if err := i.endSession(r); err != nil {
		return err
	}
	secret := NewSecret()
	if err := i.Store.AddSession(r.Context(), hashOf(secret), p.ID, sessionTTL); err != nil {
		return err
	}
	i.setCookie(w, r, &http.Cookie{
		Name: sessionCookie, Value: secret, Path: "/", SameSite: http.SameSiteLaxMode, MaxAge: int(sessionTTL.Seconds()),
	})
	return nil
}

// session returns who has signed in. NotFound when nobody has.
func (i *Issuer) session(r *http.Request) (coreshed.Person, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return coreshed.Person{}, coreshed.NotFound
	}
	return i.Store.Session(r.Context(), hashOf(c.Value))
}

func (i *Issuer) endSession(r *http.Request) error {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil // there is none
	}
	return i.Store.EndSession(r.Context(), hashOf(c.Value))
}

// logout ends the browser's session.
func (i *Issuer) logout(w http.ResponseWriter, r *http.Request) error {
	web.Note(r, "logout")
	if err := i.endSession(r); err != nil {
		return err
	}
	i.setCookie(w, r, &http.Cookie{Name: sessionCookie, Path: "/", SameSite: http.SameSiteLaxMode, MaxAge: -1})
	return i.page.write(w, http.StatusOK, "message", message{Title: "Signed out", Text: "You are signed out of Coreshed in this browser."}, "")
}
