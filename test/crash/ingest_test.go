//go:build ring2 && linux

package crash

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed/test/live"
)

// TestKillIngest kills the server again and again while a strike takes files:
// in place, to another path, to the folder of another workspace, and into the
// server's own store. In the end each file is one entry, its bytes are in one
// place, and nothing else is there.
func TestKillIngest(t *testing.T) {
	top := t.TempDir()
	s := &ingestShed{t: t, top: top, Shed: live.Start(t, binaryPath, t.TempDir()+"/data", "--allow-root", top)}
	s.beAdmin()
	for _, name := range []string{"raw", "products"} {
		if err := os.Mkdir(filepath.Join(top, name), 0o755); err != nil {
			t.Fatal(err)
		}
		s.post("/v6/workspaces/", fmt.Sprintf(`{"title": %q, "configuration": {"broker": {"type": "host", "host_path": %q}}}`, name, filepath.Join(top, name)))
	}
	kept := s.ownWorkspace()
	s.post("/v6/strikes/", fmt.Sprintf(`{"title": "watch", "configuration": {"workspace": "raw", "monitor": {"type": "dir-watcher", "interval": 1},
		"files_to_ingest": [{"filename_regex": "move", "new_file_path": "sorted"}, {"filename_regex": "copy", "new_workspace": "products"},
			{"filename_regex": "keep", "new_workspace": %q, "new_file_path": "in"}, {"filename_regex": "stay"}]}}`, kept))
	const each = 40
	for n := range each {
		for _, kind := range []string{"stay", "move", "copy", "keep"} {
			s.put(fmt.Sprintf("%s-%d.tif", kind, n), fmt.Sprintf("%s %d", kind, n))
		}
	}
	kills := 0
	for deadline := time.Now().Add(3 * time.Minute); s.count("INGESTED") < 4*each; kills++ {
		if time.Now().After(deadline) {
			t.Fatalf("after %d kills, %d are ingested, %d errored", kills, s.count("INGESTED"), s.count("ERRORED"))
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		s.Kill()
		s.Run()
	}
	t.Logf("killed %d times", kills)
	if n := s.count(""); n != 4*each {
		t.Errorf("%d ingests of %d files", n, 4*each)
	}
	s.checkEntries(4 * each)
	s.checkFolders(each)
}

type ingestShed struct {
	*live.Shed
	t   *testing.T
	top string
}

// beAdmin goes on as an admin, who alone may hand out folders of the host.
func (s *ingestShed) beAdmin() {
	s.t.Helper()
	out, err := exec.Command(binaryPath, "token", "--data", s.Data, "--role", "admin").Output()
	if err != nil {
		s.t.Fatalf("coreshed token: %v", err)
	}
	s.Token = strings.TrimSpace(string(out))
}

func (s *ingestShed) post(path, body string) {
	s.t.Helper()
	a, err := s.Do("POST", s.URL()+path, strings.NewReader(body), "Content-Type", "application/json", "Authorization", "Bearer "+s.Token)
	if err != nil || a.Status != 201 {
		s.t.Fatalf("POST %s: %v, %d %s", path, err, a.Status, a.Body)
	}
}

func (s *ingestShed) get(path string, into any) {
	s.t.Helper()
	a, err := s.Do("GET", s.URL()+path, nil, "Authorization", "Bearer "+s.Token)
	if err != nil || a.Status != 200 {
		s.t.Fatalf("GET %s: %v, %d %s", path, err, a.Status, a.Body)
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		s.t.Fatal(err)
	}
}

// ownWorkspace is the name of one whose files lie in the server's own store.
func (s *ingestShed) ownWorkspace() string {
	s.t.Helper()
	var page struct{ Results []struct{ Name string } }
	s.get("/v6/workspaces/?order=id", &page)
	return page.Results[0].Name
}

// put makes a file that was written an hour ago.
func (s *ingestShed) put(name, content string) {
	s.t.Helper()
	file := filepath.Join(s.top, "raw", name)
	if err := os.WriteFile(file+"_tmp", []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour)
	if err := os.Chtimes(file+"_tmp", at, at); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(file+"_tmp", file); err != nil {
		s.t.Fatal(err)
	}
}

func (s *ingestShed) count(status string) int {
	s.t.Helper()
	var page struct{ Count int }
	query := ""
	if status != "" {
		query = "&status=" + status
	}
	s.get("/v6/ingests/?page_size=1"+query, &page)
	return page.Count
}

// checkEntries wants each file to be one entry whose bytes are served.
func (s *ingestShed) checkEntries(want int) {
	s.t.Helper()
	var page struct {
		Count   int
		Results []struct {
			ID   int64  `json:"id"`
			Name string `json:"file_name"`
		}
	}
	s.get("/v6/files/?page_size=1000", &page)
	seen := map[string]bool{}
	for _, f := range page.Results {
		if seen[f.Name] {
			s.t.Errorf("%s is there twice", f.Name)
		}
		seen[f.Name] = true
		a, err := s.Do("GET", fmt.Sprintf("%s/v6/files/%d/content/", s.URL(), f.ID), nil, "Authorization", "Bearer "+s.Token)
		content := strings.Replace(strings.TrimSuffix(f.Name, ".tif"), "-", " ", 1)
		if err != nil || a.Status != 200 || string(a.Body) != content {
			s.t.Errorf("%s reads %d %q, %v", f.Name, a.Status, a.Body, err)
		}
	}
	if page.Count != want {
		s.t.Errorf("%d entries, want %d", page.Count, want)
	}
}

// checkFolders wants each file where its rule leads, and only there.
func (s *ingestShed) checkFolders(each int) {
	s.t.Helper()
	found := map[string]int{}
	err := filepath.WalkDir(s.top, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if strings.HasPrefix(d.Name(), ".coreshed-") {
			return nil // a copy that a kill has cut short, which no list shows
		}
		rel, err := filepath.Rel(s.top, p)
		parts := strings.Split(filepath.ToSlash(rel), "/")
		kind, _, _ := strings.Cut(d.Name(), "-")
		found[kind+" in "+strings.Join(parts[:2], "/")]++
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	want := map[string]int{"stay in raw/ingesting": each, "move in raw/sorted": each, "copy in products/ingesting": each}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		s.t.Errorf("files: %v, want %v", found, want)
	}
}
