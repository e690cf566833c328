package coreshed

import "slices"

// Role is what a person may do in one workspace.
type Role string

// The roles, from least to most.
const (
	NoRole Role = ""
	Viewer Role = "viewer" // see and download
	Editor Role = "editor" // also upload, delete and restore
	Owner  Role = "owner"  // also manage the workspace and its roles
)

// Roles are all roles, from least to most.
var Roles = []Role{Viewer, Editor, Owner}

// Valid reports whether r is a role that can be granted.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }

// AtLeast reports whether r permits what least permits.
func (r Role) AtLeast(least Role) bool {
	return slices.Index(Roles, r) >= slices.Index(Roles, least)
}

// From returns the roles that are at least r.
func (r Role) From() []Role { return Roles[max(slices.Index(Roles, r), 0):] }

// Person is how a user is named in answers. Name and Email may be unknown. A
// zero ID is nobody.
type Person struct {
	ID    UUID
	Name  string
	Email string
}

// Actor is the authenticated caller of a request.
type Actor struct {
	ID       UUID
	ClientID string
	Scopes   []string // nil is every scope
}

// HasScope reports whether the actor's token covers scope.
func (a Actor) HasScope(scope string) bool {
	return a.Scopes == nil || slices.Contains(a.Scopes, scope)
}

// Access is an actor's permission in one workspace, as the store found it. It
// is the first argument of every store method that touches files, and the
// workspace in it is a condition of each of their queries.
type Access struct {
	Actor     Actor
	Workspace Workspace
	Role      Role // Owner for an admin of the organisation
}

// Require fails with Forbidden unless the access is at least role.
func (a Access) Require(role Role) error {
	if a.Role.AtLeast(role) && a.Role != NoRole {
		return nil
	}
	return &Error{
		Kind: Forbidden, Msg: "Access to this resource is forbidden due to an insufficient role.",
		Permitted: role.From(), Role: a.Role,
	}
}
