package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
)

// First is what the first start has made.
type First struct {
	Organisation coreshed.Organisation
	Workspace    coreshed.Workspace
	Admin        coreshed.Person
	Password     string // of the admin, shown once
	PasswordFile string // where it lies; "" for an ephemeral server
}

// setUp makes keys and, in an empty database, an organisation, a workspace and
// an admin.
func setUp(ctx context.Context, c Config, d *data, h *auth.Hasher) (*First, error) {
	if err := signedurl.EnsureKey(ctx, d.db); err != nil {
		return nil, err
	}
	orgs, err := d.db.Organisations(ctx)
	if err != nil {
		return nil, err
	}
	var org coreshed.Organisation
	if len(orgs) > 0 {
		org = orgs[0]
	} else if org, err = d.db.AddOrganisation(ctx, c.Organisation); err != nil {
		return nil, err
	}
	if err := ensureAuditKey(ctx, d.db, org.ID); err != nil {
		return nil, err
	}
	f := &First{Organisation: org}
	if f.Password, err = auth.Setup(ctx, d.db, h, org.ID, func(password string) error { return f.tell(c, d, password) }); err != nil {
		return nil, err
	}
	if err := f.makeWorkspace(ctx, c, d.db); err != nil {
		return nil, err
	}
	if f.Password != "" {
		return f, nil
	}
	if f.PasswordFile != "" { // another replica was first
		return nil, os.Remove(f.PasswordFile)
	}
	return nil, nil
}

// tell leaves the admin's password where whoever has the host finds it.
func (f *First) tell(c Config, d *data, password string) error {
	if c.Ephemeral {
		return nil
	}
	f.PasswordFile = filepath.Join(d.dir, passwordFile)
	return writeFile(f.PasswordFile, []byte(password+"\n"), 0o600)
}

// makeWorkspace makes the first workspace of an organisation that has never
// had one: also at a later start, when the first was killed before.
func (f *First) makeWorkspace(ctx context.Context, c Config, db *store.DB) error {
	admin, err := db.User(ctx, auth.AdminEmail)
	if errors.Is(err, coreshed.NotFound) {
		return nil // others administer it
	}
	if err != nil {
		return err
	}
	f.Admin = admin.Person
	standing, err := db.Standing(ctx, f.Organisation.ID, admin.ID)
	if err != nil || !standing.Admin { // who would not see all workspaces
		return err
	}
	for _, deleted := range []bool{false, true} {
		_, n, err := db.Workspaces(ctx, coreshed.Actor{ID: admin.ID}, f.Organisation.ID, store.WorkspaceFilter{Deleted: deleted}, coreshed.Page{})
		if err != nil || n > 0 {
			return err
		}
	}
	f.Workspace, err = db.AddWorkspace(ctx, f.Organisation.ID, admin.ID, c.Workspace, coreshed.WorkspaceEdit{})
	if errors.Is(err, coreshed.Conflict) { // another replica was first
		f.Workspace, err = db.WorkspaceByName(ctx, c.Workspace)
	}
	return err
}

// Ephemeral is what the user of an ephemeral server needs to know, as one line
// of JSON.
type Ephemeral struct {
	URL         string        `json:"url"`
	Proxy       string        `json:"proxy"`
	TLSURL      string        `json:"tls_url"`
	CAFile      string        `json:"ca_file"`
	OrgID       coreshed.UUID `json:"org_id"`
	WorkspaceID coreshed.UUID `json:"workspace_id"`
	Workspace   string        `json:"workspace"` // its name
	Token       string        `json:"token"`     // an admin's, good for a day
	ClientID    string        `json:"client_id"` // for signing in
	User        string        `json:"user"`      // the admin
	Password    string        `json:"password"`

	// A service client without any role yet.
	ServiceClientID     string        `json:"service_client_id"`
	ServiceClientSecret string        `json:"service_client_secret"`
	ServiceUserID       coreshed.UUID `json:"service_user_id"`
}

// Ephemeral makes what it returns; the server is one that began empty.
func (s *Server) Ephemeral(ctx context.Context) (Ephemeral, error) {
	f, r := s.First, s.Running()
	if f == nil {
		return Ephemeral{}, errors.New("the server did not begin empty")
	}
	token, err := auth.Mint(ctx, s.data.db, f.Admin, 24*time.Hour)
	if err != nil {
		return Ephemeral{}, err
	}
	service, secret, err := auth.AddService(ctx, s.data.db, s.hasher, f.Organisation.ID, "Ephemeral service")
	if err != nil {
		return Ephemeral{}, err
	}
	return Ephemeral{
		URL: r.URL, Proxy: r.Proxy, TLSURL: r.TLSURL, CAFile: r.CAFile, OrgID: f.Organisation.ID,
		WorkspaceID: f.Workspace.UUID, Workspace: f.Workspace.Name, Token: token, ClientID: auth.NativeClient,
		User: f.Admin.Email, Password: f.Password,
		ServiceClientID: service.ID, ServiceClientSecret: secret, ServiceUserID: service.Person,
	}, nil
}

// Store is the server's metadata, for the command line and for tests that set
// up what the API cannot.
func (s *Server) Store() *store.DB { return s.data.db }
