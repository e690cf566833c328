// Package disk keeps objects as files of one folder:
//
//	<first two characters of the prefix>/<prefix>.<name>
//
// with the suffix ".tmp" while they are written. No version has a folder of
// its own, so that a small object costs one sync of its file and at most one,
// shared, of its fan-out folder.
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

// chunk is how much of a body a Put holds in memory. From 64 to 256 KiB the
// speed was the same within the noise.
const chunk = 128 << 10

const tempSuffix = ".tmp"

// Store is a blob.Store and a blob.Spacer on a local file system. Its folder
// must not be shared with another running Store: Sweep knows only its own
// writers.
type Store struct {
	root    *os.Root
	top     *folder
	folders map[string]*folder // by the first two characters of the key
	writing sync.Map           // keys that a Put of this Store is writing
	buffers sync.Pool
}

// Open opens the store in dir, which it makes if need be; the parent of dir
// must exist. The caller closes the store when no method runs any more.
func Open(dir string) (*Store, error) {
	dir = filepath.Clean(dir) // or a trailing slash would hide its parent
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make object folder: %w", err)
	}
	// os.Root costs two system calls an open more than plain paths, about a
	// microsecond, which is lost beside a sync or an HTTP request. It keeps a
	// symlink from leading out of the store and lets Windows delete a file
	// that is being read.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open object folder: %w", err)
	}
	s := &Store{root: root, top: &folder{path: dir}, folders: make(map[string]*folder)}
	s.buffers.New = func() any { return new([chunk]byte) }
	if err := s.knowFolders(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return s, nil
}

// Close releases the folder.
func (s *Store) Close() error { return s.root.Close() }

// knowFolders finds the fan-out folders that earlier runs made. It syncs the
// names of these and of the store's own folder, because a run that was killed
// may not have come to that.
func (s *Store) knowFolders() error {
	for _, a := range blob.Alphabet {
		for _, b := range blob.Alphabet {
			name := string(a) + string(b)
			f := &folder{path: filepath.Join(s.top.path, name)}
			info, err := s.root.Lstat(name)
			f.made = err == nil && info.IsDir()
			s.folders[name] = f
		}
	}
	for _, path := range []string{s.top.path, filepath.Dir(s.top.path)} {
		if err := syncFolder(path); err != nil {
			return fmt.Errorf("sync object folder: %w", err)
		}
	}
	return nil
}

// makeFolder makes the fan-out folder of key if it is the first to go there.
func (s *Store) makeFolder(key string) error {
	f := s.folders[key[:2]]
	f.making.Lock()
	defer f.making.Unlock()
	if f.made {
		return nil
	}
	if err := s.root.Mkdir(key[:2], 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// The folder's own name lives in the folder above.
	if err := s.top.sync(); err != nil {
		return err
	}
	f.made = true
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
	// Also when it was absent: whoever removed it may not have synced yet. But
	// a folder that is not there never held it.
	if err := s.folders[key[:2]].sync(); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
