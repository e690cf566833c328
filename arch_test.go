package coreshed_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/coreshed/coreshed"

// TestDirections keeps the direction of imports:
//
//	cmd, server → families, watch → catalog → store, blob, broker → coreshed
//
// What reads documents alone is below all of them.
//
// Only production code counts: a test may start whatever it needs.
func TestDirections(t *testing.T) {
	for _, pkg := range packages(t) {
		from, _ := local(pkg.ImportPath)
		for _, dep := range pkg.Deps {
			to, ours := local(dep)
			if !ours {
				continue
			}
			if why := forbidden(from, to, slices.Contains(pkg.Imports, dep)); why != "" {
				t.Errorf("%s depends on %s: %s", pkg.ImportPath, dep, why)
			}
		}
	}
}

func TestForbidden(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		want     bool
	}{
		{"", "internal/store", true},
		{"internal/store", "", false},
		{"internal/store", "internal/blob", true},
		{"internal/blob/disk", "internal/store", true},
		{"internal/blob/disk", "internal/blob", false},
		{"internal/catalog", "internal/store", false},
		{"internal/catalog", "internal/web", true},
		{"internal/catalog", "internal/blob/disk", true},
		{"internal/catalog", "internal/broker", false},
		{"internal/broker", "internal/store", true},
		{"internal/broker", "internal/blob", false},
		{"internal/store", "internal/broker", true},
		{"internal/store", "internal/evoapi", true},
		{"internal/watch", "internal/catalog", false},
		{"internal/watch", "internal/web", true},
		{"internal/catalog", "internal/watch", true},
		{"internal/scaleapi", "internal/watch", true},
		{"internal/server", "internal/watch", false},
		{"internal/catalog", "internal/geo", false},
		{"internal/store", "internal/openlineage", false},
		{"internal/geo", "", false},
		{"internal/ingest", "internal/store", true},
		{"internal/openlineage", "internal/web", true},
		{"internal/evoapi", "internal/catalog", false},
		{"internal/evoapi", "internal/blobapi", true},
		{"internal/ui", "internal/scaleapi", true},
		{"internal/evoapi", "internal/server", true},
		{"internal/server", "internal/evoapi", false},
		{"internal/server", "internal/blob/disk", false},
		{"cmd/coreshed", "internal/blob/disk", false},
		{"coreshedtest", "internal/blob/mem", false},
		{"client", "", false},
		{"client", "internal/store", true},
	} {
		if why := forbidden(tt.from, tt.to, true); (why != "") != tt.want {
			t.Errorf("forbidden(%q, %q) = %q, want forbidden %v", tt.from, tt.to, why, tt.want)
		}
	}
}

// forbidden says why from must not depend on to, or "" if it may. Packages are
// named by their path below the module, the root package by "". A dependency is
// direct if from itself imports to.
func forbidden(from, to string, direct bool) string {
	wiring := under(from, "cmd") || from == "internal/server" || from == "coreshedtest"
	bottom := under(from, "internal/store") || under(from, "internal/blob") || from == "internal/broker" || under(from, "internal/catalog") ||
		from == "internal/watch"
	switch {
	case from == "":
		return "the domain imports nothing of ours"
	case under(from, "internal/store") && under(to, "internal/blob"), under(from, "internal/blob") && under(to, "internal/store"):
		return "rows and bytes meet in catalog"
	case under(from, "internal/store") && to == "internal/broker", from == "internal/broker" && under(to, "internal/store"):
		return "rows and the files of others meet in catalog"
	case bottom && (family(to) || to == "internal/web" || to == "internal/server"):
		return "storage and what fills it know nothing of HTTP"
	case reader(from) && strings.HasPrefix(to, "internal/"):
		return "what a document says depends on the document alone"
	case to == "internal/watch" && !wiring:
		return "watchers are started by the wiring, and told what to do by rows"
	case family(from) && (family(to) || to == "internal/server" || under(to, "cmd")):
		return "API families share only what lies below them"
	case from == "client" && strings.HasPrefix(to, "internal/"):
		return "the client knows the server by its API alone"
	case strings.HasPrefix(to, "internal/blob/") && direct && !wiring:
		return "only the wiring chooses a blob backend"
	}
	return ""
}

func family(pkg string) bool {
	top, _, _ := strings.Cut(strings.TrimPrefix(pkg, "internal/"), "/")
	return strings.HasPrefix(pkg, "internal/") && (strings.HasSuffix(top, "api") || top == "ui")
}

// reader reports whether a package reads documents and does nothing else.
func reader(pkg string) bool {
	return pkg == "internal/ingest" || pkg == "internal/geo" || pkg == "internal/openlineage"
}

// local cuts a package of this module down to its path below the module.
func local(importPath string) (name string, ours bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func under(pkg, dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }

type listed struct {
	ImportPath    string
	Imports, Deps []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,Deps", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var pkgs []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if !slices.ContainsFunc(pkgs, func(p listed) bool { return p.ImportPath == module }) {
		t.Fatalf("go list did not list %s", module)
	}
	return pkgs
}

// TestRing2NeverSkips keeps the promise that a missing tool or service fails
// the tests that need it: a skipped test is a test that nobody runs.
func TestRing2NeverSkips(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(src, []byte("//go:build ring2")) && bytes.Contains(src, []byte("t.Skip")) {
			t.Errorf("%s skips a test of ring 2", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
