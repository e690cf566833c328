package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestClients(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		org, w := place(t, db)
		s, err := db.AddService(ctx, org, "Scanner", "hash")
		if err != nil {
			t.Fatal(err)
		}
		uris := []string{"http://localhost:3000/signin-callback"}
		n, err := db.AddPublicClient(ctx, "native", "Native", uris)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.AddPublicClient(ctx, "native", "Other", nil); !errors.Is(err, coreshed.Conflict) {
			t.Errorf("a second client of the name: %v", err)
		}
		list, err := db.Clients(ctx)
		if err != nil {
			t.Fatal(err)
		}
		byID := cmpopts.SortSlices(func(a, b store.Client) bool { return a.ID < b.ID })
		if diff := cmp.Diff([]store.Client{s, n}, list, byID, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if err := db.Grant(ctx, coreshed.Operator, w.ID, s.Person, coreshed.Viewer); err != nil {
			t.Errorf("a service has no role: %v", err)
		}

		if err := db.RotateSecret(ctx, s.ID, "new"); err != nil {
			t.Error(err)
		}
		if got, _ := db.Client(ctx, s.ID); got.SecretHash != "new" {
			t.Errorf("secret hash is %q", got.SecretHash)
		}
		if err := db.RotateSecret(ctx, n.ID, "new"); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("a public client got a secret: %v", err)
		}
		for range 2 {
			if err := db.RevokeClient(ctx, s.ID); err != nil {
				t.Error(err)
			}
		}
		if live, err := db.TokenLives(ctx, s.Person, s.ID, ""); live || err != nil {
			t.Errorf("a revoked client's token lives: %v, %v", live, err)
		}
		if err := db.RevokeClient(ctx, "nobody"); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("revoke nobody: %v", err)
		}
	})
}

func TestRoleAccountIsOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		org, w := place(t, db)
		first, err := db.EnsureRoleAccount(ctx, org, w.UUID, "token-viewer", false)
		if err != nil {
			t.Fatal(err)
		}
		again, err := db.EnsureRoleAccount(ctx, org, w.UUID, "token-viewer", false)
		if err != nil || again != first {
			t.Errorf("got %+v, %v", again, err)
		}
		admin, err := db.EnsureRoleAccount(ctx, org, org, "token-admin", true)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := db.Standing(ctx, org, admin.ID); err != nil || !s.Admin {
			t.Errorf("standing is %+v, %v", s, err)
		}
	})
}
