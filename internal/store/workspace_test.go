package store_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestAccess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		ctx := t.Context()
		roles := map[coreshed.Person]coreshed.Role{
			s.Admin: coreshed.Owner, s.Owner: coreshed.Owner, s.Editor: coreshed.Editor, s.Viewer: coreshed.Viewer,
			s.Member: coreshed.NoRole, s.Stranger: coreshed.NoRole,
		}
		look := func(p coreshed.Person, org, workspace coreshed.UUID) (coreshed.Access, error) {
			return db.Access(ctx, coreshed.Actor{ID: p.ID}, org, workspace)
		}
		for p, role := range roles {
			a, err := look(p, s.Org.ID, s.Workspace.UUID)
			if wantKind(t, p.Name, err, nil); a.Role != role {
				t.Errorf("%s has the role %q, want %q", p.Name, a.Role, role)
			}
			for _, unknown := range [][2]coreshed.UUID{{s.Org.ID, uuid.New()}, {uuid.New(), s.Workspace.UUID}} {
				a, err := look(p, unknown[0], unknown[1])
				if p == s.Admin && unknown[0] == s.Org.ID {
					wantKind(t, "unknown to the admin", err, coreshed.NotFound)
				} else if wantKind(t, "unknown", err, nil); a.Role != coreshed.NoRole {
					t.Errorf("%s has a role in nothing", p.Name)
				}
			}
		}
		wantKind(t, "delete", db.DeleteWorkspace(ctx, s.Access(t, s.Owner)), nil)
		for p, role := range roles {
			_, err := look(p, s.Org.ID, s.Workspace.UUID)
			if role == coreshed.NoRole {
				wantKind(t, p.Name, err, nil)
			} else {
				wantKind(t, p.Name, err, coreshed.NotFound)
			}
			a, err := db.AccessDeleted(ctx, coreshed.Actor{ID: p.ID}, s.Org.ID, s.Workspace.UUID)
			if wantKind(t, p.Name, err, nil); a.Role != role || (role != coreshed.NoRole && !a.Workspace.Deleted()) {
				t.Errorf("%s has the role %q in the deleted workspace", p.Name, a.Role)
			}
		}
		wantKind(t, "disable", db.Disable(ctx, s.Editor.ID), nil)
		_, err := look(s.Editor, s.Org.ID, s.Workspace.UUID)
		wantKind(t, "disabled", err, coreshed.InvalidToken)
		_, err = look(coreshed.Person{ID: uuid.New()}, s.Org.ID, s.Workspace.UUID)
		wantKind(t, "nobody", err, coreshed.InvalidToken)
	})
}

func TestStanding(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		for p, want := range map[coreshed.Person]store.Standing{
			s.Admin:          {Known: true, Member: true, Admin: true},
			s.Member:         {Known: true, Member: true},
			s.Stranger:       {Known: true},
			{ID: uuid.New()}: {},
		} {
			got, err := db.Standing(t.Context(), s.Org.ID, p.ID)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %s %v", p.Name, diff, err)
			}
		}
	})
}

func TestWorkspaceTitles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		ctx := t.Context()
		add := func(title string) (coreshed.Workspace, error) {
			return db.AddWorkspace(ctx, s.Org.ID, s.Owner.ID, title, coreshed.WorkspaceEdit{})
		}
		_, err := add("north PIT")
		wantKind(t, "a title in use", err, coreshed.Conflict)
		for _, bad := range []string{"", strings.Repeat("é", 61), "\xff"} {
			_, err := add(bad)
			wantKind(t, bad, err, coreshed.Invalid)
		}
		long, err := add(strings.Repeat("é", 60))
		wantKind(t, "a long title", err, nil)
		wantKind(t, "delete", db.DeleteWorkspace(ctx, coreshed.Access{Workspace: long}), nil)
		again, err := add(strings.Repeat("É", 60))
		wantKind(t, "the title of a deleted workspace", err, nil)
		if again.Name == long.Name {
			t.Error("two workspaces have one name")
		}
		renamed, err := db.RestoreWorkspace(ctx, coreshed.Access{Workspace: long})
		if wantKind(t, "restore", err, nil); !renamed {
			t.Error("two live workspaces have one title")
		}
		got, err := db.WorkspaceByName(ctx, long.Name)
		if want := strings.Repeat("é", 56) + " (1)"; err != nil || got.Title != want || got.Deleted() {
			t.Errorf("restored as %q, want %q, %v", got.Title, want, err)
		}
		renamed, err = db.RestoreWorkspace(ctx, coreshed.Access{Workspace: long})
		if wantKind(t, "restore a live one", err, nil); renamed {
			t.Error("restoring a live workspace renamed it")
		}
		other := storetest.New(t, db)
		if other.Workspace.Title != s.Workspace.Title {
			t.Error("titles of other organisations count")
		}
	})
}

func TestEditWorkspace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		description, labels, quota := "d", []string{"x", `"`}, int64(100)
		got, err := db.EditWorkspace(t.Context(), s.Access(t, s.Admin), coreshed.WorkspaceEdit{Description: &description, Labels: &labels, Quota: &quota})
		wantKind(t, "edit", err, nil)
		want := s.Workspace
		want.Description, want.Labels, want.Quota, want.UpdatedBy, want.UpdatedAt = description, labels, quota, s.Admin, got.UpdatedAt
		want.Role = coreshed.NoRole // the admin has none of their own
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		taken := s.AddWorkspace(t, "South pit")
		_, err = db.EditWorkspace(t.Context(), s.Access(t, s.Owner), coreshed.WorkspaceEdit{Title: &taken.Title, Quota: new(int64)})
		wantKind(t, "a title in use", err, coreshed.Conflict)
		if again := s.Access(t, s.Admin).Workspace; again.Quota != quota {
			t.Error("a refused change changed something")
		}
	})
}

func TestLastOwnerStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		ctx, w := t.Context(), s.Workspace.ID
		wantKind(t, "demote", db.Grant(ctx, coreshed.Operator, w, s.Owner.ID, coreshed.Editor), coreshed.Conflict)
		wantKind(t, "revoke", db.Revoke(ctx, coreshed.Operator, w, s.Owner.ID), coreshed.Conflict)
		wantKind(t, "grant again", db.Grant(ctx, coreshed.Operator, w, s.Owner.ID, coreshed.Owner), nil)
		wantKind(t, "second owner", db.Grant(ctx, coreshed.Operator, w, s.Editor.ID, coreshed.Owner), nil)
		// When both leave at once, one of them stays.
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, p := range []coreshed.Person{s.Owner, s.Editor} {
			wg.Go(func() { errs[i] = db.Revoke(ctx, coreshed.Operator, w, p.ID) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("leaving at once: %v, %v", errs[0], errs[1])
		}
		wantKind(t, "no role", db.Revoke(ctx, coreshed.Operator, w, s.Member.ID), coreshed.NotFound)
		wantKind(t, "unknown role", db.Grant(ctx, coreshed.Operator, w, s.Member.ID, "king"), coreshed.Invalid)
		wantKind(t, "nobody", db.Grant(ctx, coreshed.Operator, w, uuid.New(), coreshed.Viewer), coreshed.NotFound)
	})
}

func TestGrantsShowWhoWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		ctx, w := t.Context(), s.Workspace.ID
		address := "Zoe@" + s.Org.ID.String() + ".example"
		wantKind(t, "grant", db.GrantEmail(ctx, coreshed.Operator, w, address, coreshed.Editor), nil)
		got, err := db.Grants(ctx, w)
		wantKind(t, "grants", err, nil)
		want := []store.Granted{
			{Person: s.Editor, Role: coreshed.Editor}, {Person: s.Owner, Role: coreshed.Owner}, {Person: s.Viewer, Role: coreshed.Viewer},
			{Person: coreshed.Person{ID: store.PendingID(s.Workspace.UUID, address), Email: strings.ToLower(address)}, Role: coreshed.Editor, Pending: true},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		wantKind(t, "revoke", db.Revoke(ctx, coreshed.Operator, w, store.PendingID(s.Workspace.UUID, address)), nil)
		zoe := s.User(t, address)
		if a := s.Access(t, zoe); a.Role != coreshed.NoRole {
			t.Errorf("a revoked role came back: %s", a.Role)
		}
	})
}

func TestOrganisationsOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		count := func(p coreshed.Person, want int) {
			t.Helper()
			if orgs, err := db.OrganisationsOf(t.Context(), p.ID); err != nil || len(orgs) != want {
				t.Errorf("%s belongs to %v, %v", p.Name, orgs, err)
			}
		}
		count(s.Member, 1)
		count(s.Stranger, 1)
		wantKind(t, "grant", db.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Stranger.ID, coreshed.Viewer), nil)
		count(s.Stranger, 2)
		wantKind(t, "delete", db.DeleteWorkspace(t.Context(), s.Access(t, s.Owner)), nil)
		count(s.Stranger, 1)
		wantKind(t, "disable", db.Disable(t.Context(), s.Member.ID), nil)
		count(s.Member, 0)
	})
}
