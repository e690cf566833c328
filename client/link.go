package client

import (
	"context"
	"net/url"
	"sync"
	"time"
)

// margin is how long a signed URL must still live to be used: its expiry is
// judged when a request starts, by a clock that is not ours.
const margin = time.Minute

// link is a signed URL, renewed when it is about to expire or was refused.
type link struct {
	renew func(context.Context) (string, error)

	mu      sync.Mutex
	url     string
	expires time.Time // zero when the URL does not say
}

func newLink(url string, renew func(context.Context) (string, error)) *link {
	l := &link{renew: renew}
	l.set(url)
	return l
}

func (l *link) set(address string) {
	l.url, l.expires = address, time.Time{}
	if u, err := url.Parse(address); err == nil {
		l.expires, _ = time.Parse(time.RFC3339, u.Query().Get("se"))
	}
}

// get returns a URL that is good for a request that starts now.
func (l *link) get(ctx context.Context) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.url != "" && (l.expires.IsZero() || time.Until(l.expires) > margin) {
		return l.url, nil
	}
	address, err := l.renew(ctx)
	if err != nil {
		return "", err
	}
	l.set(address)
	return l.url, nil
}

// refused says that a URL from get did not do. Of many requests that were sent
// with it, only the first makes get renew it.
func (l *link) refused(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.url == address {
		l.url = ""
	}
}
