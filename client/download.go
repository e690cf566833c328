package client

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"
)

// DownloadOptions say what to download. The zero value is the current version.
type DownloadOptions struct {
	VersionID int64 // 0 is the current one
	Deleted   bool  // find a deleted file too; by id only

	// PieceSize is the size of the ranges that DownloadFile asks for at once;
	// 0 is DefaultBlockSize.
	PieceSize int64

	// Progress is told how many bytes more have arrived. It is called by many
	// goroutines at once.
	Progress func(n int64)
}

// errDamaged is what a download ends with whose bytes are not those that the
// server has a checksum of.
var errDamaged = errors.New("the downloaded bytes do not match the server's checksum")

// Download writes a file's bytes to w, from first to last, and returns what
// they are. A connection that breaks is taken up again where it broke. When it
// fails, w has had some of the bytes; when the checksum is wrong, all of them.
func (f *Files) Download(ctx context.Context, r Ref, w io.Writer, o DownloadOptions) (File, error) {
	d, err := f.download(ctx, r, o)
	if err != nil {
		return File{}, err
	}
	sum := md5.New()
	if err := d.get(ctx, 0, d.file.Size, io.MultiWriter(w, sum)); err != nil {
		return File{}, err
	}
	return d.file, d.verify(sum)
}

// DownloadFile makes name a copy of a file. The bytes arrive in a hidden file
// beside it, many ranges at once, and take the name when all are there, match
// the server's checksum if it has one, and are on disk. An attempt that failed
// is taken up by the next one. It fails when name is no regular file.
func (f *Files) DownloadFile(ctx context.Context, r Ref, name string, o DownloadOptions) (File, error) {
	switch info, err := os.Stat(name); {
	case err == nil && !info.Mode().IsRegular():
		return File{}, fmt.Errorf("%s is not a regular file", name)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return File{}, err // it could not take the name
	}
	d, err := f.download(ctx, r, o)
	if err != nil {
		return File{}, err
	}
	return d.file, d.toFile(ctx, name)
}

// download is one download under way.
type download struct {
	files   *Files
	file    File
	link    *link
	options DownloadOptions

	mu  sync.Mutex
	sum []byte // MD5 of the whole, once the server has told it
}

func (f *Files) download(ctx context.Context, r Ref, o DownloadOptions) (*download, error) {
	file, err := f.Get(ctx, r, GetOptions{VersionID: o.VersionID, Deleted: o.Deleted})
	if err != nil {
		return nil, err
	}
	if o.PieceSize <= 0 {
		o.PieceSize = DefaultBlockSize
	}
	// The version is fixed by now: another may be committed meanwhile.
	renew := func(ctx context.Context) (string, error) {
		again, err := f.Get(ctx, ID(file.ID), GetOptions{VersionID: file.VersionID, Deleted: o.Deleted})
		return again.download, err
	}
	return &download{files: f, file: file, link: newLink(file.download, renew), options: o}, nil
}

// get writes length bytes from offset to w. What has been written stays written
// when a connection breaks; the next one asks for the rest.
func (d *download) get(ctx context.Context, offset, length int64, w io.Writer) error {
	if length == 0 {
		return nil
	}
	c := d.files.c
	return c.transfer(ctx, d.link, func(ctx context.Context, address string, alive func()) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		if err != nil {
			return errors.New("the server gave a URL that is none")
		}
		req.Header.Set("User-Agent", c.agent)
		req.Header.Set("x-ms-version", blobVersion)
		want := http.StatusOK
		if length < d.file.Size {
			want = http.StatusPartialContent
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
		}
		res, err := c.http.Do(req)
		if err != nil {
			return broken(err)
		}
		defer res.Body.Close()
		if err := d.accept(res, want, offset, length); err != nil {
			return err
		}
		body := &arriving{r: io.LimitReader(res.Body, length), progress: d.options.Progress, alive: alive}
		n, err := io.Copy(w, body)
		offset, length = offset+n, length-n
		switch {
		case body.err != nil:
			return broken(body.err)
		case err != nil:
			return fmt.Errorf("write what is downloaded: %w", err)
		case length > 0:
			return broken(io.ErrUnexpectedEOF)
		}
		return nil
	})
}

// accept checks that an answer is the range that was asked for.
func (d *download) accept(res *http.Response, want int, offset, length int64) error {
	if res.StatusCode != want {
		return refused(res)
	}
	sum, size := res.Header.Get("Content-MD5"), res.ContentLength
	if want == http.StatusPartialContent {
		sum = res.Header.Get("x-ms-blob-content-md5")
		expected := fmt.Sprintf("bytes %d-%d/%d", offset, offset+length-1, d.file.Size)
		if got := res.Header.Get("Content-Range"); got != expected {
			return fmt.Errorf("the server sent %q where %q was asked for", got, expected)
		}
	}
	if size != length {
		return fmt.Errorf("the server sent %d bytes where %d were asked for", size, length)
	}
	if b, err := base64.StdEncoding.DecodeString(sum); err == nil && len(b) == md5.Size {
		d.mu.Lock()
		d.sum = b
		d.mu.Unlock()
	}
	return nil
}

func (d *download) verify(sum hash.Hash) error {
	if d.sum != nil && !bytes.Equal(d.sum, sum.Sum(nil)) {
		return errDamaged
	}
	return nil
}

// toFile downloads to a hidden file beside name, which then takes the name.
func (d *download) toFile(ctx context.Context, name string) (err error) {
	part := partName(name)
	j, err := openJournal(part+".journal", note{
		Source: d.files.c.hub + d.files.url(ID(d.file.ID)) + "/" + strconv.FormatInt(d.file.VersionID, 10),
		Stamp:  d.file.ETag, Target: filepath.Base(name), Size: d.file.Size, Piece: d.options.PieceSize,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.close()) }()
	if j.lock == nil {
		return fmt.Errorf("%s is being downloaded already", name)
	}
	w, err := d.openPart(part, j)
	if err != nil {
		return err
	}
	if err := errors.Join(d.fill(ctx, w, j), w.Close()); err != nil {
		if errors.Is(err, errDamaged) {
			err = errors.Join(err, j.remove(), os.Remove(part))
		}
		return err
	}
	return errors.Join(os.Rename(part, name), j.remove())
}

// partName is the same for every attempt, and short for names of any length.
func partName(name string) string {
	sum := sha256.Sum256([]byte(filepath.Base(name)))
	return filepath.Join(filepath.Dir(name), ".coreshed-"+hex.EncodeToString(sum[:8])+".part")
}

// openPart opens the file that an earlier attempt has left, when the journal
// knows of it, or an empty one.
func (d *download) openPart(part string, j *journal) (*os.File, error) {
	if j.note.VersionID == d.file.VersionID && j.file != nil {
		w, err := os.OpenFile(part, os.O_RDWR, 0)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return w, err
		}
	}
	if err := j.begin(slot{FileID: d.file.ID, VersionID: d.file.VersionID}); err != nil {
		return nil, err
	}
	return os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// fill gets the pieces that are not there yet, checks the whole, and syncs it.
func (d *download) fill(ctx context.Context, w *os.File, j *journal) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(cap(d.files.c.slots))
	for i := range j.note.pieces() {
		offset := i * d.options.PieceSize
		length := min(d.options.PieceSize, d.file.Size-offset)
		if j.has(i) {
			d.progress(length)
			continue
		}
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error {
			if err := d.get(gctx, offset, length, io.NewOffsetWriter(w, offset)); err != nil {
				return err
			}
			// A piece is noted when it is on disk: a note must not survive a
			// power cut that its bytes did not.
			if err := w.Sync(); err != nil {
				return err
			}
			return j.add(i)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := d.verifyFile(w); err != nil {
		return err
	}
	return w.Sync()
}

func (d *download) verifyFile(w *os.File) error {
	info, err := w.Stat()
	if err != nil {
		return err
	}
	if info.Size() != d.file.Size {
		return fmt.Errorf("%s has %d bytes, not %d", w.Name(), info.Size(), d.file.Size)
	}
	if d.sum == nil {
		return nil
	}
	sum := md5.New()
	if _, err := io.Copy(sum, io.NewSectionReader(w, 0, d.file.Size)); err != nil {
		return err
	}
	return d.verify(sum)
}

func (d *download) progress(n int64) {
	if d.options.Progress != nil && n > 0 {
		d.options.Progress(n)
	}
}

// arriving reads a body, and remembers whether it was the reading that failed.
type arriving struct {
	r        io.Reader
	progress func(int64)
	alive    func()
	err      error
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	a.alive()
	if a.progress != nil && n > 0 {
		a.progress(int64(n))
	}
	if err != nil && err != io.EOF {
		a.err = err
	}
	return n, err
}
