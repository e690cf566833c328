// Package broker reaches folders and buckets that others own: where files lie
// that the catalogue registers in place. It knows nothing of files, versions or
// workspaces.
//
// Paths are relative to the folder, or the bucket's keys, with slashes, in the
// bytes that are there: not always UTF-8. Errors name no path, so that they can
// be logged.
package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

var (
	// ErrChanged says that a file is not what it was when it was opened or found.
	ErrChanged = errors.New("the file is not what it was")
	// ErrUnavailable says that nothing can be said of a file, since the folder
	// or bucket as a whole is not there: not mounted, not reachable.
	ErrUnavailable = errors.New("the folder or bucket cannot be reached")
	// ErrEmpty is ErrUnavailable for a folder in which there is nothing at all.
	ErrEmpty = fmt.Errorf("%w: the folder is empty, as one that is not mounted", ErrUnavailable)
)

// Object is a file in a folder or bucket, as it is at a moment.
type Object struct {
	Path     string
	Size     int64
	Modified time.Time
	ETag     string // without quotes; "" in a folder
}

// Same reports whether o, found later, has the bytes that was had, as far as
// size and ETag, else size and time of modification, tell.
func (o Object) Same(was Object) bool {
	if o.Size != was.Size {
		return false
	}
	if o.ETag != "" || was.ETag != "" {
		return o.ETag == was.ETag
	}
	return o.Modified.Equal(was.Modified)
}

// Listing says which objects are wanted.
type Listing struct {
	Prefix    string // of the path, not only of whole segments
	After     string // only paths after this one
	Recursive bool   // also those with a slash after the prefix
}

// PutOptions are what may be said of an object that is put.
type PutOptions struct {
	MediaType string // a folder keeps none
	Replace   bool   // what is there already
}

// Broker is a folder or a bucket. All methods may be called concurrently and
// end when their context does. What is absent is fs.ErrNotExist; a path that no
// object can have is coreshed.InvalidPath; ErrUnavailable when all of it is out
// of reach.
type Broker interface {
	// List calls fn for each object, in the order of the paths' bytes, so that
	// it can go on from any of them. It holds a bounded number of names in
	// memory. Objects that come or go meanwhile may or may not appear. An error
	// of fn ends it. Parts that may not be read are passed over, and end it with
	// fs.ErrPermission after all the others.
	List(ctx context.Context, l Listing, fn func(Object) error) error

	// Open finds an object. The caller closes it.
	Open(ctx context.Context, path string) (File, error)

	// Put stores exactly size bytes of r and returns when they would survive a
	// loss of power. What is there already is fs.ErrExist, unless it is to be
	// replaced. After any error nothing new is seen at the path.
	Put(ctx context.Context, path string, r io.Reader, size int64, o PutOptions) (Object, error)

	// Move gives an object another path, durably: fs.ErrExist when one is there.
	// Repeated after it was cut short, it ends as if it had not been.
	Move(ctx context.Context, from, to string) (Object, error)

	// Delete removes an object, durably. An absent one is no error.
	Delete(ctx context.Context, path string) error

	// Erase is Delete for good, of what is still as it was. From a bucket that
	// keeps versions it removes all of the key that have those bytes, and when no
	// other is left also what marks the key as deleted. Others at the path stay.
	Erase(ctx context.Context, was Object) error
}

// File is an open object.
type File interface {
	// Object is what it was when it was opened.
	Object() Object
	// Range returns length bytes from offset, which must lie inside it. The
	// reader implements io.WriterTo, through which io.Copy takes the fastest way
	// into the writer. ErrChanged when the object is known to be another by now.
	Range(ctx context.Context, offset, length int64) (io.ReadCloser, error)
	// Check returns ErrChanged when what was read may not have been Object.
	Check(ctx context.Context) error
	io.Closer
}

// erase is Erase where no versions are kept.
func erase(ctx context.Context, b Broker, was Object) error {
	f, err := b.Open(ctx, was.Path)
	if Absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	same := f.Object().Same(was)
	if err := f.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	if !same {
		return nil // another has put it there
	}
	return b.Delete(ctx, was.Path)
}

// ReadAll opens the object at path and reads it whole, if it has at most limit
// bytes.
func ReadAll(ctx context.Context, b Broker, path string, limit int64) ([]byte, error) {
	f, err := b.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := f.Object().Size
	if size > limit {
		return nil, fmt.Errorf("read object: its %d bytes are more than %d", size, limit)
	}
	r, err := f.Range(ctx, 0, size)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read object: %w", bare(err))
	}
	return body, f.Check(ctx)
}

// Absent reports whether an error says that an object is not there, in a folder
// or bucket that is.
func Absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrUnavailable)
}

// bare takes the path out of an error of the operating system.
func bare(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return fmt.Errorf("%s: %w", path.Op, path.Err)
	case errors.As(err, &link):
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	}
	return err
}
