package auth

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/lestrrat-go/jwx/v3/jwk"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// discovery serves the document of OpenID Connect Discovery §3 and RFC 8414.
func (i *Issuer) discovery(w http.ResponseWriter, r *http.Request) error {
	web.Note(r, "openid-configuration")
	origin := i.Origin(r)
	w.Header().Set("Cache-Control", "max-age=60")
	return web.JSON(w, http.StatusOK, map[string]any{
		"issuer":                                origin,
		"authorization_endpoint":                origin + "/connect/authorize",
		"token_endpoint":                        origin + "/connect/token",
		"userinfo_endpoint":                     origin + "/connect/userinfo",
		"end_session_endpoint":                  origin + "/connect/logout",
		"jwks_uri":                              origin + "/.well-known/jwks.json",
		"scopes_supported":                      append([]string{scopeOpenID, scopeOffline}, evoScopes...),
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token", "client_credentials"},
		"code_challenge_methods_supported":      []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"none", "client_secret_post", "client_secret_basic"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"claims_supported":                      []string{"iss", "sub", "aud", "exp", "iat", "nonce", "name", "email", "email_verified"},
	})
}

// jwks serves the public keys (RFC 7517 §5), retired ones too while tokens of
// theirs are good.
func (i *Issuer) jwks(w http.ResponseWriter, r *http.Request) error {
	web.Note(r, "jwks")
	stored, err := i.Store.Keys(r.Context(), store.TokenKey)
	if err != nil {
		return err
	}
	keys := []json.RawMessage{}
	for _, k := range stored {
		b, err := publicJWK(k)
		if err != nil {
			return fmt.Errorf("token key %s: %w", k.ID, err)
		}
		keys = append(keys, b)
	}
	w.Header().Set("Cache-Control", "max-age=60")
	return web.JSON(w, http.StatusOK, map[string]any{"keys": keys})
}

func publicJWK(k store.Key) (json.RawMessage, error) {
	private, err := parseKey(k)
	if err != nil {
		return nil, err
	}
	key, err := jwk.Import(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{jwk.KeyIDKey: k.ID, jwk.AlgorithmKey: "ES256", jwk.KeyUsageKey: "sig"} {
		if err := key.Set(name, value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(key)
}

// userinfo tells whose token it is (OpenID Connect Core §5.3).
func (i *Issuer) userinfo(w http.ResponseWriter, r *http.Request) error {
	web.Note(r, "userinfo")
	actor, err := i.Authenticator.Actor(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	p, err := i.Store.Person(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	web.Note(r, "userinfo", slog.String("person", p.ID.String()))
	w.Header().Set("Cache-Control", "no-store")
	return web.JSON(w, http.StatusOK, userinfo{Subject: p.ID, Name: p.Name, Email: p.Email, Verified: p.Kind == store.UserAccount})
}

type userinfo struct {
	Subject  coreshed.UUID `json:"sub"`
	Name     string        `json:"name"`
	Email    string        `json:"email,omitempty"`
	Verified bool          `json:"email_verified,omitempty"` // an admin has entered it
}
