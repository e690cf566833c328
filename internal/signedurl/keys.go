package signedurl

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed/internal/store"
)

const (
	// keysFresh is how long keys count as read. A key that another process has
	// made, retired or deleted is noticed within it.
	keysFresh = 10 * time.Second
	// keysRetry is how long to wait before an unknown key is looked for again.
	keysRetry = time.Second
)

// NewKey makes the id and the material of a key, for [store.DB.AddKey] and
// [store.DB.RotateKey].
func NewKey() (id string, material []byte) {
	material = make([]byte, 32)
	rand.Read(material)
	return uuid.NewString(), material
}

// EnsureKey makes the first key, unless there is one that may sign.
func EnsureKey(ctx context.Context, db *store.DB) error {
	id, material := NewKey()
	return db.AddKey(ctx, store.URLKey, id, material)
}

// keyring remembers the keys between reads.
type keyring struct {
	load func(context.Context) ([]store.Key, error)
	now  func() time.Time
	mu   sync.Mutex // held while reading
	last atomic.Pointer[keys]
}

type keys struct {
	byID map[string][]byte
	sign store.Key // the zero Key when none may
	read time.Time
}

// signing returns the key that signs.
func (r *keyring) signing(ctx context.Context) (store.Key, error) {
	k, err := r.fresh(ctx, keysFresh)
	if err == nil && k.sign.ID == "" {
		// The first key may be younger than the last look.
		k, err = r.fresh(ctx, keysRetry)
	}
	if err == nil && k.sign.ID == "" {
		err = errNoKey
	}
	if err != nil {
		return store.Key{}, err
	}
	return k.sign, nil
}

// find returns the material of a key.
func (r *keyring) find(ctx context.Context, id string) ([]byte, bool, error) {
	k, err := r.fresh(ctx, keysFresh)
	if err != nil {
		return nil, false, err
	}
	material, ok := k.byID[id]
	if !ok {
		if k, err = r.fresh(ctx, keysRetry); err != nil {
			return nil, false, err
		}
		material, ok = k.byID[id]
	}
	return material, ok, nil
}

// fresh returns the keys as they were at most age ago. While one caller reads
// them again, the others go on with those they have.
func (r *keyring) fresh(ctx context.Context, age time.Duration) (*keys, error) {
	k := r.last.Load()
	if k != nil && r.now().Sub(k.read) < age {
		return k, nil
	}
	if k == nil {
		r.mu.Lock()
	} else if !r.mu.TryLock() {
		return k, nil
	}
	defer r.mu.Unlock()
	if again := r.last.Load(); again != k {
		return again, nil // someone else has just read them
	}
	return r.reload(ctx)
}

func (r *keyring) reload(ctx context.Context) (*keys, error) {
	read := r.now()
	list, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	k := &keys{byID: make(map[string][]byte, len(list)), read: read}
	for _, key := range list {
		k.byID[key.ID] = key.Material
		if k.sign.ID == "" && key.Active() {
			k.sign = key
		}
	}
	r.last.Store(k)
	return k, nil
}
