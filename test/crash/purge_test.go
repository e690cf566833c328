//go:build ring2 && linux

package crash

import (
	"bytes"
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

// planted is in every path and every byte of what is purged, and nowhere else.
const planted = "xq7zplanted9k"

// purgeShed is a server with a source, and what was derived from it.
type purgeShed struct {
	*live.Shed
	t *testing.T
}

// TestKillPurge kills the server again and again while it purges. In the end all
// is gone, counted once, nothing else is touched, the doctor finds nothing, and
// what was planted is in no file of the data folder.
func TestKillPurge(t *testing.T) {
	s := &purgeShed{t: t, Shed: live.Start(t, binaryPath, t.TempDir()+"/data")}
	s.put("other.tif", "other")
	s.put("source-"+planted+".tif", planted)
	const runs, outputs = 20, 25
	for n := range runs {
		input := "source-" + planted + ".tif"
		if n > 0 {
			input = fmt.Sprintf("%s/%d/0.tif", planted, rand.IntN(n))
		}
		var made []string
		for o := range outputs {
			name := fmt.Sprintf("%s/%d/%d.tif", planted, n, o)
			s.put(name, planted)
			made = append(made, fmt.Sprintf(`{"name": "OUT", "path": %q}`, name))
		}
		s.post("/workspaces/"+s.workspace()+"/runs", fmt.Sprintf(`{"id": "%s-%d", "type": {"name": "tile", "version": "1"}, "inputs": [{"name": "IN", "path": %q}, {"name": "IN", "path": "other.tif"}],
			"values": {"operator": %q}, "start": {}, "outputs": [%s], "end": {"status": "COMPLETED"}}`, planted, n, input, planted+"@example.org", strings.Join(made, ",")), 201, nil)
	}
	var plan struct {
		ID, Status, Fingerprint string
		Planned, Removed        struct{ Versions, Products, Runs int }
	}
	s.post("/purges", fmt.Sprintf(`{"paths": [{"workspace": %q, "path": "source-%s.tif"}]}`, s.workspace(), planted), 201, &plan)
	if plan.Planned.Versions != 1+runs*outputs || plan.Planned.Runs != runs {
		t.Fatalf("the plan is %+v", plan)
	}
	s.post("/purges/"+plan.ID+"/execute", fmt.Sprintf(`{"fingerprint": %q}`, plan.Fingerprint), 202, nil)
	kills := 0
	for deadline := time.Now().Add(2 * time.Minute); ; kills++ {
		time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
		s.Kill()
		s.Run()
		if s.get("/purges/"+plan.ID, &plan); plan.Status == "purged" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %d kills it is %+v", kills, plan)
		}
	}
	t.Logf("killed %d times", kills)
	if plan.Removed != plan.Planned {
		t.Errorf("removed %+v, want %+v", plan.Removed, plan.Planned)
	}
	files, err := s.List(false)
	if err != nil || len(files) != 1 || files[0].Name != "other.tif" {
		t.Errorf("left are %+v, %v", files, err)
	}
	s.Stop()
	if out, err := exec.Command(binaryPath, "doctor", "--deep", "--data", s.Data).CombinedOutput(); err != nil || !strings.Contains(string(out), "1 versions, 1 objects and ") {
		t.Errorf("doctor: %v\n%s", err, out)
	}
	s.checkNothingRemains()
}

// checkNothingRemains searches every file of the data folder for what was
// planted.
func (s *purgeShed) checkNothingRemains() {
	s.t.Helper()
	err := filepath.WalkDir(s.Data, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if at := bytes.Index(bytes.ToLower(body), []byte(planted)); at >= 0 {
			s.t.Errorf("%s still has it at %d: %q", d.Name(), at, body[max(0, at-80):min(len(body), at+80)])
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// workspace is the UUID of the one that there is.
func (s *purgeShed) workspace() string {
	parts := strings.Split(s.Files, "/")
	return parts[len(parts)-2]
}

func (s *purgeShed) put(path, content string) {
	s.t.Helper()
	u, err := s.Reserve(path)
	if err == nil {
		_, err = s.PutBlob(u, []byte(content))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *purgeShed) post(path, body string, want int, into any) {
	s.t.Helper()
	a, err := s.Do("POST", s.URL()+"/coreshed/v1"+path, strings.NewReader(body), "Content-Type", "application/json", "Authorization", "Bearer "+s.Token)
	if err != nil || a.Status != want {
		s.t.Fatalf("POST %s: %v, %d %s", path, err, a.Status, a.Body)
	}
	if into != nil {
		if err := json.Unmarshal(a.Body, into); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *purgeShed) get(path string, into any) {
	s.t.Helper()
	a, err := s.Do("GET", s.URL()+"/coreshed/v1"+path, nil, "Authorization", "Bearer "+s.Token)
	if err != nil || a.Status != 200 {
		s.t.Fatalf("GET %s: %v, %d %s", path, err, a.Status, a.Body)
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		s.t.Fatal(err)
	}
}
