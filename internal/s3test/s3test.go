// Package s3test starts a real S3 server for tests of ring 2: versitygw, which
// scripts/setup installs.
package s3test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Server is a server with an empty bucket, gone when its test ends.
type Server struct {
	URL, Bucket          string
	AccessKey, SecretKey string
	Folder               string // of the bucket's objects
	Process              *os.Process
}

// Start starts a server on a free port of loopback.
func Start(t testing.TB) *Server {
	t.Helper()
	return start(t)
}

// StartVersions starts one that keeps versions of objects in buckets that are
// told to.
func StartVersions(t testing.TB) *Server {
	t.Helper()
	return start(t, "--versioning-dir", t.TempDir())
}

func start(t testing.TB, options ...string) *Server {
	t.Helper()
	program, err := exec.LookPath("versitygw")
	if err != nil {
		t.Fatalf("versitygw is not there: run scripts/setup (%v)", err)
	}
	dir, address := t.TempDir(), freeAddress(t)
	root, sidecar := filepath.Join(dir, "root"), filepath.Join(dir, "sidecar")
	s := &Server{URL: "http://" + address, Bucket: "cores", AccessKey: "test-access", SecretKey: "test-secret"}
	s.Folder = filepath.Join(root, s.Bucket)
	for _, d := range []string{s.Folder, sidecar} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(context.WithoutCancel(t.Context()), program,
		append(append([]string{"--port", address, "--quiet", "posix", "--sidecar", sidecar}, options...), root)...)
	command.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s.AccessKey, "ROOT_SECRET_ACCESS_KEY="+s.SecretKey)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	s.Process = command.Process
	t.Cleanup(func() {
		command.Process.Kill() //nolint:errcheck // a test may have ended it
		command.Wait()         //nolint:errcheck // it was killed
	})
	s.await(t)
	return s
}

// Configuration is that of a workspace in the bucket.
func (s *Server) Configuration() string {
	return fmt.Sprintf(`{"broker": {"type": "s3", "bucket_name": %q, "endpoint_url": %q,
		"credentials": {"access_key_id": %q, "secret_access_key": %q}}}`, s.Bucket, s.URL, s.AccessKey, s.SecretKey)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await waits until the server answers.
func (s *Server) await(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := http.DefaultClient.Do(q); err == nil {
			answer.Body.Close()
			return
		}
	}
	t.Fatal("versitygw does not answer after 30 s")
}
