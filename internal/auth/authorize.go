package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// authorizeRequest is a request for a code (RFC 6749 §4.1.1) whose client and
// redirect URI are good, so that the browser may be sent back.
type authorizeRequest struct {
	client      store.Client
	redirectURI string
	query       url.Values
	scope       scope
}

// authorize answers the request at once for a browser that has signed in, and
// shows the sign-in page to others.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) error {
	web.Note(r, "authorize")
	a, err := i.readAuthorize(r.Context(), r.URL.RawQuery)
	if err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return a.refuse(w, r, err)
	}
	prompt := strings.Fields(a.query.Get("prompt"))
	if !slices.Contains(prompt, "login") && !slices.Contains(prompt, "select_account") {
		p, err := i.session(r)
		if err == nil {
			return i.sendCode(w, r, a, p)
		}
		if !errors.Is(err, coreshed.NotFound) {
			return err
		}
	}
	if slices.Contains(prompt, "none") {
		return a.refuse(w, r, oauthErrorf("login_required", "Nobody is signed in."))
	}
	return i.showSignIn(w, r, a, signIn{})
}

// readAuthorize reads a request so far that its redirect URI is known to be
// the client's. Until then errors are shown: a redirect could lead anywhere.
func (i *Issuer) readAuthorize(ctx context.Context, rawQuery string) (*authorizeRequest, error) {
	q, err := web.Query(rawQuery)
	if err != nil {
		return nil, err
	}
	for name, values := range q {
		if !isText(name) || !isText(values[0]) {
			return nil, oauthErrorf("invalid_request", "A parameter of the request is not text.")
		}
	}
	if len(q["client_id"]) != 1 || len(q["redirect_uri"]) != 1 {
		return nil, oauthErrorf("invalid_request", "The request needs one client_id and one redirect_uri.")
	}
	client, err := i.Store.Client(ctx, q.Get("client_id"))
	if err != nil && !errors.Is(err, coreshed.NotFound) {
		return nil, err
	}
	if err != nil || client.Revoked() {
		return nil, oauthErrorf("invalid_client", "The program that sent you here is not known to this server.")
	}
	uri := q.Get("redirect_uri")
	if !slices.ContainsFunc(client.RedirectURIs, func(known string) bool { return sameRedirect(known, uri) }) {
		return nil, oauthErrorf("invalid_request", "The program that sent you here wants an answer at an address that is not registered for it.")
	}
	return &authorizeRequest{client: client, redirectURI: uri, query: q}, nil
}

// sameRedirect reports whether a redirect URI is the registered one. They are
// compared as text, but for the port of a loopback address: a program on the
// user's machine takes the one it gets (RFC 8252 §7.3).
func sameRedirect(registered, uri string) bool {
	if registered == uri {
		return true
	}
	a, errA := url.Parse(registered)
	b, errB := url.Parse(uri)
	if errA != nil || errB != nil || a.Scheme != "http" || !isLoopback(a.Hostname()) || b.String() != uri {
		return false
	}
	a.Host, b.Host = a.Hostname(), b.Hostname()
	return a.String() == b.String()
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// check reads the rest of the request, whose errors go to the client.
func (a *authorizeRequest) check() error {
	for name, values := range a.query {
		if len(values) > 1 {
			return oauthErrorf("invalid_request", "A parameter is repeated: %s.", name)
		}
	}
	q := a.query
	if q.Get("response_type") != "code" {
		return oauthErrorf("unsupported_response_type", "The response_type is code.")
	}
	if mode := q.Get("response_mode"); mode != "" && mode != "query" {
		return oauthErrorf("invalid_request", "The response_mode is query.")
	}
	if q.Get("code_challenge_method") != "S256" || !isChallenge(q.Get("code_challenge")) {
		return oauthErrorf("invalid_request", "A code_challenge with the method S256 is needed (RFC 7636).")
	}
	if prompt := strings.Fields(q.Get("prompt")); slices.Contains(prompt, "none") && len(prompt) > 1 {
		return oauthErrorf("invalid_request", "The prompt none goes with no other.")
	}
	var err error
	a.scope, err = readScope(q.Get("scope"))
	return err
}

// isChallenge reports whether s is a SHA-256 in base64url.
func isChallenge(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == 32
}

// refuse sends the browser back with an error.
func (a *authorizeRequest) refuse(w http.ResponseWriter, r *http.Request, err error) error {
	e := asOAuth(err)
	web.Note(r, "authorize", slog.String("client", a.client.ID), slog.String("refused", e.Code))
	a.redirect(w, r, url.Values{"error": {e.Code}, "error_description": {e.Description}})
	return nil
}

// sendCode sends the browser back with a code for a person.
func (i *Issuer) sendCode(w http.ResponseWriter, r *http.Request, a *authorizeRequest, p coreshed.Person) error {
	web.Note(r, "authorize", slog.String("client", a.client.ID), slog.String("person", p.ID.String()))
	code := NewSecret()
	err := i.Store.AddCode(r.Context(), hashOf(code), store.Code{
		Authorization: store.Authorization{
			Family: uuid.NewString(), ClientID: a.client.ID, Person: p,
			Scope: a.scope.String(), Nonce: a.query.Get("nonce"),
		},
		RedirectURI: a.redirectURI, Challenge: a.query.Get("code_challenge"),
	}, codeTTL)
	if err != nil {
		return err
	}
	a.redirect(w, r, url.Values{"code": {code}})
	return nil
}

func (a *authorizeRequest) redirect(w http.ResponseWriter, r *http.Request, answer url.Values) {
	if a.query.Has("state") {
		answer.Set("state", a.query.Get("state"))
	}
	sep := "?"
	if strings.Contains(a.redirectURI, "?") {
		sep = "&"
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	// See Other, so that no browser sends the password on (RFC 9700 §4.12).
	http.Redirect(w, r, a.redirectURI+sep+answer.Encode(), http.StatusSeeOther)
}

// formTarget is the redirect URI as a source in a Content-Security-Policy:
// browsers hold a form's redirects to form-action too.
func (a *authorizeRequest) formTarget() string {
	u, err := url.Parse(a.redirectURI)
	if err != nil || u.Host == "" || net.ParseIP(u.Hostname()) != nil && strings.Contains(u.Host, "[") {
		scheme, _, _ := strings.Cut(a.redirectURI, ":")
		return scheme + ":" // the policy's grammar has no IPv6 addresses
	}
	return u.Scheme + "://" + u.Host
}
