package coreshed_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCasesOfRemoval: doc/removal-cases.md has each case and each trap once, each
// with a test, and every test that it and doc/removal.md name is there.
func TestCasesOfRemoval(t *testing.T) {
	text := page(t, "doc/removal-cases.md")
	var cases []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z]|\d+) \| .* \| ([^|]*) \|$`).FindAllStringSubmatch(text, -1) {
		if cases = append(cases, row[1]); !strings.Contains(row[2], "Test") {
			t.Errorf("case %s has no test", row[1])
		}
	}
	if got, want := strings.Join(cases, " "), "a b c d e f g h i j k l m n o p 1 2 3 4 5 6 7 8 9 10 11 12"; got != want {
		t.Errorf("the cases are %s, want %s", got, want)
	}
	checkNamed(t, text, 40)
	checkNamed(t, page(t, "doc/removal.md"), 40)
}

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkNamed wants at least so many tests to be named, each after its package in
// back quotes, and each to be there.
func checkNamed(t *testing.T, text string, least int) {
	t.Helper()
	named, in := 0, ""
	for _, m := range regexp.MustCompile("`([a-z0-9/-]+)`|\\b((?:Test|Fuzz)[A-Z]\\w+)").FindAllStringSubmatch(text, -1) {
		if m[2] == "" {
			in = m[1]
			continue
		}
		named++
		if dir := packageDir(in); dir == "" || !strings.Contains(tests(t, dir), "\nfunc "+m[2]+"(") {
			t.Errorf("there is no %s in %s", m[2], in)
		}
	}
	if named < least {
		t.Errorf("%d tests are named", named)
	}
}

// packageDir is where a package with tests is, "" for none.
func packageDir(name string) string {
	for _, dir := range []string{"internal/" + name, "test/" + name, name} {
		if found, _ := filepath.Glob(filepath.Join(dir, "*_test.go")); len(found) > 0 {
			return dir
		}
	}
	return ""
}
