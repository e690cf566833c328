package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// List implements Broker. Links to files in the folder are files; links to
// folders are not followed.
func (f *folder) List(ctx context.Context, l Listing, fn func(Object) error) error {
	dir := strings.TrimSuffix(l.Prefix[:strings.LastIndexByte(l.Prefix, '/')+1], "/")
	if dir != "" {
		if err := checkPath(dir); err != nil {
			return err
		}
	}
	root, err := f.open()
	if err != nil {
		return fmt.Errorf("list folder: %w", err)
	}
	defer root.Close()
	w := walk{ctx: ctx, root: root, Listing: l, fn: fn, batch: f.batch}
	if err := w.folder(dir); err != nil {
		return err
	}
	if w.refused != nil {
		return fmt.Errorf("list folder: not all of it could be read: %w", bare(w.refused))
	}
	return nil
}

// walk is a List of a folder that runs.
type walk struct {
	Listing
	ctx     context.Context
	root    *os.Root
	batch   int // how many names are in memory
	fn      func(Object) error
	refused error // the first part that could not be read
}

// folder lists a folder and what lies below it. A folder's name counts with its
// slash, which gives the order of whole paths.
func (w *walk) folder(dir string) error {
	here, err := w.root.OpenRoot(path.Join(".", dir))
	if err != nil {
		return w.pass(err)
	}
	defer here.Close()
	base := ""
	if dir != "" {
		base = dir + "/"
	}
	for last := ""; ; {
		names, err := w.names(here, base, last)
		if err != nil {
			return w.pass(err)
		}
		for _, name := range names {
			if err := w.visit(here, base, name); err != nil {
				return err
			}
		}
		if len(names) < w.batch {
			return nil
		}
		last = names[len(names)-1]
	}
}

// pass goes on without a part that has gone or that may not be read.
func (w *walk) pass(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrPermission):
		if w.refused == nil {
			w.refused = err
		}
		return nil
	}
	return fmt.Errorf("list folder: %w", bare(err))
}

// batch is how many names of a folder are in memory at a time, or at most twice
// as many while they are chosen: some 30 MB. A larger folder is read once for
// each batch, a million names eight times.
const batch = 1 << 17

// names returns, in order, the first names after last that are wanted.
func (w *walk) names(here *os.Root, base, last string) ([]string, error) {
	opened, err := here.Open(".")
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	dir, err := plain(opened)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var names []string
	bound := "" // names beyond it are for a later batch
	for {
		if err := w.ctx.Err(); err != nil {
			return nil, err
		}
		entries, err := dir.ReadDir(1024)
		for _, e := range entries {
			name := keyName(e)
			if name > last && (bound == "" || name < bound) && w.wanted(base, name) {
				names = append(names, name)
			}
		}
		if len(names) >= 2*w.batch || err != nil {
			slices.Sort(names)
			names = names[:min(len(names), w.batch)]
			if len(names) == w.batch {
				bound = names[w.batch-1]
			}
		}
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func keyName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// wanted reports whether a name is, or leads to, what is listed.
func (w *walk) wanted(base, name string) bool {
	key := base + name
	if strings.HasSuffix(name, "/") {
		leads := strings.HasPrefix(key, w.Prefix) || strings.HasPrefix(w.Prefix, key)
		return w.Recursive && leads && (key > w.After || strings.HasPrefix(w.After, key))
	}
	return strings.HasPrefix(key, w.Prefix) && key > w.After && !temporary(name)
}

func (w *walk) visit(here *os.Root, base, name string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if sub, ok := strings.CutSuffix(name, "/"); ok {
		return w.folder(base + sub)
	}
	info, err := here.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if info, err = w.root.Stat(base + name); err != nil {
			return nil // leads out of the folder, or nowhere
		}
	}
	if err != nil {
		return w.pass(err)
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	return w.fn(objectOf(base+name, info))
}
