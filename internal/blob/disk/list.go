package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coreshed/coreshed/internal/blob"
)

// List implements blob.Store. It holds the names of one fan-out folder at a
// time. Folders in order of their names, and names in order within them, are
// keys in order.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[blob.Object, error] {
	return func(yield func(blob.Object, error) bool) {
		for name, err := range s.names(ctx, prefix) {
			if err != nil {
				yield(blob.Object{}, err)
				return
			}
			key := keyOf(name)
			if blob.ValidKey(key) != nil || !strings.HasPrefix(key, prefix) {
				continue
			}
			o, err := s.Stat(ctx, key)
			if errors.Is(err, fs.ErrNotExist) {
				continue // deleted since its folder was read
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// Sweep removes the temporary files that Puts of earlier runs left behind and
// returns how many. It leaves those that were modified at or after olderThan
// and those that this Store is writing, however slowly. An error ends it; it
// can be repeated.
func (s *Store) Sweep(ctx context.Context, olderThan time.Time) (int, error) {
	removed := 0
	for name, err := range s.names(ctx, "") {
		if err != nil {
			return removed, err
		}
		key, temporary := strings.CutSuffix(keyOf(name), tempSuffix)
		if !temporary || blob.ValidKey(key) != nil {
			continue
		}
		swept, err := s.sweep(key, olderThan)
		if err != nil {
			return removed, fmt.Errorf("sweep %s: %w", name, err)
		}
		if swept {
			removed++
		}
	}
	return removed, nil
}

// sweep needs no lock: while an abandoned file is there no Put can begin to
// write its key, and one that had begun before is found in s.writing.
func (s *Store) sweep(key string, olderThan time.Time) (bool, error) {
	if _, busy := s.writing.Load(key); busy {
		return false, nil
	}
	temp := path(key) + tempSuffix
	info, err := s.root.Lstat(temp)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || !info.ModTime().Before(olderThan) {
		return false, err
	}
	if err := s.root.Remove(temp); err != nil {
		return false, err
	}
	return true, nil
}

// keyOf undoes path, as far as name is the name of an object.
func keyOf(name string) string { return strings.Replace(name, ".", "/", 1) }

// names yields in order the names of the files in those fan-out folders that
// may hold keys with prefix.
func (s *Store) names(ctx context.Context, prefix string) iter.Seq2[string, error] {
	pair := prefix[:min(2, len(prefix))]
	return func(yield func(string, error) bool) {
		for _, dir := range slices.Sorted(maps.Keys(s.folders)) {
			if !strings.HasPrefix(dir, pair) {
				continue
			}
			names, err := s.readFolder(ctx, dir)
			if err != nil {
				yield("", fmt.Errorf("list objects: %w", err))
				return
			}
			for _, name := range names {
				if !yield(name, nil) {
					return
				}
			}
		}
	}
}

func (s *Store) readFolder(ctx context.Context, dir string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := s.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no object has come here yet
	}
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, errors.Join(err, f.Close())
}
