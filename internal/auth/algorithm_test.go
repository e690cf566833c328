package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/coreshed/coreshed"
)

// TestOtherAlgorithms takes tokens signed as other issuers sign them, each from
// a server that publishes one key.
func TestOtherAlgorithms(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		key             any
		alg             jwa.SignatureAlgorithm
		keyID, tokenID  string
		keyAlg, purpose string
		want            error
	}{
		"RS256":                  {key: rsaKey, alg: jwa.RS256(), keyID: "1", tokenID: "1"},
		"PS512":                  {key: rsaKey, alg: jwa.PS512(), keyID: "1", tokenID: "1", keyAlg: "PS512", purpose: "sig"},
		"ES384":                  {key: p384, alg: jwa.ES384(), keyID: "1", tokenID: "1"},
		"EdDSA":                  {key: ed, alg: jwa.EdDSA(), keyID: "1", tokenID: "1"},
		"no key id in the token": {key: rsaKey, alg: jwa.RS256(), keyID: "1"},
		"no key ids at all":      {key: rsaKey, alg: jwa.RS256()},
		"another key id":         {key: rsaKey, alg: jwa.RS256(), keyID: "1", tokenID: "2", want: coreshed.InvalidToken},
		"key for another alg":    {key: rsaKey, alg: jwa.RS256(), keyID: "1", tokenID: "1", keyAlg: "RS512", want: coreshed.InvalidToken},
		"key for encryption":     {key: rsaKey, alg: jwa.RS256(), keyID: "1", tokenID: "1", purpose: "enc", want: coreshed.BadGateway},
	} {
		url := keyServer(t, tt.key, map[string]string{jwk.KeyIDKey: tt.keyID, jwk.AlgorithmKey: tt.keyAlg, jwk.KeyUsageKey: tt.purpose})
		s := newSite(t, ExternalIssuer{Issuer: url, Audience: "files", Scopes: []string{"evo.file"}})
		payload, err := json.Marshal(map[string]any{
			"iss": url, "sub": "ann", "aud": []string{"x", "files"}, "exp": time.Now().Add(time.Hour).Unix(), "azp": "app",
		})
		if err != nil {
			t.Fatal(err)
		}
		h := jws.NewHeaders()
		if tt.tokenID != "" {
			if err := h.Set(jws.KeyIDKey, tt.tokenID); err != nil {
				t.Fatal(err)
			}
		}
		token, err := jws.Sign(payload, jws.WithKey(tt.alg, tt.key, jws.WithProtectedHeaders(h)))
		if err != nil {
			t.Fatal(err)
		}
		actor, err := s.bearer(t.Context(), string(token))
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if tt.want == nil && (actor.ClientID != url+"#app" || !actor.HasScope("evo.file") || actor.HasScope("evo.audit")) {
			t.Errorf("%s: %+v", name, actor)
		}
	}
}

// keyServer serves a discovery document and the public half of key.
func keyServer(t *testing.T, key any, fields map[string]string) (url string) {
	t.Helper()
	public, err := jwk.PublicKeyOf(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		if value == "" {
			continue
		}
		if err := public.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = map[string]any{"keys": []any{public}}
		if r.URL.Path == "/.well-known/openid-configuration" {
			answer = map[string]any{"issuer": url, "jwks_uri": url + "/keys"}
		}
		json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	url = server.URL
	return url
}
