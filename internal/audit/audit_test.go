package audit_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/audit"
)

// entries is how many the log of these tests has: more than one tree of each shape.
const entries = 70

// book is a log in memory.
type book struct {
	t       *testing.T
	secret  string
	key     string
	entries []coreshed.AuditEntry
	hashes  []audit.Hash
}

func (b *book) ReadHashes(positions []int64) ([]audit.Hash, error) {
	found := make([]audit.Hash, len(positions))
	for i, p := range positions {
		found[i] = b.hashes[p]
	}
	return found, nil
}

func newBook(t *testing.T) *book {
	t.Helper()
	b := &book{t: t}
	var err error
	b.secret, err = audit.NewKey("example.org/log")
	b.must(err)
	b.key, err = audit.VerifierKey(b.secret)
	b.must(err)
	for n := range int64(entries) {
		salt, details := audit.NewSalt(), fmt.Appendf(nil, `{"path":"%d.csv"}`, n)
		e := coreshed.AuditEntry{
			ID: n + 10, Number: n, At: time.UnixMicro(1_700_000_000_000_000 + n).UTC(), Org: 1, Actor: "operator", Action: coreshed.ActVersionUpload,
			Kind: coreshed.AuditVersion, Subject: n, Workspace: 2, Outcome: coreshed.AuditDone,
			Commitment: audit.Commit(salt, details), Salt: salt, Details: details,
		}
		if n == entries-1 {
			e.Action, e.Kind, e.Subject = coreshed.ActPurgeExecute, coreshed.AuditPurge, 7
		}
		b.entries = append(b.entries, e)
		hashes, err := tlog.StoredHashes(n, audit.Leaf(e), b)
		b.must(err)
		b.hashes = append(b.hashes, hashes...)
	}
	return b
}

func (b *book) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) signed(size int64) string {
	root, err := tlog.TreeHash(size, b)
	b.must(err)
	note, err := audit.Sign(b.secret, size, root)
	b.must(err)
	return note
}

func (b *book) checkpoint(size int64) audit.Checkpoint {
	cp, err := audit.OpenCheckpoint(b.signed(size), b.key)
	b.must(err)
	return cp
}

func (b *book) receipt(number, size int64) audit.Receipt {
	r := audit.NewReceipt(b.entries[number])
	proof, err := tlog.ProveRecord(size, number, b)
	b.must(err)
	r.Size, r.Proof, r.Checkpoint = size, proof, b.signed(size)
	text, err := json.Marshal(r)
	b.must(err)
	r, err = audit.ParseReceipt(text)
	b.must(err)
	return r
}

func TestReceiptsOfEverySize(t *testing.T) {
	b := newBook(t)
	for size := int64(1); size <= entries; size++ {
		cp := b.checkpoint(size)
		for number := range size {
			r := b.receipt(number, size)
			b.must(r.Verify(cp))
			if got, err := r.Entry(); err != nil || got.Number != number || got.ID != number+10 || string(got.Details) != string(b.entries[number].Details) {
				t.Fatalf("receipt %d of %d is of %+v, %v", number, size, got, err)
			}
			for _, other := range []int64{(number + 1) % size, (number + size/2) % size} {
				if wrong := r; other != number {
					if wrong.Number = other; wrong.Verify(cp) == nil {
						t.Errorf("the receipt of %d of %d is one of %d too", number, size, other)
					}
				}
			}
		}
	}
}

func TestReceiptsThatLie(t *testing.T) {
	b := newBook(t)
	const size = 37
	cp, text := b.checkpoint(size), `{"path":"other.csv"}`
	for name, change := range map[string]func(*audit.Receipt){
		"other details":   func(r *audit.Receipt) { r.Details = &text },
		"no salt":         func(r *audit.Receipt) { r.Salt = nil },
		"no details":      func(r *audit.Receipt) { r.Details = nil },
		"other leaf":      func(r *audit.Receipt) { r.Leaf = strings.Replace(r.Leaf, "operator", "server", 1) },
		"added member":    func(r *audit.Receipt) { r.Leaf = strings.Replace(r.Leaf, "{", `{"x":1,`, 1) },
		"no leaf":         func(r *audit.Receipt) { r.Leaf = "" },
		"beyond":          func(r *audit.Receipt) { r.Number = size },
		"before":          func(r *audit.Receipt) { r.Number = -1 },
		"other size":      func(r *audit.Receipt) { r.Size++ },
		"no proof":        func(r *audit.Receipt) { r.Proof = nil },
		"shorter proof":   func(r *audit.Receipt) { r.Proof = r.Proof[1:] },
		"proof reversed":  func(r *audit.Receipt) { slices.Reverse(r.Proof) },
		"other inclusion": func(r *audit.Receipt) { r.Proof[0][0]++ },
	} {
		r := b.receipt(5, size)
		if change(&r); r.Verify(cp) == nil {
			t.Errorf("a receipt with %s is believed", name)
		}
	}
	erased := b.receipt(5, size)
	erased.Salt, erased.Details, erased.Erased = nil, nil, 7
	b.must(erased.Verify(cp))
}

func TestConsistencyOfEverySize(t *testing.T) {
	b := newBook(t)
	for newer := int64(1); newer <= entries; newer++ {
		for older := int64(1); older <= newer; older++ {
			proof, err := tlog.ProveTree(newer, older, b)
			b.must(err)
			c := audit.Consistency{From: older, Size: newer, Proof: proof}
			from, to := b.checkpoint(older), b.checkpoint(newer)
			b.must(c.Verify(from, to))
			if older == newer {
				continue
			}
			if c.Verify(to, from) == nil {
				t.Errorf("a log of %d goes on to one of %d", newer, older)
			}
			if from.Root[0]++; c.Verify(from, to) == nil {
				t.Errorf("another log of %d goes on to this one of %d", older, newer)
			}
		}
	}
	if to := b.checkpoint(3); (audit.Consistency{}).Verify(audit.Checkpoint{Origin: "example.org/other"}, to) == nil {
		t.Error("a log goes on from another")
	}
}

func TestCheckpointsThatLie(t *testing.T) {
	b := newBook(t)
	good := b.signed(9)
	other, err := audit.NewKey("example.org/log")
	b.must(err)
	stranger, err := audit.VerifierKey(other)
	b.must(err)
	for name, tt := range map[string]struct{ note, key string }{
		"another key":    {good, stranger},
		"no key":         {good, ""},
		"a changed size": {strings.Replace(good, "\n9\n", "\n8\n", 1), b.key},
		"another origin": {strings.Replace(good, "example.org/log\n", "example.org/x\n", 1), b.key},
		"no signature":   {good[:strings.Index(good, "\n\n")+2], b.key},
		"nothing":        {"", b.key},
	} {
		if _, err := audit.OpenCheckpoint(tt.note, tt.key); err == nil {
			t.Errorf("a checkpoint with %s is believed", name)
		}
	}
	if _, err := audit.OpenCheckpoint(good, stranger, b.key); err != nil {
		t.Error(err)
	}
}
