// Package blob keeps the bytes of versions: immutable objects, each written
// once under a random key and removed as a whole. It knows nothing of files
// or versions; the rows that name objects live in the metadata store.
package blob

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

var (
	// ErrInvalidKey refuses a key that NewKey cannot have made.
	ErrInvalidKey = errors.New("invalid object key")
	// ErrNoSpace says that the store has no room left. What it wraps, if
	// anything, is the operating system's own error.
	ErrNoSpace = errors.New("no space left for objects")
	// ErrRange refuses a range that is not wholly inside the object.
	ErrRange = errors.New("range outside the object")
	// ErrTooLong refuses a body with more bytes than were declared.
	ErrTooLong = errors.New("body longer than declared")
)

// Object is what List and Stat say of a stored object.
type Object struct {
	Key     string
	Size    int64     // in bytes
	ModTime time.Time // when the last byte was written
}

// Store keeps objects. All methods may be called concurrently, refuse
// malformed keys with ErrInvalidKey and return the context's error when it
// is done before they are.
type Store interface {
	// Put stores exactly size bytes of r under key and returns when they
	// would survive a loss of power. It never overwrites: a key that exists,
	// or that another Put is writing, is refused with fs.ErrExist before r is
	// read. A short r gives io.ErrUnexpectedEOF, a longer one ErrTooLong, a
	// full store ErrNoSpace; an error of r is returned wrapped. After any
	// error nothing is visible under key.
	Put(ctx context.Context, key string, r io.Reader, size int64) error

	// Open returns length bytes from offset; length -1 means to the end, and
	// an empty range at the end is a range. A range that is not wholly inside
	// the object gives ErrRange, an absent object fs.ErrNotExist. The caller
	// closes the reader. It implements io.WriterTo, through which io.Copy
	// takes the fastest way the store has into the writer, and it keeps
	// reading to its end when the object is deleted meanwhile.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)

	// Stat describes the object under key, or returns fs.ErrNotExist.
	Stat(ctx context.Context, key string) (Object, error)

	// Delete removes the object under key and returns when the removal would
	// survive a loss of power. An absent object is no error.
	Delete(ctx context.Context, key string) error

	// List yields the whole objects whose key begins with prefix, all of them
	// for "", in ascending order of their keys, so that it can be merged with
	// a sorted list of rows. Objects put or deleted meanwhile may or may not
	// appear. An error ends the sequence.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
}

// Clearer is the ability of a store to remove all objects of many prefixes in one
// go, for less than what their list and Delete cost.
type Clearer interface {
	// Clear removes the objects of versions with these prefixes, and returns when
	// that would survive a loss of power. It tells of each prefix of which objects
	// may be left why; it can be repeated.
	Clear(ctx context.Context, prefixes []string) map[string]error
}

// Spacer is the ability of a store that can fill up to say how full it is.
type Spacer interface {
	// Free returns the bytes this process may still write and the bytes the
	// store has altogether.
	Free(ctx context.Context) (free, total uint64, err error)
}
