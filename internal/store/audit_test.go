package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/audit"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// auditor numbers and signs the entries of a store, and checks it.
type auditor struct {
	t      *testing.T
	db     *store.DB
	secret string
	lease  store.Lease
}

func newAuditor(t *testing.T, db *store.DB) *auditor {
	t.Helper()
	secret, err := audit.NewKey("example.org/log")
	must(t, err)
	must(t, db.AddKey(t.Context(), store.AuditKey, "audit-key", []byte(secret)))
	a := &auditor{t, db, secret, store.Lease{Name: "audit", Holder: "test"}}
	mine, err := db.Lease(t.Context(), a.lease.Name, a.lease.Holder, time.Hour)
	if must(t, err); !mine {
		t.Fatal("no lease")
	}
	return a
}

func (a *auditor) sign(size int64, root audit.Hash) (string, error) {
	return audit.Sign(a.secret, size, root)
}

// sequence numbers all that waits, some at a time, and returns the checkpoint.
func (a *auditor) sequence(some int) string {
	a.t.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = a.db.SequenceAudit(a.t.Context(), a.lease, some, a.sign)
		must(a.t, err)
	}
	note, err := a.db.OwnCheckpoint(a.t.Context())
	must(a.t, err)
	return note
}

// check returns what is wrong with the log.
func (a *auditor) check(older string) audit.Report {
	a.t.Helper()
	keys, err := a.db.AuditVerifiers(a.t.Context())
	must(a.t, err)
	r, err := a.db.CheckAudit(a.t.Context(), older, keys...)
	must(a.t, err)
	return r
}

func (a *auditor) wantWhole(older string) audit.Report {
	a.t.Helper()
	r := a.check(older)
	if len(r.Findings) > 0 {
		a.t.Errorf("found in a log that is whole: %q", r.Findings)
	}
	return r
}

func (a *auditor) wantFound(older, text string) {
	a.t.Helper()
	r := a.check(older)
	if !strings.Contains(strings.Join(r.Findings, "\n"), text) {
		a.t.Errorf("findings are %q, want %q among them", r.Findings, text)
	}
}

func TestAuditTellsOfChanges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		f := s.Put(t, s.Editor, "north/assay.csv", "x")
		access := s.Access(t, s.Editor)
		must(t, db.DeleteFile(t.Context(), access, f.UUID))
		_, err := db.RestoreFile(t.Context(), access, f.UUID)
		must(t, err)
		entries, err := db.AuditEntries(t.Context(), s.View(t, s.Admin), store.AuditFilter{Actor: s.Editor.ID.String()}, 10)
		must(t, err)
		var got []string
		for _, e := range entries {
			if e.Number != -1 || e.Workspace != s.Workspace.ID || e.Outcome != coreshed.AuditDone || !audit.Kept(e) {
				t.Errorf("entry %+v", e)
			}
			got = append(got, fmt.Sprint(e.Action, " ", e.Kind, " ", string(e.Details)))
		}
		wantEqual(t, got, []string{
			`file.restore file {"path":"north/assay.csv"}`,
			`file.delete file {"path":"north/assay.csv"}`,
			`version.upload version {"path":"north/assay.csv","size":1}`,
		})
	})
}

func TestAuditTellsNothingOfWhatFailed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		before, err := db.AuditEntries(t.Context(), s.View(t, s.Admin), store.AuditFilter{}, 100)
		must(t, err)
		wantIs(t, db.Revoke(t.Context(), coreshed.Operator, s.Workspace.ID, s.Owner.ID), coreshed.Conflict)
		after, err := db.AuditEntries(t.Context(), s.View(t, s.Admin), store.AuditFilter{}, 100)
		must(t, err)
		wantEqual(t, len(after), len(before))
	})
}

func TestAuditEntriesAreForAdmins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		_, err := db.AuditEntries(t.Context(), s.View(t, s.Owner), store.AuditFilter{}, 1)
		wantIs(t, err, coreshed.Forbidden)
		_, err = db.AuditReceipt(t.Context(), s.View(t, s.Owner), 0, 0)
		wantIs(t, err, coreshed.Forbidden)

		entries, err := db.AuditEntries(t.Context(), s.View(t, s.Admin), store.AuditFilter{}, 1000)
		must(t, err)
		for _, e := range entries {
			if strings.Contains(string(e.Details), "Southern Metals") || strings.Contains(string(e.Details), "stranger") {
				t.Errorf("an entry of another organisation: %+v %s", e, e.Details)
			}
		}
	})
}

func TestAuditPages(t *testing.T) {
	at := &clock{now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	storetest.EachAt(t, at.Now, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		from := at.now.Add(time.Second)
		at.now = from
		for i := range 7 {
			s.Put(t, s.Editor, fmt.Sprintf("%d.csv", i), "x")
		}
		view, f := s.View(t, s.Admin), store.AuditFilter{Action: coreshed.ActVersionUpload, At: coreshed.TimeRange{From: micros(from)}}
		seen := 0
		for {
			page, err := db.AuditEntries(t.Context(), view, f, 3)
			must(t, err)
			if len(page) == 0 {
				break
			}
			seen += len(page)
			f.Before = page[len(page)-1].ID
		}
		wantEqual(t, seen, 7)
		f = store.AuditFilter{At: coreshed.TimeRange{Until: micros(from)}, Kind: coreshed.AuditVersion}
		page, err := db.AuditEntries(t.Context(), view, f, 3)
		must(t, err)
		wantEqual(t, len(page), 0)
	})
}

func micros(t time.Time) *int64 {
	m := t.UnixMicro()
	return &m
}

func TestAuditReceipts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, a := storetest.New(t, db), newAuditor(t, db)
		for i := range 10 {
			s.Put(t, s.Editor, fmt.Sprintf("%d.csv", i), "x")
		}
		first := a.sequence(1) // one by one
		s.Put(t, s.Editor, "more.csv", "x")
		second := a.sequence(1000)
		a.wantWhole(first)

		keys, err := db.AuditVerifiers(t.Context())
		must(t, err)
		older, err := audit.OpenCheckpoint(first, keys...)
		must(t, err)
		newer, err := audit.OpenCheckpoint(second, keys...)
		must(t, err)
		view := s.View(t, s.Admin)
		entries, err := db.AuditEntries(t.Context(), view, store.AuditFilter{}, 1000)
		must(t, err)
		for _, e := range entries {
			r, err := db.AuditReceipt(t.Context(), view, e.Number, 0)
			must(t, err)
			must(t, r.Verify(newer))
			if e.Number < older.Size {
				r, err = db.AuditReceipt(t.Context(), view, e.Number, older.Size)
				must(t, err)
				must(t, r.Verify(older))
			}
		}
		for size := range newer.Size + 1 {
			c, err := db.AuditConsistency(t.Context(), view, size)
			must(t, err)
			if size == older.Size {
				must(t, c.Verify(older, newer))
			}
		}
		_, err = db.AuditConsistency(t.Context(), view, newer.Size+1)
		wantIs(t, err, coreshed.NotFound)
		_, err = db.AuditReceipt(t.Context(), view, newer.Size, 0)
		wantIs(t, err, coreshed.NotFound)
		must(t, db.AuditExtends(t.Context(), first))
	})
}

func TestErasedDetailsLeaveTheLogWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, a := storetest.New(t, db), newAuditor(t, db)
		f := s.Put(t, s.Editor, "secret/site.csv", "x")
		other := s.Put(t, s.Editor, "other.csv", "x")
		kept := a.sequence(1000)
		view := s.View(t, s.Admin)
		p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{f.Version.ID}, Scope: coreshed.PurgeLineage, Reason: "sold"})
		must(t, err)
		must(t, store.EraseAudit(t.Context(), db, coreshed.AuditVersion, f.Version.ID, p.ID))
		a.wantFound(kept, "and the log has no entry of its execution")
		_, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		must(t, err)
		a.wantFound(kept, "and has not removed what it tells of")
		drain(t, db, p.ID)
		a.wantWhole(kept) // the execution waits for its number
		a.sequence(1000)
		r := a.wantWhole(kept)
		wantEqual(t, r.Erased, int64(1))

		e, err := db.AuditEntries(t.Context(), view, store.AuditFilter{Kind: coreshed.AuditVersion, Subject: f.Version.ID}, 10)
		must(t, err)
		if len(e) != 1 || e[0].Details != nil || e[0].Salt != nil || e[0].ErasedBy != p.ID {
			t.Fatalf("entries of what was erased: %+v", e)
		}
		keys, err := db.AuditVerifiers(t.Context())
		must(t, err)
		cp, err := audit.OpenCheckpoint(kept, keys...)
		must(t, err)
		receipt, err := db.AuditReceipt(t.Context(), view, e[0].Number, cp.Size)
		must(t, err)
		must(t, receipt.Verify(cp))

		e, err = db.AuditEntries(t.Context(), view, store.AuditFilter{Kind: coreshed.AuditVersion, Subject: other.Version.ID}, 10)
		must(t, err)
		wantEqual(t, string(e[0].Details), `{"path":"other.csv","size":1}`)
	})
}

// What is wrong stays wrong, and hides nothing of what comes after.
func TestTamperingIsNoticed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, a := storetest.New(t, db), newAuditor(t, db)
		for i := range 8 {
			s.Put(t, s.Editor, fmt.Sprintf("%d.csv", i), "x")
		}
		a.sequence(1000)
		for _, tt := range []struct {
			found string
			do    []string
		}{
			{"entry 2 (id 3): it is not what was recorded", []string{`UPDATE audit_entries SET actor = 'server' WHERE number = 2`}},
			{"entry 3 (id 4): it is not what was recorded", []string{`UPDATE audit_entries SET at = at + 1 WHERE number = 3`}},
			{"entry 4 (id 5): its details are not those", []string{`UPDATE audit_details SET document = '{}' WHERE entry_id = 5`}},
			{"entry 5 (id 6): its details are not those", []string{`UPDATE audit_details SET salt = commitment FROM audit_entries WHERE id = entry_id AND id = 6`}},
			{"entry 1 (id 2): its details are missing, and no purge has erased them", []string{`DELETE FROM audit_details WHERE entry_id = 2`}},
			{"entry 0 and maybe others: purge 77 is to have erased", []string{`UPDATE audit_details SET salt = NULL, document = NULL, erased_by = 77 WHERE entry_id = 1`}},
			{"entry 6 is missing", []string{`DELETE FROM audit_details WHERE entry_id = 7`, `DELETE FROM audit_entries WHERE id = 7`}},
			{"entry 7 (id 9): it is not what was recorded", []string{
				`UPDATE audit_entries SET number = -number WHERE number IN (7, 8)`,
				`UPDATE audit_entries SET number = CASE number WHEN -7 THEN 8 ELSE 7 END WHERE number IN (-7, -8)`,
			}},
			{"the tree's hash at 2 is not", []string{`UPDATE audit_hashes SET hash = (SELECT hash FROM audit_hashes WHERE position = 0) WHERE position = 2`}},
			{"entry 9 is missing", []string{`UPDATE audit_entries SET number = 9223372036854775807 WHERE number = 9`}},
			{"the log was cut, it has 12 entries", []string{
				`DELETE FROM audit_details WHERE entry_id > 12`, `DELETE FROM audit_entries WHERE id > 12`,
			}},
			{"hashes for entries that are missing at the end", nil},
			{"signature is not good", []string{`UPDATE audit_checkpoints SET note = REPLACE(note, 'example.org/log ', 'example.org/log A')`}},
			{"no checkpoint was signed", []string{`DELETE FROM audit_checkpoints`}},
			{"entry 11 (id 12): the tree has no hash of it", []string{`DELETE FROM audit_hashes WHERE position > 18`}},
			{"entries from 6 to 6 are missing, with their hashes", []string{`DELETE FROM audit_hashes WHERE position > 9`}},
			{"entries from 6 to 3999999999 are missing", []string{
				`DELETE FROM audit_details WHERE entry_id > 7`, `DELETE FROM audit_entries WHERE id > 7 AND id <> 10`,
				`UPDATE audit_entries SET number = 4000000000 WHERE id = 10`,
			}},
		} {
			for _, query := range tt.do {
				must(t, db.Exec(t.Context(), query))
			}
			a.wantFound("", tt.found)
		}
	})
}

// What hides its traces in the whole database is found by a checkpoint that was
// kept elsewhere.
func TestCutAndRewrittenLogs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, a := storetest.New(t, db), newAuditor(t, db)
		s.Put(t, s.Editor, "a.csv", "x")
		kept := a.sequence(1000)
		forget := func(from int) {
			for _, query := range []string{`DELETE FROM audit_checkpoints`, `DELETE FROM audit_hashes`, `UPDATE audit_entries SET number = NULL`} {
				must(t, db.Exec(t.Context(), query))
			}
			must(t, db.Exec(t.Context(), fmt.Sprintf(`DELETE FROM audit_details WHERE entry_id > %d`, from)))
			must(t, db.Exec(t.Context(), fmt.Sprintf(`DELETE FROM audit_entries WHERE id > %d`, from)))
		}
		forget(8)
		a.sequence(1000)
		a.wantWhole("")
		a.wantFound(kept, "the log was cut")
		if err := db.AuditExtends(t.Context(), kept); err == nil {
			t.Error("a log that was cut extends what it was")
		}
		for i := range 20 {
			s.Put(t, s.Editor, fmt.Sprintf("%d.csv", i), "x")
		}
		a.sequence(1000)
		a.wantWhole("")
		a.wantFound(kept, "the log was rewritten")
		if err := db.AuditExtends(t.Context(), kept); err == nil {
			t.Error("a log that was rewritten extends what it was")
		}
		other, err := audit.NewKey("example.org/log")
		must(t, err)
		forged, err := audit.Sign(other, 1, audit.Hash{})
		must(t, err)
		a.wantFound(forged, "signature is not good")
	})
}

func TestASequencerThatIsCutShort(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, a := storetest.New(t, db), newAuditor(t, db)
		a.sequence(7)
		s.Put(t, s.Editor, "a.csv", "x")
		broken := errors.New("killed")
		if _, err := db.SequenceAudit(t.Context(), a.lease, 5, func(int64, audit.Hash) (string, error) { return "", broken }); !errors.Is(err, broken) {
			t.Fatalf("error is %v", err)
		}
		r := a.wantWhole("")
		if r.Waiting == 0 {
			t.Error("entries have numbers of a transaction that was not finished")
		}
		a.sequence(1)
		wantEqual(t, a.wantWhole("").Waiting, int64(0))
	})
}

func TestTwoSequencers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, a := storetest.New(t, db), newAuditor(t, db)
		var writers, sequencers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for i := range 10 {
					s.Put(t, s.Editor, fmt.Sprintf("%d/%d.csv", w, i), "x")
				}
			})
		}
		ctx, stop := context.WithCancel(t.Context())
		for n := range 2 {
			sequencers.Go(func() {
				l := store.Lease{Name: "audit", Holder: fmt.Sprint("sequencer ", n)}
				for ctx.Err() == nil {
					db.Lease(ctx, l.Name, l.Holder, time.Hour)    // one has it
					db.SequenceAudit(ctx, l, 5, a.sign)           // Conflict for the other
					db.SequenceAudit(ctx, a.lease, 5, a.sign)     // as above
					db.Release(ctx, a.lease.Name, a.lease.Holder) // they take turns
				}
			})
		}
		writers.Wait()
		stop()
		sequencers.Wait()
		_, err := db.SequenceAudit(t.Context(), store.Lease{Name: "audit", Holder: "late"}, 1, a.sign)
		wantIs(t, err, coreshed.Conflict)
		for n := range 2 {
			must(t, db.Release(t.Context(), "audit", fmt.Sprint("sequencer ", n)))
		}
		_, err = db.Lease(t.Context(), "audit", a.lease.Holder, time.Hour)
		must(t, err)
		a.sequence(1000)
		wantEqual(t, a.wantWhole("").Waiting, int64(0))
	})
}

// A purge erases the details of its versions, runs and files, and of nothing else.
func TestPurgeErasesDetails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, a := storetest.New(t, db), newAuditor(t, db)
		f := s.Put(t, s.Owner, "sold/site.tif", "source")
		s.Put(t, s.Owner, "kept/site.tif", "other")
		s.Made(t, "sold/made.tif", f.Version.ID)
		access := s.Access(t, s.Owner)
		must(t, db.DeleteFile(t.Context(), access, f.UUID))
		_, err := db.RestoreFile(t.Context(), access, f.UUID)
		must(t, err)
		kept := a.sequence(1000)

		view := s.View(t, s.Owner)
		p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{f.Version.ID}, Scope: coreshed.PurgeLineage, Reason: "sold"})
		must(t, err)
		p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		must(t, err)
		drain(t, db, p.ID)

		entries, err := db.AuditEntries(t.Context(), s.View(t, s.Admin), store.AuditFilter{}, 1000)
		must(t, err)
		var all strings.Builder
		for _, e := range entries {
			all.Write(e.Details)
		}
		if text := all.String(); strings.Contains(text, "sold/") || !strings.Contains(text, "kept/site.tif") {
			t.Errorf("details that are left: %s", text)
		}
		if r := a.wantWhole(kept); r.Erased == 0 {
			t.Error("nothing was erased")
		}
	})
}

// A purge erases what tells of things that it has removed, and nothing else: naming
// one that ran hides no other details, not even with tombstones that it never left.
func TestErasedByAnotherPurge(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, a := storetest.New(t, db), newAuditor(t, db)
		view := s.View(t, s.Owner)
		sold, other := s.Put(t, s.Owner, "sold.csv", "1"), s.Put(t, s.Owner, "other.csv", "2")
		s.Made(t, "made.csv", sold.Version.ID)
		p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{sold.Version.ID}, Scope: coreshed.PurgeLineage})
		must(t, err)
		p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
		must(t, err)
		drain(t, db, p.ID)
		kept := a.sequence(1000)
		a.wantWhole(kept)

		must(t, store.EraseAudit(t.Context(), db, coreshed.AuditVersion, other.Version.ID, p.ID))
		a.wantFound(kept, "and has not removed what it tells of")
		const forge = `INSERT INTO tombstones (kind, item_id, purge_id, workspace_id, file_uuid, removed_at) VALUES ($1, $2, $3, $4, $5, 0)`
		must(t, db.Exec(t.Context(), forge, 0, other.Version.ID, p.ID, s.Workspace.ID, other.UUID.String()))
		a.wantFound(kept, fmt.Sprintf("purge %d: it has removed 2 versions, 1 runs and 0 recipes, and its tombstones are of 3, 1 and 0", p.ID))
		must(t, db.Exec(t.Context(), `DELETE FROM tombstones WHERE kind = 0 AND item_id = $1`, other.Version.ID))

		wantEqual(t, broken(t, db), map[string][]int64{})
		must(t, db.Exec(t.Context(), forge, 3, 99, p.ID, s.Workspace.ID, other.UUID.String()))
		wantEqual(t, broken(t, db), map[string][]int64{"file tombstone": {99}})
	})
}
