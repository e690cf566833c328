package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/coreshed/coreshed/internal/store"
)

func TestAuthorizeRefusals(t *testing.T) {
	s := newSite(t).withService(t)
	challenge := oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())
	query := func(change ...string) string {
		q := url.Values{
			"client_id": {NativeClient}, "redirect_uri": {NativeRedirect}, "response_type": {"code"},
			"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "state": {"st"}, "scope": {"evo.file"},
		}
		for i := 0; i < len(change); i += 2 {
			q.Set(change[i], change[i+1])
			if change[i+1] == "" {
				q.Del(change[i])
			}
		}
		return q.Encode()
	}
	for _, tt := range []struct{ name, query, want string }{
		// Shown, since the redirect may be anyone's.
		{"unknown client", query("client_id", "x"), "400"},
		{"no client", query("client_id", ""), "400"},
		{"service without redirects", query("client_id", s.service.ID), "400"},
		{"no redirect", query("redirect_uri", ""), "400"},
		{"other host", query("redirect_uri", "http://evil.example/signin-callback"), "400"},
		{"host in user info", query("redirect_uri", "http://localhost:3000@evil.example/signin-callback"), "400"},
		{"user info", query("redirect_uri", "http://evil@localhost:3000/signin-callback"), "400"},
		{"other path", query("redirect_uri", "http://localhost:3000/signin-callback/x"), "400"},
		{"added query", query("redirect_uri", NativeRedirect+"?x=1"), "400"},
		{"fragment", query("redirect_uri", NativeRedirect+"#x"), "400"},
		{"other scheme", query("redirect_uri", "https://localhost:3000/signin-callback"), "400"},
		{"other loopback name", query("redirect_uri", "http://127.0.0.1:3000/signin-callback"), "400"},
		{"backslash", query("redirect_uri", `http://localhost\@evil.example/signin-callback`), "400"},
		{"two redirects", query() + "&redirect_uri=http://evil.example/", "400"},
		{"bad escape", query() + "&x=%zz", "400"},
		{"zero byte", query("client_id", "a\x00"), "400"},

		{"other port", query("redirect_uri", "http://localhost:9/signin-callback"), "200"},
		{"no port", query("redirect_uri", "http://localhost/signin-callback"), "200"},
		{"good", query(), "200"},

		{"implicit", query("response_type", "token"), "unsupported_response_type"},
		{"fragment mode", query("response_mode", "fragment"), "invalid_request"},
		{"no challenge", query("code_challenge", ""), "invalid_request"},
		{"short challenge", query("code_challenge", "abc"), "invalid_request"},
		{"plain challenge", query("code_challenge_method", "plain"), "invalid_request"},
		{"two scopes", query() + "&scope=x", "invalid_request"},
		{"bad scope", query("scope", "a\\b"), "invalid_scope"},
		{"none and login", query("prompt", "none login"), "invalid_request"},
	} {
		resp, _ := get(t, s.browser(t), s.url+"/connect/authorize?"+tt.query)
		got := fmt.Sprint(resp.StatusCode)
		if resp.StatusCode == http.StatusSeeOther {
			back := sentBack(t, resp)
			if got = back.Get("error"); back.Get("state") != "st" {
				t.Errorf("%s: state is %q", tt.name, back.Get("state"))
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestSignInRefusals(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	authorize := s.native("evo.file").AuthCodeURL("st", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	for _, email := range []string{s.user.Email, "nobody@mine.example", ""} {
		if resp := s.signIn(t, s.browser(t), authorize, email, "not the password"); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%q with a wrong password: %s", email, resp.Status)
		}
	}
	if resp := s.signIn(t, s.browser(t), authorize, "zero\x00@mine.example", s.password); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("an address that is not text: %s", resp.Status)
	}
	resp, err := s.browser(t).PostForm(authorize, url.Values{"email": {s.user.Email}, "password": {s.password}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a form that is not ours: %s", resp.Status)
	}
	if err := s.db.Disable(ctx, s.user.ID); err != nil {
		t.Fatal(err)
	}
	if resp := s.signIn(t, s.browser(t), authorize, s.user.Email, s.password); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a disabled account: %s", resp.Status)
	}
}

func TestSignInsAreLimited(t *testing.T) {
	s, ctx := newSite(t).withService(t), t.Context()
	authorize := s.native("evo.file").AuthCodeURL("st", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	for range accountFailures - 1 {
		if err := s.db.AddFailure(ctx, accountLimit(strings.ToUpper(s.user.Email)).key); err != nil {
			t.Fatal(err)
		}
	}
	if resp := s.signIn(t, s.browser(t), authorize, s.user.Email, "wrong"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("last failure: %s", resp.Status)
	}
	resp := s.signIn(t, s.browser(t), authorize, s.user.Email, s.password)
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	s.advance(store.AttemptWindow)
	sentBack(t, s.signIn(t, s.browser(t), authorize, s.user.Email, s.password))
	if n, _, _ := s.db.Failures(ctx, accountLimit(s.user.Email).key); n != 0 {
		t.Errorf("%d failures are left after a sign-in", n)
	}

	for range callerFailures {
		if err := s.db.AddFailure(ctx, callerLimit("127.0.0.1").key); err != nil {
			t.Fatal(err)
		}
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {s.service.ID}, "client_secret": {s.secret}}
	if r := s.postToken(t, form); r.status != http.StatusTooManyRequests || r.Error != "slow_down" || r.header.Get("Retry-After") == "" {
		t.Errorf("a caller with many failures: %+v", r)
	}
}

func TestCallersAreCountedBySubnet(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"2001:db8::1", "2001:db8::ffff:2", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"192.0.2.1", "::ffff:192.0.2.1", false},
		{"192.0.2.1", "192.0.2.2", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		if same := callerLimit(tt.a) == callerLimit(tt.b); same != tt.same {
			t.Errorf("%s and %s: %v", tt.a, tt.b, same)
		}
	}
}

// TestPageIsClosed checks that the policy lets in the page's own style, and
// lets its form lead back to the client, but nothing else.
func TestPageIsClosed(t *testing.T) {
	s := newSite(t)
	c := s.native("evo.file")
	resp, page := get(t, s.browser(t), c.AuthCodeURL(`"><script>`, oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
	if style == nil {
		t.Fatal("the page has no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self' http://localhost:40123; frame-ancestors 'none'; base-uri 'none'"
	if got := resp.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy\n%s, want\n%s", got, want)
	}
	if strings.Contains(page, "<script") {
		t.Error("the page has a script")
	}
	for _, cookie := range resp.Cookies() {
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
			t.Errorf("cookie %v", cookie)
		}
	}
}

func TestRedirectsThatCanBeRegistered(t *testing.T) {
	for uri, want := range map[string]bool{
		"https://app.example/cb":           true,
		"http://localhost:3000/cb":         true,
		"http://127.0.0.1/cb":              true,
		"http://[::1]:1/cb":                true,
		"com.example.app:/cb":              true,
		"http://app.example/cb":            false,
		"https://app.example/cb#x":         false,
		"https://u@app.example/cb":         false,
		"https://app.example/;script-src":  false,
		"javascript:alert(1)":              false,
		"data:text/html,x":                 false,
		"/cb":                              false,
		"":                                 false,
		"https:///cb":                      false,
		"https://app.example/\nSet-Cookie": false,
	} {
		if got := validRedirect(uri); got != want {
			t.Errorf("%q: %v", uri, got)
		}
	}
}

// FuzzAuthorize looks for a query that makes the server fail, or send the
// browser anywhere but to a loopback port.
func FuzzAuthorize(f *testing.F) {
	s := newSite(f)
	handler := NewIssuer(IssuerConfig{
		Store: s.db, Authenticator: s.auth, Hasher: NewHasher(),
		Origin: func(*http.Request) string { return s.url },
		Caller: func(*http.Request) string { return "192.0.2.1" },
	})
	good := "client_id=coreshed-native&response_type=code&code_challenge_method=S256&code_challenge=" +
		oauth2.S256ChallengeFromVerifier("v") + "&redirect_uri="
	f.Add(good + "http://localhost:3000/signin-callback&state=x")
	f.Add(good + "http://localhost:1@evil/signin-callback&prompt=none")
	f.Add("client_id=coreshed-native&redirect_uri=http%3A%2F%2Flocalhost%2Fsignin-callback&scope=%ff")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/connect/authorize", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		to, err := url.Parse(w.Header().Get("Location"))
		switch {
		case w.Code >= 500 || err != nil:
			t.Errorf("%d, to %q", w.Code, w.Header().Get("Location"))
		case w.Code == http.StatusSeeOther && (to.Scheme != "http" || to.Hostname() != "localhost" || to.Path != "/signin-callback" || to.User != nil):
			t.Errorf("sent to %q", to)
		case w.Code != http.StatusSeeOther && to.String() != "":
			t.Errorf("%d with a location", w.Code)
		}
	})
}
