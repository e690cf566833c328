package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/coreshed/coreshed/internal/blob"
)

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	// Sweep leaves alone what is listed here.
	if _, busy := s.writing.LoadOrStore(key, nil); busy {
		return fmt.Errorf("put object %s: %w", key, fs.ErrExist)
	}
	defer s.writing.Delete(key)
	if err := s.put(ctx, key, r, size); err != nil {
		if isNoSpace(err) {
			err = fmt.Errorf("%w: %w", blob.ErrNoSpace, err)
		}
		return fmt.Errorf("put object %s: %w", key, err)
	}
	return nil
}

func (s *Store) put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := s.makeFolder(key); err != nil {
		return err
	}
	name := path(key)
	temp := name + tempSuffix
	// The temporary name is derived from the key and made with O_EXCL, so it
	// is also the claim on the key: between the look at the final name and
	// the rename nobody else can come, and rename never replaces anything.
	f, err := s.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := s.fill(ctx, f, name, r, size); err != nil {
		return errors.Join(err, f.Close(), s.root.Remove(temp))
	}
	// Close before the rename: Windows moves no open file, and network file
	// systems may report a failed write only now.
	if err := f.Close(); err != nil {
		return errors.Join(err, s.root.Remove(temp))
	}
	// Rename only what is whole and synced, so that the final name never
	// shows less, not even after a crash.
	if err := s.root.Rename(temp, name); err != nil {
		return errors.Join(err, s.root.Remove(temp))
	}
	// The new name itself lives in the folder, which has a sync of its own.
	if err := s.folders[key[:2]].sync(); err != nil {
		return errors.Join(err, s.root.Remove(name))
	}
	return nil
}

// fill writes the body into f and syncs it.
func (s *Store) fill(ctx context.Context, f *os.File, name string, r io.Reader, size int64) error {
	switch _, err := s.root.Lstat(name); {
	case err == nil:
		return fs.ErrExist
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	buf := s.buffers.Get().(*[chunk]byte)
	defer s.buffers.Put(buf)
	if err := blob.CopyExactly(ctx, &writeBehind{file: f}, r, size, buf[:]); err != nil {
		return err
	}
	// Before the rename, or a crash could leave a whole name on missing
	// bytes. A failed sync is final: the kernel may have dropped the pages
	// and would call a second one a success.
	return f.Sync()
}
