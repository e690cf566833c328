package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/coreshed/coreshed"
)

const (
	// DefaultBlockSize is the size of the blocks in which larger files travel;
	// smaller ones travel whole.
	DefaultBlockSize = 8 << 20

	// maxBlocks is the longest list that Put Block List takes.
	maxBlocks = 50_000
)

// UploadOptions say how to upload. The zero value will do.
type UploadOptions struct {
	// ContentType is the media type that is kept with the version.
	ContentType string

	// BlockSize is the size of a block in bytes; 0 is DefaultBlockSize. It is
	// doubled until 50,000 blocks are enough.
	BlockSize int64

	// Journal is a folder, made if missing, in which UploadFile notes which
	// blocks have arrived, so that the next UploadFile of the same unchanged
	// file to the same place sends only the others. "" keeps no notes.
	Journal string

	// Progress is told how many bytes more have left; a negative number when
	// they have to leave again. It is called by many goroutines at once.
	Progress func(n int64)
}

// Uploaded is what an upload has made.
type Uploaded struct {
	FileID    coreshed.UUID `json:"file_id"`
	VersionID int64         `json:"version_id,string"`
	Size      int64         `json:"size"`
	Resumed   int64         `json:"resumed,omitempty"` // bytes that had arrived before
}

// errChanged is what the upload of a file ends with that somebody else writes.
var errChanged = errors.New("the file changed while it was uploaded")

// Upload makes size bytes of src a new version of the file, which is made when
// a path names none. The version is seen by others when Upload has returned.
func (f *Files) Upload(ctx context.Context, r Ref, src io.ReaderAt, size int64, o UploadOptions) (Uploaded, error) {
	u := upload{files: f, ref: r, src: src, size: size, options: o, journal: &journal{}}
	return u.run(ctx)
}

// UploadFile is Upload of a local file. It fails, and makes no version, when
// the file changes meanwhile. When it fails for another reason it can go on
// later; see UploadOptions.Journal.
func (f *Files) UploadFile(ctx context.Context, r Ref, name string, o UploadOptions) (done Uploaded, err error) {
	// To open a pipe would wait for who writes to it.
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return Uploaded{}, fmt.Errorf("%s is not a regular file", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return Uploaded{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Uploaded{}, err
	}
	u := upload{files: f, ref: r, src: file, size: info.Size(), options: o, journal: &journal{}}
	u.check = func() error {
		now, err := file.Stat()
		if err == nil && stamp(now) != stamp(info) {
			err = errChanged
		}
		return err
	}
	if o.Journal != "" && info.Size() > u.blockSize() {
		if u.journal, err = u.open(name, info); err != nil {
			return Uploaded{}, err
		}
		defer func() { err = errors.Join(err, u.journal.close()) }()
	}
	return u.run(ctx)
}

// upload is one upload under way.
type upload struct {
	files   *Files
	ref     Ref
	src     io.ReaderAt
	size    int64
	options UploadOptions
	journal *journal
	check   func() error // before the commit; nil checks nothing
}

func (u *upload) open(name string, info os.FileInfo) (*journal, error) {
	local, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	n := note{
		Source: local, Stamp: stamp(info), Target: u.files.c.hub + u.files.url(u.ref),
		Size: u.size, Piece: u.blockSize(),
	}
	forgetOld(u.options.Journal)
	return openJournal(filepath.Join(u.options.Journal, n.key()), n)
}

// stamp changes when a file does.
func stamp(info os.FileInfo) string {
	return fmt.Sprintf("%d %d %s", info.Size(), info.ModTime().UnixNano(), inode(info))
}

func (u *upload) blockSize() int64 {
	size := u.options.BlockSize
	if size <= 0 {
		size = DefaultBlockSize
	}
	for u.size > size*maxBlocks {
		size *= 2
	}
	return size
}

func (u *upload) run(ctx context.Context) (Uploaded, error) {
	slot, err := u.reserve(ctx)
	if err != nil {
		return Uploaded{}, err
	}
	done := Uploaded{FileID: slot.FileID, VersionID: slot.VersionID, Size: u.size}
	if slot.committed {
		done.Resumed = u.size
		return done, u.journal.remove()
	}
	l := newLink(slot.Upload, func(ctx context.Context) (string, error) {
		again, err := u.files.reserve(ctx, ID(slot.FileID), slot.VersionID)
		return again.Upload, err
	})
	if u.size > u.blockSize() {
		done.Resumed = u.journal.bytes()
	}
	if err := u.send(ctx, l); err != nil {
		return Uploaded{}, err
	}
	return done, nil
}

// send sends the bytes, in blocks when they are many.
func (u *upload) send(ctx context.Context, l *link) error {
	if u.size <= u.blockSize() {
		return u.whole(ctx, l)
	}
	return u.blocks(ctx, l)
}

// slot is a place for a version's bytes.
type slot struct {
	FileID    coreshed.UUID `json:"file_id"`
	VersionID int64         `json:"version_id,string"`
	Upload    string        `json:"upload"` // signed URL

	committed bool
}

// reserve asks for a slot, or for another URL of the one with a version id.
func (f *Files) reserve(ctx context.Context, r Ref, versionID int64) (slot, error) {
	q := url.Values{}
	if versionID != 0 {
		q.Set("version_id", strconv.FormatInt(versionID, 10))
	}
	var s slot
	_, err := f.c.do(ctx, call{method: http.MethodPut, path: f.url(r), query: q, want: []int{http.StatusOK}}, &s)
	return s, err
}

// reserve returns the slot of the journal, or a new one when there is none or
// it is no longer there. A slot that is committed is where the answer to the
// last commit was lost.
func (u *upload) reserve(ctx context.Context) (slot, error) {
	if n := u.journal.note; n.VersionID != 0 {
		s, err := u.files.reserve(ctx, ID(n.FileID), n.VersionID)
		switch {
		case err == nil:
			return s, nil
		case errors.Is(err, coreshed.Committed) && u.journal.complete():
			return slot{FileID: n.FileID, VersionID: n.VersionID, committed: true}, nil
		case !errors.Is(err, coreshed.NotFound) && !errors.Is(err, coreshed.Gone) && !errors.Is(err, coreshed.Committed):
			return slot{}, err
		}
	}
	s, err := u.files.reserve(ctx, u.ref, 0)
	if err != nil {
		return slot{}, err
	}
	return s, u.journal.begin(s)
}

// whole uploads with one Put Blob.
func (u *upload) whole(ctx context.Context, l *link) error {
	p, err := newPiece(u.src, 0, u.size)
	if err != nil {
		return err
	}
	if err := u.checkSource(); err != nil {
		return err
	}
	p.contentType = u.options.ContentType
	return u.files.c.put(ctx, l, p, u.options.Progress)
}

// blocks uploads with Put Block and Put Block List.
func (u *upload) blocks(ctx context.Context, l *link) error {
	if err := u.stage(ctx, l); err != nil {
		return u.failed(err)
	}
	if err := u.checkSource(); err != nil {
		return errors.Join(err, u.journal.remove())
	}
	if err := u.commit(ctx, l); err != nil {
		return u.failed(err)
	}
	return u.journal.remove()
}

func (u *upload) checkSource() error {
	if u.check == nil {
		return nil
	}
	return u.check()
}

// failed forgets the notes when the server will not have these blocks: to go on
// from them would fail for ever.
func (u *upload) failed(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Status < http.StatusInternalServerError && !passing(err) && !expired(err) {
		return errors.Join(err, u.journal.remove())
	}
	return err
}

func (u *upload) stage(ctx context.Context, l *link) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cap(u.files.c.slots))
	for i := range u.count() {
		if u.journal.has(i) {
			u.progress(u.sizeOf(i))
			continue
		}
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return u.block(ctx, l, i) })
	}
	return g.Wait()
}

func (u *upload) block(ctx context.Context, l *link, i int64) error {
	p, err := newPiece(u.src, i*u.blockSize(), u.sizeOf(i))
	if err != nil {
		return err
	}
	p.query = url.Values{"comp": {"block"}, "blockid": {blockID(i)}}
	if err := u.files.c.put(ctx, l, p, u.options.Progress); err != nil {
		return err
	}
	return u.journal.add(i)
}

func (u *upload) count() int64 { return (u.size + u.blockSize() - 1) / u.blockSize() }

func (u *upload) sizeOf(i int64) int64 { return min(u.blockSize(), u.size-i*u.blockSize()) }

func (u *upload) progress(n int64) {
	if u.options.Progress != nil {
		u.options.Progress(n)
	}
}

func blockID(i int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%032d", i))
}

func (u *upload) commit(ctx context.Context, l *link) error {
	var list struct {
		XMLName xml.Name `xml:"BlockList"`
		Latest  []string
	}
	for i := range u.count() {
		list.Latest = append(list.Latest, blockID(i))
	}
	body, err := xml.Marshal(list)
	if err != nil {
		return fmt.Errorf("encode block list: %w", err)
	}
	body = append([]byte(xml.Header), body...)
	p, err := newPiece(bytes.NewReader(body), 0, int64(len(body)))
	if err != nil {
		return err
	}
	p.query, p.contentType = url.Values{"comp": {"blocklist"}}, u.options.ContentType
	return u.files.c.put(ctx, l, p, nil)
}
