// Package signedurl makes and checks the URLs of the data plane. Whoever has
// such a URL may read or write one version until it expires; no token goes
// with it.
//
// A URL uses only parameter names that Azure's shared access signatures have,
// since clients drop others, and is checked on decoded values, since clients
// encode them again in their own way. Its path is
// /{workspace}/{file}/{version_id}. What is not signed (comp, blockid,
// timeout) is the operation's, not the permission's.
package signedurl

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

const (
	// DefaultLifetime is how long a URL is good for.
	DefaultLifetime = 30 * time.Minute
	// Version is the storage version that a URL names in sv. It counts when a
	// request names none.
	Version = "2023-08-03"

	timeFormat = "2006-01-02T15:04:05Z"
	deletedToo = "deleted" // the value of si
)

// Config is what a Signer is made of.
type Config struct {
	// Keys returns the keys in the order of [store.DB.Keys]: the first active
	// one signs, all of them verify.
	Keys     func(context.Context) ([]store.Key, error)
	Lifetime time.Duration    // 0 is DefaultLifetime
	Now      func() time.Time // nil is time.Now
}

// Signer signs and verifies. Its methods may be called from many goroutines.
type Signer struct {
	keys     keyring
	lifetime time.Duration
	now      func() time.Time
}

// New makes a Signer. It reads no keys yet.
func New(c Config) *Signer {
	if c.Lifetime == 0 {
		c.Lifetime = DefaultLifetime
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Signer{keys: keyring{load: c.Keys, now: c.Now}, lifetime: c.Lifetime, now: c.Now}
}

// Blob is the version that a URL is good for.
type Blob struct {
	Workspace, File coreshed.UUID
	VersionID       int64
}

func (b Blob) path() string {
	return "/" + b.Workspace.String() + "/" + b.File.String() + "/" + strconv.FormatInt(b.VersionID, 10)
}

// Upload returns a URL at origin ("https://host") for writing a version.
func (s *Signer) Upload(ctx context.Context, origin string, b Blob) (string, error) {
	return s.sign(ctx, origin, b, url.Values{
		"sp": {"wt"}, "rscd": {attachment(strconv.FormatInt(b.VersionID, 10))},
	})
}

// Download returns a URL at origin for reading a version, which a browser
// saves under fileName. With deleted it works while the file is deleted, too.
func (s *Signer) Download(ctx context.Context, origin string, b Blob, fileName string, deleted bool) (string, error) {
	q := url.Values{"sp": {"rt"}, "rscd": {attachment(fileName)}}
	if deleted {
		q.Set("si", deletedToo)
	}
	return s.sign(ctx, origin, b, q)
}

func (s *Signer) sign(ctx context.Context, origin string, b Blob, q url.Values) (string, error) {
	key, err := s.keys.signing(ctx)
	if err != nil {
		return "", err
	}
	start := s.now().UTC().Truncate(time.Second)
	q.Set("st", start.Format(timeFormat))
	q.Set("se", start.Add(s.lifetime).Format(timeFormat))
	q.Set("sr", "b")
	q.Set("sv", Version)
	q.Set("skoid", key.ID)
	path := b.path()
	q.Set("sig", signature(key.Material, path, q))
	return origin + path + "?" + q.Encode(), nil
}

// signed are the parameters that a signature binds, in its order.
var signed = [...]string{"sp", "se", "st", "sr", "sv", "si", "skoid", "rscc", "rscd", "rsce", "rscl", "rsct"}

// signature is an HMAC over the decoded path and values, each after its
// length, so that no two requests have one text. It is in the URL alphabet of
// base64, which no encoding changes.
func signature(key []byte, path string, q url.Values) string {
	text := make([]byte, 0, 512)
	text = append(text, "coreshed signed URL 1\n"...)
	text = appendText(text, path)
	for _, name := range signed {
		text = appendText(text, q.Get(name))
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(text[:0]))
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}

// attachment is a Content-Disposition that saves a file under name (RFC 6266).
// Of the name, only what no client encodes again stays as it is.
func attachment(name string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.WriteString("attachment; filename*=UTF-8''")
	for _, c := range []byte(name) {
		if unreserved(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// unreserved are the characters of RFC 3986 §2.3 that RFC 8187 has, too.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

var errNoKey = errors.New("there is no key to sign URLs with")
