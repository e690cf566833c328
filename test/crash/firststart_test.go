//go:build ring2 && linux

package crash

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/coreshed/coreshed/test/live"
)

// firstStarts bounds the time: they take many steps, most of them in SQLite.
const firstStarts = 80

// TestKillFirstStart kills a server while it makes its data folder. The next
// start must end what the first has begun.
func TestKillFirstStart(t *testing.T) {
	total := 0
	t.Run("whole", func(t *testing.T) { total = firstStart(t, 0) })
	stride := max(1, total/firstStarts)
	kills := 0
	for n := 1; n <= total; n += stride {
		if !t.Run(fmt.Sprintf("step %d", n), func(t *testing.T) { firstStart(t, n) }) {
			break
		}
		kills++
	}
	t.Logf("%d steps, killed at %d of them", total, kills)
}

// firstStart starts a server on a new folder and kills it at a step, or for 0
// when it is ready.
func firstStart(t *testing.T, killAt int) int {
	data := t.TempDir() + "/data"
	// The shell waits until it is watched and then becomes the server.
	cmd := exec.Command("sh", "-c", `read go; exec "$0" serve --data "$1" --listen 127.0.0.1:0 --log-level warn`, binaryPath, data)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w, err := newWatch(cmd.Process.Pid, killAt)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(stdin, "go")
	w.untilEndOr(func() bool { return exists(filepath.Join(data, "server.json")) })
	w.kill()
	cmd.Wait()
	if killAt > 0 && !w.killed {
		return w.steps // it was ready before
	}
	s := &shed{Shed: live.Start(t, binaryPath, data), files: map[string]*file{}}
	s.finish(t, s.putBlob(t))
	if password, err := os.ReadFile(filepath.Join(data, "admin-password")); err != nil || len(password) < 10 {
		t.Errorf("the admin's password is %q, %v", password, err)
	}
	if t.Failed() {
		t.Logf("killed at step %d, after %v; its log:\n%s", killAt, w.taken[max(0, len(w.taken)-8):], &log)
	}
	return w.steps
}

// untilEndOr waits until the process has ended or something is so.
func (w *watch) untilEndOr(so func() bool) {
	for !so() {
		select {
		case <-w.done:
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
