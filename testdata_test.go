package coreshed_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSamples checks that the sample files are the ones TRUTH.json describes,
// all of them and no others, and that README.md names the origin of each.
func TestSamples(t *testing.T) {
	const dir = "testdata/geo"
	var truth map[string]struct {
		Bytes  int64
		SHA256 string
	}
	if err := json.Unmarshal(read(t, dir, "TRUTH.json"), &truth); err != nil {
		t.Fatal(err)
	}
	readme := string(read(t, dir, "README.md"))

	for name, want := range truth {
		data := read(t, dir, name)
		if got := int64(len(data)); got != want.Bytes {
			t.Errorf("%s has %d bytes, want %d", name, got, want.Bytes)
		}
		sum := sha256.Sum256(data)
		if got := hex.EncodeToString(sum[:]); got != want.SHA256 {
			t.Errorf("%s has SHA-256 %s, want %s", name, got, want.SHA256)
		}
		// Side-cars are listed by the shared base name and their extension.
		base, ext := strings.TrimSuffix(name, filepath.Ext(name)), filepath.Ext(name)
		if !strings.Contains(readme, "`"+name+"`") &&
			!(strings.Contains(readme, "`"+base+".shp`") && strings.Contains(readme, "`"+ext+"`")) {
			t.Errorf("README.md does not name %s", name)
		}
	}

	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		_, described := truth[e.Name()]
		if !described && e.Name() != "README.md" && e.Name() != "TRUTH.json" && e.Name() != "LICENSES" {
			t.Errorf("TRUTH.json does not describe %s", e.Name())
		}
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
