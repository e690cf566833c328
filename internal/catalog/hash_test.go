package catalog_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"testing"

	"golang.org/x/time/rate"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
)

func TestHash(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		whole, blocks, empty := s.reserve(t), s.reserve(t), s.reserve(t)
		a, b := random(100_000), random(200_000)
		s.put(t, whole, a)
		s.stage(t, blocks, "a", a)
		s.stage(t, blocks, "b", b)
		s.list(t, blocks, "b", "a", "b")
		s.list(t, empty)
		if errs := s.hashAll(t); len(errs) > 0 {
			t.Fatal(errs)
		}
		for at, body := range map[catalog.Target][]byte{whole: a, blocks: slices.Concat(b, a, b), empty: nil} {
			sha, sum := sha256.Sum256(body), md5.Sum(body)
			if v := s.slot(t, at).Version; !bytes.Equal(v.SHA256, sha[:]) || !bytes.Equal(v.MD5, sum[:]) || v.State != coreshed.Kept {
				t.Errorf("the version of %d bytes has SHA-256 %x, MD5 %x and is %s", len(body), v.SHA256, v.MD5, v.State)
			}
		}
		if v, err := s.HashNext(t.Context(), 0, nil, fast()); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("HashNext when all is hashed = %+v, %v; want NotFound", v, err)
		}
	})
}

// TestDamage flips a bit of each extent in turn. What is damaged is not served,
// and does not keep the others from being hashed.
func TestDamage(t *testing.T) {
	s := onDisk(t)
	whole, blocks, good := s.reserve(t), s.reserve(t), s.reserve(t)
	s.put(t, whole, random(1000))
	s.stage(t, blocks, "a", random(1000))
	s.stage(t, blocks, "b", random(1000))
	s.list(t, blocks, "a", "b")
	body := random(1000)
	s.put(t, good, body)
	s.flip(t, whole, 0)
	s.flip(t, blocks, 1000)
	if errs := s.hashAll(t); len(errs) > 0 {
		t.Error(errs)
	}
	for _, at := range []catalog.Target{whole, blocks} {
		slot := s.slot(t, at)
		if slot.Version.State != coreshed.ChangedOutside {
			t.Errorf("the damaged version is %q, want %q", slot.Version.State, coreshed.ChangedOutside)
		}
		if _, err := s.Open(t.Context(), slot, 0, 1); !errors.Is(err, coreshed.Gone) {
			t.Errorf("Open of a damaged version = %v, want Gone", err)
		}
	}
	s.want(t, good, body)
	if s.slot(t, good).Version.MD5 == nil {
		t.Error("the good version has not been hashed")
	}
}

// flip changes one bit of the extent that begins at offset.
func (s *shed) flip(t *testing.T, at catalog.Target, offset int64) {
	t.Helper()
	extents, err := s.db.Extents(t.Context(), s.slot(t, at).Version.ID, offset, 1)
	if err != nil {
		t.Fatal(err)
	}
	key := extents[0].Key
	body := s.object(t, key)
	body[len(body)/2] ^= 1
	s.replace(t, key, body)
}

// object returns the bytes of an object.
func (s *shed) object(t fataler, key string) []byte {
	t.Helper()
	r, err := s.blobs.Open(context.Background(), key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// replace lets an object have other bytes, as nobody but a test does.
func (s *shed) replace(t fataler, key string, body []byte) {
	t.Helper()
	err := s.blobs.Delete(context.Background(), key)
	if err == nil {
		err = s.blobs.Put(context.Background(), key, bytes.NewReader(body), int64(len(body)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestHashMissing(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		lost, good := s.reserve(t), s.reserve(t)
		v := s.put(t, lost, []byte("lost"))
		s.put(t, good, []byte("good"))
		s.lose(t, v.ID, 0)
		if errs := s.hashAll(t); len(errs) != 0 {
			t.Errorf("errors %v", errs)
		}
		s.wantState(t, v.ID, coreshed.Missing)
		if s.slot(t, good).Version.MD5 == nil {
			t.Error("the good version has not been hashed")
		}
	})
}

// fast is no limit on hashing.
func fast() *rate.Limiter { return rate.NewLimiter(rate.Inf, 64<<10) }

// hashAll goes through the versions as the server does and returns the errors.
func (s *shed) hashAll(t *testing.T) []error {
	t.Helper()
	var errs []error
	for after := int64(0); ; {
		v, err := s.HashNext(context.Background(), after, nil, fast())
		id := v.Version.ID
		if errors.Is(err, coreshed.NotFound) && id == 0 {
			return errs
		}
		if id <= after {
			t.Fatalf("HashNext(%d) = %d, %v", after, id, err)
		}
		if err != nil {
			errs = append(errs, err)
		}
		after = id
	}
}
