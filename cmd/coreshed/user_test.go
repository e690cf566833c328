package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/server"
)

// A new password opens an account that failed sign-ins have locked.
func TestResetUnlocks(t *testing.T) {
	ctx, data := t.Context(), t.TempDir()
	s, err := server.Open(ctx, server.Config{Data: data, Listen: "127.0.0.1:0", Floor: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	sum := sha256.Sum256([]byte(auth.AdminEmail))
	key := "account:" + hex.EncodeToString(sum[:])
	if err := s.Store().AddFailure(ctx, key); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"user", "reset", auth.AdminEmail, "--data", data}, nil, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	if n, _, err := s.Store().Failures(ctx, key); n != 0 || err != nil {
		t.Errorf("%d failures are left, %v", n, err)
	}
}
