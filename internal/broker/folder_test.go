package broker_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
)

// open opens the folder dir, below which all is allowed.
func open(t testing.TB, dir string) broker.Broker {
	t.Helper()
	return openConfig(t, opener(t, broker.Bounds{Roots: []string{dir}}), fmt.Sprintf(`{"broker": {"type": "host", "host_path": %q}}`, dir))
}

func opener(t testing.TB, b broker.Bounds) *broker.Opener {
	t.Helper()
	o, err := broker.NewOpener(b)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func openConfig(t testing.TB, o *broker.Opener, document string) broker.Broker {
	t.Helper()
	c, err := broker.ParseConfig([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	b, err := o.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHostConforms(t *testing.T) {
	conform(t, func(t *testing.T) broker.Broker { return open(t, t.TempDir()) })
}

func TestFolderRefusesPaths(t *testing.T) {
	b := open(t, t.TempDir())
	put(t, b, "here", "so that it is not empty")
	for _, path := range []string{"", ".", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "./a", "a\x00b"} {
		if _, err := b.Open(t.Context(), path); !errors.Is(err, coreshed.InvalidPath) {
			t.Errorf("Open %q = %v, want InvalidPath", path, err)
		}
		if _, err := b.Put(t.Context(), path, strings.NewReader(""), 0, broker.PutOptions{}); !errors.Is(err, coreshed.InvalidPath) {
			t.Errorf("Put %q = %v, want InvalidPath", path, err)
		}
		if _, err := b.Move(t.Context(), "here", path); !errors.Is(err, coreshed.InvalidPath) {
			t.Errorf("Move to %q = %v, want InvalidPath", path, err)
		}
		if err := b.Delete(t.Context(), path); !errors.Is(err, coreshed.InvalidPath) {
			t.Errorf("Delete %q = %v, want InvalidPath", path, err)
		}
	}
	if err := b.List(t.Context(), broker.Listing{Prefix: "../"}, func(broker.Object) error { return nil }); !errors.Is(err, coreshed.InvalidPath) {
		t.Errorf("List of ../ = %v, want InvalidPath", err)
	}
}

// TestFolderGone tells what cannot be said from what is not there.
func TestFolderGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mount")
	mkdir := func() {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mkdir()
	b := open(t, dir)
	if _, err := b.Open(t.Context(), "hole.las"); !errors.Is(err, broker.ErrUnavailable) {
		t.Errorf("Open in an empty folder = %v, want ErrUnavailable", err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), "hole.las"); !errors.Is(err, broker.ErrUnavailable) {
		t.Errorf("Open without the folder = %v, want ErrUnavailable", err)
	}
	if err := b.List(t.Context(), broker.Listing{}, func(broker.Object) error { return nil }); !errors.Is(err, broker.ErrUnavailable) {
		t.Errorf("List without the folder = %v, want ErrUnavailable", err)
	}
	mkdir()
	put(t, b, "hole.las", "depth") // in the new folder of that name
	if got := read(t, open(t, dir), "hole.las"); got != "depth" {
		t.Errorf("it reads %q", got)
	}
}

// TestListBatches lists folders that are larger than what is in memory at a
// time.
func TestListBatches(t *testing.T) {
	b := open(t, t.TempDir())
	var want []string
	for i := range 100 {
		for _, path := range []string{fmt.Sprintf("%02d.las", i), fmt.Sprintf("%02d/a.las", i/10)} {
			if !slices.Contains(want, path) {
				put(t, b, path, "x")
				want = append(want, path)
			}
		}
	}
	slices.Sort(want)
	for _, batch := range []int{1, 2, 3, 7, 50, 100, 110, 111, 1000} {
		small := broker.WithBatch(b, batch)
		if diff := cmp.Diff(want, list(t, small, broker.Listing{Recursive: true})); diff != "" {
			t.Errorf("%d at a time (-want +got):\n%s", batch, diff)
		}
		if diff := cmp.Diff(want[57:], list(t, small, broker.Listing{Recursive: true, After: want[56]})); diff != "" {
			t.Errorf("%d at a time, from the middle (-want +got):\n%s", batch, diff)
		}
	}
}

// TestListNotUTF8 gives names as they are: whoever registers them refuses them
// with the reason.
func TestListNotUTF8(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // others keep no such names
	}
	dir := t.TempDir()
	b := open(t, dir)
	for _, name := range []string{"L\xf6ss.las", "loess.las"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("depth"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"L\xf6ss.las", "loess.las"}, list(t, b, broker.Listing{})); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if got := read(t, b, "L\xf6ss.las"); got != "depth" {
		t.Errorf("it reads %q", got)
	}
}

// TestMoveLink moves links, which lead where they led before, also after the move
// was cut short.
func TestMoveLink(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	want := put(t, b, "raw/hole.las", "depth")
	for link, to := range map[string]string{"in/today/hole.las": "../../raw/hole.las", "in/lost.las": "../raw/absent.las"} {
		at := filepath.Join(dir, link)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		o, err := b.Move(t.Context(), "in/today/hole.las", "done/hole.las")
		if err != nil {
			t.Fatal(err)
		}
		if o.Path = want.Path; !o.Same(want) {
			t.Errorf("Move = %+v, want the size and time of %+v", o, want)
		}
		if got := read(t, b, "done/hole.las"); got != "depth" {
			t.Errorf("it reads %q", got)
		}
		if _, err := os.Lstat(filepath.Join(dir, "in/today/hole.las")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the former one: %v", err)
		}
		// As it is when the move is cut short before the former one goes.
		if err := os.Symlink("../../raw/hole.las", filepath.Join(dir, "in/today/hole.las")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Move(t.Context(), "in/today/hole.las", "raw/hole.las"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Move onto what it leads to = %v", err)
	}
	if _, err := b.Move(t.Context(), "in/lost.las", "done/lost.las"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Move of a link that leads nowhere = %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "in/lost.las")); err != nil {
		t.Errorf("it is %v", err)
	}
}
