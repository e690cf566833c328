package signedurl

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

var (
	// ErrMalformed refuses a URL without what every signed URL has, or with a
	// signed parameter twice.
	ErrMalformed = errors.New("malformed signed URL")
	// ErrSignature refuses a URL that was not signed here, or was changed.
	ErrSignature = errors.New("the signature does not match")
)

// ExpiredError refuses a genuine URL outside its time.
type ExpiredError struct{ Start, Expiry, Now time.Time }

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("the signed URL is good from %s to %s, and it is %s",
		e.Start.Format(timeFormat), e.Expiry.Format(timeFormat), e.Now.Format(timeFormat))
}

// Grant is what a URL permits, and what its signer wants answered.
type Grant struct {
	Blob
	Permissions string // the letters of Azure: r read, w write, t tags
	DeletedToo  bool   // also while the file is deleted
	Version     string // sv
	// Override are the headers to answer with in place of the stored ones;
	// empty is no override.
	Override coreshed.BlobHeaders
}

// Allows reports whether the URL has the permission with that letter.
func (g Grant) Allows(letter byte) bool { return strings.IndexByte(g.Permissions, letter) >= 0 }

// clockSkew is how far the clocks of two replicas may be apart.
const clockSkew = time.Minute

// Verify returns what the URL with a decoded path and query permits. It fails
// with ErrMalformed, ErrSignature, an *ExpiredError, or when the keys cannot
// be read.
func (s *Signer) Verify(ctx context.Context, path string, q url.Values) (Grant, error) {
	if err := checkShape(q); err != nil {
		return Grant{}, err
	}
	key, ok, err := s.keys.find(ctx, q.Get("skoid"))
	if err != nil {
		return Grant{}, err
	}
	if !ok || subtle.ConstantTimeCompare([]byte(signature(key, path, q)), []byte(q.Get("sig"))) != 1 {
		return Grant{}, ErrSignature
	}
	if err := s.checkTime(q); err != nil {
		return Grant{}, err
	}
	blob, err := parsePath(path)
	return Grant{
		Blob: blob, Permissions: q.Get("sp"), DeletedToo: q.Get("si") == deletedToo, Version: q.Get("sv"),
		Override: coreshed.BlobHeaders{
			ContentType: q.Get("rsct"), ContentEncoding: q.Get("rsce"), ContentLanguage: q.Get("rscl"),
			ContentDisposition: q.Get("rscd"), CacheControl: q.Get("rscc"),
		},
	}, err
}

func checkShape(q url.Values) error {
	for _, name := range signed {
		if len(q[name]) > 1 {
			return fmt.Errorf("%w: %s is given twice", ErrMalformed, name)
		}
	}
	if len(q["sig"]) > 1 {
		return fmt.Errorf("%w: sig is given twice", ErrMalformed)
	}
	for _, name := range [...]string{"sig", "skoid", "sp", "se", "st"} {
		if q.Get(name) == "" {
			return fmt.Errorf("%w: %s is missing", ErrMalformed, name)
		}
	}
	return nil
}

func (s *Signer) checkTime(q url.Values) error {
	start, err := time.Parse(timeFormat, q.Get("st"))
	if err != nil {
		return fmt.Errorf("%w: st is not a time", ErrMalformed)
	}
	expiry, err := time.Parse(timeFormat, q.Get("se"))
	if err != nil {
		return fmt.Errorf("%w: se is not a time", ErrMalformed)
	}
	now := s.now().UTC()
	if now.Before(start.Add(-clockSkew)) || !now.Before(expiry) {
		return &ExpiredError{start, expiry, now}
	}
	return nil
}

func parsePath(path string) (Blob, error) {
	parts := strings.Split(path, "/")
	if len(parts) != 4 || parts[0] != "" {
		return Blob{}, fmt.Errorf("%w: the path names no version", ErrMalformed)
	}
	workspace, err1 := uuid.Parse(parts[1])
	file, err2 := uuid.Parse(parts[2])
	version, err3 := strconv.ParseInt(parts[3], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return Blob{}, fmt.Errorf("%w: the path names no version", ErrMalformed)
	}
	return Blob{workspace, file, version}, nil
}
