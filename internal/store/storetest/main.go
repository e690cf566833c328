package storetest

import (
	"flag"
	"testing"
)

// Main runs a package's tests with fewer checks of each property than rapid's
// 100, where a check is a whole history in a database. -rapid.checks makes more.
func Main(m *testing.M) int {
	if err := flag.Set("rapid.checks", checks); err != nil {
		panic(err)
	}
	return m.Run()
}
