package disk

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
)

func TestFolderShares(t *testing.T) {
	f := &folder{path: t.TempDir()}
	first, leads := f.join()
	if !leads {
		t.Error("the first to ask does not lead")
	}
	if r, leads := f.join(); r != first || leads {
		t.Error("who asks before the sync begins does not share it")
	}
	f.lead(first)
	<-first.done
	if r, leads := f.join(); r == first || !leads {
		t.Error("who asks after the sync began was given it")
	}
}

func TestFolderFails(t *testing.T) {
	f := &folder{path: filepath.Join(t.TempDir(), "absent")}
	for range 2 {
		if err := f.sync(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("sync = %v, want fs.ErrNotExist", err)
		}
	}
}
