package catalog

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/store"
)

// Target is a version of a file, by the ids that a signed URL names.
type Target struct {
	Workspace, File coreshed.UUID
	VersionID       int64
}

// Limits of an upload, those of Azure's block blobs.
const (
	MaxStagedBlocks = 100_000
	MaxListedBlocks = 50_000
)

var (
	// ErrBlockIDLength refuses a block id whose length differs from the
	// earlier ones of the upload.
	ErrBlockIDLength = errors.New("the block ids of an upload must have the same length")
	// ErrEmptyBlock refuses a block without bytes: the block after it would
	// have the same place in the version.
	ErrEmptyBlock = errors.New("a block must not be empty")
	// ErrTooManyBlocks refuses more staged blocks than an upload can have.
	ErrTooManyBlocks = errors.New("the upload has the largest number of staged blocks")
)

// commitTimeout bounds a commit that goes on after its caller has gone.
const commitTimeout = time.Minute

// Slot finds what a target names: NotFound when nothing is there.
func (c *Catalog) Slot(ctx context.Context, t Target) (store.Slot, error) {
	return c.db.Slot(ctx, t.Workspace, t.File, t.VersionID)
}

// Committed finds the version that a target names, with what Open needs:
// NotFound when it has not been committed.
func (c *Catalog) Committed(ctx context.Context, t Target) (store.Slot, error) {
	return c.db.Committed(ctx, t.Workspace, t.File, t.VersionID)
}

// open returns the slot of an upload that bytes may be written to.
func (c *Catalog) open(ctx context.Context, t Target) (store.Slot, error) {
	s, err := c.Slot(ctx, t)
	if err == nil && s.FileDeleted {
		err = coreshed.Errorf(coreshed.NotFound, "The file of this upload has been deleted.")
	}
	return s, err
}

// PutBlob takes a whole file in one body and commits it. A repeat of what has
// been committed, by its SHA-256, returns the version that is there; anything
// else then is store.ErrOtherCommit.
func (c *Catalog) PutBlob(ctx context.Context, t Target, body io.Reader, size int64, sums Sums, h coreshed.BlobHeaders) (coreshed.Version, error) {
	s, err := c.open(ctx, t)
	if err != nil {
		return coreshed.Version{}, err
	}
	d := newDigest(body, sums)
	if s.Committed {
		return c.repeat(s, d, size)
	}
	done, err := c.fits(ctx, s, size)
	if err != nil {
		return coreshed.Version{}, err
	}
	defer done()
	whole := coreshed.Extent{Key: blob.NewKey(s.Prefix), Size: size}
	defer c.moving.add(whole.Key)()
	if err := c.write(ctx, whole.Key, d, size); err != nil {
		return coreshed.Version{}, err
	}
	whole.SHA256 = d.sha256()
	v, err := c.commit(ctx, store.Commit{
		Workspace: t.Workspace, File: t.File, VersionID: t.VersionID,
		Whole: &whole, ETag: newETag(), Headers: h, MD5: d.sums.MD5, Hash: bodyHash(whole.SHA256),
	})
	c.discardIfRefused(ctx, whole.Key, err)
	return v, err
}

// write stores a body under a key that is moving, and checks its sums before
// anything can name it. Of an empty body there is no object.
func (c *Catalog) write(ctx context.Context, key string, d *digest, size int64) error {
	if size == 0 {
		return d.finish()
	}
	if err := c.blobs.Put(ctx, key, d, size); err != nil {
		if errors.Is(err, blob.ErrNoSpace) {
			return coreshed.Errorf(coreshed.Full, "The server's disk is full. Whoever runs the server must add space.").Because(err)
		}
		return fmt.Errorf("write object: %w", err)
	}
	if err := d.check(); err != nil {
		c.discard(ctx, key)
		return err
	}
	return nil
}

// discard removes an object that nothing names. When that fails too, the
// collector will.
func (c *Catalog) discard(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	if err := c.blobs.Delete(ctx, key); err != nil {
		c.log.Warn("object left for the collector", "error", err)
	}
}

// discardIfRefused removes an object when the store has certainly not named it.
// After any other failure it may have, and the collector finds out.
func (c *Catalog) discardIfRefused(ctx context.Context, key string, err error) {
	if errors.Is(err, coreshed.NotFound) || errors.Is(err, coreshed.Full) || errors.Is(err, store.ErrOtherCommit) {
		c.discard(ctx, key)
	}
}

// repeat reads a body that has perhaps been committed before.
func (c *Catalog) repeat(s store.Slot, d *digest, size int64) (coreshed.Version, error) {
	if n, err := io.Copy(io.Discard, io.LimitReader(d, size)); err != nil {
		return coreshed.Version{}, fmt.Errorf("read body: %w", err)
	} else if n < size {
		return coreshed.Version{}, fmt.Errorf("read body: %w", io.ErrUnexpectedEOF)
	}
	if err := d.check(); err != nil {
		return coreshed.Version{}, err
	}
	if !bytes.Equal(s.CommitHash, bodyHash(d.sha256())) {
		return coreshed.Version{}, store.ErrOtherCommit
	}
	return s.Version, nil
}

// PutBlock stages a block. A block with the same id is replaced. NotFound when
// the upload is not open, store.ErrOtherCommit when it has been committed.
func (c *Catalog) PutBlock(ctx context.Context, t Target, id string, body io.Reader, size int64, sums Sums) error {
	s, err := c.open(ctx, t)
	switch {
	case err != nil:
		return err
	case s.Committed:
		return store.ErrOtherCommit
	case size == 0:
		return ErrEmptyBlock
	case s.IDLength != 0 && s.IDLength != int64(len(id)):
		return ErrBlockIDLength
	case s.Blocks >= MaxStagedBlocks:
		return ErrTooManyBlocks
	}
	done, err := c.fits(ctx, s, size)
	if err != nil {
		return err
	}
	defer done()
	d, key := newDigest(body, sums), blob.NewKey(s.Prefix)
	defer c.moving.add(key)()
	if err := c.write(ctx, key, d, size); err != nil {
		return err
	}
	err = c.db.StageBlock(context.WithoutCancel(ctx), s.Upload, coreshed.Extent{Block: id, Size: size, Key: key, SHA256: d.sha256()})
	c.discardIfRefused(ctx, key, err)
	return err
}

// PutBlockList commits the staged blocks with these ids, in this order. No
// byte is copied. A repeat with the same ids and headers returns the version
// that is there; anything else then is store.ErrOtherCommit.
func (c *Catalog) PutBlockList(ctx context.Context, t Target, ids []string, h coreshed.BlobHeaders, md5 []byte) (coreshed.Version, error) {
	return c.commit(ctx, store.Commit{
		Workspace: t.Workspace, File: t.File, VersionID: t.VersionID,
		Blocks: ids, ETag: newETag(), Headers: h, Hash: listHash(ids, h, md5),
	})
}

// commit goes on when the caller has gone: the bytes are there, and the caller
// will ask again.
func (c *Catalog) commit(ctx context.Context, commit store.Commit) (coreshed.Version, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	return c.db.Commit(ctx, commit)
}

// newETag returns a strong ETag that no other commit has.
func newETag() string {
	var b [8]byte
	rand.Read(b[:])
	return `"0x` + strings.ToUpper(hex.EncodeToString(b[:])) + `"`
}

func bodyHash(sum []byte) []byte { return hashOf("body", string(sum)) }

func listHash(ids []string, h coreshed.BlobHeaders, md5 []byte) []byte {
	parts := []string{"list", h.ContentType, h.ContentEncoding, h.ContentLanguage, h.ContentDisposition, h.CacheControl, string(md5)}
	return hashOf(append(parts, ids...)...)
}

// hashOf hashes texts so that their borders count.
func hashOf(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		io.WriteString(h, p) //nolint:errcheck // a hash never fails
	}
	return h.Sum(nil)
}
