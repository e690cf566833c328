package auth

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// AdminRole is what [RoleAccount] takes for an admin of the organisation.
const AdminRole = "admin"

// Mint makes an access token of the built-in issuer for a person, good for ttl
// and for every scope, with the key in the store: no server need run. It ends
// before its time when the person is disabled or the key deleted. The audit log
// tells of it.
func Mint(ctx context.Context, db *store.DB, p coreshed.Person, ttl time.Duration) (string, error) {
	if err := db.TokenIssued(ctx, p.ID, ttl); err != nil {
		return "", err
	}
	now := time.Now()
	return newSigner(db, time.Now).sign(ctx, accessType, claims{
		Issuer: LocalIssuer, Subject: p.ID.String(), Audience: list{Audience},
		Expires: moment{now.Add(ttl)}, IssuedAt: moment{now}, ID: uuid.NewString(),
		ClientID: "coreshed-cli", Scope: &evoScopes, Name: p.Name, Email: p.Email,
	})
}

// RoleAccount returns the account that tokens for a role are made for, which
// is nobody's own: one for each role in each workspace, made when absent. The
// caller grants it the role there. For AdminRole it is an admin of the
// organisation already, and the workspace does not matter.
func RoleAccount(ctx context.Context, db *store.DB, org, workspace coreshed.UUID, role string) (coreshed.Person, error) {
	if role == AdminRole {
		return db.EnsureRoleAccount(ctx, org, org, "token-"+AdminRole, true)
	}
	if !coreshed.Role(role).Valid() {
		return coreshed.Person{}, coreshed.Errorf(coreshed.Invalid, "%q is not a role.", role)
	}
	return db.EnsureRoleAccount(ctx, org, workspace, "token-"+role, false)
}
