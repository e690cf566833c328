package coreshed

import "time"

// Scrub is a round in which all bytes of Coreshed's own store are read and compared
// with the SHA-256 that was recorded of them.
type Scrub struct {
	ID       int64 // rounds are numbered
	BeganAt  time.Time
	EndedAt  time.Time // zero while it goes on
	Versions int64     // that were read
	Bytes    int64     // that were read and are what was recorded
	Of       int64     // bytes that are kept, while it goes on; else Bytes
	Damaged  int64     // versions whose bytes are not what was recorded, or not there
	Unread   int64     // versions that could not be read now
}
