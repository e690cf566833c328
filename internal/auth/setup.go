package auth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// The client that every server has, for programs on the user's own machine.
// Its redirect URI is the one that the Evo client uses by itself; the port is
// free, as RFC 8252 §7.3 has it.
const (
	NativeClient   = "coreshed-native"
	NativeRedirect = "http://localhost:3000/signin-callback"
)

// AdminEmail is the address of the admin that [Setup] makes.
const AdminEmail = "admin@coreshed.localhost"

// Setup makes what the issuer needs and the store lacks: a key, the native
// client, and, for an organisation without an admin, an admin whose generated
// password it returns. Otherwise password is "". It can be repeated. The
// password is told before it is good: whoever is killed in between tells
// another one the next time.
func Setup(ctx context.Context, db *store.DB, h *Hasher, org coreshed.UUID, tell func(password string) error) (password string, err error) {
	if err := EnsureTokenKey(ctx, db); err != nil {
		return "", err
	}
	_, err = db.AddPublicClient(ctx, NativeClient, "Programs on this computer", []string{NativeRedirect})
	if err != nil && !errors.Is(err, coreshed.Conflict) {
		return "", err
	}
	members, err := db.Members(ctx, org)
	isAdmin := func(m store.Member) bool { return m.Admin && m.Kind == store.UserAccount }
	if err != nil || slices.ContainsFunc(members, isAdmin) {
		return "", err
	}
	password = NewSecret()
	hash, err := h.Hash(ctx, password)
	if err == nil {
		err = tell(password)
	}
	if err != nil {
		return "", err
	}
	_, err = db.AddUser(ctx, org, store.NewUser{Email: AdminEmail, Name: "Admin", PasswordHash: hash, Admin: true})
	if errors.Is(err, coreshed.Conflict) {
		return "", nil // another replica was first, and has told the password
	}
	return password, err
}

// SetPassword gives a user a new password, and a new start to one who has
// failed to sign in too often.
func SetPassword(ctx context.Context, db *store.DB, h *Hasher, user coreshed.Person, password string) error {
	hash, err := h.Hash(ctx, password)
	if err != nil {
		return err
	}
	if err := db.SetPassword(ctx, user.ID, hash); err != nil {
		return err
	}
	return db.ForgetFailures(ctx, accountLimit(user.Email).key)
}

// AddService makes a service client and returns it with its secret, which
// cannot be had again.
func AddService(ctx context.Context, db *store.DB, h *Hasher, org coreshed.UUID, name string) (c store.Client, secret string, err error) {
	secret = NewSecret()
	hash, err := h.Hash(ctx, secret)
	if err != nil {
		return c, "", err
	}
	c, err = db.AddService(ctx, org, name, hash)
	return c, secret, err
}

// RotateSecret gives a service client a new secret and returns it.
func RotateSecret(ctx context.Context, db *store.DB, h *Hasher, clientID string) (string, error) {
	secret := NewSecret()
	hash, err := h.Hash(ctx, secret)
	if err != nil {
		return "", err
	}
	return secret, db.RotateSecret(ctx, clientID, hash)
}

// AddPublicClient makes a client without a secret that people sign in to.
// Invalid when a redirect URI is not absolute, has a fragment, or could be
// taken for something else (RFC 6749 §3.1.2).
func AddPublicClient(ctx context.Context, db *store.DB, id, name string, redirectURIs []string) (store.Client, error) {
	if id == "" || id == Audience || !isText(id) || len(redirectURIs) == 0 {
		return store.Client{}, coreshed.Errorf(coreshed.Invalid, "A public client has an id other than %q, and a redirect URI.", Audience)
	}
	for _, uri := range redirectURIs {
		if !validRedirect(uri) {
			return store.Client{}, coreshed.Errorf(coreshed.Invalid, "%q cannot be a redirect URI.", uri)
		}
	}
	return db.AddPublicClient(ctx, id, name, redirectURIs)
}

// validRedirect reports whether a redirect URI is one that can be registered.
// Those over the net need TLS; a program's own scheme has a dot in it (RFC
// 8252 §7.1), which keeps out javascript: and data:.
func validRedirect(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Fragment != "" || u.User != nil || strings.ContainsAny(uri, " ;,'\"\\") || !isText(uri) || u.String() != uri {
		return false
	}
	switch {
	case u.Scheme == "https":
		return u.Host != ""
	case u.Scheme == "http":
		return isLoopback(u.Hostname())
	}
	return strings.Contains(u.Scheme, ".")
}
