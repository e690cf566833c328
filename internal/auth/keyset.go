package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// keySet is an issuer's public keys, remembered. A key id that it does not
// know makes it ask again, at most once a second, so that rotation is seen at
// once and forged key ids cost the issuer nothing.
type keySet struct {
	load func(context.Context) (map[string]publicKey, error)
	now  func() time.Time

	loading sync.Mutex // one load at a time
	mu      sync.RWMutex
	keys    map[string]publicKey
	due     time.Time // when keys are to be loaded again
	tried   time.Time // of the last attempt to load
	err     error     // of the last attempt
}

type publicKey struct {
	key any    // as crypto has it
	alg string // the one algorithm it is for, or "" when its set does not say
}

const (
	keysFresh   = time.Minute      // a deleted key is known to be deleted after this
	keysRetry   = 15 * time.Second // after a load that failed, while old keys will do
	keysBetween = time.Second      // the least time between two loads
	keysTimeout = 8 * time.Second  // of a load
)

var errUnknownKey = errors.New("no key of the issuer has this id")

// algorithms are those that tokens may be signed with: public keys alone, so
// that a public key can never be taken for a shared secret, and never "none".
var algorithms = map[string]jwa.SignatureAlgorithm{
	"ES256": jwa.ES256(), "ES384": jwa.ES384(), "ES512": jwa.ES512(),
	"RS256": jwa.RS256(), "RS384": jwa.RS384(), "RS512": jwa.RS512(),
	"PS256": jwa.PS256(), "PS384": jwa.PS384(), "PS512": jwa.PS512(),
	"EdDSA": jwa.EdDSA(),
}

// verify checks the signature of a compact JWS whose header names alg and kid.
// One with "crit" is refused: no extension is known here (RFC 7515 §4.1.11).
// The error is of a [coreshed.Kind] when the keys could not be loaded, and of
// none when the token is bad.
func (s *keySet) verify(ctx context.Context, token, alg, kid string) error {
	a, ok := algorithms[alg]
	if !ok {
		return errors.New("algorithm not allowed")
	}
	key, err := s.find(ctx, kid)
	if err != nil {
		return err
	}
	if key.alg != "" && key.alg != alg {
		return errors.New("the key is for another algorithm")
	}
	_, err = jws.VerifyCompactFast(key.key, []byte(token), a)
	return err
}

// find returns the key with an id; "" finds the only key.
func (s *keySet) find(ctx context.Context, kid string) (publicKey, error) {
	key, known, fresh := s.look(kid)
	if known && fresh {
		return key, nil
	}
	if !known {
		s.loading.Lock()
	} else if !s.loading.TryLock() {
		return key, nil // another caller is asking; this one need not wait
	}
	defer s.loading.Unlock()
	s.reload(ctx)
	key, known, _ = s.look(kid)
	if known {
		return key, nil
	}
	if s.err != nil {
		return key, s.err
	}
	return key, errUnknownKey
}

func (s *keySet) look(kid string) (key publicKey, known, fresh bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if kid == "" && len(s.keys) == 1 {
		for id := range s.keys {
			kid = id
		}
	}
	key, known = s.keys[kid]
	return key, known, s.now().Before(s.due)
}

// reload loads the keys, unless that was tried a moment ago. After a failure
// those known before stay in use. The caller holds s.loading, which guards
// s.tried and s.err.
func (s *keySet) reload(ctx context.Context) {
	if now := s.now(); now.Sub(s.tried) < keysBetween {
		return
	}
	// Others wait for this load too, so it must not end with its first caller.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysTimeout)
	defer cancel()
	keys, err := s.load(ctx)
	s.tried, s.err = s.now(), err
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.due = s.tried.Add(keysRetry)
		return
	}
	s.keys, s.due = keys, s.tried.Add(keysFresh)
}
