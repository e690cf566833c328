package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/coreshed/coreshed"
)

// TestCodeFlow goes the whole way with clients that others wrote: golang.org/x/
// oauth2 asks for tokens, go-oidc finds and verifies everything.
func TestCodeFlow(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	provider, err := oidc.NewProvider(ctx, s.url)
	if err != nil {
		t.Fatal(err)
	}
	c := s.native("openid", "offline_access", "evo.file")
	c.Endpoint = provider.Endpoint()
	verifier := oauth2.GenerateVerifier()
	b := s.browser(t)
	resp := s.signIn(t, b, c.AuthCodeURL("st", oauth2.S256ChallengeOption(verifier), oidc.Nonce("no")), "Admin@Coreshed.localhost", s.password)
	back := sentBack(t, resp)
	if back.Get("state") != "st" {
		t.Errorf("state is %q", back.Get("state"))
	}
	token, err := c.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if token.TokenType != "Bearer" || token.RefreshToken == "" || time.Until(token.Expiry) < 59*time.Minute {
		t.Errorf("token is %+v", token)
	}

	id, err := provider.Verifier(&oidc.Config{ClientID: NativeClient}).Verify(ctx, token.Extra("id_token").(string))
	if err != nil {
		t.Fatal(err)
	}
	if id.Nonce != "no" || id.Subject != s.user.ID.String() {
		t.Errorf("id token is %+v", id)
	}
	access, err := provider.Verifier(&oidc.Config{ClientID: Audience}).Verify(ctx, token.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	var have struct {
		ClientID string `json:"client_id"`
		Scope    string
		Email    string
	}
	if err := access.Claims(&have); err != nil {
		t.Fatal(err)
	}
	if access.Subject != s.user.ID.String() || have.ClientID != NativeClient || have.Scope != "openid offline_access evo.file" || have.Email != AdminEmail {
		t.Errorf("access token is of %q: %+v", access.Subject, have)
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != s.user.ID.String() || info.Email != AdminEmail {
		t.Errorf("userinfo is %+v, %v", info, err)
	}

	actor, err := s.bearer(ctx, token.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	want := coreshed.Actor{ID: s.user.ID, ClientID: NativeClient, Scopes: []string{"openid", "offline_access", "evo.file"}}
	if diff := cmp.Diff(want, actor); diff != "" {
		t.Error(diff)
	}
	if _, err := s.bearer(ctx, token.Extra("id_token").(string)); !errors.Is(err, coreshed.InvalidToken) {
		t.Errorf("an id token was taken for an access token: %v", err)
	}

	old := *token
	old.Expiry = time.Now().Add(-time.Hour)
	fresh, err := c.TokenSource(ctx, &old).Token()
	if err != nil {
		t.Fatal(err)
	}
	if fresh.RefreshToken == token.RefreshToken || fresh.RefreshToken == "" {
		t.Error("the refresh token was not rotated")
	}
	if _, err := s.bearer(ctx, fresh.AccessToken); err != nil {
		t.Error(err)
	}
}

func TestSessionNeedsNoSecondPassword(t *testing.T) {
	s := newSite(t)
	authorize := s.native("evo.file").AuthCodeURL("a&b=c", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	b := s.browser(t)
	resp, _ := get(t, b, authorize+"&prompt=none")
	if got := sentBack(t, resp); got.Get("error") != "login_required" || got.Get("state") != "a&b=c" {
		t.Errorf("before sign-in: %v", got)
	}
	s.signIn(t, b, authorize, s.user.Email, s.password)
	for _, prompt := range []string{"", "&prompt=none", "&prompt=consent"} {
		resp, _ := get(t, b, authorize+prompt)
		if got := sentBack(t, resp); got.Get("code") == "" || got.Get("state") != "a&b=c" {
			t.Errorf("signed in, %q: %v", prompt, got)
		}
	}
	if resp, _ := get(t, b, authorize+"&prompt=login"); resp.StatusCode != http.StatusOK {
		t.Errorf("prompt=login: %s", resp.Status)
	}
	get(t, b, s.url+"/connect/logout")
	if resp, _ := get(t, b, authorize); resp.StatusCode != http.StatusOK {
		t.Errorf("after sign-out: %s", resp.Status)
	}
	s.signIn(t, b, authorize, s.user.Email, s.password)
	s.advance(sessionTTL)
	if resp, _ := get(t, b, authorize); resp.StatusCode != http.StatusOK {
		t.Errorf("after the session's time: %s", resp.Status)
	}
}

func TestClientCredentials(t *testing.T) {
	s, ctx := newSite(t).withService(t), t.Context()
	for name, style := range map[string]oauth2.AuthStyle{"form": oauth2.AuthStyleInParams, "basic": oauth2.AuthStyleInHeader} {
		c := clientcredentials.Config{
			ClientID: s.service.ID, ClientSecret: s.secret, TokenURL: s.url + "/connect/token",
			Scopes: []string{"evo.file"}, AuthStyle: style,
		}
		token, err := c.Token(ctx)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		actor, err := s.bearer(ctx, token.AccessToken)
		want := coreshed.Actor{ID: s.service.Person, ClientID: s.service.ID, Scopes: []string{"evo.file"}}
		if diff := cmp.Diff(want, actor); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
		if token.RefreshToken != "" {
			t.Errorf("%s: a service got a refresh token", name)
		}
	}
	if err := s.db.RevokeClient(ctx, s.service.ID); err != nil {
		t.Fatal(err)
	}
	resp := s.postToken(t, url.Values{"grant_type": {"client_credentials"}, "client_id": {s.service.ID}, "client_secret": {s.secret}})
	if resp.status != http.StatusUnauthorized || resp.Error != "invalid_client" {
		t.Errorf("revoked: %+v", resp)
	}
}

type tokenResponse struct {
	status int
	header http.Header

	Error            string
	ErrorDescription string `json:"error_description"`
	AccessToken      string `json:"access_token"`
	RefreshToken     string `json:"refresh_token"`
	Scope            string
}

func (s *site) postToken(t testing.TB, form url.Values) tokenResponse {
	t.Helper()
	resp, err := http.PostForm(s.url+"/connect/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := tokenResponse{status: resp.StatusCode, header: resp.Header}
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers are %v", r.header)
	}
	return r
}

func TestTokenRefusals(t *testing.T) {
	s := newSite(t).withService(t)
	code := func(change ...string) url.Values {
		v := oauth2.GenerateVerifier()
		c := s.native("evo.file")
		form := url.Values{
			"grant_type": {"authorization_code"}, "client_id": {c.ClientID}, "redirect_uri": {c.RedirectURL},
			"code": {s.code(t, c, v)}, "code_verifier": {v},
		}
		for i := 0; i < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		return form
	}
	secret := url.Values{"grant_type": {"client_credentials"}, "client_id": {s.service.ID}, "client_secret": {s.secret}}
	with := func(form url.Values, change ...string) url.Values {
		out := url.Values{}
		for k, v := range form {
			out[k] = v
		}
		for i := 0; i < len(change); i += 2 {
			out.Set(change[i], change[i+1])
		}
		return out
	}
	for _, tt := range []struct {
		name   string
		form   url.Values
		status int
		want   string
	}{
		{"other verifier", code("code_verifier", oauth2.GenerateVerifier()), 400, "invalid_grant"},
		{"challenge for verifier", code("code_verifier", ""), 400, "invalid_request"},
		{"other redirect", code("redirect_uri", NativeRedirect), 400, "invalid_grant"},
		{"other client", with(code(), "client_id", s.service.ID, "client_secret", s.secret), 400, "invalid_grant"},
		{"guessed code", code("code", "guess"), 400, "invalid_grant"},
		{"secret of a public client", code("client_secret", "x"), 401, "invalid_client"},
		{"no grant", with(secret, "grant_type", ""), 400, "invalid_request"},
		{"password grant", with(secret, "grant_type", "password"), 400, "unsupported_grant_type"},
		{"wrong secret", with(secret, "client_secret", "x"), 401, "invalid_client"},
		{"no secret", with(secret, "client_secret", ""), 401, "invalid_client"},
		{"unknown client", with(secret, "client_id", "x"), 401, "invalid_client"},
		{"no client", with(secret, "client_id", ""), 401, "invalid_client"},
		{"zero byte", with(secret, "client_id", "x\x00"), 400, "invalid_request"},
		{"not UTF-8", with(secret, "client_id", "\xff"), 400, "invalid_request"},
		{"repeated", url.Values{"grant_type": {"client_credentials", "client_credentials"}}, 400, "invalid_request"},
		{"public client for itself", url.Values{"grant_type": {"client_credentials"}, "client_id": {NativeClient}}, 400, "unauthorized_client"},
		{"bad scope", with(secret, "scope", `a"b`), 400, "invalid_scope"},
		{"no refresh token", url.Values{"grant_type": {"refresh_token"}, "client_id": {NativeClient}}, 400, "invalid_grant"},
		{"too long", with(secret, "scope", strings.Repeat("x", maxForm)), 400, "invalid_request"},
	} {
		got := s.postToken(t, tt.form)
		if got.status != tt.status || got.Error != tt.want || got.AccessToken != "" {
			t.Errorf("%s: %d %q (%s), want %d %q", tt.name, got.status, got.Error, got.ErrorDescription, tt.status, tt.want)
		}
	}
}

func TestCodeUsedTwiceRevokes(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	c, v := s.native("offline_access"), oauth2.GenerateVerifier()
	code := s.code(t, c, v)
	token, err := c.Exchange(ctx, code, oauth2.VerifierOption(v))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.bearer(ctx, token.AccessToken); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exchange(ctx, code, oauth2.VerifierOption(v)); err == nil {
		t.Error("the code was good twice")
	}
	s.advance(2 * recheck)
	if _, err := s.bearer(ctx, token.AccessToken); !errors.Is(err, coreshed.InvalidToken) {
		t.Errorf("the access token lives: %v", err)
	}
	r := s.postToken(t, url.Values{"grant_type": {"refresh_token"}, "client_id": {NativeClient}, "refresh_token": {token.RefreshToken}})
	if r.Error != "invalid_grant" {
		t.Errorf("the refresh token lives: %+v", r)
	}
}

func TestRefreshReuseRevokes(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	first := s.tokens(t, s.native("offline_access", "evo.file"))
	use := func(refresh, scope string) tokenResponse {
		t.Helper()
		return s.refresh(t, refresh, scope)
	}
	second := use(first.RefreshToken, "evo.file")
	if second.Scope != "evo.file" || second.RefreshToken == "" {
		t.Fatalf("narrowed: %+v", second)
	}
	if r := use(second.RefreshToken, "evo.audit"); r.Error != "invalid_scope" {
		t.Errorf("widened: %+v", r)
	}
	again := use(first.RefreshToken, "")
	if again.Scope != "offline_access evo.file" || again.RefreshToken == "" {
		t.Errorf("repeated within the grace: %+v", again)
	}
	s.advance(reuseGrace + time.Second)
	if r := use(first.RefreshToken, ""); r.Error != "invalid_grant" {
		t.Errorf("reused: %+v", r)
	}
	if r := use(again.RefreshToken, ""); r.Error != "invalid_grant" {
		t.Errorf("the family lives after reuse: %+v", r)
	}
	if _, err := s.bearer(ctx, again.AccessToken); !errors.Is(err, coreshed.InvalidToken) {
		t.Errorf("the access token lives after reuse: %v", err)
	}
}

// A scope that is refused leaves the refresh token as it was.
func TestRefusedScopeSpendsNothing(t *testing.T) {
	s := newSite(t)
	token := s.tokens(t, s.native("offline_access", "evo.file")).RefreshToken
	for _, scope := range []string{"evo.audit", "evo.file evo.audit", `a"b`} {
		if r := s.refresh(t, token, scope); r.Error != "invalid_scope" || r.RefreshToken != "" {
			t.Errorf("%s: %+v", scope, r)
		}
	}
	s.advance(reuseGrace + time.Second)
	if r := s.refresh(t, token, ""); r.status != 200 || r.RefreshToken == "" {
		t.Errorf("the refresh token is spent: %+v", r)
	}
	s.advance(reuseGrace + time.Second)
	if r := s.refresh(t, token, "evo.audit"); r.Error != "invalid_grant" {
		t.Errorf("reused with a bad scope: %+v", r)
	}
}

func (s *site) refresh(t testing.TB, token, scope string) tokenResponse {
	t.Helper()
	return s.postToken(t, url.Values{"grant_type": {"refresh_token"}, "client_id": {NativeClient}, "refresh_token": {token}, "scope": {scope}})
}
