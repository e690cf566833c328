package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/killpoint"
)

// foldersAtOnce is how many fan-out folders Clear works on at a time: syncs that
// wait together share what the file system writes for them.
const foldersAtOnce = 16

// Clear implements blob.Clearer: each fan-out folder is read once and synced once.
func (s *Store) Clear(ctx context.Context, prefixes []string) map[string]error {
	failed := map[string]error{}
	byFolder := map[string]map[string]bool{}
	for _, p := range prefixes {
		if err := blob.ValidPrefix(p); err != nil {
			failed[p] = err
			continue
		}
		if byFolder[p[:2]] == nil {
			byFolder[p[:2]] = map[string]bool{}
		}
		byFolder[p[:2]][p] = true
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(foldersAtOnce)
	for dir, wanted := range byFolder {
		g.Go(func() error {
			of, err := s.clearFolder(ctx, dir, wanted)
			mu.Lock()
			defer mu.Unlock()
			for p := range wanted {
				if e := errors.Join(of[p], err); e != nil {
					failed[p] = e
				}
			}
			return nil
		})
	}
	g.Wait() //nolint:errcheck // what failed is in failed
	return failed
}

// clearFolder removes the objects of some prefixes from their folder. It tells of
// which that failed, or of all.
func (s *Store) clearFolder(ctx context.Context, dir string, wanted map[string]bool) (map[string]error, error) {
	names, err := s.readFolder(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("list objects: %w", err)
	}
	failed := map[string]error{}
	for _, name := range names {
		key := keyOf(name)
		prefix, _, _ := strings.Cut(key, "/")
		if !wanted[prefix] || blob.ValidKey(key) != nil {
			continue
		}
		if err := s.root.Remove(path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed[prefix] = fmt.Errorf("delete object: %w", err)
		}
		killpoint.Reach("purge.object.gone")
	}
	killpoint.Reach("purge.folder.unsynced")
	// Also when there was none: whoever removed it may not have synced yet.
	if err := s.folders[dir].sync(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed, fmt.Errorf("sync deletion of objects: %w", err)
	}
	return failed, nil
}
