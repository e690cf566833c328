package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
)

func TestPassword(t *testing.T) {
	h, ctx := NewHasher(), t.Context()
	hash, err := h.Hash(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash is %q", hash)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false} {
		if ok, err := h.matches(hash, password); ok != want || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
	if ok, err := h.matches("", ""); ok || err != nil {
		t.Errorf("no hash: %v, %v", ok, err)
	}
	for _, bad := range []string{"x", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA", hash[:len(hash)-30], strings.Replace(hash, "t=2", "t=0", 1)} {
		if ok, err := h.matches(bad, "correct horse"); ok || err == nil {
			t.Errorf("%q: %v, %v", bad, ok, err)
		}
	}
	for _, password := range []string{"", "short", strings.Repeat("x", MaxPassword+1)} {
		if _, err := h.Hash(ctx, password); !errors.Is(err, coreshed.Invalid) {
			t.Errorf("%d bytes: %v", len(password), err)
		}
	}
}

// TestHashOfOtherCost takes a hash made at another cost, computed with the
// reference implementation: echo -n password | argon2 somesalt -id -t 2 -m 16.
func TestHashOfOtherCost(t *testing.T) {
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := NewHasher().matches(hash, "password"); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestHasherWaitsItsTurn(t *testing.T) {
	h := NewHasher()
	for range atOnce {
		if _, err := h.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.Hash(ctx, "correct horse"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third computation: %v", err)
	}
}

func TestSetupTwice(t *testing.T) {
	s := newSite(t)
	password, err := Setup(t.Context(), s.db, NewHasher(), s.org, func(string) error { return nil })
	if err != nil || password != "" {
		t.Errorf("a second setup made the password %q, %v", password, err)
	}
	members, err := s.db.Members(t.Context(), s.org)
	if err != nil || len(members) != 1 {
		t.Errorf("members are %+v, %v", members, err)
	}
}

func TestRoleAccounts(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	w, err := s.db.AddWorkspace(ctx, s.org, s.user.ID, "Pit", coreshed.WorkspaceEdit{})
	if err != nil {
		t.Fatal(err)
	}
	roles := map[coreshed.UUID]string{}
	for _, role := range []string{"viewer", "editor", "owner", AdminRole} {
		p, err := RoleAccount(ctx, s.db, s.org, w.UUID, role)
		if err != nil {
			t.Fatal(err)
		}
		roles[p.ID] = role
		token, err := Mint(ctx, s.db, p, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		actor, err := s.bearer(ctx, token)
		if err != nil || actor.ID != p.ID {
			t.Errorf("%s: %+v, %v", role, actor, err)
		}
		standing, err := s.db.Standing(ctx, s.org, p.ID)
		if err != nil || standing.Admin != (role == AdminRole) {
			t.Errorf("%s: %+v, %v", role, standing, err)
		}
	}
	if len(roles) != 4 {
		t.Errorf("accounts are %v", roles)
	}
	if _, err := RoleAccount(ctx, s.db, s.org, w.UUID, "god"); !errors.Is(err, coreshed.Invalid) {
		t.Errorf("unknown role: %v", err)
	}
}
