//go:build ring2 && linux

package crash

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed/test/live"
)

// TestFolderIsSyncedBeforeAnswer: trap 6 of doc/removal-cases.md. An object's bytes
// are synced before it has its name, and the folder with the name before the upload
// is answered; the folder is synced after a purge has taken the name out, before
// the rows go.
func TestFolderIsSyncedBeforeAnswer(t *testing.T) {
	s := &purgeShed{t: t, Shed: live.Start(t, binaryPath, t.TempDir()+"/data")}
	u, err := s.Reserve("a.tif")
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWatch(s.PID(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutBlob(u, []byte("core")); err != nil {
		t.Fatal(err)
	}
	var p pointPlan
	s.post("/purges", `{"files": ["`+u.FileID+`"]}`, 201, &p)
	s.post("/purges/"+p.ID+"/execute", `{"fingerprint": "`+p.Fingerprint+`"}`, 202, nil)
	for start := time.Now(); p.Status != "purged" && time.Since(start) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		s.get("/purges/"+p.ID, &p)
	}
	w.kill()
	s.Kill()
	sync := syncOfLog(w.taken)
	wantInOrder(t, w.taken, "fsync object", "renameat", "fsync folder", sync, "write to client", "unlinkat", "fsync folder", sync)
}

// syncOfLog is how SQLite syncs its log.
func syncOfLog(taken []string) string {
	for _, step := range taken {
		if strings.HasSuffix(step, "sync log") {
			return step
		}
	}
	return "a sync of the log"
}

// wantInOrder wants steps to come one after the other, whatever is between.
func wantInOrder(t *testing.T, taken []string, want ...string) {
	t.Helper()
	rest := taken
	for _, step := range want {
		i := slices.Index(rest, step)
		if i < 0 {
			t.Fatalf("there is no %q in time: %q", step, taken)
		}
		rest = rest[i+1:]
	}
}
