package audit_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/audit"
)

// check checks the log in parts of some entries, and returns what it finds.
func (b *book) check(some int, older string, notes ...string) audit.Report {
	b.t.Helper()
	c := audit.NewChecker(notes, older, []string{b.key})
	from := int64(0)
	for part := range slices.Chunk(b.entries, some) {
		last := part[len(part)-1].Number
		hashes := map[int64]audit.Hash{}
		for p := tlog.StoredHashCount(from); p < tlog.StoredHashCount(last+1) && p < int64(len(b.hashes)); p++ {
			if b.hashes[p] != (audit.Hash{}) {
				hashes[p] = b.hashes[p]
			}
		}
		c.Add(part, hashes)
		from = last + 1
	}
	return c.End(max(0, int64(len(b.hashes))-tlog.StoredHashCount(c.Size())))
}

func TestAWholeLogIsWhole(t *testing.T) {
	b := newBook(t)
	for some := 1; some <= entries; some += 3 {
		r := b.check(some, b.signed(33), b.signed(7), b.signed(entries))
		if len(r.Findings) > 0 || r.Entries != entries || r.Checkpoints != 3 {
			t.Fatalf("in parts of %d: %+v", some, r)
		}
	}
}

// Each change of each entry, at each place of the tree, is found, and nothing is
// found of the others.
func TestEveryChangeIsFound(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*coreshed.AuditEntry)
		found  string
	}{
		"actor":   {func(e *coreshed.AuditEntry) { e.Actor = "server" }, "it is not what was recorded"},
		"time":    {func(e *coreshed.AuditEntry) { e.At = e.At.Add(1000) }, "it is not what was recorded"},
		"outcome": {func(e *coreshed.AuditEntry) { e.Outcome = coreshed.AuditRefused }, "it is not what was recorded"},
		"subject": {func(e *coreshed.AuditEntry) { e.Subject++ }, "it is not what was recorded"},
		"id":      {func(e *coreshed.AuditEntry) { e.ID++ }, "it is not what was recorded"},
		"details": {func(e *coreshed.AuditEntry) { e.Details = []byte(`{}`) }, "its details are not those"},
		"salt":    {func(e *coreshed.AuditEntry) { e.Salt = audit.NewSalt() }, "its details are not those"},
		"missing": {func(e *coreshed.AuditEntry) { e.Details, e.Salt = nil, nil }, "its details are missing"},
		"erased":  {func(e *coreshed.AuditEntry) { e.Details, e.Salt, e.ErasedBy = nil, nil, 8 }, "purge 8 is to have erased"},
	} {
		for n := range entries - 1 { // the last is the execution of a purge
			b := newBook(t)
			tt.change(&b.entries[n])
			r := b.check(16, "", b.signed(entries))
			if len(r.Findings) != 1 || !strings.Contains(r.Findings[0], tt.found) {
				t.Fatalf("%s of entry %d: found %q", name, n, r.Findings)
			}
			if name != "erased" {
				continue
			}
			b.entries[n].ErasedBy = 7 // of whose execution the log tells
			if r := b.check(16, "", b.signed(entries)); len(r.Findings) != 0 || r.Erased != 1 {
				t.Fatalf("entry %d, erased: %+v", n, r)
			}
		}
	}
}

func TestEntriesThatAreTakenAway(t *testing.T) {
	for n := range int64(entries - 1) {
		b := newBook(t)
		b.entries = slices.Delete(b.entries, int(n), int(n)+1)
		r := b.check(16, "", b.signed(entries))
		if len(r.Findings) != 1 || !strings.Contains(r.Findings[0], "is missing") {
			t.Fatalf("without entry %d: found %q", n, r.Findings)
		}
	}
	for n := range int64(entries) { // the end
		b := newBook(t)
		note := b.signed(entries)
		b.entries = b.entries[:n]
		if r := b.check(16, "", note); !strings.Contains(strings.Join(r.Findings, "\n"), "the log was cut") {
			t.Fatalf("cut at %d: found %q", n, r.Findings)
		}
	}
}

// Every hash of the tree counts.
func TestEveryHashIsCompared(t *testing.T) {
	size := len(newBook(t).hashes)
	for p := range size {
		b := newBook(t)
		note := b.signed(entries)
		b.hashes[p][0]++
		if r := b.check(16, "", note); len(r.Findings) == 0 {
			t.Errorf("nobody sees that the hash at %d was changed", p)
		}
		b.hashes[p] = audit.Hash{} // check leaves it out
		if r := b.check(16, "", note); len(r.Findings) == 0 {
			t.Errorf("nobody sees that the hash at %d is missing", p)
		}
	}
}

func TestARewrittenLogIsFoundByAKeptCheckpoint(t *testing.T) {
	b := newBook(t)
	for size := int64(1); size <= entries; size++ {
		kept := b.signed(size)
		other := newBook(t)
		other.secret, other.key = b.secret, b.key
		r := other.check(16, kept, other.signed(entries))
		if text := strings.Join(r.Findings, "\n"); !strings.Contains(text, "the log was rewritten") {
			t.Fatalf("kept at %d: found %q", size, text)
		}
	}
	if r := b.check(16, "", b.signed(entries-1)); !strings.Contains(strings.Join(r.Findings, "\n"), "no checkpoint was signed of them") {
		t.Errorf("an end that was not signed: %q", r.Findings)
	}
}
