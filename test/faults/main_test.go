//go:build ring2 && linux

package faults

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/coreshed/coreshed/test/live"
)

var binaryPath string // of the server; set once, by TestMain

func TestMain(m *testing.M) { os.Exit(live.Main(m, &binaryPath)) }

// put uploads a file that must be taken.
func put(t *testing.T, s *live.Shed, path string, body []byte) live.Upload {
	t.Helper()
	u := reserve(t, s, path)
	if _, err := s.PutBlob(u, body); err != nil {
		t.Fatal(err)
	}
	return u
}

func reserve(t *testing.T, s *live.Shed, path string) live.Upload {
	t.Helper()
	u, err := s.Reserve(path)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func wantContent(t *testing.T, s *live.Shed, u live.Upload, want []byte) {
	t.Helper()
	got, err := s.Contents(u.FileID)
	if err != nil || len(got) != 1 || !bytes.Equal(got[0], want) {
		t.Errorf("the file has %d versions that are not the one uploaded, %v", len(got), err)
	}
}

// wantPaths wants exactly these live files.
func wantPaths(t *testing.T, s *live.Shed, want ...string) {
	t.Helper()
	files, err := s.List(false)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range files {
		got[f.Address()] = true
	}
	for _, path := range want {
		if !got[path] {
			t.Errorf("%s is not listed", path)
		}
	}
	if len(files) != len(want) {
		t.Errorf("%d files are listed, want %d", len(files), len(want))
	}
}

// wantStatus wants a request to be refused with a status.
func wantStatus(t *testing.T, what string, err error, status int) {
	t.Helper()
	var refused *live.Refused
	if !errors.As(err, &refused) || refused.Status != status {
		t.Errorf("%s: %v, want status %d", what, err, status)
	}
}

func random(size int) []byte {
	b := make([]byte, size)
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}
