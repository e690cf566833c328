package model

import (
	"flag"
	"os"
	"testing"
)

// TestMain makes fewer checks than rapid's 100, each of which is a server:
// -rapid.checks makes more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
