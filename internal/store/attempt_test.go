package store_test

import (
	"testing"
	"time"

	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestFailuresInAWindow(t *testing.T) {
	at := &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	storetest.EachAt(t, at.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		want := func(key string, n int64, end time.Time) {
			t.Helper()
			got, until, err := db.Failures(ctx, key)
			if err != nil || got != n || !until.Equal(end) {
				t.Errorf("%s: %d until %v, %v; want %d until %v", key, got, until, err, n, end)
			}
		}
		fail := func(keys ...string) {
			t.Helper()
			if err := db.AddFailure(ctx, keys...); err != nil {
				t.Fatal(err)
			}
		}
		end := at.now.Add(store.AttemptWindow)
		want("a", 0, time.Time{})
		fail("a", "b")
		at.now = at.now.Add(time.Minute)
		fail("a")
		want("a", 2, end)
		want("b", 1, end)
		if err := db.ForgetFailures(ctx, "b"); err != nil {
			t.Fatal(err)
		}
		want("b", 0, time.Time{})
		at.now = end
		want("a", 0, time.Time{})
		fail("a")
		want("a", 1, end.Add(store.AttemptWindow))
	})
}

func TestLeaseHasOneHolder(t *testing.T) {
	at := &clock{time.Now()}
	storetest.EachAt(t, at.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		take := func(holder string, want bool) {
			t.Helper()
			if got, err := db.Lease(ctx, "collector", holder, time.Minute); got != want || err != nil {
				t.Errorf("%s: %v, %v", holder, got, err)
			}
		}
		take("a", true)
		take("b", false)
		at.now = at.now.Add(30 * time.Second)
		take("a", true)
		at.now = at.now.Add(59 * time.Second)
		take("b", false)
		at.now = at.now.Add(time.Second)
		take("b", true)
		take("a", false)
		if err := db.Release(ctx, "collector", "a"); err != nil {
			t.Fatal(err)
		}
		take("a", false)
		if err := db.Release(ctx, "collector", "b"); err != nil {
			t.Fatal(err)
		}
		take("a", true)
		at.now = at.now.Add(-30 * time.Second)
		take("b", false)
		at.now = at.now.Add(-time.Hour) // the clock was set back
		take("b", true)
	})
}
