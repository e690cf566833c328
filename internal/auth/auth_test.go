package auth

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// clock is the time of a test's server: now, and as much later as it says.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// site is a real issuer on loopback with a user, and a service when asked for.
type site struct {
	*clock
	db       *store.DB
	auth     *Authenticator
	url      string
	org      coreshed.UUID
	user     coreshed.Person
	password string
	service  store.Client
	secret   string
}

func newSite(t testing.TB, external ...ExternalIssuer) *site {
	t.Helper()
	s := &site{clock: &clock{}}
	ctx := t.Context()
	var err error
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.db, err = store.Open(ctx, store.Config{URL: "memory:", Now: s.Now})
	ok(err)
	t.Cleanup(func() { s.db.Close() })
	org, err := s.db.AddOrganisation(ctx, "Mine")
	ok(err)
	s.org = org.ID
	h := NewHasher()
	s.password, err = Setup(ctx, s.db, h, s.org, func(string) error { return nil })
	ok(err)
	account, err := s.db.User(ctx, AdminEmail)
	ok(err)
	s.user = account.Person
	s.auth, err = New(Config{
		Store: s.db, Now: s.Now, External: external,
		IsOwn: func(origin string) bool { return origin == s.url },
	})
	ok(err)
	server := httptest.NewServer(NewIssuer(IssuerConfig{
		Store: s.db, Authenticator: s.auth, Hasher: h,
		Origin: func(r *http.Request) string { return "http://" + r.Host },
		Caller: func(r *http.Request) string { host, _, _ := net.SplitHostPort(r.RemoteAddr); return host },
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// withService adds a service client to the site.
func (s *site) withService(t testing.TB) *site {
	t.Helper()
	var err error
	s.service, s.secret, err = AddService(t.Context(), s.db, NewHasher(), s.org, "Scanner")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// native is the client library's idea of the native client.
func (s *site) native(scopes ...string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: NativeClient, RedirectURL: "http://localhost:40123/signin-callback", Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: s.url + "/connect/authorize", TokenURL: s.url + "/connect/token"},
	}
}

// browser keeps cookies, and stops where it is sent to another server.
func (s *site) browser(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

var formField = regexp.MustCompile(`name="form" value="([^"]+)"`)

// signIn opens an authorize URL and fills the form. It returns where the
// browser is sent then.
func (s *site) signIn(t testing.TB, b *http.Client, authorize, email, password string) *http.Response {
	t.Helper()
	resp, page := get(t, b, authorize)
	m := formField.FindStringSubmatch(page)
	if resp.StatusCode != http.StatusOK || m == nil {
		t.Fatalf("sign-in page: %s, to %q\n%s", resp.Status, resp.Header.Get("Location"), page)
	}
	resp, err := b.PostForm(authorize, url.Values{"form": {m[1]}, "email": {email}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// code signs the user in and returns an authorization code for c.
func (s *site) code(t testing.TB, c *oauth2.Config, verifier string) string {
	t.Helper()
	resp := s.signIn(t, s.browser(t), c.AuthCodeURL("st", oauth2.S256ChallengeOption(verifier)), s.user.Email, s.password)
	return sentBack(t, resp).Get("code")
}

// tokens signs the user in and exchanges the code.
func (s *site) tokens(t testing.TB, c *oauth2.Config) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	token, err := c.Exchange(t.Context(), s.code(t, c, verifier), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// sentBack returns the answer in a redirect to the client.
func sentBack(t testing.TB, resp *http.Response) url.Values {
	t.Helper()
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != http.StatusSeeOther || u.Hostname() != "localhost" {
		t.Fatalf("%s, to %q (%v)", resp.Status, resp.Header.Get("Location"), err)
	}
	return u.Query()
}

func get(t testing.TB, c *http.Client, address string) (*http.Response, string) {
	t.Helper()
	resp, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp, b.String()
}

// bearer asks the authenticator about a token.
func (s *site) bearer(ctx context.Context, token string) (coreshed.Actor, error) {
	return s.auth.Actor(ctx, "Bearer "+token)
}
