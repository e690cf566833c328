package auth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// trusting is a site that takes the tokens of another one, a real issuer.
func trusting(t *testing.T, other *site) *site {
	t.Helper()
	return newSite(t, ExternalIssuer{Issuer: other.url, Audience: Audience, EmailDomains: []string{"coreshed.LOCALHOST"}})
}

func TestExternalSubject(t *testing.T) {
	other := newSite(t)
	s, ctx := trusting(t, other), t.Context()
	w, err := s.db.AddWorkspace(ctx, s.org, s.user.ID, "Pit", coreshed.WorkspaceEdit{})
	if err != nil {
		t.Fatal(err)
	}
	token := other.tokens(t, other.native("evo.file")).AccessToken
	actor, err := s.bearer(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	id := store.External{Issuer: other.url, Subject: other.user.ID.String()}.ID()
	if actor.ID != id || !actor.HasScope("evo.file") || actor.HasScope("evo.audit") {
		t.Errorf("got %+v", actor)
	}
	p, err := s.db.Person(ctx, id)
	if err != nil || p.Email != AdminEmail || p.Name != "Admin" || p.Kind != store.ExternalAccount {
		t.Errorf("account is %+v, %v", p, err)
	}
	access, err := s.db.Access(ctx, actor, s.org, w.UUID)
	if err != nil || access.Role != coreshed.NoRole {
		t.Errorf("another server's admin has the role %q, %v", access.Role, err)
	}
	if err := s.db.Disable(ctx, id); err != nil {
		t.Fatal(err)
	}
	s.advance(2 * recheck)
	if _, err := s.bearer(ctx, token); !errors.Is(err, coreshed.InvalidToken) {
		t.Errorf("disabled: %v", err)
	}
}

func TestEmailIsTrustedByDomain(t *testing.T) {
	x := newExternal(ExternalIssuer{Issuer: "https://id.example", Audience: "a", EmailDomains: []string{"mine.example"}}, time.Now)
	for _, tt := range []struct {
		email    string
		verified verified
		trust    bool
	}{
		{"ann@mine.example", true, true},
		{"ann@MINE.example", true, true},
		{"ann@mine.example", false, false},
		{"ann@other.example", true, false},
		{"ann@not-mine.example", true, false},
		{"ann@mine.example@other.example", true, false},
		{"", true, false},
	} {
		got := x.subject(&claims{Subject: "1", Email: tt.email, Verified: tt.verified})
		if got.TrustEmail != tt.trust || (got.Email != "") != (bool(tt.verified) && tt.email != "") {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
}

func TestExternalTokensThatAreRefused(t *testing.T) {
	other, third := newSite(t), newSite(t)
	s, ctx := trusting(t, other), t.Context()
	for name, token := range map[string]string{
		"issuer that is not trusted": third.signed(t, func(*claims) {}),
		"in the name of the trusted": third.signed(t, func(c *claims) { c.Issuer = other.url }),
		"in our own name":            other.signed(t, func(c *claims) { c.Issuer = s.url }),
		"as made on our host":        other.signed(t, func(c *claims) { c.Issuer = LocalIssuer; c.Subject = s.user.ID.String() }),
		"other audience":             other.signed(t, func(c *claims) { c.Audience = list{"x"} }),
		"zero byte in the subject":   other.signed(t, func(c *claims) { c.Subject = "a\x00" }),
	} {
		if _, err := s.bearer(ctx, token); !errors.Is(err, coreshed.InvalidToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExternalKeysCannotBeHad stands a real issuer behind a server that can be
// told to fail.
func TestExternalKeysCannotBeHad(t *testing.T) {
	var behind http.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { behind.ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	answer := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			w.Write([]byte(body))
		})
	}
	other := newSite(t)
	issuer := NewIssuer(IssuerConfig{
		Store: other.db, Authenticator: other.auth, Hasher: NewHasher(),
		Origin: func(*http.Request) string { return front.URL }, Caller: func(*http.Request) string { return "" },
	})
	token := other.signed(t, func(c *claims) { c.Issuer = front.URL })
	discovery := func(keys http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/.well-known/jwks.json" {
				keys.ServeHTTP(w, r)
				return
			}
			issuer.ServeHTTP(w, r)
		})
	}
	for name, h := range map[string]http.Handler{
		"unavailable":        answer(503, ""),
		"garbage":            answer(200, "<html>"),
		"another's document": answer(200, `{"issuer":"https://evil.example","jwks_uri":"`+front.URL+`"}`),
		"no keys":            discovery(answer(200, `{}`)),
		"garbage for keys":   discovery(answer(200, `{"keys":17}`)),
		"symmetric key":      discovery(answer(200, `{"keys":[{"kty":"oct","k":"AAAA","kid":"x"}]}`)),
		"keys not found":     discovery(answer(404, "")),
	} {
		behind = h
		s := newSite(t, ExternalIssuer{Issuer: front.URL, Audience: Audience})
		for range 2 {
			if _, err := s.bearer(t.Context(), token); !errors.Is(err, coreshed.BadGateway) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.bearer(t.Context(), s.signed(t, func(*claims) {})); err != nil {
			t.Errorf("%s: our own token: %v", name, err)
		}
		behind = issuer
		s.advance(keysBetween)
		if _, err := s.bearer(t.Context(), token); err != nil {
			t.Errorf("%s, then good: %v", name, err)
		}
		behind = h
		s.advance(keysFresh)
		if _, err := s.bearer(t.Context(), token); err != nil {
			t.Errorf("%s, with the keys still in memory: %v", name, err)
		}
	}

	front.Close()
	s := newSite(t, ExternalIssuer{Issuer: front.URL, Audience: Audience})
	if _, err := s.bearer(t.Context(), token); !errors.Is(err, coreshed.BadGateway) {
		t.Errorf("down: %v", err)
	}
}

func TestIssuersThatCannotBeConfigured(t *testing.T) {
	for _, e := range []ExternalIssuer{
		{Issuer: "https://id.example"}, {Audience: "a"}, {Issuer: "id.example", Audience: "a"},
		{Issuer: "file:///etc", Audience: "a"}, {Issuer: "https://id.example?x", Audience: "a"},
	} {
		if _, err := New(Config{External: []ExternalIssuer{e}}); err == nil {
			t.Errorf("%+v was taken", e)
		}
	}
}
