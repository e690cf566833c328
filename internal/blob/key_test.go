package blob_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/internal/blob"
)

func TestNewKey(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		prefix := blob.NewPrefix()
		key := blob.NewKey(prefix)
		if err := blob.ValidKey(key); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(key, prefix+"/") || seen[key] {
			t.Errorf("NewKey(%q) = %q", prefix, key)
		}
		seen[key] = true
	}
}

// FuzzValidKey wants every valid key to stay below its folder, on any system,
// and to be one that NewKey could make.
func FuzzValidKey(f *testing.F) {
	part := strings.Repeat("a", 26)
	for _, key := range []string{part + "/" + part, part + "/..", "../" + part, part + "/" + part + "/x", part, "", "/"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if blob.ValidKey(key) != nil {
			return
		}
		if len(key) != 53 || key[26] != '/' || strings.Trim(key, blob.Alphabet+"/") != "" || strings.Count(key, "/") != 1 {
			t.Errorf("%q is valid", key)
		}
		if !filepath.IsLocal(key) {
			t.Errorf("%q leaves its folder", key)
		}
	})
}
