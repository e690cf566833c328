package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
)

// folder is a folder of the host, below one that the operator allows. Whatever
// lies in it, links too, leads no further than that. It keeps nothing open: the
// folder may be mounted anew at any time.
type folder struct {
	base  string // the allowed one, absolute, links resolved
	rel   string // below it, or "."
	batch int    // how many names a list has in memory
}

// open opens the folder as it is now.
func (f *folder) open() (*os.Root, error) {
	base, err := os.OpenRoot(f.base)
	if err != nil {
		return nil, unavailable(err)
	}
	if f.rel == "." {
		return base, nil
	}
	defer base.Close()
	root, err := base.OpenRoot(f.rel)
	if err != nil {
		return nil, unavailable(err)
	}
	return root, nil
}

// unavailable tells of a cause without being it: that a folder is not there does
// not say that its files are not.
func unavailable(cause error) error {
	return fmt.Errorf("%w: %s", ErrUnavailable, bare(cause).Error())
}

// with calls fn with the folder open and name checked.
func (f *folder) with(ctx context.Context, name string, fn func(*os.Root) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkPath(name); err != nil {
		return err
	}
	root, err := f.open()
	if err != nil {
		return err
	}
	defer root.Close()
	return fn(root)
}

// checkPath fails with InvalidPath for what names no file in a folder.
func checkPath(name string) error {
	if strings.IndexByte(name, 0) >= 0 || name == "." || name != path.Clean(name) || !filepath.IsLocal(filepath.FromSlash(name)) {
		return coreshed.Errorf(coreshed.InvalidPath, "The path names no file in the folder.")
	}
	return nil
}

// folderFile is a File of a folder.
type folderFile struct {
	*os.File
	object Object
}

// Open implements Broker.
func (f *folder) Open(ctx context.Context, name string) (File, error) {
	var file *folderFile
	err := f.with(ctx, name, func(root *os.Root) (err error) {
		file, err = openRegular(root, name)
		return f.absent(root, err)
	})
	if err != nil {
		return nil, fmt.Errorf("open file: %w", bare(err))
	}
	return file, nil
}

// openRegular opens a regular file. What is something else is as good as
// absent, and is not opened: to open a pipe waits for its writer.
func openRegular(root *os.Root, name string) (*folderFile, error) {
	info, err := root.Stat(name)
	if err != nil && leadsOut(err) {
		return nil, fmt.Errorf("%w: it leads out of the folder", fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a regular file", fs.ErrNotExist)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &folderFile{file, objectOf(name, info)}, nil
}

// leadsOut reports whether os.Root has refused a link. It says so in words
// alone.
func leadsOut(err error) bool { return strings.HasSuffix(err.Error(), "escapes from parent") }

// absent makes of an absent file ErrUnavailable if the whole folder is empty:
// it is what a folder looks like whose volume is not mounted.
func (f *folder) absent(root *os.Root, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir, openErr := root.Open(".")
	if openErr != nil {
		return unavailable(openErr)
	}
	defer dir.Close()
	if _, first := dir.Readdirnames(1); first != nil {
		return ErrEmpty
	}
	return err
}

func objectOf(name string, info fs.FileInfo) Object {
	return Object{Path: name, Size: info.Size(), Modified: info.ModTime()}
}

// Object implements File.
func (f *folderFile) Object() Object { return f.object }

// Range implements File.
func (f *folderFile) Range(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n, err := blob.RangeLength(f.object.Size, offset, length)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read file: %w", bare(err))
	}
	return &folderRange{io.LimitedReader{R: f.File, N: n}}, nil
}

// Check implements File.
func (f *folderFile) Check(context.Context) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("check file: %w", bare(err))
	}
	if !objectOf(f.object.Path, info).Same(f.object) {
		return ErrChanged
	}
	return nil
}

// folderRange hands net/http an *io.LimitedReader over the *os.File itself,
// which is what it passes on to sendfile. The file is closed by its File.
type folderRange struct{ io.LimitedReader }

func (r *folderRange) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, &r.LimitedReader) }
func (r *folderRange) Close() error                       { return nil }

// The names of files that are being put, which no list shows.
const (
	tempPrefix = ".coreshed-"
	tempSuffix = ".tmp"
)

func temporary(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}

const (
	folderMode = 0o755
	fileMode   = 0o644
)

// Put implements Broker.
func (f *folder) Put(ctx context.Context, name string, r io.Reader, size int64, o PutOptions) (Object, error) {
	var object Object
	err := f.with(ctx, name, func(root *os.Root) (err error) {
		object, err = put(ctx, root, name, r, size, o.Replace)
		return err
	})
	if err != nil {
		return Object{}, fmt.Errorf("put file: %w", bare(err))
	}
	return object, nil
}

func put(ctx context.Context, root *os.Root, name string, r io.Reader, size int64, replace bool) (Object, error) {
	if _, err := root.Lstat(name); err == nil && !replace {
		return Object{}, fs.ErrExist // before all is read
	}
	if err := makeFolders(root, path.Dir(name)); err != nil {
		return Object{}, err
	}
	temp := path.Join(path.Dir(name), tempPrefix+strings.ToLower(rand.Text())+tempSuffix)
	if err := writeFile(ctx, root, temp, r, size); err != nil {
		return Object{}, errors.Join(err, ignoreAbsent(root.Remove(temp)))
	}
	place := link
	if replace {
		place = (*os.Root).Rename
	}
	if err := place(root, temp, name); err != nil {
		return Object{}, errors.Join(err, ignoreAbsent(root.Remove(temp)))
	}
	return settled(root, name, path.Dir(name))
}

// writeFile makes a file with exactly size bytes of r, synced.
func writeFile(ctx context.Context, root *os.Root, name string, r io.Reader, size int64) error {
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	err = blob.CopyExactly(ctx, file, r, size, make([]byte, 128<<10))
	if err == nil {
		err = file.Chmod(fileMode) // whatever the umask
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// link gives a file a new name in place of the old one, and never replaces
// another file. A file system without hard links needs an empty file to claim
// the new name first.
func link(root *os.Root, from, to string) error {
	err := root.Link(from, to)
	switch {
	case err == nil:
		return root.Remove(from)
	case errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrNotExist):
		return err
	}
	claim, err := root.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	if err := claim.Close(); err != nil {
		return err
	}
	if err := root.Rename(from, to); err != nil {
		return errors.Join(err, root.Remove(to))
	}
	return nil
}

// settled returns what is at name once the names in folders are durable.
func settled(root *os.Root, name string, folders ...string) (Object, error) {
	for _, dir := range folders {
		if err := syncFolder(root, dir); err != nil {
			return Object{}, err
		}
	}
	info, err := root.Stat(name)
	if err != nil {
		return Object{}, err
	}
	return objectOf(name, info), nil
}

// makeFolders makes dir and those above it, durably.
func makeFolders(root *os.Root, dir string) error {
	if info, err := root.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	above := path.Dir(dir)
	if err := makeFolders(root, above); err != nil {
		return err
	}
	if err := root.Mkdir(dir, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(root, above)
}

func syncFolder(root *os.Root, dir string) error {
	if runtime.GOOS == "windows" { // cannot, and writes names to its log in order
		return nil
	}
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Move implements Broker.
func (f *folder) Move(ctx context.Context, from, to string) (Object, error) {
	if err := checkPath(to); err != nil {
		return Object{}, err
	}
	var object Object
	err := f.with(ctx, from, func(root *os.Root) (err error) {
		object, err = move(root, from, to)
		return f.absent(root, err)
	})
	if err != nil {
		return Object{}, fmt.Errorf("move file: %w", bare(err))
	}
	return object, nil
}

func move(root *os.Root, from, to string) (Object, error) {
	info, err := root.Lstat(from)
	if err != nil {
		return Object{}, err
	}
	if err := makeFolders(root, path.Dir(to)); err != nil {
		return Object{}, err
	}
	if info.Mode().Type() == fs.ModeSymlink {
		err = moveLink(root, from, to)
	} else {
		err = link(root, from, to)
	}
	if errors.Is(err, fs.ErrExist) && from != to && sameFile(root, from, to) {
		err = root.Remove(from) // as a move that was cut short would have
	}
	if err != nil {
		return Object{}, err
	}
	return settled(root, to, path.Dir(to), path.Dir(from))
}

// moveLink gives a symbolic link another path, from which it leads to where it
// led before.
func moveLink(root *os.Root, from, to string) error {
	if _, err := root.Stat(from); err != nil {
		return err // it leads nowhere
	}
	target, err := root.Readlink(from)
	if err != nil {
		return err
	}
	target, err = filepath.Rel(path.Dir(to), filepath.Join(path.Dir(from), target))
	if err != nil {
		return err
	}
	if err := root.Symlink(target, to); err != nil {
		return err
	}
	return root.Remove(from)
}

// sameFile reports whether two paths are names of one file, or two links to one.
func sameFile(root *os.Root, a, b string) bool {
	one, err := root.Lstat(a)
	other, failed := root.Lstat(b)
	if err != nil || failed != nil || one.Mode().Type() != other.Mode().Type() {
		return false
	}
	if one.Mode().Type() == fs.ModeSymlink {
		one, err = root.Stat(a)
		other, failed = root.Stat(b)
	}
	return err == nil && failed == nil && os.SameFile(one, other)
}

// Delete implements Broker.
func (f *folder) Delete(ctx context.Context, name string) error {
	err := f.with(ctx, name, func(root *os.Root) error {
		if err := ignoreAbsent(root.Remove(name)); err != nil {
			return err
		}
		return ignoreAbsent(syncFolder(root, path.Dir(name)))
	})
	if err != nil {
		return fmt.Errorf("delete file: %w", bare(err))
	}
	return nil
}

// Erase implements Broker.
func (f *folder) Erase(ctx context.Context, was Object) error { return erase(ctx, f, was) }

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
