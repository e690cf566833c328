package store_test

import (
	"os"
	"testing"

	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestMain(m *testing.M) {
	store.InPieces()
	os.Exit(storetest.Main(m))
}
