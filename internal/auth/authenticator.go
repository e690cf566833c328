package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// Audience is what the tokens of the built-in issuer are for.
const Audience = "coreshed"

// LocalIssuer is the issuer in tokens that are made on the host, without a
// server that would have an address. See [Mint].
const LocalIssuer = "urn:coreshed:local"

// skew is by how much another's clock may be ahead of ours.
const skew = time.Minute

// maxToken is the longest token that is looked at, in bytes.
const maxToken = 16 << 10

// Config is what an Authenticator works with.
type Config struct {
	Store *store.DB
	// IsOwn reports whether an origin ("https://files.example.org") is one of
	// ours: the built-in issuer goes by the origin that a request came to.
	IsOwn    func(origin string) bool
	External []ExternalIssuer
	Now      func() time.Time // nil is time.Now
}

// Authenticator turns tokens into actors.
type Authenticator struct {
	db       *store.DB
	isOwn    func(string) bool
	external map[string]*external
	signer   *signer
	cache    *tokenCache
	now      func() time.Time
}

// New returns an Authenticator. It reads nothing until the first token comes,
// so an external issuer that is down does not keep a server from starting.
func New(c Config) (*Authenticator, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	a := &Authenticator{
		db: c.Store, isOwn: c.IsOwn, external: map[string]*external{},
		signer: newSigner(c.Store, c.Now), cache: newTokenCache(maxCached), now: c.Now,
	}
	for _, e := range c.External {
		if err := e.check(); err != nil {
			return nil, err
		}
		a.external[e.Issuer] = newExternal(e, c.Now)
	}
	return a, nil
}

// Actor returns who sends a request with this Authorization header.
//
// It fails with Unauthenticated without a header, with InvalidToken for
// anything but a good bearer token of a known issuer, whose account and client
// have not been disabled or revoked more than a few seconds ago, with
// BadGateway when an external issuer's keys cannot be had, and with
// StoreFailed when the store fails.
func (a *Authenticator) Actor(ctx context.Context, header string) (coreshed.Actor, error) {
	if header == "" {
		return coreshed.Actor{}, coreshed.Errorf(coreshed.Unauthenticated, "The request has no access token.")
	}
	scheme, token, _ := strings.Cut(header, " ")
	if token = strings.Trim(token, " "); !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return coreshed.Actor{}, invalid("The Authorization header has no bearer token.", nil)
	}
	hash := sha256.Sum256([]byte(token))
	now := a.now()
	e := a.cache.get(hash)
	if e == nil || !e.fresh(now) {
		var err error
		if e, err = a.entry(ctx, e, token, now); err != nil {
			a.cache.drop(hash)
			return coreshed.Actor{}, err
		}
		a.cache.put(hash, e, now)
	}
	if !now.Before(e.expires) {
		return coreshed.Actor{}, invalid("The access token has expired.", nil)
	}
	return e.actor, nil
}

// entry verifies a token, or only looks whether one that was verified before
// is still good.
func (a *Authenticator) entry(ctx context.Context, e *entry, token string, now time.Time) (*entry, error) {
	if e == nil {
		var err error
		if e, err = a.verify(ctx, token); err != nil {
			return nil, err
		}
	} else if _, err := e.keys.find(ctx, e.kid); err != nil {
		return nil, badToken(err)
	}
	lives, err := a.db.TokenLives(ctx, e.actor.ID, e.actor.ClientID, e.family)
	if err != nil {
		return nil, err
	}
	if !lives {
		return nil, invalid("The access token, or its account, has been revoked.", nil)
	}
	e.checked.Store(now.UnixNano())
	return e, nil
}

// verify checks a token that has not been seen before.
func (a *Authenticator) verify(ctx context.Context, token string) (*entry, error) {
	h, c, err := parse(token)
	if err != nil {
		return nil, invalid("The access token is malformed.", err)
	}
	keys, audience, ext := &a.signer.public, Audience, a.external[c.Issuer]
	if ext != nil {
		keys, audience = &ext.keys, ext.Audience
	} else if c.Issuer != LocalIssuer && !a.isOwn(c.Issuer) {
		return nil, invalid("The access token is of an unknown issuer.", nil)
	}
	if err := c.check(audience, a.now()); err != nil {
		return nil, invalid("The access token is not valid here or now.", err)
	}
	if err := keys.verify(ctx, token, h.Algorithm, h.KeyID); err != nil {
		return nil, badToken(err)
	}
	e := &entry{keys: keys, kid: h.KeyID, expires: c.Expires.Time, family: c.Family}
	e.actor, err = a.actor(ctx, ext, c)
	if ext != nil {
		e.family = "" // another issuer's session is none of ours
	}
	return e, err
}

func (a *Authenticator) actor(ctx context.Context, ext *external, c *claims) (coreshed.Actor, error) {
	if ext != nil {
		p, err := a.db.EnsureExternal(ctx, ext.subject(c))
		return coreshed.Actor{ID: p.ID, ClientID: ext.clientID(c), Scopes: c.scopes(ext.scopes())}, err
	}
	id, err := uuid.Parse(c.Subject)
	if err != nil {
		return coreshed.Actor{}, invalid("The access token has no subject.", err)
	}
	return coreshed.Actor{ID: id, ClientID: c.clientID(), Scopes: c.scopes([]string{})}, nil
}

// check compares the claims with the audience and the time.
func (c *claims) check(audience string, now time.Time) error {
	switch {
	case c.Subject == "" || !isText(c.Subject):
		return errors.New("no subject")
	case !slices.Contains(c.Audience, audience):
		return errors.New("another audience")
	case !now.Before(c.Expires.Time):
		return errors.New("expired, or without an expiry")
	case c.NotBefore.After(now.Add(skew)), c.IssuedAt.After(now.Add(skew)):
		return errors.New("from the future")
	}
	return nil
}

// isText reports whether s can be stored: PostgreSQL refuses zero bytes and
// invalid UTF-8, and nothing that we look up has other control characters.
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
}

// parse reads a compact JWS without verifying it.
func parse(token string) (header, *claims, error) {
	var h header
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return h, nil, errors.New("not a compact JWS")
	}
	for i, into := range []any{&h, &c} {
		b, err := base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil {
			return h, nil, err
		}
		if err := json.Unmarshal(b, into); err != nil {
			return h, nil, err
		}
	}
	return h, &c, nil
}

func invalid(msg string, cause error) error {
	return coreshed.Errorf(coreshed.InvalidToken, "%s", msg).Because(cause)
}

// badToken tells a bad signature from keys that could not be loaded.
func badToken(err error) error {
	if coreshed.KindOf(err) != coreshed.Internal {
		return err
	}
	return invalid("The access token's signature is not good.", err)
}
