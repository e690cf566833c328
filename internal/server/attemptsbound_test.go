package server

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// However many are refused, and however long the database does not answer, memory
// is bounded and every refusal is counted once.
func TestAttemptsAreBoundedAndCounted(t *testing.T) {
	db, err := store.Open(t.Context(), store.Config{URL: "memory:"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now()
	a := newAttempts(func() time.Time { return now })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	const actors, each = 3 * attemptActors, attemptsEach + 5
	for range 3 { // minutes
		for range actors {
			person := uuid.New()
			for range each {
				a.add(web.Attempt{Person: person, Said: map[string]any{"status": 403}})
			}
		}
		if len(a.actors) > attemptActors+1 || len(a.waiting) > attemptsKept+attemptActors+1 {
			t.Fatalf("%d actors and %d entries in memory", len(a.actors), len(a.waiting))
		}
		now = now.Add(attemptsTime)
		if err := a.flush(ended, db, false); err == nil {
			t.Fatal("it was written to a database that does not answer")
		}
	}
	var told, more int64
	sum := func() {
		for _, r := range a.waiting {
			if n, many := r.Said["requests"].(int64); many {
				more += n
			} else {
				told++
			}
		}
		a.waiting = nil
	}
	sum()
	a.sum(true)
	sum()
	if told+more != 3*actors*each {
		t.Errorf("%d refusals are told of and %d counted, of %d", told, more, 3*actors*each)
	}
	if told > attemptsKept {
		t.Errorf("%d refusals have entries", told)
	}
}

func TestAttemptsAreWrittenInParts(t *testing.T) {
	db, err := store.Open(t.Context(), store.Config{URL: "memory:"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	a := newAttempts(time.Now)
	for range 60 {
		person := uuid.New()
		for range attemptsEach {
			a.add(web.Attempt{Person: person})
		}
	}
	if err := a.flush(t.Context(), db, true); err != nil {
		t.Fatal(err)
	}
	list, err := db.AuditEntries(t.Context(), coreshed.View{Admin: true}, store.AuditFilter{Action: coreshed.ActRequestRefuse}, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	if want := 60 * attemptsEach; len(list) != want || len(a.waiting) != 0 {
		t.Errorf("%d entries, want %d; %d wait", len(list), want, len(a.waiting))
	}
}
