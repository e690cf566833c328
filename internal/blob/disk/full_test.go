//go:build ring2 && linux

package disk_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coreshed/coreshed/internal/blob"
)

// TestFull fills a file system of 4 MiB. It needs root, to mount it.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		t.Fatalf("mount a small tmpfs (run this ring as root, see scripts/setup): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := reopen(t, dir+"/objects")
	small := blob.NewKey(blob.NewPrefix())
	if err := s.Put(t.Context(), small, strings.NewReader("core"), 4); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 6<<20)
	big := blob.NewKey(blob.NewPrefix())
	err := s.Put(t.Context(), big, bytes.NewReader(body), int64(len(body)))
	if !errors.Is(err, blob.ErrNoSpace) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Put on a full disk = %v, want ErrNoSpace and ENOSPC", err)
	}
	if _, err := s.Stat(t.Context(), big); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Stat of what did not fit = %v, want fs.ErrNotExist", err)
	}
	wantSwept(t, s, time.Now().Add(time.Hour), 0) // the temporary file is gone
	// All else goes on, and the room is free again.
	if o, err := s.Stat(t.Context(), small); err != nil || o.Size != 4 {
		t.Errorf("Stat = %+v, %v", o, err)
	}
	if free, total, err := s.Free(t.Context()); err != nil || free < 3<<20 || total != 4<<20 {
		t.Errorf("Free = %d of %d, %v", free, total, err)
	}
	if err := s.Put(t.Context(), big, bytes.NewReader(body[:2<<20]), 2<<20); err != nil {
		t.Errorf("Put of what fits: %v", err)
	}
}
