package coreshed_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
)

func TestCleanPath(t *testing.T) {
	for raw, want := range map[string]string{
		"a.csv":                           "a.csv",
		"/a.csv":                          "a.csv",
		"///d//e///a.csv":                 "d/e/a.csv",
		" a /b ":                          " a /b ",
		`a\b:c*?"<>|`:                     `a\b:c*?"<>|`,
		"...":                             "...",
		".hidden/..x":                     ".hidden/..x",
		"AUX.txt":                         "AUX.txt",
		"e\u0301.csv":                     "e\u0301.csv",
		"%2e%2e":                          "%2e%2e",
		strings.Repeat("é", 255):          strings.Repeat("é", 255),
		strings.Repeat("d/", 1023) + "aa": strings.Repeat("d/", 1023) + "aa",
	} {
		if got, err := coreshed.CleanPath(raw); got != want || err != nil {
			t.Errorf("CleanPath(%q) = %q, %v, want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{
		"", "/", "///", "a/", "a//", ".", "..", "a/..", "../a", "a/./b", "a\x00b", "a\nb", "a\u0085b", "\xff", "a/\xc3",
		strings.Repeat("é", 256), strings.Repeat("d/", 1024) + "a",
	} {
		if got, err := coreshed.CleanPath(raw); got != "" && err == nil || !errors.Is(err, coreshed.InvalidPath) {
			t.Errorf("CleanPath(%q) = %q, %v", raw, got, err)
		}
	}
}

func FuzzCleanPath(f *testing.F) {
	for _, seed := range []string{"a.csv", "//d//É (1).tif", "a/../b", "..", "a/", "\xff", strings.Repeat("x", 300), "ﬀ.ß"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		path, err := coreshed.CleanPath(raw)
		if err != nil {
			if !errors.Is(err, coreshed.InvalidPath) {
				t.Errorf("CleanPath(%q): %v", raw, err)
			}
			return
		}
		if again, err := coreshed.CleanPath("//" + path); again != path || err != nil {
			t.Errorf("CleanPath(%q) = %q, and of that %q, %v", raw, path, again, err)
		}
		if slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return s == "" || s == "." || s == ".." }) ||
			strings.ContainsFunc(path, unicode.IsControl) || !utf8.ValidString(path) {
			t.Errorf("CleanPath(%q) = %q", raw, path)
		}
		folder, name := coreshed.SplitPath(path)
		if folder+name != "/"+path || name == "" || strings.Contains(name, "/") || !strings.HasSuffix(folder, "/") {
			t.Errorf("SplitPath(%q) = %q, %q", path, folder, name)
		}
		if key := coreshed.FoldPath(path); coreshed.FoldPath(key) != key {
			t.Errorf("FoldPath(%q) = %q, and of that %q", path, key, coreshed.FoldPath(key))
		}
		numbered := coreshed.NumberedPath(path, 12)
		if utf8.RuneCountInString(path) < coreshed.MaxPathLength-5 {
			if clean, err := coreshed.CleanPath(numbered); clean != numbered || err != nil {
				t.Errorf("NumberedPath(%q) = %q: %v", path, numbered, err)
			}
		}
	})
}

func TestFoldPath(t *testing.T) {
	for _, same := range [][]string{
		{"A/B/File.TXT", "a/b/file.txt"},
		{"\u00e9", "e\u0301", "\u00c9", "E\u0301"},
		{"Straße", "STRASSE"},
		{"Σίσυφος", "ΣΊΣΥΦΟΣ"},
		{"\u212b", "\u00e5"},
	} {
		for _, s := range same[1:] {
			if coreshed.FoldPath(s) != coreshed.FoldPath(same[0]) {
				t.Errorf("%q and %q differ", same[0], s)
			}
		}
	}
	for _, differ := range [][2]string{{"a", "b"}, {"é", "e"}, {"a b", "ab"}, {"a/b", `a\b`}} {
		if coreshed.FoldPath(differ[0]) == coreshed.FoldPath(differ[1]) {
			t.Errorf("%q and %q are one", differ[0], differ[1])
		}
	}
}

func TestNumberedPath(t *testing.T) {
	long := strings.Repeat("é", 255)
	folder := strings.Repeat("d", coreshed.MaxPathLength-12) + "/"
	for _, tt := range []struct {
		path string
		n    int
		want string
	}{
		{"points.csv", 1, "points (1).csv"},
		{"A/points.csv", 12, "A/points (12).csv"},
		{"README", 1, "README (1)"},
		{".bashrc", 1, ".bashrc (1)"},
		{"a.tar.gz", 2, "a.tar (2).gz"},
		{"points (1).csv", 1, "points (1) (1).csv"},
		{"d/" + long, 1, "d/" + long[:2*251] + " (1)"},
		{long[:2*251] + ".csv", 1, long[:2*247] + " (1).csv"},
		{"x." + long[:2*253], 1, "x." + long[:2*249] + " (1)"},
		{folder + "0123456.csv", 1, folder + "012 (1).csv"},
	} {
		if got := coreshed.NumberedPath(tt.path, tt.n); got != tt.want {
			t.Errorf("NumberedPath(%q, %d) = %q, want %q", tt.path, tt.n, got, tt.want)
		}
	}
}

func TestCheckSpaces(t *testing.T) {
	for _, good := range []string{"a b/c d.csv", "a"} {
		if err := coreshed.CheckSpaces(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{" a", "a ", "d /a", "d/ a", "\u00a0a", "d/a\u2003"} {
		if err := coreshed.CheckSpaces(bad); !errors.Is(err, coreshed.InvalidPath) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
