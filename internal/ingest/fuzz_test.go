package ingest_test

import (
	"encoding/json"
	"path"
	"regexp"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/ingest"
)

// FuzzRule: a rule is refused as BadRequest, or takes what begins with its
// pattern, and wants it at a path that a file can have.
func FuzzRule(f *testing.F) {
	for _, pattern := range []string{".*txt", "a|b", "(?i)A", "(?m)^a", `\Qa`, `\bb|\Bb`, "a*?", "a)(b", "\x00"} {
		f.Add(pattern, "a/b", "in/ab\nabc.txt")
	}
	f.Add("a", "../a", "a")
	f.Add("a", "./", "a")
	f.Fuzz(func(t *testing.T, pattern, folder, file string) {
		rule, err := json.Marshal(map[string]string{"filename_regex": pattern, "new_file_path": folder})
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := ingest.ParseScan([]byte(`{"workspace": "w", "scanner": {"type": "dir"}, "files_to_ingest": [` + string(rule) + `]}`))
		if err != nil {
			if coreshed.KindOf(err) != coreshed.BadRequest {
				t.Fatal(err)
			}
			return
		}
		r, ok := ingest.Match(c.Rules, file)
		if anchored, err := regexp.Compile(`\A(?:` + pattern + `)`); err == nil && ok != (anchored.MatchString(file) || anchored.MatchString(path.Base(file))) {
			t.Fatalf("it is taken: %v", ok)
		}
		if target := r.Target("x", time.Unix(0, 0)); target != "" {
			if _, err := coreshed.CleanPath(target); err != nil {
				t.Fatal(err)
			}
		}
	})
}
