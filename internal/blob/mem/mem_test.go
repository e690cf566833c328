package mem_test

import (
	"testing"

	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/blob/blobtest"
	"github.com/coreshed/coreshed/internal/blob/mem"
)

func TestStore(t *testing.T) {
	blobtest.Run(t, func(*testing.T) blob.Store { return mem.New() })
}
