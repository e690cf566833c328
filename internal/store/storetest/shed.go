package storetest

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// Shed is an organisation with its admin, and a workspace with a person for
// each role and one, a member, with none.
type Shed struct {
	DB        *store.DB
	Org       coreshed.Organisation
	Workspace coreshed.Workspace

	Admin, Owner, Editor, Viewer, Member coreshed.Person
	// Stranger belongs to another organisation.
	Stranger coreshed.Person
}

// New makes a Shed in a store. Two in one store have nothing in common.
func New(t testing.TB, db *store.DB) *Shed {
	t.Helper()
	s := &Shed{DB: db, Org: organisation(t, db, "Northern Minerals")}
	domain := strings.ToLower(s.Org.ID.String()[:8]) + ".example"
	s.Admin = s.user(t, "admin", domain, true)
	s.Owner = s.user(t, "owner", domain, false)
	s.Editor = s.user(t, "editor", domain, false)
	s.Viewer = s.user(t, "viewer", domain, false)
	s.Member = s.user(t, "member", domain, false)
	s.Workspace = s.AddWorkspace(t, "North pit")
	for role, p := range map[coreshed.Role]coreshed.Person{coreshed.Editor: s.Editor, coreshed.Viewer: s.Viewer} {
		must(t, db.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, p.ID, role))
	}
	other := &Shed{DB: db, Org: organisation(t, db, "Southern Metals")}
	s.Stranger = other.user(t, "stranger", domain, false)
	return s
}

func organisation(t testing.TB, db *store.DB, name string) coreshed.Organisation {
	t.Helper()
	org, err := db.AddOrganisation(t.Context(), name)
	must(t, err)
	return org
}

func (s *Shed) user(t testing.TB, name, domain string, admin bool) coreshed.Person {
	t.Helper()
	return s.addUser(t, store.NewUser{Email: name + "@" + domain, Name: strings.ToUpper(name[:1]) + name[1:], Admin: admin})
}

// User adds a member of the organisation.
func (s *Shed) User(t testing.TB, email string) coreshed.Person {
	t.Helper()
	return s.addUser(t, store.NewUser{Email: email, Name: email})
}

func (s *Shed) addUser(t testing.TB, u store.NewUser) coreshed.Person {
	t.Helper()
	p, err := s.DB.AddUser(t.Context(), s.Org.ID, u)
	must(t, err)
	return p
}

// AddWorkspace makes a workspace of the owner's.
func (s *Shed) AddWorkspace(t testing.TB, title string) coreshed.Workspace {
	t.Helper()
	w, err := s.DB.AddWorkspace(t.Context(), s.Org.ID, s.Owner.ID, title, coreshed.WorkspaceEdit{})
	must(t, err)
	return w
}

// Access is what a person may do in the workspace.
func (s *Shed) Access(t testing.TB, p coreshed.Person) coreshed.Access {
	t.Helper()
	a, err := s.DB.Access(t.Context(), coreshed.Actor{ID: p.ID}, s.Org.ID, s.Workspace.UUID)
	must(t, err)
	return a
}

// Put uploads content to a path, as the person, and returns the file.
func (s *Shed) Put(t testing.TB, p coreshed.Person, path, content string) coreshed.File {
	t.Helper()
	a := s.Access(t, p)
	r, err := s.DB.Reserve(t.Context(), a, path, Prefix())
	must(t, err)
	s.Commit(t, r, content)
	f, err := s.DB.FileByID(t.Context(), a, r.FileUUID, r.VersionID)
	must(t, err)
	return f
}

// Commit makes an upload a version with that content.
func (s *Shed) Commit(t testing.TB, r coreshed.Reservation, content string) coreshed.Version {
	t.Helper()
	v, err := s.DB.Commit(t.Context(), Whole(s.Workspace.UUID, r, content))
	must(t, err)
	return v
}

// Whole is the commit of an upload that was sent in one piece.
func Whole(workspace coreshed.UUID, r coreshed.Reservation, content string) store.Commit {
	sum := sha256.Sum256([]byte(content))
	return store.Commit{
		Workspace: workspace, File: r.FileUUID, VersionID: r.VersionID,
		Whole: &coreshed.Extent{Size: int64(len(content)), Key: r.Prefix + "/" + Prefix(), SHA256: sum[:]},
		ETag:  fmt.Sprintf("\"0x%X\"", sum[:8]),
		Hash:  sum[:],
	}
}

// Prefix returns a prefix for the keys of one upload.
func Prefix() string { return strings.ToLower(rand.Text()) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Hold sets a hold as the owner.
func (s *Shed) Hold(t testing.TB, n store.NewHold) coreshed.Hold {
	t.Helper()
	if n.Reason == "" {
		n.Reason = "case 17"
	}
	h, err := s.DB.AddHold(t.Context(), s.View(t, s.Owner), n)
	must(t, err)
	return h
}
