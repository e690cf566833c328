package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// tokenAnswer is a token answer (RFC 6749 §5.1).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope"`
}

// token exchanges a client's credentials, code or refresh token for tokens.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) error {
	web.Note(r, "token")
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	client, err := i.client(w, r, form)
	if err != nil {
		return err
	}

	web.Note(r, "token", slog.String("client", client.ID))
	var answer tokenAnswer
	switch form.Get("grant_type") {
	case "client_credentials":
		answer, err = i.clientCredentials(r, client, form)
	case "authorization_code":
		answer, err = i.authorizationCode(r, client, form)
	case "refresh_token":
		answer, err = i.refreshToken(r, client, form)
	case "":
		err = oauthErrorf("invalid_request", "The grant_type is missing.")
	default:
		err = oauthErrorf("unsupported_grant_type", "The grant_type is authorization_code, refresh_token or client_credentials.")
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	return web.JSON(w, http.StatusOK, answer)
}

// clientCredentials gives a service a token for itself (RFC 6749 §4.4).
func (i *Issuer) clientCredentials(r *http.Request, c store.Client, form url.Values) (tokenAnswer, error) {
	if c.Person == (coreshed.UUID{}) {
		return tokenAnswer{}, oauthErrorf("unauthorized_client", "This client acts for people who sign in, not for itself.")
	}
	s, err := readScope(form.Get("scope"))
	if err != nil {
		return tokenAnswer{}, err
	}
	lives, err := i.Store.TokenLives(r.Context(), c.Person, c.ID, "")
	if err != nil {
		return tokenAnswer{}, err
	}
	if !lives {
		return tokenAnswer{}, &oauthError{Code: "invalid_client", Description: "The client's account is disabled.", status: http.StatusUnauthorized}
	}
	return i.answer(r, s, store.Authorization{ClientID: c.ID, Person: coreshed.Person{ID: c.Person, Name: c.Name}})
}

// authorizationCode exchanges a code (RFC 6749 §4.1.3) by its verifier (RFC
// 7636 §4.6).
func (i *Issuer) authorizationCode(r *http.Request, c store.Client, form url.Values) (tokenAnswer, error) {
	if form.Get("code") == "" || form.Get("code_verifier") == "" {
		return tokenAnswer{}, oauthErrorf("invalid_request", "The code or the code_verifier is missing.")
	}
	code, err := i.Store.UseCode(r.Context(), hashOf(form.Get("code")), AccessTTL)
	if err != nil {
		return tokenAnswer{}, invalidGrant(err)
	}
	if code.ClientID != c.ID || code.RedirectURI != form.Get("redirect_uri") || !verifiedBy(code.Challenge, form.Get("code_verifier")) {
		return tokenAnswer{}, oauthErrorf("invalid_grant", "The code was made for another client, redirect URI or verifier.")
	}
	s, err := readScope(code.Scope)
	if err != nil {
		return tokenAnswer{}, err
	}
	answer, err := i.answer(r, s, code.Authorization)
	if err == nil && s.has(scopeOpenID) {
		answer.IDToken, err = i.idToken(r, code.Authorization)
	}
	if err != nil || !s.has(scopeOffline) {
		return answer, err
	}
	answer.RefreshToken = NewSecret()
	return answer, i.Store.AddRefreshToken(r.Context(), hashOf(answer.RefreshToken), code.Family, rotation)
}

// rotation is how refresh tokens live.
var rotation = store.Refresh{TTL: refreshTTL, Keep: AccessTTL, Grace: reuseGrace}

// refreshToken exchanges a refresh token, also for fewer scopes (RFC 6749 §6).
func (i *Issuer) refreshToken(r *http.Request, c store.Client, form url.Values) (tokenAnswer, error) {
	next := NewSecret()
	var s scope
	a, err := i.Store.RotateRefreshToken(r.Context(), c.ID, hashOf(form.Get("refresh_token")), hashOf(next), rotation,
		func(a store.Authorization) (err error) {
			s, err = narrow(a.Scope, form.Get("scope"))
			return err
		})
	if err != nil {
		return tokenAnswer{}, invalidGrant(err)
	}
	answer, err := i.answer(r, s, a)
	answer.RefreshToken = next
	return answer, err
}

// narrow returns the scopes that are asked for, which must have been granted;
// when none are, all that were.
func narrow(was, asked string) (scope, error) {
	granted, err := readScope(was)
	if err != nil || asked == "" {
		return granted, err
	}
	s, err := readScope(asked)
	if err != nil {
		return nil, err
	}
	for _, word := range s {
		if !granted.has(word) {
			return nil, oauthErrorf("invalid_scope", "More is asked for than was granted.")
		}
	}
	return s, nil
}

func invalidGrant(err error) error {
	if !errors.Is(err, coreshed.NotFound) {
		return err
	}
	return oauthErrorf("invalid_grant", "The code or refresh token is not good, or not any more.").because(err)
}

// verifiedBy checks a code's challenge.
func verifiedBy(challenge, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// answer makes an access token.
func (i *Issuer) answer(r *http.Request, s scope, a store.Authorization) (tokenAnswer, error) {
	web.Note(r, "token", slog.String("person", a.Person.ID.String()))
	c := i.claims(r, a)
	c.Audience, c.ClientID, c.Family, c.Scope, c.ID = list{Audience}, a.ClientID, a.Family, &s, uuid.NewString()
	token, err := i.Authenticator.signer.sign(r.Context(), accessType, c)
	return tokenAnswer{
		AccessToken: token, TokenType: "Bearer", ExpiresIn: int64(AccessTTL.Seconds()), Scope: s.String(),
	}, err
}

// idToken makes an id token (OpenID Connect Core §2).
func (i *Issuer) idToken(r *http.Request, a store.Authorization) (string, error) {
	c := i.claims(r, a)
	c.Audience, c.Nonce = list{a.ClientID}, a.Nonce
	return i.Authenticator.signer.sign(r.Context(), idType, c)
}

func (i *Issuer) claims(r *http.Request, a store.Authorization) claims {
	now := i.now()
	return claims{
		Issuer: i.Origin(r), Subject: a.Person.ID.String(), Expires: moment{now.Add(AccessTTL)}, IssuedAt: moment{now},
		Name: a.Person.Name, Email: a.Person.Email, Verified: verified(a.Person.Email != ""), // an admin has entered it
	}
}
