package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// signer signs with the newest of the store's keys, and knows the public halves
// of all of them. The keys are ECDSA P-256 in PKCS #8: unlike RSA's they are
// made in no time, so the first start does not wait for one.
type signer struct {
	db     *store.DB
	public keySet

	mu     sync.Mutex
	active privateKey
}

type privateKey struct {
	id  string
	key *ecdsa.PrivateKey
}

func newSigner(db *store.DB, now func() time.Time) *signer {
	s := &signer{db: db}
	s.public.now, s.public.load = now, s.load
	return s
}

func (s *signer) load(ctx context.Context) (map[string]publicKey, error) {
	stored, err := s.db.Keys(ctx, store.TokenKey)
	if err != nil {
		return nil, coreshed.Errorf(coreshed.StoreFailed, "read token keys").Because(err)
	}
	keys, active := map[string]publicKey{}, privateKey{}
	for _, k := range stored {
		key, err := parseKey(k)
		if err != nil {
			return nil, coreshed.Errorf(coreshed.StoreFailed, "read token key %s", k.ID).Because(err)
		}
		if active.key == nil && k.Active() {
			active = privateKey{k.ID, key}
		}
		keys[k.ID] = publicKey{key: &key.PublicKey, alg: "ES256"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = active
	return keys, nil
}

func parseKey(k store.Key) (*ecdsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(k.Material)
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T", key)
	}
	return ec, nil
}

// sign returns c as a compact JWS of a type: "at+jwt" or "JWT".
func (s *signer) sign(ctx context.Context, typ string, c claims) (string, error) {
	key, err := s.signing(ctx)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	header := jws.NewHeaders()
	if err := errors.Join(header.Set(jws.KeyIDKey, key.id), header.Set(jws.TypeKey, typ)); err != nil {
		return "", fmt.Errorf("token header: %w", err)
	}
	token, err := jws.Sign(payload, jws.WithKey(jwa.ES256(), key.key, jws.WithProtectedHeaders(header)))
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return string(token), nil
}

// signing returns the key that signs. It is looked up through the set of
// public keys, which reloads what is out of date.
func (s *signer) signing(ctx context.Context) (privateKey, error) {
	if _, err := s.public.find(ctx, s.current().id); err != nil && !errors.Is(err, errUnknownKey) {
		return privateKey{}, err
	}
	if key := s.current(); key.key != nil {
		return key, nil
	}
	return privateKey{}, coreshed.Errorf(coreshed.StoreFailed, "there is no key to sign tokens with")
}

func (s *signer) current() privateKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active
}

// newKey makes a key with a new id.
func newKey() (id string, material []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", nil, fmt.Errorf("make token key: %w", err)
	}
	material, err = x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", nil, fmt.Errorf("encode token key: %w", err)
	}
	return uuid.NewString(), material, nil
}

// EnsureTokenKey makes a key to sign tokens with when the store has none.
func EnsureTokenKey(ctx context.Context, db *store.DB) error {
	id, material, err := newKey()
	if err != nil {
		return err
	}
	return db.AddKey(ctx, store.TokenKey, id, material)
}

// RotateTokenKey makes a new key sign tokens and returns its id. Tokens of the
// former keys are good until they expire or [store.DB.DeleteRetiredKeys].
func RotateTokenKey(ctx context.Context, db *store.DB) (string, error) {
	id, material, err := newKey()
	if err != nil {
		return "", err
	}
	return id, db.RotateKey(ctx, store.TokenKey, id, material)
}
