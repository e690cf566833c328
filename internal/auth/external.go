package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/lestrrat-go/jwx/v3/jwk"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// ExternalIssuer is an OpenID Connect issuer whose tokens are accepted.
type ExternalIssuer struct {
	Issuer   string // its URL, exactly as its tokens have it in "iss"
	Audience string // that must be in "aud"

	// EmailDomains are those for whose addresses the issuer may speak. A role
	// given to an e-mail address goes to its verified owner only if the domain
	// is one of them.
	EmailDomains []string

	// Scopes are granted to tokens that name no scopes at all.
	Scopes []string

	Client *http.Client // nil is one with a time limit
}

func (e ExternalIssuer) check() error {
	u, err := url.Parse(e.Issuer)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("issuer %q is not an http or https URL", e.Issuer)
	}
	if e.Audience == "" {
		return fmt.Errorf("issuer %s has no audience: it would accept tokens made for others", e.Issuer)
	}
	return nil
}

// external is an ExternalIssuer with its keys.
type external struct {
	ExternalIssuer
	keys keySet
}

func newExternal(e ExternalIssuer, now func() time.Time) *external {
	if e.Client == nil {
		e.Client = &http.Client{Timeout: keysTimeout}
	}
	x := &external{ExternalIssuer: e}
	x.keys.now, x.keys.load = now, x.load
	return x
}

// load fetches the keys that the issuer's discovery document names.
func (x *external) load(ctx context.Context) (map[string]publicKey, error) {
	keys, err := x.fetchKeys(ctx)
	if err != nil {
		return nil, coreshed.Errorf(coreshed.BadGateway, "The keys of the token's issuer cannot be had.").Because(err)
	}
	return keys, nil
}

func (x *external) fetchKeys(ctx context.Context) (map[string]publicKey, error) {
	var doc struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	b, err := x.get(ctx, strings.TrimSuffix(x.Issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("discovery document of %s: %w", x.Issuer, err)
	}
	if doc.Issuer != x.Issuer {
		return nil, fmt.Errorf("discovery document of %s names the issuer %q", x.Issuer, doc.Issuer)
	}
	if b, err = x.get(ctx, doc.JWKSURI); err != nil {
		return nil, err
	}
	return parseKeySet(b)
}

// maxDocument is the largest answer of an issuer that is read, in bytes.
const maxDocument = 1 << 20

func (x *external) get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("request of issuer: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := x.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask issuer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", address, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", address, err)
	}
	return b, nil
}

// parseKeySet reads a JWK Set (RFC 7517 §5). Keys that cannot verify are left
// out; a set with none that can is an error.
func parseKeySet(b []byte) (map[string]publicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	keys := map[string]publicKey{}
	for _, raw := range set.Keys {
		if id, key, ok := parseJWK(raw); ok {
			keys[id] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("key set: no key in it can verify tokens")
	}
	return keys, nil
}

func parseJWK(raw []byte) (id string, key publicKey, ok bool) {
	k, err := jwk.ParseKey(raw)
	if err != nil {
		return "", key, false
	}
	if use, has := k.KeyUsage(); has && use != "sig" {
		return "", key, false
	}
	if alg, has := k.Algorithm(); has {
		key.alg = alg.String()
		if _, allowed := algorithms[key.alg]; !allowed {
			return "", key, false
		}
	}
	// A symmetric key has no public half, and one in a public set is no secret.
	public, err := k.PublicKey()
	if err != nil || jwk.Export(public, &key.key) != nil {
		return "", key, false
	}
	if _, symmetric := key.key.([]byte); symmetric {
		return "", key, false
	}
	id, _ = k.KeyID()
	return id, key, true
}

// subject is the account that the claims describe.
func (x *external) subject(c *claims) store.External {
	s := store.External{Issuer: x.Issuer, Subject: c.Subject, Name: strings.Map(printable, c.name())}
	if bool(c.Verified) && isText(c.Email) {
		s.Email, s.TrustEmail = c.Email, x.speaksFor(c.Email)
	}
	return s
}

func printable(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

func (x *external) speaksFor(email string) bool {
	_, domain, _ := strings.Cut(email, "@")
	return slices.ContainsFunc(x.EmailDomains, func(d string) bool { return strings.EqualFold(d, domain) })
}

// clientID keeps another issuer's client apart from one of ours by the same id.
func (x *external) clientID(c *claims) string {
	if c.clientID() == "" {
		return ""
	}
	return x.Issuer + "#" + c.clientID()
}

func (x *external) scopes() []string {
	if x.Scopes == nil {
		return []string{}
	}
	return x.Scopes
}
