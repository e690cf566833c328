package store

import (
	"sync"
	"time"

	"github.com/coreshed/coreshed"
)

// names remember how people are called. A name is shown and decides nothing, so
// it may be some seconds old.
type names struct {
	mu     sync.Mutex
	people map[int64]coreshed.Person // by row id
	since  time.Time
}

const (
	namesFresh    = 5 * time.Second
	maxNamesKnown = 10_000
)

// fill sets the people it knows and returns the ids of the others.
func (n *names) fill(people map[int64]coreshed.Person, now time.Time) []any {
	n.mu.Lock()
	defer n.mu.Unlock()
	if age := now.Sub(n.since); age < 0 || age > namesFresh || len(n.people) > maxNamesKnown {
		n.people, n.since = map[int64]coreshed.Person{}, now
	}
	var unknown []any
	for id := range people {
		if p, ok := n.people[id]; ok {
			people[id] = p
		} else {
			unknown = append(unknown, id)
		}
	}
	return unknown
}

// keep remembers the people of these ids.
func (n *names) keep(people map[int64]coreshed.Person, ids []any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range ids {
		n.people[id.(int64)] = people[id.(int64)]
	}
}
