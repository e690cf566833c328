package server

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// Whoever is refused must not be able to fill the database by it, nor the memory.
const (
	attemptsEach  = 20                           // of an actor in a minute have an entry each; the others are counted
	attemptActors = 1000                         // are told apart in a minute; all others count as who has not signed in
	attemptsTime  = time.Minute                  // after which what was counted is written
	attemptsOnce  = 500                          // are written in one transaction
	attemptsKept  = attemptsEach * attemptActors // wait for a database that does not answer
)

// attempts are refused changes that the audit log does not have yet.
type attempts struct {
	now func() time.Time

	mu      sync.Mutex
	since   time.Time // when the minute began
	actors  map[coreshed.UUID]*tally
	waiting []store.Refused
}

// tally counts what an actor was refused in a minute.
type tally struct{ told, more int64 }

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, since: now(), actors: map[coreshed.UUID]*tally{}}
}

// add takes what was refused. It never waits for the database.
func (a *attempts) add(what web.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tally(what.Person)
	if t.told >= attemptsEach || len(a.waiting) >= attemptsKept {
		t.more++
		return
	}
	t.told++
	a.waiting = append(a.waiting, store.Refused{Person: what.Person, Workspace: what.Workspace, Said: what.Said})
}

func (a *attempts) tally(person coreshed.UUID) *tally {
	t := a.actors[person]
	if t == nil && len(a.actors) >= attemptActors {
		person = uuid.Nil
		t = a.actors[person]
	}
	if t == nil {
		t = &tally{}
		a.actors[person] = t
	}
	return t
}

// flush writes what waits, and what was counted when the minute is over, or at
// the last. What cannot be written waits for the next time.
func (a *attempts) flush(ctx context.Context, db *store.DB, last bool) error {
	a.mu.Lock()
	a.sum(last)
	list := a.waiting
	a.waiting = nil
	a.mu.Unlock()
	for len(list) > 0 {
		n := min(len(list), attemptsOnce)
		if err := db.AuditRefused(ctx, list[:n]); err != nil {
			a.mu.Lock()
			a.waiting = append(list, a.waiting...)
			a.mu.Unlock()
			return err
		}
		list = list[n:]
	}
	return nil
}

// sum ends the minute: what was only counted gets one entry for each actor.
func (a *attempts) sum(last bool) {
	if !last && a.now().Sub(a.since) < attemptsTime {
		return
	}
	if len(a.waiting) >= attemptsKept {
		return // it goes on counting
	}
	for person, t := range a.actors {
		if t.more > 0 {
			a.waiting = append(a.waiting, store.Refused{Person: person, Many: true, Said: map[string]any{"requests": t.more, "since": a.since.UTC()}})
		}
	}
	clear(a.actors)
	a.since = a.now()
}
