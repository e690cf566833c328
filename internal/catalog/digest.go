package catalog

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what the protocol's clients send
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"io"

	"github.com/coreshed/coreshed/internal/blob"
)

// Sums are what a client claims of a body; nil is no claim.
type Sums struct {
	MD5   []byte // 16 bytes
	CRC64 []byte // 8 bytes, least significant first, as Azure Storage sends it
}

var (
	// ErrMD5 refuses a body whose MD5 is not the one claimed.
	ErrMD5 = errors.New("the MD5 of the body is not the one given")
	// ErrCRC64 refuses a body whose CRC-64 is not the one claimed.
	ErrCRC64 = errors.New("the CRC-64 of the body is not the one given")
)

// azureCRC64 is the polynomial of Azure Storage, reversed.
var azureCRC64 = crc64.MakeTable(0x9A6C9329AC4BC9B5)

// NewCRC64 returns the CRC-64 of Azure Storage, of nothing yet.
func NewCRC64() hash.Hash64 { return crc64.New(azureCRC64) }

// CRC64Sum is a CRC-64 in the order of bytes that Azure Storage sends.
func CRC64Sum(crc hash.Hash64) []byte { return binary.LittleEndian.AppendUint64(nil, crc.Sum64()) }

// digest hashes a body while it is read: SHA-256 always, the others when there
// is a claim to check.
type digest struct {
	body io.Reader
	sums Sums
	sha  hash.Hash
	md5  hash.Hash
	crc  hash.Hash64
}

func newDigest(body io.Reader, sums Sums) *digest {
	d := &digest{body: body, sums: sums, sha: sha256.New()}
	if sums.MD5 != nil {
		d.md5 = md5.New() //nolint:gosec // see the import
	}
	if sums.CRC64 != nil {
		d.crc = NewCRC64()
	}
	return d
}

func (d *digest) Read(p []byte) (int, error) {
	n, err := d.body.Read(p)
	d.sha.Write(p[:n])
	if d.md5 != nil {
		d.md5.Write(p[:n])
	}
	if d.crc != nil {
		d.crc.Write(p[:n])
	}
	return n, err
}

func (d *digest) sha256() []byte { return d.sha.Sum(nil) }

// finish checks a body that must be empty.
func (d *digest) finish() error {
	n, err := io.Copy(io.Discard, io.LimitReader(d, 1))
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	if n > 0 {
		return blob.ErrTooLong
	}
	return d.check()
}

// check compares what was claimed with what was read.
func (d *digest) check() error {
	if d.md5 != nil && !bytes.Equal(d.md5.Sum(nil), d.sums.MD5) {
		return ErrMD5
	}
	if d.crc != nil && !bytes.Equal(CRC64Sum(d.crc), d.sums.CRC64) {
		return ErrCRC64
	}
	return nil
}
