package disk

import (
	"io"
	"os"

	"github.com/coreshed/coreshed/internal/blob"
)

// reader is a range of an object. WriteTo hands net/http an
// *io.LimitedReader over the *os.File itself, the one shape besides the file
// that it passes on to sendfile.
type reader struct {
	io.LimitedReader
	file *os.File
}

func newReader(f *os.File, offset, length int64) (*reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	n, err := blob.RangeLength(info.Size(), offset, length)
	if err != nil {
		return nil, err
	}
	if offset > 0 {
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			return nil, err
		}
	}
	return &reader{io.LimitedReader{R: f, N: n}, f}, nil
}

// WriteTo implements io.WriterTo.
func (r *reader) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, &r.LimitedReader) }

// Close implements io.Closer.
func (r *reader) Close() error { return r.file.Close() }
