package auth

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// readForm reads the body of a token request, in which no parameter may come
// twice (RFC 6749 §3.2). The query string does not count: it gets logged.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/x-www-form-urlencoded" {
		return nil, oauthErrorf("invalid_request", "The body is a form: application/x-www-form-urlencoded.")
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, oauthErrorf("invalid_request", "The form cannot be read.").because(err)
	}
	form, err := web.Query(string(b))
	if err != nil {
		return nil, oauthErrorf("invalid_request", "The form has a malformed percent-escape.")
	}
	for name, values := range form {
		if len(values) > 1 || !isText(name) || !isText(values[0]) {
			return nil, oauthErrorf("invalid_request", "A parameter is repeated or is not text.")
		}
	}
	return form, nil
}

// client returns the client that makes a token request, after checking its
// secret if it has one. The secret comes in the form or as Basic (RFC 6749
// §2.3.1).
func (i *Issuer) client(w http.ResponseWriter, r *http.Request, form url.Values) (store.Client, error) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	refused := &oauthError{Code: "invalid_client", Description: "The client or its secret is not known.", status: http.StatusUnauthorized}
	if user, pass, ok := r.BasicAuth(); ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="coreshed"`)
		user, errID := url.QueryUnescape(user)
		pass, errSecret := url.QueryUnescape(pass)
		if errID != nil || errSecret != nil || secret != "" || id != "" && id != user {
			return store.Client{}, oauthErrorf("invalid_request", "The client is named twice, or not as a form has it.")
		}
		id, secret = user, pass
	}
	if id == "" || !isText(id) {
		return store.Client{}, refused
	}
	c, err := i.Store.Client(r.Context(), id)
	if errors.Is(err, coreshed.NotFound) {
		return c, refused // without the cause: it has the id, which may be a misplaced secret
	}
	if err != nil {
		return c, err
	}
	if c.Revoked() || (c.SecretHash == "") != (secret == "") {
		return c, refused
	}
	if secret != "" {
		err = i.checkSecret(r.Context(), c, secret, i.Caller(r))
	}
	if errors.Is(err, errPassword) {
		return c, refused
	}
	w.Header().Del("WWW-Authenticate")
	return c, err
}
