// Package mem keeps objects in memory, for servers that live as long as a
// test. Durable means there until the process ends.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreshed/coreshed/internal/blob"
)

// Store is a blob.Store in memory.
type Store struct {
	mu      sync.RWMutex
	objects map[string]object
	writing map[string]bool // keys that a Put is writing
}

type object struct {
	data    []byte // never changed
	modTime time.Time
}

// New returns an empty store.
func New() *Store {
	return &Store{objects: make(map[string]object), writing: make(map[string]bool)}
}

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	if !s.claim(key) {
		return fmt.Errorf("put object %s: %w", key, fs.ErrExist)
	}
	// Not as much as is declared, which may be a lie: as much as arrives.
	var b bytes.Buffer
	err := blob.CopyExactly(ctx, &b, r, size, make([]byte, 64<<10))

	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.writing, key)
	if err != nil {
		return fmt.Errorf("put object %s: %w", key, err)
	}
	s.objects[key] = object{b.Bytes(), time.Now()}
	return nil
}

func (s *Store) claim(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists := s.objects[key]; exists || s.writing[key] {
		return false
	}
	s.writing[key] = true
	return true
}

// Open implements blob.Store.
func (s *Store) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	o, err := s.get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("open object: %w", err)
	}
	n, err := blob.RangeLength(int64(len(o.data)), offset, length)
	if err != nil {
		return nil, fmt.Errorf("open object %s: %w", key, err)
	}
	return reader{bytes.NewReader(o.data[offset : offset+n])}, nil
}

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, key string) (blob.Object, error) {
	o, err := s.get(ctx, key)
	if err != nil {
		return blob.Object{}, fmt.Errorf("stat object: %w", err)
	}
	return blob.Object{Key: key, Size: int64(len(o.data)), ModTime: o.modTime}, nil
}

func (s *Store) get(ctx context.Context, key string) (object, error) {
	if err := check(ctx, key); err != nil {
		return object{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, exists := s.objects[key]
	if !exists {
		return object{}, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return o, nil
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
	return nil
}

// List implements blob.Store.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[blob.Object, error] {
	return func(yield func(blob.Object, error) bool) {
		for _, o := range s.snapshot(prefix) {
			if err := ctx.Err(); err != nil {
				yield(blob.Object{}, err)
				return
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (s *Store) snapshot(prefix string) []blob.Object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var list []blob.Object
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(key, prefix) {
			o := s.objects[key]
			list = append(list, blob.Object{Key: key, Size: int64(len(o.data)), ModTime: o.modTime})
		}
	}
	return list
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return blob.ValidKey(key)
}
