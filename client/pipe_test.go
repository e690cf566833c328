//go:build unix

package client_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

// TestUploadOfPipe does not wait for someone who writes to it.
func TestUploadOfPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{Hub: "http://127.0.0.1:1", Token: "x"})
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan error, 1)
	go func() {
		_, err := c.Files(coreshed.UUID{}, coreshed.UUID{}).UploadFile(t.Context(), client.Path("a"), pipe, client.UploadOptions{})
		refused <- err
	}()
	select {
	case err := <-refused:
		if err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("upload of a pipe: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("upload of a pipe waits")
	}
}
