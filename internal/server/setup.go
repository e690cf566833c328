package server

import (
	"context"
	"errors"
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
	password, err := auth.Setup(ctx, d.db, h, org.ID)
	if err != nil || password == "" {
		return nil, err
	}
	return firstAdmin(ctx, c, d, org, password)
}

// firstAdmin leaves the admin's password where whoever has the host finds it,
// and makes the first workspace.
func firstAdmin(ctx context.Context, c Config, d *data, org coreshed.Organisation, password string) (*First, error) {
	f := &First{Organisation: org, Password: password}
	if !c.Ephemeral {
		f.PasswordFile = filepath.Join(d.dir, passwordFile)
		if err := writeFile(f.PasswordFile, []byte(password+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	admin, err := d.db.User(ctx, auth.AdminEmail)
	if err != nil {
		return nil, err
	}
	f.Admin = admin.Person
	f.Workspace, err = d.db.WorkspaceByName(ctx, c.Workspace)
	if errors.Is(err, coreshed.NotFound) {
		f.Workspace, err = d.db.AddWorkspace(ctx, org.ID, admin.ID, c.Workspace, coreshed.WorkspaceEdit{})
	}
	return f, err
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
