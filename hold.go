package coreshed

import "time"

// Hold forbids to delete and to purge what it protects, by every door, until it
// is lifted or ends. Whoever sees the workspace sees it; an owner sets and lifts
// it.
type Hold struct {
	ID        int64
	Workspace EntryWorkspace // of what is held
	Kind      HoldKind

	// File is held, or one version of it, and Path where it is: "" once it is no
	// more. A workspace is held with all that is, and comes to be, in it.
	File    UUID
	Path    string
	Version int64 // row id

	// Direction says what else a version's hold protects: all that it was made
	// from, all that was made from it, Both, or nothing.
	Direction Direction

	Reason    string
	CreatedAt time.Time
	CreatedBy Person
	Until     time.Time // when it ends by itself; zero is never
	LiftedAt  time.Time // zero while it is not
	LiftedBy  Person
}

// HoldKind is what a hold is on.
type HoldKind string

// The kinds.
const (
	HoldVersion   HoldKind = "version"
	HoldFile      HoldKind = "file" // with all its versions, later ones too
	HoldWorkspace HoldKind = "workspace"
)

// InForce reports whether the hold protects anything at a time.
func (h Hold) InForce(at time.Time) bool {
	return h.LiftedAt.IsZero() && (h.Until.IsZero() || h.Until.After(at))
}

// HeldBy is the hold that keeps a file from being deleted and purged: its own, one
// on a version of it, its workspace's, or one that it inherits by lineage. To whoever
// does not see the hold it is zero.
type HeldBy struct {
	Hold   int64
	Reason string
}

// MaxHoldReason is the longest reason of a hold or a mark of distrust, in bytes.
const MaxHoldReason = 2000
