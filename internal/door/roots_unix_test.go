//go:build !windows

package door

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFirstBundle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id, err := Memory(tlsName)
	if err != nil {
		t.Fatal(err)
	}
	empty, good, missing := filepath.Join(dir, "empty"), filepath.Join(dir, "good"), filepath.Join(dir, "missing")
	for path, data := range map[string][]byte{empty: []byte("# nothing\n"), good: id.CA} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if data, source := firstBundle([]string{missing, dir, empty, good}); source != good || string(data) != string(id.CA) {
		t.Errorf("found %q, want %q", source, good)
	}
	if data, source := firstBundle([]string{missing, empty}); source != "" || data != nil {
		t.Errorf("found %q where there is none", source)
	}
}
