// Package coreshedtest starts a throw-away Coreshed inside a Go test, for
// programs that speak to one: a real server on loopback with everything in
// memory, gone when the test ends.
package coreshedtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed/internal/server"
)

// Server says where the server is and how to get in.
type Server struct {
	URL    string // hub, discovery and OAuth base: "http://127.0.0.1:PORT"
	Proxy  string // CONNECT door to TLSURL, for clients that take signed URLs on https alone
	TLSURL string // "https://coreshed.localhost"
	CAFile string // PEM bundle with the server's own CA, gone with the server

	OrgID         uuid.UUID
	WorkspaceID   uuid.UUID
	WorkspaceName string
	Token         string // bearer token of an admin, good for a day

	// To sign in as the admin, and as a service that has no role yet.
	ClientID                             string
	User, Password                       string
	ServiceClientID, ServiceClientSecret string
	ServiceUserID                        uuid.UUID
}

// Start starts a server and stops it when the test ends. It fails the test
// when that does not work.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := server.Open(t.Context(), server.Config{Ephemeral: true, Listen: "127.0.0.1:0", Floor: 1})
	if err != nil {
		t.Fatalf("start coreshed: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("stop coreshed: %v", err)
		}
	})
	if err := s.Start(); err != nil {
		t.Fatalf("start coreshed: %v", err)
	}
	e, err := s.Ephemeral(t.Context())
	if err != nil {
		t.Fatalf("start coreshed: %v", err)
	}
	return &Server{
		URL: e.URL, Proxy: e.Proxy, TLSURL: e.TLSURL, CAFile: e.CAFile,
		OrgID: e.OrgID, WorkspaceID: e.WorkspaceID, WorkspaceName: e.Workspace, Token: e.Token,
		ClientID: e.ClientID, User: e.User, Password: e.Password,
		ServiceClientID: e.ServiceClientID, ServiceClientSecret: e.ServiceClientSecret, ServiceUserID: e.ServiceUserID,
	}
}
