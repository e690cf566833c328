//go:build ring2 && unix

package broker_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/broker"
)

// TestPermissions runs without the rights of root, who may read everything.
func TestPermissions(t *testing.T) {
	if os.Geteuid() != 0 {
		loses(t)
		return
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	home, err := os.MkdirTemp("", "coreshed-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	if err := os.Chown(home, uid, gid); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(home, "broker.test") // where they may run it
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestPermissions$", "-test.v")
	cmd.Dir, cmd.Env = home, append(os.Environ(), "TMPDIR="+home, "HOME="+home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestPermissions") {
		t.Fatalf("as nobody: %v\n%s", err, out)
	}
}

func loses(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "dir")
	mkdir(t, dir)
	b := openConfig(t, opener(t, broker.Bounds{Roots: []string{top}}), fmt.Sprintf(`{"broker": {"type": "host", "host_path": %q}}`, dir))
	for _, path := range []string{"a.las", "closed/b.las", "z.las"} {
		put(t, b, path, "depth")
	}
	chmod := func(path string, mode fs.FileMode) {
		t.Helper()
		if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(filepath.Join(dir, path), 0o755) })
	}
	chmod("closed", 0)
	var got []string
	err := b.List(t.Context(), broker.Listing{Recursive: true}, func(o broker.Object) error { got = append(got, o.Path); return nil })
	if diff := cmp.Diff([]string{"a.las", "z.las"}, got); diff != "" || !errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "closed") {
		t.Errorf("List (-want +got):\n%s%v", diff, err)
	}
	for _, path := range []string{"closed/b.las", "closed/absent"} {
		if _, err := b.Open(t.Context(), path); !errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "closed") {
			t.Errorf("Open %s = %v, want fs.ErrPermission", path, err)
		}
	}
	chmod("a.las", 0)
	if _, err := b.Open(t.Context(), "a.las"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Open of a file that may not be read = %v, want fs.ErrPermission", err)
	}
	chmod(".", 0o555)
	if _, err := b.Put(t.Context(), "new.las", strings.NewReader("x"), 1, broker.PutOptions{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Put where nothing may be written = %v, want fs.ErrPermission", err)
	}
	chmod(".", 0)
	if err := b.List(t.Context(), broker.Listing{}, func(broker.Object) error { return nil }); !errors.Is(err, broker.ErrUnavailable) {
		t.Errorf("List of a folder that may not be read = %v, want ErrUnavailable", err)
	}
	if _, err := b.Open(t.Context(), "z.las"); !errors.Is(err, broker.ErrUnavailable) {
		t.Errorf("Open in a folder that may not be read = %v, want ErrUnavailable", err)
	}
}
