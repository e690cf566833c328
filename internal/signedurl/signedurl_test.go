package signedurl_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
)

const origin = "https://files.example.org"

var (
	blob = signedurl.Blob{
		Workspace: uuid.MustParse("d0ea331e-814e-4e24-a1b8-cd563c5b1d31"),
		File:      uuid.MustParse("13771ee0-c399-4b52-8ccb-ed3a114dcc0d"),
		VersionID: 1701303755570785597,
	}
	noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
)

// clock is a time that a test moves by hand.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func fixedKeys(context.Context) ([]store.Key, error) {
	return []store.Key{{ID: "11111111-2222-4333-8444-555555555555", Material: []byte("0123456789abcdef0123456789abcdef")}}, nil
}

func newSigner(c *clock) *signedurl.Signer {
	return signedurl.New(signedurl.Config{Keys: fixedKeys, Now: c.Now})
}

func must(t testing.TB) func(raw string, err error) *url.URL {
	return func(raw string, err error) *url.URL {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
}

func TestGrant(t *testing.T) {
	s, ctx := newSigner(&clock{noon}), t.Context()
	up := must(t)(s.Upload(ctx, origin, blob))
	got, err := s.Verify(ctx, up.Path, up.Query())
	want := signedurl.Grant{
		Blob: blob, Permissions: "wt", Version: "2023-08-03",
		Override: coreshed.BlobHeaders{ContentDisposition: "attachment; filename*=UTF-8''1701303755570785597"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("upload: %v %s", err, diff)
	}
	if !got.Allows('w') || got.Allows('r') {
		t.Errorf("permissions %q", got.Permissions)
	}

	down := must(t)(s.Download(ctx, origin, blob, "Bohrkern é;'\"\n(1) 50%.csv", true))
	got, err = s.Verify(ctx, down.Path, down.Query())
	want = signedurl.Grant{
		Blob: blob, Permissions: "rt", Version: "2023-08-03", DeletedToo: true,
		Override: coreshed.BlobHeaders{
			ContentDisposition: "attachment; filename*=UTF-8''Bohrkern%20%C3%A9%3B%27%22%0A%281%29%2050%25.csv",
		},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("download: %v %s", err, diff)
	}
}

// TestShape keeps what clients need of a URL: only names that Azure has, times
// as Azure writes them, a path of UUIDs and digits.
func TestShape(t *testing.T) {
	s, ctx := newSigner(&clock{noon}), t.Context()
	azure := strings.Fields("sv st se sr sp sip spr si sig rscc rscd rsce rscl rsct skoid sktid skt ske sks skv")
	for _, u := range []*url.URL{must(t)(s.Upload(ctx, origin, blob)), must(t)(s.Download(ctx, origin, blob, "a.csv", true))} {
		for name := range u.Query() {
			if !slices.Contains(azure, name) {
				t.Errorf("%s is not a parameter of Azure's", name)
			}
		}
		if got := u.Query().Get("st") + " " + u.Query().Get("se"); got != "2026-03-01T12:00:00Z 2026-03-01T12:30:00Z" {
			t.Errorf("times %s", got)
		}
		if want := "/d0ea331e-814e-4e24-a1b8-cd563c5b1d31/13771ee0-c399-4b52-8ccb-ed3a114dcc0d/1701303755570785597"; u.Path != want {
			t.Errorf("path %s", u.Path)
		}
		if u.Scheme+"://"+u.Host != origin {
			t.Errorf("origin of %s", u)
		}
	}
}

func TestExpiry(t *testing.T) {
	at := &clock{noon}
	s, ctx := newSigner(at), t.Context()
	u := must(t)(s.Upload(ctx, origin, blob))
	start := noon.Truncate(time.Second)
	for _, tt := range []struct {
		after time.Duration
		good  bool
	}{
		{0, true}, {30*time.Minute - time.Second, true}, {30 * time.Minute, false}, {24 * time.Hour, false},
		{-30 * time.Second, true}, {-2 * time.Minute, false},
	} {
		at.now = start.Add(tt.after)
		_, err := s.Verify(ctx, u.Path, u.Query())
		if tt.good != (err == nil) {
			t.Errorf("after %s: %v", tt.after, err)
		}
		var expired *signedurl.ExpiredError
		if !tt.good && (!errors.As(err, &expired) ||
			*expired != signedurl.ExpiredError{Start: start, Expiry: start.Add(30 * time.Minute), Now: at.now}) {
			t.Errorf("after %s: %v", tt.after, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	s, ctx := newSigner(&clock{noon}), t.Context()
	u := must(t)(s.Download(ctx, origin, blob, "a.csv", true))
	for name := range u.Query() {
		q := u.Query()
		q.Add(name, q.Get(name))
		if _, err := s.Verify(ctx, u.Path, q); !errors.Is(err, signedurl.ErrMalformed) {
			t.Errorf("%s twice: %v", name, err)
		}
		q.Del(name)
		_, err := s.Verify(ctx, u.Path, q)
		if !errors.Is(err, signedurl.ErrMalformed) && !errors.Is(err, signedurl.ErrSignature) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// TestAnyChange changes one signed value, or the path, in any way.
func TestAnyChange(t *testing.T) {
	s := newSigner(&clock{noon})
	signed := strings.Fields("sp se st sr sv si skoid rscc rscd rsce rscl rsct sig path")
	rapid.Check(t, func(t *rapid.T) {
		u := draw(t, s)
		path, q := u.Path, u.Query()
		name := rapid.SampledFrom(signed).Draw(t, "name")
		old := q.Get(name)
		if name == "path" {
			old = path
		}
		value := rapid.OneOf(rapid.String(), edited(old)).Filter(func(v string) bool { return v != old }).Draw(t, "value")
		if name == "path" {
			path = value
		} else {
			q.Set(name, value)
		}
		if _, err := s.Verify(context.Background(), path, q); err == nil {
			t.Fatalf("%s changed from %q to %q is accepted", name, old, value)
		}
	})
}

// edited draws texts that differ a little from s.
func edited(s string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		at := rapid.IntRange(0, len(s)).Draw(t, "at")
		end := min(len(s), at+rapid.IntRange(0, 2).Draw(t, "cut"))
		return s[:at] + rapid.StringN(0, 2, -1).Draw(t, "put") + s[end:]
	})
}

func draw(t *rapid.T, s *signedurl.Signer) *url.URL {
	b := signedurl.Blob{Workspace: uuid.New(), File: uuid.New(), VersionID: rapid.Int64Range(1, 1<<62).Draw(t, "version")}
	raw, err := s.Upload(context.Background(), origin, b)
	if rapid.Bool().Draw(t, "download") {
		raw, err = s.Download(context.Background(), origin, b, rapid.String().Draw(t, "name"), rapid.Bool().Draw(t, "deleted"))
	}
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestMoved moves bytes from the end of one value to the start of the next:
// the lengths are signed, too.
func TestMoved(t *testing.T) {
	s, ctx := newSigner(&clock{noon}), t.Context()
	u := must(t)(s.Download(ctx, origin, blob, "a.csv", false))
	q := u.Query()
	q.Set("rscc", q.Get("rscd"))
	q.Del("rscd")
	if _, err := s.Verify(ctx, u.Path, q); !errors.Is(err, signedurl.ErrSignature) {
		t.Errorf("rscd as rscc: %v", err)
	}
}

// TestReencoded encodes URLs as the clients do before they send them.
func TestReencoded(t *testing.T) {
	s := newSigner(&clock{noon})
	clients := map[string]func(*url.URL) string{
		"Python, aiohttp": func(u *url.URL) string {
			q := strings.NewReplacer("%2F", "/", "%27", "'", "%2A", "*", "%3A", ":").Replace(u.RawQuery)
			return u.EscapedPath() + "?" + q + "&blank=&comp=block&blockid=MDAw%3D"
		},
		"Azure JS": func(u *url.URL) string {
			return u.EscapedPath() + "?comp=blocklist&" + strings.NewReplacer("+", "%20", "%2A", "*", "'", "%27").Replace(u.RawQuery)
		},
		"Azure Go": func(u *url.URL) string {
			q := u.Query()
			q.Set("comp", "block")
			q.Set("blockid", "MDAw")
			q.Set("timeout", "30")
			return u.EscapedPath() + "?" + q.Encode()
		},
		"azcopy": func(u *url.URL) string {
			parts := strings.SplitN(u.EscapedPath(), "/", 3)
			return "/" + parts[1] + "/" + strings.ReplaceAll(parts[2], "/", "%2F") + "?" + u.RawQuery
		},
		"everything escaped": func(u *url.URL) string {
			var b strings.Builder
			for name, values := range u.Query() {
				fmt.Fprintf(&b, "&%s=", name)
				for _, c := range []byte(values[0]) {
					fmt.Fprintf(&b, "%%%02x", c)
				}
			}
			return u.EscapedPath() + "?" + b.String()
		},
	}
	for name, encode := range clients {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				sent := encode(draw(t, s))
				u, err := url.ParseRequestURI(sent)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Verify(context.Background(), u.Path, u.Query()); err != nil {
					t.Fatalf("%s: %v", sent, err)
				}
			})
		})
	}
}

func FuzzVerify(f *testing.F) {
	s, ctx := newSigner(&clock{noon}), context.Background()
	genuine := must(f)(s.Download(ctx, origin, blob, "a.csv", true))
	f.Add(genuine.Path, genuine.RawQuery)
	f.Add(genuine.Path, strings.ReplaceAll(genuine.RawQuery, "rt", "wt"))
	f.Add("/", "sig=&skoid=11111111-2222-4333-8444-555555555555&se=1&sp=w&st=2")
	f.Fuzz(func(t *testing.T, path, raw string) {
		q, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		grant, err := s.Verify(ctx, path, q)
		if err != nil {
			return
		}
		if grant.Blob != blob || path != genuine.Path || grant.Permissions != "rt" || !grant.DeletedToo {
			t.Errorf("%s?%s grants %+v", path, raw, grant)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	s, ctx := newSigner(&clock{noon}), b.Context()
	u := must(b)(s.Download(ctx, origin, blob, "Bohrkern.csv", false))
	q := u.Query()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Verify(ctx, u.Path, q); err != nil {
			b.Fatal(err)
		}
	}
}
