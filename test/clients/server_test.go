//go:build ring2

package clients

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// repo is the root of the repository, and work a folder that every user may
// read, with the binary in it. Set once, by TestMain.
var repo, work, coreshed string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if repo, err = filepath.Abs("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if work, err = os.MkdirTemp("", "coreshed-clients-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(work)
	coreshed = filepath.Join(work, "coreshed")
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "build coreshed:", err)
		return 1
	}
	return m.Run()
}

func build() error {
	// The folder is made private, and TestPython's user has to read in it.
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-o", coreshed, "./cmd/coreshed")
	cmd.Dir, cmd.Env = repo, append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// server is a running ephemeral server. Line is what it printed when it was
// ready, and the other fields are read from that.
type server struct {
	Line        string `json:"-"`
	URL         string `json:"url"`
	Proxy       string `json:"proxy"`
	TLSURL      string `json:"tls_url"`
	CAFile      string `json:"ca_file"`
	OrgID       string `json:"org_id"`
	WorkspaceID string `json:"workspace_id"`
	Token       string `json:"token"`
	ClientID    string `json:"client_id"`
}

// asMe lets the user who runs the tests run a command.
func asMe(*exec.Cmd) {}

// start runs an ephemeral server with flags until the test ends. as says which
// user runs it.
func start(t *testing.T, as func(*exec.Cmd), flags ...string) server {
	t.Helper()
	cmd := exec.Command(coreshed, append([]string{"serve", "--ephemeral", "--exit-with-stdin"}, flags...)...)
	cmd.Dir = work
	as(cmd)
	var log strings.Builder
	cmd.Stderr = &log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start coreshed: %v", err)
	}
	t.Cleanup(func() { stop(t, cmd, stdin, &log) })
	return readLine(t, stdout)
}

func readLine(t *testing.T, stdout io.Reader) server {
	t.Helper()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("read the server's line: %v", err)
	}
	s := server{Line: line}
	if err := json.Unmarshal([]byte(line), &s); err != nil {
		t.Fatalf("decode the server's line %q: %v", line, err)
	}
	return s
}

// stop closes the server's stdin, which is its signal to leave. A server that
// does not leave by itself, and cleanly, is a failure.
func stop(t *testing.T, cmd *exec.Cmd, stdin io.Closer, log *strings.Builder) {
	stdin.Close()
	killer := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer killer.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("coreshed: %v", err)
	}
	if t.Failed() {
		t.Logf("the server's log:\n%s", log)
	}
}

// env is the environment in which a client of s runs: the names that
// `coreshed env` gives.
func (s server) env() []string {
	return append(os.Environ(),
		"HUB_URL="+s.TLSURL,
		"DISCOVERY_URL="+s.TLSURL,
		"ISSUER="+s.URL,
		"CLIENT_ID="+s.ClientID,
		"ORG_ID="+s.OrgID,
		"WORKSPACE_ID="+s.WorkspaceID,
		"TOKEN="+s.Token,
		"PROXY="+s.Proxy,
		"SSL_CERT_FILE="+s.CAFile,
	)
}
