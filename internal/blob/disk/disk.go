// Package disk keeps objects as files of one folder:
//
//	<first two characters of the prefix>/<prefix>.<name>
//
// with the suffix ".tmp" while they are written. The fan-out folders, one for
// each pair of characters, are made when the store is opened, so that a small
// object costs one sync of its file and at most one, shared, of its folder.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/coreshed/coreshed/internal/blob"
)

// chunk is how much a Put holds in memory. Measured: larger chunks gain
// nothing, and below 64 KiB the system calls show.
const chunk = 256 << 10

const tempSuffix = ".tmp"

// Store is a blob.Store and a blob.Spacer on a local file system. Its folder
// must not be shared with another running Store: Sweep knows only its own
// writers.
type Store struct {
	root    *os.Root
	folders map[string]*folder
	writing sync.Map // keys that a Put of this Store is writing
	buffers sync.Pool
}

// Open opens the store in dir, and makes what is missing of dir and of its
// fan-out folders. The parents of dir must exist. The caller closes the
// store when no method runs any more.
func Open(dir string) (*Store, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make object folder: %w", err)
	}
	// os.Root costs two system calls an open more than plain paths, which is
	// lost beside a sync or an HTTP request. It keeps a symlink from leading
	// out of the store and lets Windows delete a file that is being read.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open object folder: %w", err)
	}
	s := &Store{root: root, folders: make(map[string]*folder)}
	s.buffers.New = func() any { return new([chunk]byte) }
	if err := s.makeFolders(dir); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return s, nil
}

// Close releases the folder.
func (s *Store) Close() error { return s.root.Close() }

// makeFolders syncs the folders above the fan-out folders even if it made
// none: a run that was killed may have made them and not come to the sync.
func (s *Store) makeFolders(dir string) error {
	for _, a := range blob.Alphabet {
		for _, b := range blob.Alphabet {
			name := string(a) + string(b)
			if err := s.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("make object folder: %w", err)
			}
			s.folders[name] = &folder{path: filepath.Join(dir, name)}
		}
	}
	for _, made := range []string{dir, filepath.Dir(dir)} {
		if err := syncFolder(made); err != nil {
			return fmt.Errorf("sync object folder: %w", err)
		}
	}
	return nil
}

// path returns where the object of a valid key lies below the root.
func path(key string) string {
	return key[:2] + "/" + strings.Replace(key, "/", ".", 1)
}

// Open implements blob.Store.
func (s *Store) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := check(ctx, key); err != nil {
		return nil, err
	}
	f, err := s.root.Open(path(key))
	if err != nil {
		return nil, fmt.Errorf("open object: %w", err)
	}
	r, err := newReader(f, offset, length)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open object %s: %w", key, err), f.Close())
	}
	return r, nil
}

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, key string) (blob.Object, error) {
	if err := check(ctx, key); err != nil {
		return blob.Object{}, err
	}
	info, err := s.root.Lstat(path(key))
	if err != nil {
		return blob.Object{}, fmt.Errorf("stat object: %w", err)
	}
	return blob.Object{Key: key, Size: info.Size(), ModTime: info.ModTime()}, nil
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	if err := s.root.Remove(path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete object: %w", err)
	}
	// Also when it was absent: whoever removed it may not have synced yet.
	if err := s.folders[key[:2]].sync(); err != nil {
		return fmt.Errorf("sync deletion of object %s: %w", key, err)
	}
	return nil
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return blob.ValidKey(key)
}
