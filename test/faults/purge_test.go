//go:build ring2 && linux

package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed/test/live"
)

type purge struct {
	ID, Status, Fingerprint string
	Planned, Removed        struct{ Versions, Bytes int64 }
}

// ask sends a request to the native API.
func ask(s *live.Shed, method, path, body string, into any) error {
	a, err := s.Do(method, s.URL()+"/coreshed/v1"+path, strings.NewReader(body), "Content-Type", "application/json", "Authorization", "Bearer "+s.Token)
	if err == nil && a.Status >= 300 {
		err = &live.Refused{Answer: a, Request: method + " " + path}
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(a.Body, into)
}

// large uploads 30 MB in 300 files, and returns a request for their purge.
func large(t *testing.T, s *live.Shed) string {
	t.Helper()
	body := random(100_000)
	var ids []string
	for n := range 300 {
		ids = append(ids, fmt.Sprintf("%q", put(t, s, fmt.Sprintf("large/%d.las", n), body).FileID))
	}
	return fmt.Sprintf(`{"files": [%s]}`, strings.Join(ids, ","))
}

func execute(s *live.Shed, p *purge) error {
	return ask(s, "POST", "/purges/"+p.ID+"/execute", fmt.Sprintf(`{"fingerprint": %q}`, p.Fingerprint), p)
}

// wantPurged waits until all is removed, and wants the doctor to find nothing.
func wantPurged(t *testing.T, s *live.Shed, p purge, kept live.Upload, body []byte) {
	t.Helper()
	for start := time.Now(); p.Status != "purged"; time.Sleep(50 * time.Millisecond) {
		if err := ask(s, "GET", "/purges/"+p.ID, "", &p); err != nil || time.Since(start) > 30*time.Second {
			t.Fatalf("%v; the purge is %+v", err, p)
		}
	}
	if p.Removed != p.Planned || p.Removed.Versions != 300 {
		t.Errorf("removed %+v of %+v", p.Removed, p.Planned)
	}
	wantContent(t, s, kept, body)
	if names := objects(t, s); len(names) != 1 {
		t.Errorf("%d objects are left", len(names))
	}
	s.Stop()
	if out, err := exec.Command(binaryPath, "doctor", "--deep", "--data", s.Data).CombinedOutput(); err != nil {
		t.Errorf("doctor: %v\n%s", err, out)
	}
	s.Run()
}

// TestPurgeAtFloor purges where there is less room than uploads must leave.
func TestPurgeAtFloor(t *testing.T) {
	disk := smallDisk(t)
	s := live.Start(t, binaryPath, disk+"/data", "--min-free", "16MiB")
	body := random(1000)
	kept, request := put(t, s, "kept.las", body), large(t, s)
	next := reserve(t, s, "next.las")
	defer fill(t, disk, 2<<20)()
	waitForReading()
	_, err := s.PutBlob(next, body)
	wantStatus(t, "Put Blob", err, http.StatusInsufficientStorage)
	var p purge
	if err := ask(s, "POST", "/purges", request, &p); err != nil {
		t.Fatal(err)
	}
	if err := execute(s, &p); err != nil {
		t.Fatal(err)
	}
	wantPurged(t, s, p, kept, body)
	waitForReading()
	put(t, s, "after.las", body)
}

// TestPurgeFullDisk executes a purge where there is no room for a row: nothing is
// marked, and nothing removed, until there is room for the database again.
func TestPurgeFullDisk(t *testing.T) {
	disk := smallDisk(t)
	s := live.Start(t, binaryPath, disk+"/data", "--min-free", "1B")
	body := random(1000)
	kept, request := put(t, s, "kept.las", body), large(t, s)
	var p purge
	if err := ask(s, "POST", "/purges", request, &p); err != nil {
		t.Fatal(err)
	}
	free := fill(t, disk, 0)
	var err error
	for n := 0; err == nil && n < 500; n++ { // what SQLite's log has room for
		err = ask(s, "POST", "/purges", request, &purge{})
	}
	wantStatus(t, "plan", err, http.StatusBadGateway)
	for range 3 {
		wantStatus(t, "execute", execute(s, &p), http.StatusBadGateway)
	}
	if err := ask(s, "GET", "/purges/"+p.ID, "", &p); err != nil || p.Status != "planned" || len(objects(t, s)) != 301 {
		t.Errorf("%v; the purge is %+v", err, p)
	}
	free()
	defer fill(t, disk, 16<<20)()
	if err := execute(s, &p); err != nil {
		t.Fatal(err)
	}
	wantPurged(t, s, p, kept, body)
}
