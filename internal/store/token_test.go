package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

var refresh = store.Refresh{TTL: 24 * time.Hour, Keep: time.Hour, Grace: 30 * time.Second}

// allow makes a code "code-N" of a new authorization "family-N".
func allow(t interface{ Fatal(...any) }, ctx context.Context, db *store.DB, p coreshed.Person, n int) {
	code := store.Code{
		Authorization: store.Authorization{Family: fmt.Sprint("family-", n), ClientID: "native", Person: p, Scope: "evo.file"},
		RedirectURI:   "http://localhost/", Challenge: "c",
	}
	if err := db.AddCode(ctx, fmt.Append(nil, "code-", n), code, time.Minute); err != nil {
		t.Fatal(err)
	}
}

func native(t *testing.T, db *store.DB) coreshed.Person {
	t.Helper()
	org, _ := place(t, db)
	p, err := db.AddUser(t.Context(), org, store.NewUser{Email: "a@b.example", Name: "Ann"})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"native", "other"} {
		if _, err := db.AddPublicClient(t.Context(), id, id, nil); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestCodeIsGoodOnce(t *testing.T) {
	at := &clock{time.Now()}
	storetest.EachAt(t, at.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		p := native(t, db)
		allow(t, ctx, db, p, 1)
		c, err := db.UseCode(ctx, []byte("code-1"), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if c.Person != p || c.ClientID != "native" || c.Scope != "evo.file" || c.Challenge != "c" {
			t.Errorf("got %+v", c)
		}
		lives := func(want bool) {
			t.Helper()
			if got, err := db.TokenLives(ctx, p.ID, "native", "family-1"); got != want || err != nil {
				t.Errorf("token lives: %v, %v", got, err)
			}
		}
		at.now = at.now.Add(30 * time.Minute)
		if err := db.DeleteExpired(ctx); err != nil {
			t.Fatal(err)
		}
		lives(true)
		if _, err := db.UseCode(ctx, []byte("code-1"), time.Hour); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("used again: %v", err)
		}
		lives(false)
	})
}

func TestCodeExpires(t *testing.T) {
	at := &clock{time.Now()}
	storetest.EachAt(t, at.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		allow(t, ctx, db, native(t, db), 1)
		at.now = at.now.Add(time.Minute)
		if _, err := db.UseCode(ctx, []byte("code-1"), time.Hour); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("used too late: %v", err)
		}
		if _, err := db.UseCode(ctx, []byte("guess"), time.Hour); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("guessed: %v", err)
		}
	})
}

func TestPasswordChangeEndsWhatWasAllowed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		p := native(t, db)
		allow(t, ctx, db, p, 1)
		if _, err := db.UseCode(ctx, []byte("code-1"), time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := db.AddRefreshToken(ctx, []byte("r"), "family-1", refresh); err != nil {
			t.Fatal(err)
		}
		if err := db.SetPassword(ctx, p.ID, "new"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.RotateRefreshToken(ctx, "native", []byte("r"), []byte("s"), refresh, taken); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("refreshed after the password was changed: %v", err)
		}
	})
}

func taken(store.Authorization) error { return nil }

// TestRefreshRotation compares random uses of a family's refresh tokens, with
// time passing, other clients trying and callers refusing, to the rules written
// down plainly.
func TestRefreshRotation(t *testing.T) {
	at := &clock{time.Now()}
	storetest.EachAt(t, at.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		p := native(t, db)
		family := 0
		rapid.Check(t, func(t *rapid.T) {
			type token struct{ made, used time.Time }
			family++
			allow(t, ctx, db, p, family)
			name := func(i int) []byte { return fmt.Appendf(nil, "%d/%d", family, i) }
			if _, err := db.UseCode(ctx, fmt.Append(nil, "code-", family), time.Hour); err != nil {
				t.Fatal(err)
			}
			if err := db.AddRefreshToken(ctx, name(0), fmt.Sprint("family-", family), refresh); err != nil {
				t.Fatal(err)
			}
			tokens, revoked := []token{{made: at.now}}, false
			for range rapid.IntRange(1, 12).Draw(t, "steps") {
				at.now = at.now.Add(rapid.SampledFrom([]time.Duration{
					time.Second, 20 * time.Second, time.Minute, 23 * time.Hour,
				}).Draw(t, "pause"))
				i := rapid.IntRange(0, len(tokens)-1).Draw(t, "token")
				client := rapid.SampledFrom([]string{"native", "native", "native", "other"}).Draw(t, "client")

				refused := rapid.SampledFrom([]error{nil, nil, errors.New("refused")}).Draw(t, "refused")

				want := false
				used := tokens[i].used
				switch {
				case revoked || client == "other":
				case !used.IsZero() && at.now.Sub(used) > refresh.Grace:
					revoked = true
				case at.now.Sub(tokens[i].made) < refresh.TTL:
					want = true
				}
				a, err := db.RotateRefreshToken(ctx, client, name(i), name(len(tokens)), refresh, func(store.Authorization) error { return refused })
				if want && refused != nil {
					if !errors.Is(err, refused) {
						t.Fatalf("token %d: %v, want what the caller said", i, err)
					}
					continue
				}
				if got := err == nil; got != want || (err != nil && !errors.Is(err, coreshed.NotFound)) {
					t.Fatalf("token %d: %v, want good=%v", i, err, want)
				}
				if want {
					if a.Person != p || a.Scope != "evo.file" {
						t.Fatalf("authorization is %+v", a)
					}
					if used.IsZero() {
						tokens[i].used = at.now
					}
					tokens = append(tokens, token{made: at.now})
				}
				if live, err := db.TokenLives(ctx, p.ID, "native", fmt.Sprint("family-", family)); err != nil || live == revoked {
					t.Fatalf("access token lives: %v, %v; revoked: %v", live, err, revoked)
				}
			}
		})
	})
}
