package catalog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed/internal/audit"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// examined runs the doctor and returns what it has found.
func (s *shed) examined(t *testing.T, deep bool) ([]string, catalog.Examined) {
	t.Helper()
	found := []string{}
	seen, err := s.Doctor(t.Context(), catalog.DoctorOptions{Deep: deep, Found: func(f store.Finding) {
		found = append(found, fmt.Sprintf("%d %s", f.ID, f.What))
	}})
	if err != nil {
		t.Fatal(err)
	}
	return found, seen
}

func TestDoctor(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		for n := range 3 {
			s.stage(t, at, fmt.Sprintf("b%d", n), random(1000))
		}
		s.list(t, at, "b0", "b2") // b1 is dropped
		other := s.reserve(t)
		s.put(t, other, random(5000))
		empty := s.reserve(t)
		s.put(t, empty, nil)
		if found, seen := s.examined(t, true); len(found) != 0 || seen.Versions != 3 || seen.Bytes != 7000 {
			t.Errorf("found %v, %+v", found, seen)
		}
		key := blob.NewKey(blob.NewPrefix())
		if err := s.blobs.Put(t.Context(), key, strings.NewReader("stray"), 5); err != nil {
			t.Fatal(err)
		}
		if found, seen := s.examined(t, false); len(found) != 0 || seen.Waiting != 1 {
			t.Errorf("with a stray object found %v, %+v", found, seen)
		}
		slot := s.slot(t, other)
		extents, err := s.db.Extents(t.Context(), slot.Version.ID, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.blobs.Delete(t.Context(), extents[0].Key); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("%d the version's bytes are not there: object %s", slot.Version.ID, extents[0].Key)
		if found, _ := s.examined(t, false); len(found) != 1 || found[0] != want {
			t.Errorf("without an object found %v, want %s", found, want)
		}
	})
}

// TestDoctorDamage finds a byte that has changed, when it is told to read.
func TestDoctorDamage(t *testing.T) {
	s := onDisk(t)
	at := s.reserve(t)
	s.put(t, at, random(5000))
	var file string
	err := filepath.WalkDir(s.folder, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			file = p
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	body[1234] ^= 1
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, _ := s.examined(t, false); len(found) != 0 {
		t.Errorf("a shallow check found %v", found)
	}
	if found, _ := s.examined(t, true); len(found) != 1 || !strings.HasSuffix(found[0], "does not have the SHA-256 that was recorded") {
		t.Errorf("a deep check found %v", found)
	}
}

// The log was signed for what it is not.
func TestDoctorChecksTheAuditLog(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		s.put(t, s.reserve(t), random(10))
		secret, err := audit.NewKey("example.org/log")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.db.AddKey(t.Context(), store.AuditKey, "key", []byte(secret)); err != nil {
			t.Fatal(err)
		}
		if found, _ := s.examined(t, false); len(found) != 0 {
			t.Errorf("before anything has a number: %v", found)
		}
		l := store.Lease{Name: "audit", Holder: "test"}
		if mine, err := s.db.Lease(t.Context(), l.Name, l.Holder, time.Hour); err != nil || !mine {
			t.Fatal(mine, err)
		}
		sign := func(size int64, root audit.Hash) (string, error) { return audit.Sign(secret, size, root) }
		if _, err := s.db.SequenceAudit(t.Context(), l, 2, sign); err != nil {
			t.Fatal(err)
		}
		if found, seen := s.examined(t, false); len(found) != 0 || seen.Entries != 2 {
			t.Errorf("in a whole log of %d: %v", seen.Entries, found)
		}
		lie := func(size int64, root audit.Hash) (string, error) { return audit.Sign(secret, size, audit.Hash{1}) }
		if _, err := s.db.SequenceAudit(t.Context(), l, 1, lie); err != nil {
			t.Fatal(err)
		}
		if found, _ := s.examined(t, false); len(found) != 1 || !strings.Contains(found[0], "the log was rewritten") {
			t.Errorf("a signature of another log: %v", found)
		}
	})
}
