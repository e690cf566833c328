package signedurl_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
)

// replica is a signer with a view of shared keys, and a count of its reads.
type replica struct {
	*signedurl.Signer
	reads int
}

func newReplica(db *store.DB, c *clock) *replica {
	r := &replica{}
	r.Signer = signedurl.New(signedurl.Config{Now: c.Now, Keys: func(ctx context.Context) ([]store.Key, error) {
		r.reads++
		return db.Keys(ctx, store.URLKey)
	}})
	return r
}

func rotate(t *testing.T, db *store.DB) {
	t.Helper()
	id, material := signedurl.NewKey()
	if err := db.RotateKey(t.Context(), store.URLKey, id, material); err != nil {
		t.Fatal(err)
	}
}

func openStore(t *testing.T, c *clock) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: "memory:", Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestRotation(t *testing.T) {
	at := &clock{noon}
	db, ctx := openStore(t, at), t.Context()
	a, b := newReplica(db, at), newReplica(db, at)
	if _, err := a.Upload(ctx, origin, blob); err == nil {
		t.Fatal("signed without a key")
	}
	at.now = at.now.Add(time.Second)
	for range 2 {
		if err := signedurl.EnsureKey(ctx, db); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := db.Keys(ctx, store.URLKey); err != nil || len(keys) != 1 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	old := must(t)(a.Upload(ctx, origin, blob))
	verify := func(r *replica, want bool) {
		t.Helper()
		if _, err := r.Verify(ctx, old.Path, old.Query()); (err == nil) != want {
			t.Errorf("verify: %v", err)
		}
	}
	verify(b, true)

	rotate(t, db)
	at.now = at.now.Add(10 * time.Second)
	fresh := must(t)(a.Upload(ctx, origin, blob))
	if fresh.Query().Get("skoid") == old.Query().Get("skoid") {
		t.Error("the retired key signs ten seconds after the rotation")
	}
	verify(a, true)
	verify(b, true)

	at.now = at.now.Add(2 * time.Second)
	rotate(t, db)
	c := newReplica(db, at)
	newest := must(t)(c.Upload(ctx, origin, blob))
	if _, err := b.Verify(ctx, newest.Path, newest.Query()); err != nil {
		t.Errorf("an unknown key is not looked for: %v", err)
	}

	at.now = at.now.Add(time.Second)
	if _, err := db.DeleteRetiredKeys(ctx, store.URLKey, at.now); err != nil {
		t.Fatal(err)
	}
	at.now = at.now.Add(10 * time.Second)
	verify(a, false)
	verify(b, false)
}

func TestUnknownKeysReadOnceASecond(t *testing.T) {
	at := &clock{noon}
	db, ctx := openStore(t, at), t.Context()
	if err := signedurl.EnsureKey(ctx, db); err != nil {
		t.Fatal(err)
	}
	r := newReplica(db, at)
	u := must(t)(r.Upload(ctx, origin, blob))
	forged := u.Query()
	forged.Set("skoid", "00000000-0000-4000-8000-000000000000")
	for range 30 {
		if _, err := r.Verify(ctx, u.Path, forged); !errors.Is(err, signedurl.ErrSignature) {
			t.Fatal(err)
		}
		at.now = at.now.Add(100 * time.Millisecond)
	}
	if r.reads > 4 {
		t.Errorf("the keys were read %d times in 3 seconds", r.reads)
	}
}

func TestKeysUnreadable(t *testing.T) {
	down := errors.New("the store is down")
	s := signedurl.New(signedurl.Config{Keys: func(context.Context) ([]store.Key, error) { return nil, down }})
	if _, err := s.Upload(t.Context(), origin, blob); !errors.Is(err, down) {
		t.Errorf("sign: %v", err)
	}
	u := must(t)(newSigner(&clock{noon}).Upload(t.Context(), origin, blob))
	if _, err := s.Verify(t.Context(), u.Path, u.Query()); !errors.Is(err, down) {
		t.Errorf("verify: %v", err)
	}
}
