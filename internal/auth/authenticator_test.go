package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// signed returns the claims of a good token of the user, changed, as a token.
func (s *site) signed(t testing.TB, change func(*claims)) string {
	t.Helper()
	now := s.Now()
	c := claims{
		Issuer: s.url, Subject: s.user.ID.String(), Audience: list{Audience}, Expires: moment{now.Add(time.Hour)},
		IssuedAt: moment{now}, ClientID: NativeClient, Scope: &scope{"evo.file"},
	}
	change(&c)
	token, err := s.auth.signer.sign(t.Context(), accessType, c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// by signs a header and the claims of token with another algorithm and key.
func by(t testing.TB, token string, alg jwa.SignatureAlgorithm, key any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var old header
	raw, _ := base64.RawURLEncoding.DecodeString(parts[0])
	if err := json.Unmarshal(raw, &old); err != nil {
		t.Fatal(err)
	}
	h := jws.NewHeaders()
	if err := h.Set(jws.KeyIDKey, old.KeyID); err != nil {
		t.Fatal(err)
	}
	forged, err := jws.Sign(payload, jws.WithKey(alg, key, jws.WithProtectedHeaders(h)))
	if err != nil {
		t.Fatal(err)
	}
	return string(forged)
}

// withHeader signs the claims of token under a header that says more.
func (s *site) withHeader(t testing.TB, token, more string) string {
	t.Helper()
	key := s.auth.signer.current()
	signed := encode(`{"alg":"ES256","kid":"`+key.id+`"`+more+`}`) + "." + strings.Split(token, ".")[1]
	sum := sha256.Sum256([]byte(signed))
	r, v, err := ecdsa.Sign(rand.Reader, key.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64) // RFC 7518 §3.4
	r.FillBytes(signature[:32])
	v.FillBytes(signature[32:])
	return signed + "." + encode(string(signature))
}

func encode(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }

func TestTokensThatAreRefused(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	good := s.signed(t, func(*claims) {})
	if _, err := s.bearer(ctx, good); err != nil {
		t.Fatal(err)
	}
	if _, err := s.bearer(ctx, s.withHeader(t, good, `,"x":1`)); err != nil {
		t.Errorf("a header that may be ignored: %v", err)
	}
	parts := strings.Split(good, ".")
	otherKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(s.auth.signer.current().key.Public())
	if err != nil {
		t.Fatal(err)
	}
	stranger := newSite(t)
	disabled, err := s.db.AddUser(ctx, s.org, store.NewUser{Email: "gone@mine.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.db.Disable(ctx, disabled.ID); err != nil {
		t.Fatal(err)
	}
	kid := s.auth.signer.current().id

	for name, header := range map[string]string{
		"other scheme":          "Basic " + encode("a:b"),
		"scheme alone":          "Bearer",
		"scheme and space":      "Bearer ",
		"no scheme":             good,
		"two tokens":            "Bearer " + good + " " + good,
		"words":                 "Bearer not.a.token",
		"two parts":             "Bearer " + parts[0] + "." + parts[1],
		"four parts":            "Bearer " + good + ".x",
		"huge":                  "Bearer " + strings.Repeat("x", maxToken+1),
		"padding":               "Bearer " + good + "=",
		"forged signature":      "Bearer " + parts[0] + "." + parts[1] + "." + encode(strings.Repeat("x", 64)),
		"no signature":          "Bearer " + parts[0] + "." + parts[1] + ".",
		"other claims":          "Bearer " + parts[0] + "." + strings.Split(s.signed(t, func(c *claims) { c.Name = "x" }), ".")[1] + "." + parts[2],
		"alg none":              "Bearer " + encode(`{"alg":"none","kid":"`+kid+`"}`) + "." + parts[1] + ".",
		"alg None":              "Bearer " + encode(`{"alg":"None","kid":"`+kid+`"}`) + "." + parts[1] + "." + parts[2],
		"public key as secret":  "Bearer " + by(t, good, jwa.HS256(), public),
		"other key, same id":    "Bearer " + by(t, good, jwa.ES256(), otherKey),
		"unknown key id":        "Bearer " + encode(`{"alg":"ES256","kid":"x"}`) + "." + parts[1] + "." + parts[2],
		"critical extension":    "Bearer " + s.withHeader(t, good, `,"crit":["x"],"x":1`),
		"no critical extension": "Bearer " + s.withHeader(t, good, `,"crit":[]`),
		"critical null":         "Bearer " + s.withHeader(t, good, `,"crit":null`),
		"another server's":      "Bearer " + stranger.signed(t, func(c *claims) { c.Issuer, c.Subject = s.url, s.user.ID.String() }),
		"expired":               "Bearer " + s.signed(t, func(c *claims) { c.Expires.Time = s.Now().Add(-time.Second) }),
		"without expiry":        "Bearer " + s.signed(t, func(c *claims) { c.Expires = moment{time.Unix(0, 0)} }),
		"not yet good":          "Bearer " + s.signed(t, func(c *claims) { c.NotBefore.Time = s.Now().Add(time.Hour) }),
		"made in the future":    "Bearer " + s.signed(t, func(c *claims) { c.IssuedAt.Time = s.Now().Add(time.Hour) }),
		"other audience":        "Bearer " + s.signed(t, func(c *claims) { c.Audience = list{NativeClient, "x"} }),
		"no audience":           "Bearer " + s.signed(t, func(c *claims) { c.Audience = nil }),
		"other issuer":          "Bearer " + s.signed(t, func(c *claims) { c.Issuer = "https://evil.example" }),
		"no issuer":             "Bearer " + s.signed(t, func(c *claims) { c.Issuer = "" }),
		"no subject":            "Bearer " + s.signed(t, func(c *claims) { c.Subject = "" }),
		"subject is no UUID":    "Bearer " + s.signed(t, func(c *claims) { c.Subject = "admin" }),
		"unknown person":        "Bearer " + s.signed(t, func(c *claims) { c.Subject = uuid.NewString() }),
		"disabled person":       "Bearer " + s.signed(t, func(c *claims) { c.Subject = disabled.ID.String() }),
		"claims are no object":  "Bearer " + by(t, parts[0]+"."+encode(`[]`)+".", jwa.ES256(), s.auth.signer.current().key),
		"time is out of range":  "Bearer " + by(t, parts[0]+"."+encode(`{"exp":1e300}`)+".", jwa.ES256(), s.auth.signer.current().key),
		"expiry is no number":   "Bearer " + by(t, parts[0]+"."+encode(`{"exp":"tomorrow"}`)+".", jwa.ES256(), s.auth.signer.current().key),
		"JSON serialisation":    `Bearer {"payload":"` + parts[1] + `","signatures":[]}`,
		"line break in a token": "Bearer " + parts[0] + ".\n" + parts[1] + "." + parts[2],
	} {
		if _, err := s.auth.Actor(ctx, header); !errors.Is(err, coreshed.InvalidToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.auth.Actor(ctx, ""); !errors.Is(err, coreshed.Unauthenticated) {
		t.Errorf("no header: %v", err)
	}
}

func TestTokensThatAreTaken(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	for name, tt := range map[string]struct {
		change func(*claims)
		scopes []string
	}{
		"as issued":       {func(*claims) {}, []string{"evo.file"}},
		"no scope":        {func(c *claims) { c.Scope = nil }, []string{}},
		"many audiences":  {func(c *claims) { c.Audience = list{"x", Audience} }, []string{"evo.file"}},
		"made on host":    {func(c *claims) { c.Issuer = LocalIssuer }, []string{"evo.file"}},
		"clock a bit off": {func(c *claims) { c.IssuedAt.Time = s.Now().Add(skew / 2) }, []string{"evo.file"}},
	} {
		actor, err := s.auth.Actor(ctx, "bearer  "+s.signed(t, tt.change))
		want := coreshed.Actor{ID: s.user.ID, ClientID: NativeClient, Scopes: tt.scopes}
		if diff := cmp.Diff(want, actor); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestScopeIsStringOrList(t *testing.T) {
	for text, want := range map[string]scope{
		`"a b"`:          {"a", "b"},
		`["a","b"]`:      {"a", "b"},
		`["a b", "c d"]`: {"a", "b", "c", "d"},
		`""`:             {},
		`[]`:             {},
	} {
		var got scope
		if err := json.Unmarshal([]byte(text), &got); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %#v, %v", text, got, err)
		}
	}
}

// TestRevocationIsNoticed uses a token until it is cached, takes away what it
// rests on, and expects that it is refused a few seconds later, not before the
// store was asked again, and good again when that is put right.
func TestRevocationIsNoticed(t *testing.T) {
	s, ctx := newSite(t).withService(t), t.Context()
	token := s.signed(t, func(c *claims) { c.ClientID = s.service.ID })
	good := func(want bool) {
		t.Helper()
		if _, err := s.bearer(ctx, token); (err == nil) != want || err != nil && !errors.Is(err, coreshed.InvalidToken) {
			t.Errorf("good is not %v: %v", want, err)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s.advance(2 * recheck)
	}
	good(true)
	do(s.db.Disable(ctx, s.user.ID))
	good(false)
	do(s.db.Enable(ctx, s.user.ID))
	good(true)
	do(s.db.RevokeClient(ctx, s.service.ID))
	good(false)
}

// TestRevocationIsNoticedAfterTheClockWentBack: a clock that is set back must
// not make what was checked before it look fresh until it has caught up.
func TestRevocationIsNoticedAfterTheClockWentBack(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	token := s.signed(t, func(c *claims) { c.IssuedAt.Time = s.Now().Add(-2 * time.Hour) })
	if _, err := s.bearer(ctx, token); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Disable(ctx, s.user.ID); err != nil {
		t.Fatal(err)
	}
	s.advance(-time.Hour)
	if _, err := s.bearer(ctx, token); !errors.Is(err, coreshed.InvalidToken) {
		t.Errorf("the token of a disabled account: %v", err)
	}
}

func TestTokenExpiresInCache(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	token := s.signed(t, func(c *claims) { c.Expires.Time = s.Now().Add(2 * time.Second) })
	if _, err := s.bearer(ctx, token); err != nil {
		t.Fatal(err)
	}
	s.advance(2 * time.Second)
	if _, err := s.bearer(ctx, token); !errors.Is(err, coreshed.InvalidToken) {
		t.Errorf("after its time: %v", err)
	}
}

func TestKeyRotation(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	old := s.signed(t, func(*claims) {})
	id, err := RotateTokenKey(ctx, s.db)
	if err != nil {
		t.Fatal(err)
	}
	s.advance(keysFresh)
	fresh := s.signed(t, func(*claims) {})
	if got := s.auth.signer.current().id; got != id {
		t.Errorf("%s signs, not %s", got, id)
	}
	for name, token := range map[string]string{"old": old, "new": fresh} {
		if _, err := s.bearer(ctx, token); err != nil {
			t.Errorf("%s token: %v", name, err)
		}
	}
	if _, err := s.db.DeleteRetiredKeys(ctx, store.TokenKey, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.advance(keysFresh)
	if _, err := s.bearer(ctx, old); !errors.Is(err, coreshed.InvalidToken) {
		t.Errorf("a token of the deleted key: %v", err)
	}
	if _, err := s.bearer(ctx, fresh); err != nil {
		t.Errorf("new token: %v", err)
	}
}

// TestOtherReplicasKey has another process rotate the key: its tokens are good
// here at once, since an unknown key id is looked up.
func TestOtherReplicasKey(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	s.signed(t, func(*claims) {}) // the keys are in memory now
	if _, err := RotateTokenKey(ctx, s.db); err != nil {
		t.Fatal(err)
	}
	token, err := Mint(ctx, s.db, s.user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s.advance(keysBetween)
	actor, err := s.bearer(ctx, token)
	if err != nil || actor.ID != s.user.ID || !actor.HasScope("evo.file") {
		t.Errorf("got %+v, %v", actor, err)
	}
}

func TestUnknownKeysAskSeldom(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	loads := 0
	load := s.auth.signer.public.load
	s.auth.signer.public.load = func(ctx context.Context) (map[string]publicKey, error) {
		loads++
		return load(ctx)
	}
	good := s.signed(t, func(*claims) {})
	for n := range 100 {
		forged := encode(fmt.Sprintf(`{"alg":"ES256","kid":"%d"}`, n)) + good[strings.IndexByte(good, '.'):]
		if _, err := s.bearer(ctx, forged); !errors.Is(err, coreshed.InvalidToken) {
			t.Fatal(err)
		}
	}
	if loads > 2 {
		t.Errorf("the keys were loaded %d times", loads)
	}
}

func TestStoreFailureIsNoVerdict(t *testing.T) {
	s := newSite(t)
	token := s.signed(t, func(*claims) {})
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.bearer(t.Context(), token); !errors.Is(err, coreshed.StoreFailed) {
		t.Errorf("got %v", err)
	}
}

func TestManyAskAtOnce(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	tokens := make([]string, 8)
	for i := range tokens {
		tokens[i] = s.signed(t, func(c *claims) { c.ID = fmt.Sprint(i) })
	}
	s.auth.cache.limit = 4
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				if _, err := s.bearer(ctx, tokens[(g+i)%len(tokens)]); err != nil {
					t.Error(err)
					return
				}
				s.advance(20 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	if n := len(s.auth.cache.entries); n > 4 {
		t.Errorf("%d tokens are remembered", n)
	}
}

func FuzzActor(f *testing.F) {
	s := newSite(f)
	token := s.signed(f, func(*claims) {})
	f.Add("Bearer " + token)
	f.Add("Bearer " + encode(`{"alg":"none"}`) + "." + encode(`{"iss":"`+LocalIssuer+`","aud":"coreshed","exp":9e9}`) + ".")
	f.Add("Bearer a.b.c")
	f.Add("Basic x")
	f.Fuzz(func(t *testing.T, header string) {
		actor, err := s.auth.Actor(t.Context(), header)
		switch coreshed.KindOf(err) {
		case coreshed.Unauthenticated, coreshed.InvalidToken:
			if err == nil || actor.ID != uuid.Nil {
				t.Errorf("%v with the actor %+v", err, actor)
			}
		default:
			// No input but the token itself gets through.
			if err != nil || !strings.Contains(header, token) {
				t.Errorf("%q: %+v, %v", header, actor, err)
			}
		}
	})
}

func BenchmarkActorCached(b *testing.B) {
	s, ctx := newSite(b), b.Context()
	header := "Bearer " + s.signed(b, func(*claims) {})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.auth.Actor(ctx, header); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkActorNew(b *testing.B) {
	s, ctx := newSite(b), b.Context()
	token := s.signed(b, func(*claims) {})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.auth.verify(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}
