package scaleapi_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/scaleapi"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

const (
	noCredentials = "Authentication credentials were not provided."
	noPermission  = "You do not have permission to perform this action."
)

func TestCallers(t *testing.T) {
	s := open(t, storetest.Memory(t))
	s.get(anonymous, "/v6/version/").want(200)
	s.get(anonymous, "/v6/files/").want(403, noCredentials)
	s.send(anonymous, "OPTIONS", "/v6/files/", "").want(403, noCredentials)
	s.get(s.Stranger, "/v6/files/").want(403, noPermission)
	s.get(s.Member, "/v6/files/").want(200)
	token := strings.TrimPrefix(s.signedIn(s.Viewer), "Token ")
	for _, header := range []string{"Token " + token, "token  " + token, "Bearer " + token, "bearer " + token} {
		s.get(anonymous, "/v6/files/", "Authorization", header).want(200)
	}
	for _, header := range []string{"Token", "Token x", "Basic " + token, token, "Token " + token + "x", "Token \x80"} {
		if a := s.get(anonymous, "/v6/files/", "Authorization", header).want(403, "Invalid token."); a.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%q: asked to authenticate with %q", header, a.header.Get("WWW-Authenticate"))
		}
	}
	if err := s.DB.Disable(t.Context(), s.Viewer.ID); err != nil {
		t.Fatal(err)
	}
	fresh := open(t, storetest.Memory(t)) // whose tokens are not remembered yet
	fresh.get(anonymous, "/v6/files/", "Authorization", "Token "+token).want(403, "Invalid token.")
}

// A caller sees what lies in the workspaces that are theirs, in lists, totals
// and look-ups alike.
func TestCallersSeeTheirOwn(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "a.txt", "x")
		path := "/v6/files/" + decimal(f.Version.ID) + "/"
		for p, count := range map[coreshed.Person]string{s.Admin: "1", s.Owner: "1", s.Viewer: "1", s.Member: "0"} {
			if got := s.get(p, "/v6/files/").want(200).at("count"); got != count {
				t.Errorf("%s counts %v, want %s", p.Name, got, count)
			}
		}
		s.get(s.Viewer, path).want(200)
		s.get(s.Member, path).want(404, "Not found.")
	})
}

func TestAnonymousViewers(t *testing.T) {
	s := open(t, storetest.Memory(t), func(c *scaleapi.Config) { c.Anonymous = true })
	f := s.upload("a.txt", "x")
	if got := s.get(anonymous, "/v6/files/").want(200).at("count"); got != "1" {
		t.Errorf("counts %v", got)
	}
	s.get(anonymous, s.content(f)).want(200)
	s.get(anonymous, "/v6/files/", "Authorization", "Token x").want(403, "Invalid token.")
	s.get(anonymous, "/v6/files/", "Cookie", "coreshed_session=x").want(200)
	s.send(anonymous, "PATCH", "/v6/workspaces/1/", "{}").want(403, noCredentials)
}

// session signs a person in as the page does, and returns the cookie.
func (s *shed) session(p coreshed.Person) string {
	s.t.Helper()
	secret := auth.NewSecret()
	sum := sha256.Sum256([]byte(secret))
	if err := s.DB.AddSession(s.t.Context(), sum[:], p.ID, time.Hour); err != nil {
		s.t.Fatal(err)
	}
	return "coreshed_session=" + secret
}

func TestSessions(t *testing.T) {
	s := open(t, storetest.Memory(t))
	session, other := s.session(s.Owner), s.session(s.Admin)
	form := formToken(t, s.get(anonymous, "/v6/files/", "Cookie", session).want(200))
	otherForm := formToken(t, s.get(anonymous, "/v6/files/", "Cookie", other).want(200))
	if a := s.get(anonymous, "/v6/files/", "Cookie", session+"; csrftoken="+form); len(a.header["Set-Cookie"]) > 0 {
		t.Errorf("a token that is there is set again: %s", a.header["Set-Cookie"])
	}
	const forged = "CSRF Failed: CSRF token missing or incorrect."
	path := "/v6/workspaces/" + decimal(s.Workspace.ID) + "/"
	change := func(headers ...string) answer {
		return s.send(anonymous, "PATCH", path, `{"description": "x"}`, headers...)
	}
	change("Cookie", session).want(403, forged)
	change("Cookie", session+"; csrftoken="+form).want(403, forged)
	change("Cookie", session, "X-CSRFToken", otherForm).want(403, forged)
	change("Cookie", session+"; csrftoken=chosen", "X-CSRFToken", "chosen").want(403, forged)
	change("Cookie", session, "X-CSRFToken", form, "Origin", "https://elsewhere.example").want(403, "CSRF Failed: Origin checking failed.")
	change("Cookie", "coreshed_session=x; csrftoken="+form, "X-CSRFToken", form).want(403, noCredentials)
	change("Cookie", session+"; csrftoken="+form, "X-CSRFToken", form, "Origin", s.url).want(204)
	change("Cookie", session, "X-CSRFToken", form).want(204)
	// A token is no cookie that a browser would send on its own.
	s.send(s.Owner, "PATCH", path, `{"description": "y"}`, "Origin", "https://elsewhere.example").want(204)
	if err := s.DB.Disable(t.Context(), s.Owner.ID); err != nil {
		t.Fatal(err)
	}
	s.get(anonymous, "/v6/files/", "Cookie", session).want(403, noCredentials)
}

func formToken(t testing.TB, a answer) string {
	t.Helper()
	for _, line := range a.header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		if c.Name == "csrftoken" && !c.HttpOnly && c.Path == "/" && c.SameSite == http.SameSiteStrictMode {
			return c.Value
		}
	}
	t.Fatalf("no csrftoken in %q", a.header["Set-Cookie"])
	return ""
}

// A token is good for what its scopes cover.
func TestScopes(t *testing.T) {
	var scopes []string
	s := open(t, storetest.Memory(t), func(c *scaleapi.Config) {
		find := c.Auth
		c.Auth = func(ctx context.Context, authorization string) (coreshed.Actor, error) {
			actor, err := find(ctx, authorization)
			actor.Scopes = scopes
			return actor, err
		}
	})
	path := "/v6/workspaces/" + decimal(s.Workspace.ID) + "/"
	for _, c := range []struct {
		scope        string
		read, change int
	}{{"evo.file", 200, 403}, {"evo.workspace", 403, 204}, {"evo.discovery", 403, 403}} {
		scopes = []string{c.scope}
		s.get(s.Owner, "/v6/files/").want(c.read)
		s.get(s.Owner, path).want(c.read)
		s.send(s.Owner, "PATCH", path, `{"description": "x"}`).want(c.change)
	}
}
