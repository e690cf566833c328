package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// place is an organisation with a workspace.
func place(t *testing.T, db *store.DB) (org coreshed.UUID, workspace coreshed.Workspace) {
	t.Helper()
	o, err := db.AddOrganisation(t.Context(), "Mine")
	if err != nil {
		t.Fatal(err)
	}
	founder, err := db.AddUser(t.Context(), o.ID, store.NewUser{Email: "founder@mine.example", Name: "Founder", Admin: true})
	if err != nil {
		t.Fatal(err)
	}
	w, err := db.AddWorkspace(t.Context(), o.ID, founder.ID, "Pit", coreshed.WorkspaceEdit{})
	if err != nil {
		t.Fatal(err)
	}
	return o.ID, w
}

func TestUserByEmailInAnyCase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org, _ := place(t, db)
		p, err := db.AddUser(t.Context(), org, store.NewUser{Email: "Ada@Mine.example", Name: "Ada", PasswordHash: "x"})
		if err != nil {
			t.Fatal(err)
		}
		a, err := db.User(t.Context(), "ada@mine.EXAMPLE")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, a.Person); diff != "" {
			t.Error(diff)
		}
		if _, err := db.AddUser(t.Context(), org, store.NewUser{Email: "ADA@mine.example"}); !errors.Is(err, coreshed.Conflict) {
			t.Errorf("a second user with the address: %v", err)
		}
		// U+212A folds to k in Unicode, and is another mailbox.
		if _, err := db.User(t.Context(), "ada@mine.example\u212a"); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("another address: %v", err)
		}
		members, err := db.Members(t.Context(), org)
		if err != nil {
			t.Fatal(err)
		}
		if len(members) != 2 || members[0].ID != p.ID || members[0].Admin || !members[1].Admin {
			t.Errorf("members are %+v", members)
		}
	})
}

func TestAddUserRefusesNonAddresses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org, _ := place(t, db)
		for _, email := range []string{"", "ada", "@x", "ada@", "a@b@c", "a b@c", "a@c\n"} {
			if _, err := db.AddUser(t.Context(), org, store.NewUser{Email: email}); !errors.Is(err, coreshed.Invalid) {
				t.Errorf("%q: %v", email, err)
			}
		}
		if _, err := db.AddUser(t.Context(), uuid.New(), store.NewUser{Email: "a@b"}); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("unknown organisation: %v", err)
		}
		if _, err := db.User(t.Context(), "a@b"); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("the refused user is there: %v", err)
		}
	})
}

func TestRolesGivenToAnAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org, w := place(t, db)
		role := func(person coreshed.UUID) coreshed.Role {
			t.Helper()
			a, err := db.Access(t.Context(), coreshed.Actor{ID: person}, org, w.UUID)
			if err != nil {
				t.Fatal(err)
			}
			return a.Role
		}
		grant := func(email string) {
			t.Helper()
			if err := db.GrantEmail(t.Context(), coreshed.Operator, w.ID, email, coreshed.Editor); err != nil {
				t.Fatal(err)
			}
		}
		ensure := func(e store.External) coreshed.UUID {
			t.Helper()
			p, err := db.EnsureExternal(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			return p.ID
		}

		grant("Bo@x.example")
		bo := store.External{Issuer: "https://id.example", Subject: "bo", Email: "bo@X.example"}
		id := ensure(bo)
		if got := role(id); got != coreshed.NoRole {
			t.Errorf("an issuer that is not trusted for the address brought the role %q", got)
		}
		bo.TrustEmail = true
		if ensure(bo) != id {
			t.Error("the subject's id changed")
		}
		if got := role(id); got != coreshed.Editor {
			t.Errorf("role is %q", got)
		}
		if err := db.Revoke(t.Context(), coreshed.Operator, w.ID, id); err != nil {
			t.Fatal(err)
		}
		ensure(bo)
		if got := role(id); got != coreshed.NoRole {
			t.Errorf("the revoked role came back as %q", got)
		}

		grant("cy@x.example")
		cy, err := db.AddUser(t.Context(), org, store.NewUser{Email: "cy@x.example"})
		if err != nil {
			t.Fatal(err)
		}
		if got := role(cy.ID); got != coreshed.Editor {
			t.Errorf("a new user has the role %q", got)
		}
	})
}

func TestExternalIdentity(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := store.External{Issuer: "https://a.example", Subject: "1", Name: "Ann"}
		b := store.External{Issuer: "https://b.example", Subject: "1"}
		if a.ID() == b.ID() {
			t.Error("subjects of two issuers are one person")
		}
		for range 2 {
			p, err := db.EnsureExternal(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			if want := (coreshed.Person{ID: a.ID(), Name: "Ann"}); p != want {
				t.Errorf("got %+v, want %+v", p, want)
			}
		}
		a.Name, a.Email = "Anna", "anna@a.example"
		if _, err := db.EnsureExternal(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		account, err := db.Person(t.Context(), a.ID())
		if err != nil {
			t.Fatal(err)
		}
		if want := (coreshed.Person{ID: a.ID(), Name: "Anna", Email: "anna@a.example"}); account.Person != want {
			t.Errorf("got %+v, want %+v", account.Person, want)
		}
	})
}

func TestDisabledCannotAct(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		org, _ := place(t, db)
		p, err := db.AddUser(ctx, org, store.NewUser{Email: "a@b.example"})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.AddSession(ctx, []byte("s"), p.ID, time.Hour); err != nil {
			t.Fatal(err)
		}
		alive := func(want bool) {
			t.Helper()
			if got, err := db.TokenLives(ctx, p.ID, "", ""); got != want || err != nil {
				t.Errorf("token lives: %v, %v", got, err)
			}
		}
		alive(true)
		if err := db.Disable(ctx, p.ID); err != nil {
			t.Fatal(err)
		}
		alive(false)
		if err := db.Enable(ctx, p.ID); err != nil {
			t.Fatal(err)
		}
		alive(true)
		if _, err := db.Session(ctx, []byte("s")); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("the session outlived the account: %v", err)
		}
		if err := db.Disable(ctx, uuid.New()); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("disable nobody: %v", err)
		}
	})
}
