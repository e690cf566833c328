package catalog_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/audit"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// TestPurgeClockSetBack sets the clock back by an hour before each step. The purge
// goes on without a wait of an hour, its times and the audit log's order are those
// of what has happened, and a hold that was lifted before is none that was in force.
func TestPurgeClockSetBack(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		sign := s.signsAudit(t)
		r := removing(t, s, 2)
		r.uploadAgain(t, r.set[1])
		hold, err := s.db.AddHold(t.Context(), r.view, store.NewHold{Version: r.source, Reason: "a court asks"})
		if err != nil {
			t.Fatal(err)
		}
		s.clock.advance(time.Hour)
		if _, err := s.db.LiftHold(t.Context(), r.view, hold.ID); err != nil {
			t.Fatal(err)
		}
		back := func() { sign(); s.clock.advance(-time.Hour) }
		whole, stuck := s.Catalog, r.slot(t, r.set[4]).Prefix
		s.breakRemoval(func(_ context.Context, what string) error {
			if strings.HasPrefix(what, stuck) {
				return errDisk
			}
			return nil
		})
		r.purge = r.plan(t, r.source)
		back()
		if r.purge, err = s.db.ExecutePurge(t.Context(), r.view, r.purge.UUID, r.purge.Fingerprint); err != nil {
			t.Fatal(err)
		}
		back()
		if err := r.work(t.Context(), "a"); err == nil {
			t.Error("nothing was told")
		}
		r.wantIncomplete(t, 4, 1)
		back()
		s.Catalog = whole
		// Its lease, of a process that is no more, and the time before which it is
		// not tried again, were both set by the other clock.
		if mine, err := s.db.Lease(t.Context(), "purge-1", "killed", time.Minute); err != nil || !mine {
			t.Fatal(mine, err)
		}
		back()
		waited := r.putOff(t) + 2*time.Minute
		s.clock.advance(2 * time.Minute)
		if err := r.work(t.Context(), "b"); err != nil {
			t.Error(err)
		}
		if waited > 10*time.Minute {
			t.Errorf("it was tried again after %v", waited)
		}
		r.wantDone(t)
		if p := r.state(t); p.ExecutedAt.Before(p.PlannedAt) || p.EndedAt.Before(p.ExecutedAt) {
			t.Errorf("planned %v, executed %v, ended %v", p.PlannedAt, p.ExecutedAt, p.EndedAt)
		}
		sign()
		r.wantSound(t)
		var told []coreshed.AuditAction
		entries, err := s.db.PurgeEntries(t.Context(), r.purge, 0, 100)
		for i, e := range entries {
			if told = append(told, e.Action); i > 0 && e.Number <= entries[i-1].Number {
				t.Errorf("entry %d has the number %d, after %d", i, e.Number, entries[i-1].Number)
			}
		}
		if want := []coreshed.AuditAction{coreshed.ActPurgePlan, coreshed.ActPurgeExecute, coreshed.ActPurgeEnd}; err != nil || !slices.Equal(told, want) {
			t.Errorf("the audit log tells of %v, %v", told, err)
		}
	})
}

// uploadAgain begins an upload to the path of a version.
func (r *removal) uploadAgain(t *testing.T, at catalog.Target) {
	t.Helper()
	f, err := r.db.FileByID(t.Context(), r.access, at.File, at.VersionID)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.db.Reserve(t.Context(), r.access, f.Path, blob.NewPrefix())
	if err != nil {
		t.Fatal(err)
	}
	r.stage(t, catalog.Target{Workspace: at.Workspace, File: again.FileUUID, VersionID: again.VersionID}, "a", []byte("stale"))
	r.stage(t, catalog.Target{Workspace: at.Workspace, File: again.FileUUID, VersionID: again.VersionID}, "a", []byte("staged"))
}

// signsAudit makes the key of the audit log, and returns what numbers and signs its
// entries.
func (s *shed) signsAudit(t *testing.T) func() {
	t.Helper()
	secret, err := audit.NewKey("example.org/log")
	if err == nil {
		err = s.db.AddKey(t.Context(), store.AuditKey, "key", []byte(secret))
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		l := store.Lease{Name: "audit", Holder: "test"}
		if mine, err := s.db.Lease(t.Context(), l.Name, l.Holder, time.Hour); err != nil || !mine {
			t.Fatal(mine, err)
		}
		sign := func(size int64, root audit.Hash) (string, error) { return audit.Sign(secret, size, root) }
		if _, err := s.db.SequenceAudit(t.Context(), l, 1000, sign); err != nil {
			t.Fatal(err)
		}
	}
}
