package coreshed

import "time"

// Trust says that a version must not be relied on, or that something it was made
// from must not. The zero Trust is neither.
type Trust struct {
	State TrustState

	// Of a bad one: why, since when, and who says so.
	Reason   string
	MarkedAt time.Time
	MarkedBy Person

	// From are the bad versions that it was made from, by row id, sorted. Those
	// that the caller may not see are counted as Hidden.
	From   []int64
	Hidden int64
}

// TrustState is how far a version can be relied on.
type TrustState string

// The states. What is bad itself is not called stale.
const (
	Trusted TrustState = ""
	Bad     TrustState = "bad"
	Stale   TrustState = "stale"
)
