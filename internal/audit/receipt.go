package audit

import (
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/coreshed/coreshed"
)

// Receipt shows that an entry is in the log, to whoever has a checkpoint of that
// size or the key that signed the one in it: no database is needed.
type Receipt struct {
	Number  int64            `json:"number"`
	Leaf    string           `json:"leaf"`
	Salt    []byte           `json:"salt"`                // null once the details are erased
	Details *string          `json:"details"`             // as they were committed to, JSON; null once erased
	Erased  int64            `json:"erased_by,omitempty"` // the purge that did, by the subject of its entries
	Size    int64            `json:"size"`                // of the tree that the proof is of
	Proof   tlog.RecordProof `json:"proof"`

	// Checkpoint is a signed one of that size, "" when the log has signed none.
	Checkpoint string `json:"checkpoint,omitempty"`
}

// maxReceipt bounds what is read as a receipt.
const maxReceipt = 1 << 20

// NewReceipt is the receipt of an entry that has a number, without a proof.
func NewReceipt(e coreshed.AuditEntry) Receipt {
	r := Receipt{Number: e.Number, Leaf: string(Leaf(e)), Salt: e.Salt, Erased: e.ErasedBy}
	if e.Details != nil {
		text := string(e.Details)
		r.Details = &text
	}
	return r
}

// ParseReceipt reads a receipt. What it says has yet to be proven by Verify.
func ParseReceipt(text []byte) (Receipt, error) {
	var r Receipt
	if len(text) > maxReceipt {
		return r, errors.New("a receipt is never that long")
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("it is no receipt: %w", err)
	}
	return r, nil
}

// Entry is the entry that the receipt is of.
func (r Receipt) Entry() (coreshed.AuditEntry, error) {
	e, err := ParseLeaf([]byte(r.Leaf))
	if e.Number, e.Salt, e.ErasedBy = r.Number, r.Salt, r.Erased; r.Details != nil {
		e.Details = json.RawMessage(*r.Details)
	}
	return e, err
}

// Verify fails unless the entry stands at its number in the tree of the
// checkpoint, and its details are those that were committed to, or erased.
func (r Receipt) Verify(c Checkpoint) error {
	e, err := r.Entry()
	switch {
	case err != nil:
		return err
	case !Kept(e):
		return errors.New("the details are not those that the entry was written with")
	case r.Size != c.Size:
		return fmt.Errorf("the receipt is for the checkpoint of size %d, this one is of size %d: ask for it with that checkpoint", r.Size, c.Size)
	case r.Number < 0 || r.Number >= c.Size:
		return fmt.Errorf("the log of the checkpoint has no entry %d", r.Number)
	}
	if tlog.CheckRecord(r.Proof, c.Size, c.Root, r.Number, LeafHash([]byte(r.Leaf))) != nil {
		return errors.New("the entry is not in the log of the checkpoint")
	}
	return nil
}

// Consistency shows that the log of a checkpoint is the beginning of a later
// one's.
type Consistency struct {
	From  int64          `json:"from"`
	Size  int64          `json:"size"`
	Proof tlog.TreeProof `json:"proof"`

	// Checkpoint is the later one, signed.
	Checkpoint string `json:"checkpoint"`
}

// Verify fails unless the older log is the beginning of the newer.
func (c Consistency) Verify(older, newer Checkpoint) error {
	if older.Origin != newer.Origin {
		return errors.New("the checkpoints are of two logs")
	}
	if older.Size > newer.Size {
		return fmt.Errorf("the log has lost entries: it had %d, and now %d", older.Size, newer.Size)
	}
	if older.Size == 0 {
		return nil
	}
	if tlog.CheckTree(c.Proof, newer.Size, newer.Root, older.Size, older.Root) != nil {
		return errors.New("the log was rewritten: the older checkpoint is not of its beginning")
	}
	return nil
}
