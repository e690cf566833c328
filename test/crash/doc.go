// Package crash kills the real binary at each of the system calls with which
// it uploads, commits, deletes and restores, starts it again, and looks at what
// is there: everything that was acknowledged, bit for bit; of the rest each
// request wholly or not at all; no row without bytes, and in the end no bytes
// without a row.
//
// TestKillPoints kills it at moments that the source names instead, with
// internal/killpoint, in a binary that is built with the tag killpoints.
//
// A killed process loses nothing that it has handed to the kernel. What a loss
// of power takes besides is up to the syncs, whose order internal/blob/disk and
// SQLite explain; this package does not see it.
//
// The tests are behind the build tag ring2, and need Linux: they stop the
// server at its system calls with ptrace.
package crash
