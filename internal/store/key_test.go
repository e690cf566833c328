package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// clock is a time that a test moves by hand.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func keyIDs(t *testing.T, db *store.DB, purpose string) []string {
	t.Helper()
	keys, err := db.Keys(context.Background(), purpose)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids
}

func TestKeysRotate(t *testing.T) {
	at := &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	storetest.EachAt(t, at.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		step := func(err error, want ...string) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, keyIDs(t, db, store.URLKey)); diff != "" {
				t.Error(diff)
			}
			at.now = at.now.Add(time.Minute)
		}
		step(db.AddKey(ctx, store.URLKey, "a", []byte{1}), "a")
		step(db.AddKey(ctx, store.URLKey, "b", []byte{2}), "a") // there is one
		step(db.AddKey(ctx, store.TokenKey, "t", []byte{3}), "a")
		step(db.RotateKey(ctx, store.URLKey, "c", []byte{4}), "c", "a")
		step(db.RotateKey(ctx, store.URLKey, "d", []byte{5}), "d", "c", "a")

		n, err := db.DeleteRetiredKeys(ctx, store.URLKey, at.now.Add(-2*time.Minute))
		if n != 1 {
			t.Errorf("deleted %d keys", n)
		}
		step(err, "d", "c")
		if got := keyIDs(t, db, store.TokenKey); !cmp.Equal(got, []string{"t"}) {
			t.Errorf("keys of another purpose became %v", got)
		}
	})
}

func TestRotateToKnownKeyChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for _, id := range []string{"a", "b"} {
			if err := db.RotateKey(ctx, store.URLKey, id, []byte(id)); err != nil {
				t.Fatal(err)
			}
		}
		before, err := db.Keys(ctx, store.URLKey)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.RotateKey(ctx, store.URLKey, "a", []byte("x")); err == nil {
			t.Error("rotated to a key that exists")
		}
		after, err := db.Keys(ctx, store.URLKey)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Error(diff)
		}
	})
}
