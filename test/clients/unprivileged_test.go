//go:build ring2 && unix

package clients

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"testing"
)

// unprivileged returns a change of a command that makes a user who can do
// nothing run it, and a folder that this user may write. Without root that is
// whoever runs the tests.
func unprivileged(t *testing.T) (as func(*exec.Cmd), home string) {
	t.Helper()
	home, err := os.MkdirTemp(work, "home-")
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return func(*exec.Cmd) {}, home
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(home, uid, gid); err != nil {
		t.Fatal(err)
	}
	return func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Environ(), "HOME="+home, "TMPDIR="+home)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}, home
}
