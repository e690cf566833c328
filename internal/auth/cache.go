package auth

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreshed/coreshed"
)

// maxCached is how many tokens are remembered.
const maxCached = 10_000

// recheck is how long a revoked account, client or key goes unnoticed. While
// one request looks again, others may go on for as long once more.
const recheck = 2 * time.Second

// entry is a token whose signature and claims have been found good. Only
// checked changes.
type entry struct {
	actor   coreshed.Actor
	expires time.Time
	family  string
	keys    *keySet
	kid     string
	checked atomic.Int64 // when the store last said that it lives, in nanoseconds
	asking  atomic.Int64 // when a request last went to ask
}

// fresh reports whether the entry can be used without asking the store. It
// sends one of the requests that come together, and keeps the others.
func (e *entry) fresh(now time.Time) bool {
	age := now.Sub(time.Unix(0, e.checked.Load()))
	if age < 0 {
		return false // the clock was set back
	}
	if age < recheck {
		return true
	}
	asked := e.asking.Load()
	first := now.Sub(time.Unix(0, asked)) >= recheck && e.asking.CompareAndSwap(asked, now.UnixNano())
	return !first && age < 2*recheck
}

// tokenCache holds entries by the SHA-256 of their token.
type tokenCache struct {
	mu      sync.RWMutex
	entries map[[sha256.Size]byte]*entry
	limit   int
}

func newTokenCache(limit int) *tokenCache {
	return &tokenCache{entries: map[[sha256.Size]byte]*entry{}, limit: limit}
}

func (c *tokenCache) get(hash [sha256.Size]byte) *entry {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.entries[hash]
}

func (c *tokenCache) drop(hash [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, hash)
}

// put remembers an entry. In a full cache it takes the place of those that
// have expired, or of any other.
func (c *tokenCache) put(hash [sha256.Size]byte, e *entry, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.entries[hash]; !known && len(c.entries) >= c.limit {
		c.makeRoom(now)
	}
	c.entries[hash] = e
}

func (c *tokenCache) makeRoom(now time.Time) {
	for hash, e := range c.entries {
		if !now.Before(e.expires) {
			delete(c.entries, hash)
		}
	}
	for hash := range c.entries {
		if len(c.entries) < c.limit {
			return
		}
		delete(c.entries, hash)
	}
}
