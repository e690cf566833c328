package coreshed_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// casesOfScale is how many there are.
const casesOfScale = 159

// TestCasesOfScale: doc/scale-v6.md has each of the numbered cases once, and every
// test that it names is there.
func TestCasesOfScale(t *testing.T) {
	text, err := os.ReadFile("doc/scale-v6.md")
	if err != nil {
		t.Fatal(err)
	}
	checkCases(t, string(text))
	named := regexp.MustCompile("(`\\.`|[a-z0-9]+)\\.(Test\\w+)").FindAllStringSubmatch(string(text), -1)
	if len(named) < 50 {
		t.Errorf("%d tests are named", len(named))
	}
	for _, n := range named {
		dir := filepath.Join("internal", n[1])
		if n[1] == "`.`" {
			dir = "."
		}
		if !strings.Contains(tests(t, dir), "\nfunc "+n[2]+"(") {
			t.Errorf("there is no %s in %s", n[2], dir)
		}
	}
}

func checkCases(t *testing.T, text string) {
	t.Helper()
	seen := map[int]int{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d[^|]*) \|`).FindAllStringSubmatch(text, -1) {
		for part := range strings.SplitSeq(row[1], ", ") {
			first, last, ok := strings.Cut(part, "–")
			if !ok {
				last = first
			}
			from, err := strconv.Atoi(first)
			if err != nil {
				t.Fatal(err)
			}
			until, err := strconv.Atoi(last)
			if err != nil {
				t.Fatal(err)
			}
			for n := from; n <= until; n++ {
				seen[n]++
			}
		}
	}
	for n := 1; n <= casesOfScale; n++ {
		if seen[n] != 1 {
			t.Errorf("case %d is there %d times", n, seen[n])
		}
	}
}

// tests is the text of a package's tests.
func tests(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
