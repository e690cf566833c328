// Package audit is the form of the audit log: what a leaf of its tree holds, how
// checkpoints are signed, and what shows that a log is whole. It knows no
// database; the store keeps the log.
//
// The log is a Merkle tree as in RFC 6962, its checkpoints are notes in the form
// of C2SP's tlog-checkpoint. Names are no part of it: a leaf holds the SHA-256 of
// a salt and the details, so that details can be erased and the tree stays what
// it is.
package audit

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/coreshed/coreshed"
)

// Hash is a hash of the tree.
type Hash = tlog.Hash

// leaf is what the tree holds of an entry. Its JSON, with the members in this
// order, is the record that is hashed.
type leaf struct {
	Form       int                   `json:"coreshed_audit"`
	ID         int64                 `json:"id"`
	At         int64                 `json:"at"` // microseconds
	Org        int64                 `json:"organisation"`
	Actor      string                `json:"actor"`
	Action     coreshed.AuditAction  `json:"action"`
	Kind       coreshed.AuditKind    `json:"kind"`
	Subject    int64                 `json:"subject"`
	Workspace  int64                 `json:"workspace"`
	Outcome    coreshed.AuditOutcome `json:"outcome"`
	Commitment []byte                `json:"details_sha256"`
}

// form is the version of leaf.
const form = 1

// Leaf returns the record of an entry: all of it but its number, its salt and
// its details.
func Leaf(e coreshed.AuditEntry) []byte {
	text, err := json.Marshal(leaf{
		form, e.ID, e.At.UnixMicro(), e.Org, e.Actor, e.Action, e.Kind, e.Subject, e.Workspace, e.Outcome, e.Commitment,
	})
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return text
}

// LeafHash is the hash of a leaf in the tree.
func LeafHash(leaf []byte) Hash { return tlog.RecordHash(leaf) }

// ParseLeaf reads a leaf that Leaf has made, and nothing else.
func ParseLeaf(text []byte) (coreshed.AuditEntry, error) {
	var l leaf
	if err := json.Unmarshal(text, &l); err != nil {
		return coreshed.AuditEntry{}, errors.New("the leaf is not JSON of its form")
	}
	e := coreshed.AuditEntry{
		ID: l.ID, At: time.UnixMicro(l.At).UTC(), Org: l.Org, Actor: l.Actor, Action: l.Action,
		Kind: l.Kind, Subject: l.Subject, Workspace: l.Workspace, Outcome: l.Outcome, Commitment: l.Commitment,
	}
	if l.Form != form || !bytes.Equal(Leaf(e), text) {
		return coreshed.AuditEntry{}, fmt.Errorf("the leaf is not in form %d", form)
	}
	return e, nil
}

// NewSalt makes a salt, without which nobody can find out details by trying.
func NewSalt() []byte {
	salt := make([]byte, 16)
	rand.Read(salt)
	return salt
}

// Commit is the commitment to details.
func Commit(salt, details []byte) []byte {
	h := sha256.New()
	h.Write(salt)
	h.Write(details)
	return h.Sum(nil)
}

// Kept reports whether the details are those that were committed to, or have
// been erased.
func Kept(e coreshed.AuditEntry) bool {
	return e.Salt == nil && e.Details == nil || bytes.Equal(Commit(e.Salt, e.Details), e.Commitment)
}
