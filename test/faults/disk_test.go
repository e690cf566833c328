//go:build ring2 && linux

package faults

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coreshed/coreshed/test/live"
)

// smallDisk mounts a file system of 64 MiB for a data folder.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m,mode=0700"); err != nil {
		t.Fatalf("mount a small tmpfs (run this ring as root, see scripts/setup): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all room of a file system but a few bytes, and returns what gives
// it back.
func fill(t *testing.T, dir string, leave int64) (free func()) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	err := os.WriteFile(ballast, make([]byte, int64(st.Bavail)*st.Bsize-leave), 0o600)
	if err != nil && !errors.Is(err, syscall.ENOSPC) { // the server writes, too
		t.Error(err)
	}
	return func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}
}

// waitForReading outlasts the second for which a reading of the free space
// counts.
func waitForReading() { time.Sleep(1200 * time.Millisecond) }

// objects are the names of all files among the objects.
func objects(t *testing.T, s *live.Shed) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(filepath.Join(s.Data, "objects"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestFloor leaves less room than must stay free: uploads are refused, and
// all else goes on.
func TestFloor(t *testing.T) {
	disk := smallDisk(t)
	s := live.Start(t, binaryPath, disk+"/data", "--min-free", "16MiB")
	body := random(1 << 20)
	kept, deleted := put(t, s, "kept.las", body), put(t, s, "deleted.las", body)
	blocks := reserve(t, s, "blocks.las")
	if err := s.PutBlock(blocks, "a", body); err != nil {
		t.Fatal(err)
	}
	next := reserve(t, s, "next.las")
	free := fill(t, disk, 8<<20)
	waitForReading()
	_, err := s.PutBlob(next, []byte("x"))
	wantStatus(t, "Put Blob", err, http.StatusInsufficientStorage)
	wantStatus(t, "Put Block", s.PutBlock(blocks, "b", []byte("x")), http.StatusInsufficientStorage)
	if _, err := s.PutBlockList(blocks, "a"); err != nil {
		t.Errorf("a commit of what is staged: %v", err)
	}
	if err := s.Delete(deleted.FileID); err != nil {
		t.Error(err)
	}
	wantContent(t, s, kept, body)
	wantContent(t, s, blocks, body)
	free()
	waitForReading()
	if _, err := s.PutBlob(next, body); err != nil {
		t.Errorf("Put Blob when there is room again: %v", err)
	}
	wantPaths(t, s, "kept.las", "blocks.las", "next.las")
}

// TestManyUploads sends more at once than fits above the floor. What does not
// fit is refused, and leaves nothing.
func TestManyUploads(t *testing.T) {
	disk := smallDisk(t)
	s := live.Start(t, binaryPath, disk+"/data")
	uploads := make([]live.Upload, 12)
	for i := range uploads {
		uploads[i] = reserve(t, s, fmt.Sprintf("large-%d", i))
	}
	body := random(8 << 20)
	errs := make([]error, len(uploads))
	var wg sync.WaitGroup
	for i, u := range uploads {
		wg.Go(func() { _, errs[i] = s.PutBlob(u, body) })
	}
	wg.Wait()
	var paths []string
	for i, err := range errs {
		if err == nil {
			wantContent(t, s, uploads[i], body)
			paths = append(paths, fmt.Sprintf("large-%d", i))
			continue
		}
		wantStatus(t, "Put Blob", err, http.StatusInsufficientStorage)
	}
	if len(paths) < 3 || len(paths) > 7 {
		t.Errorf("%d uploads of 8 MiB were taken on a disk of 64 MiB", len(paths))
	}
	wantPaths(t, s, paths...)
	if names := objects(t, s); len(names) != len(paths) {
		t.Errorf("the objects are %v, want %d", names, len(paths))
	}
}

// TestFullDisk fills the disk from outside while a body arrives.
func TestFullDisk(t *testing.T) {
	disk := smallDisk(t)
	s := live.Start(t, binaryPath, disk+"/data")
	body := random(8 << 20)
	kept, u := put(t, s, "kept.las", body[:1000]), reserve(t, s, "large.las")
	r, w := io.Pipe()
	var filled sync.WaitGroup
	filled.Go(func() {
		defer w.Close()
		w.Write(body[:2<<20])
		defer fill(t, disk, 0)()
		w.Write(body[2<<20:])
	})
	a, err := s.Do(http.MethodPut, u.URL, r, "x-ms-blob-type", "BlockBlob", "Content-Length", strconv.Itoa(len(body)))
	if err != nil || a.Status != http.StatusInsufficientStorage {
		t.Errorf("Put Blob when the disk fills up = %d %s, %v; want 507", a.Status, a.Body, err)
	}
	filled.Wait()
	if names := objects(t, s); len(names) != 1 {
		t.Errorf("the objects are %v, want that of one file", names)
	}
	wantContent(t, s, kept, body[:1000])
	waitForReading()
	if _, err := s.PutBlob(u, body); err != nil {
		t.Errorf("the same when there is room again: %v", err)
	}
	wantContent(t, s, u, body)
}

// TestFullDatabase leaves no room at all, not even for a row.
func TestFullDatabase(t *testing.T) {
	disk := smallDisk(t)
	s := live.Start(t, binaryPath, disk+"/data", "--min-free", "1B")
	body := random(1000)
	kept := put(t, s, "kept.las", body)
	blocks := reserve(t, s, "blocks.las")
	if err := s.PutBlock(blocks, "a", body); err != nil {
		t.Fatal(err)
	}
	free := fill(t, disk, 0)
	// What SQLite's log has room for by itself still works; then it is full.
	var err error
	for n := 0; err == nil && n < 2000; n++ {
		_, err = s.Reserve(fmt.Sprintf("more/%d-%s", n, strings.Repeat("x", 200)))
	}
	wantStatus(t, "Reserve", err, http.StatusBadGateway)
	for range 5 { // and it does not get worse
		a, err := s.Do(http.MethodPut, s.Files+"/path/again.las", nil)
		if err != nil || a.Status != http.StatusBadGateway || !bytes.Contains(a.Body, []byte("/metadata/store-error")) {
			t.Errorf("Reserve on a full disk = %d %s, %v; want 502 store-error", a.Status, a.Body, err)
		}
	}
	if got, err := s.Download(kept.FileID, kept.VersionID); err != nil || !bytes.Equal(got, body) {
		t.Errorf("a download from a full disk: %d bytes, %v", len(got), err)
	}
	free()
	waitForReading()
	if _, err := s.PutBlockList(blocks, "a"); err != nil {
		t.Errorf("a commit when there is room again: %v", err)
	}
	wantContent(t, s, blocks, body)
	after := put(t, s, "after.las", body)
	s.Kill()
	s.Run()
	wantContent(t, s, after, body)
	wantContent(t, s, blocks, body)
	wantContent(t, s, kept, body)
}
