package watch_test

import (
	"os"
	"testing"

	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
