//go:build !ring2

package pgtest_test

import (
	"context"
	"testing"

	"github.com/coreshed/coreshed/internal/pgtest"
)

func TestOpenWithoutServer(t *testing.T) {
	t.Setenv(pgtest.Variable, "")
	dsn, ok := pgtest.Open(t, "", func(context.Context, string) error {
		t.Error("migrate was called without a server")
		return nil
	})
	if ok || dsn != "" {
		t.Errorf("Open = %q, %v; want no database", dsn, ok)
	}
}
