// Package live runs the real binary on a data folder for the tests of ring 2,
// and speaks to it one request at a time. Nothing is repeated on the way, so
// that a test knows what has been acknowledged and what has not.
package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Main builds the binary, puts where it is into binary, runs the tests of a
// package and returns what to exit with.
func Main(m *testing.M, binary *string) int {
	dir, err := os.MkdirTemp("", "coreshed-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		*binary, err = Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Build builds the binary into dir, with build tags if there are any, and returns
// its path.
func Build(dir string, tags ...string) (string, error) {
	binary := filepath.Join(dir, "coreshed")
	cmd := exec.Command("go", "build", "-tags", strings.Join(tags, ","), "-o", binary, "github.com/coreshed/coreshed/cmd/coreshed")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build coreshed: %w", err)
	}
	return binary, nil
}

// Shed is a data folder with the server on it, which may be killed and started
// again on the same address.
type Shed struct {
	Data string
	Env  []string // more of it, for servers that are started from now on

	t       *testing.T
	binary  string
	flags   []string
	address string
	cmd     *exec.Cmd
	log     *bytes.Buffer
	http    *http.Client

	Files string // URL of the workspace's files
	Token string // of an owner
}

// Start makes a data folder and starts the server on it. The server ends with
// the test; its log is shown when the test has failed.
func Start(t *testing.T, binary, data string, flags ...string) *Shed {
	t.Helper()
	s := &Shed{
		Data: data, t: t, binary: binary, flags: flags, address: freeAddress(t), log: &bytes.Buffer{},
		// A new connection for each request: on a reused one that breaks, Go's
		// client would send the request again.
		http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute},
	}
	s.Run()
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the server's log:\n%s", tail(s.log.String(), 40))
		}
	})
	s.environment()
	return s
}

// freeAddress is one that no server has now. It is kept over restarts, since
// signed URLs name it.
func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func tail(text string, lines int) string {
	all := strings.SplitAfter(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}

// URL is where the server listens.
func (s *Shed) URL() string { return "http://" + s.address }

// PID is the server's process id.
func (s *Shed) PID() int { return s.cmd.Process.Pid }

// Run starts the server and returns when it is ready.
func (s *Shed) Run() {
	s.t.Helper()
	s.Launch()
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
		if s.Ready() {
			return
		}
	}
	s.t.Fatalf("the server is not ready after 30 s; its log:\n%s", s.log)
}

// Launch starts the server and does not wait for it.
func (s *Shed) Launch() {
	s.t.Helper()
	args := append([]string{"serve", "--data", s.Data, "--listen", s.address, "--min-free", "1MiB", "--log-level", "warn"}, s.flags...)
	s.cmd = exec.Command(s.binary, args...)
	s.cmd.Stderr, s.cmd.Env = s.log, append(os.Environ(), s.Env...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start coreshed: %v", err)
	}
}

// Ready reports whether the server that was started last answers.
func (s *Shed) Ready() bool {
	if !s.noted() {
		return false
	}
	a, err := s.Do(http.MethodGet, s.URL()+"/readyz", nil)
	return err == nil && a.Status == http.StatusOK
}

// noted reports whether this server, and not one that was killed, has noted in
// the data folder where it is.
func (s *Shed) noted() bool {
	text, err := os.ReadFile(filepath.Join(s.Data, "server.json"))
	var note struct{ PID int }
	return err == nil && json.Unmarshal(text, &note) == nil && note.PID == s.PID()
}

// Kill ends the server as a power cut would, as far as processes go.
func (s *Shed) Kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// Stop asks the server to end, which it must do cleanly.
func (s *Shed) Stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the server ended with: %v", err)
	}
}

// environment asks the binary how to reach the workspace.
func (s *Shed) environment() {
	s.t.Helper()
	cmd := exec.Command(s.binary, "env", "--data", s.Data, "--format", "json")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("coreshed env: %v", err)
	}
	var env struct{ ORG_ID, WORKSPACE_ID, TOKEN string } //nolint:staticcheck // the names of the variables
	if err := json.Unmarshal(out, &env); err != nil {
		s.t.Fatalf("coreshed env: %v", err)
	}
	s.Token = env.TOKEN
	s.Files = s.URL() + "/file/v2/orgs/" + env.ORG_ID + "/workspaces/" + env.WORKSPACE_ID + "/files"
}
