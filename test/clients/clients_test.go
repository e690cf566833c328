//go:build ring2

package clients

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// venv is where scripts/setup installs the Python clients.
const venv = ".venv"

// tool returns the path of a program, or fails: nothing here is skipped.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: run scripts/setup", err)
	}
	return path
}

// play runs a client and shows what it said if it failed.
func play(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// servers starts the two servers that the Azure suites want, and returns the
// environment that describes them.
func servers(t *testing.T, as func(*exec.Cmd)) []string {
	t.Helper()
	long, short := start(t, as), start(t, as, "--url-lifetime", "2s")
	return append(os.Environ(), "CORESHED_JSON="+long.Line, "CORESHED_SHORT_JSON="+short.Line)
}

// TestPython runs server and suite as a user who can do nothing, which shows
// that neither needs root or port 443.
func TestPython(t *testing.T) {
	tool(t, filepath.Join(repo, venv, "bin", "python"))
	as, home := unprivileged(t)

	// The repository may lie where that user cannot read.
	clients := filepath.Join(work, "python")
	play(t, exec.Command("cp", "-R", "python", clients))
	play(t, exec.Command("cp", "-R", filepath.Join(repo, venv), filepath.Join(clients, "venv")))
	play(t, exec.Command("chmod", "-R", "a+rX", clients))

	report := filepath.Join(home, "report.xml")
	cmd := exec.Command(filepath.Join(clients, "venv", "bin", "python"), "-B",
		"-m", "pytest", "-q", "--tb=short", "--junitxml", report, ".")
	cmd.Dir, cmd.Env = clients, servers(t, as)
	as(cmd)
	play(t, cmd)
	nothingSkipped(t, report)
}

func TestJavaScript(t *testing.T) {
	node := tool(t, "node")
	if _, err := os.Stat("js/node_modules"); err != nil {
		t.Fatalf("%v: run scripts/setup", err)
	}
	report := filepath.Join(t.TempDir(), "report.xml")
	cmd := exec.Command(node, "--test",
		"--test-reporter=spec", "--test-reporter-destination=stdout",
		"--test-reporter=junit", "--test-reporter-destination="+report, "azure.mjs")
	cmd.Dir, cmd.Env = "js", servers(t, asMe)
	play(t, cmd)
	nothingSkipped(t, report)
}

// TestNotebook executes the example as a reader would, and keeps nothing.
func TestNotebook(t *testing.T) {
	jupyter := tool(t, filepath.Join(repo, venv, "bin", "jupyter-execute"))
	cmd := exec.Command(jupyter, "first-steps.ipynb")
	cmd.Dir, cmd.Env = filepath.Join(repo, "examples"), append(start(t, asMe).env(), "HOME="+t.TempDir())
	play(t, cmd)
}

// TestLineageExample runs the other example, which must tell where its file came
// from.
func TestLineageExample(t *testing.T) {
	python := tool(t, filepath.Join(repo, venv, "bin", "python"))
	cmd := exec.Command(python, "-B", "lineage.py")
	cmd.Dir, cmd.Env = filepath.Join(repo, "examples"), start(t, asMe).env()
	out, err := cmd.CombinedOutput()
	if want := "0 Grids/collars.tif\n1 Survey/collars.csv\n"; err != nil || string(out) != want {
		t.Errorf("%v, and it printed\n%s\nwant\n%s", err, out, want)
	}
}

// nothingSkipped reads a JUnit report and fails for a test that was skipped,
// or if there was none at all.
func nothingSkipped(t *testing.T, report string) {
	t.Helper()
	f, err := os.Open(report)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tests, skipped := count(xml.NewDecoder(f))
	t.Logf("%d tests", tests)
	if tests == 0 || skipped > 0 {
		t.Errorf("%d tests, %d skipped", tests, skipped)
	}
}

func count(report *xml.Decoder) (tests, skipped int) {
	for {
		token, err := report.Token()
		if err != nil {
			return tests, skipped
		}
		element, _ := token.(xml.StartElement)
		switch element.Name.Local {
		case "testcase":
			tests++
		case "skipped":
			skipped++
		}
	}
}
