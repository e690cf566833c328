//go:build ring2 && linux

package crash

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/test/live"
)

// killPoints are the moments at which TestKillPoints kills, in the order in which
// a server comes by them.
var killPoints = []string{
	"collect.swept", "collect.expired", "collect.dropped.object", "collect.dropped.bytes", "collect.dropped.rows", "collect.unnamed.object",
	"scrub.saved", "scrub.damaged", "scrub.healed", "scrub.read",
	"delete.marked", "delete.done",
	"restore.renamed", "restore.marked", "restore.done",
	"plan.asked", "plan.found", "plan.stored",
	"execute.marked", "execute.done",
	"purge.begun", "purge.bytes.begin", "purge.object.gone", "purge.folder.unsynced", "purge.bytes.gone",
	"purge.buried", "purge.forgotten", "purge.settled", "purge.rows.gone",
	"purge.runs.removed", "purge.recipes.removed", "purge.batch.removed",
	"purge.uploads.gone", "purge.unmarked", "purge.ended", "purge.log.emptied",
	"audit.leased", "audit.grown", "audit.saved", "audit.signed", "audit.numbered", "audit.published",
}

// TestKillPointsListed wants each point of the source in the list, once, and the
// other way round.
func TestKillPointsListed(t *testing.T) {
	var found []string
	err := filepath.WalkDir("../..", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return err
		}
		text, err := os.ReadFile(p)
		for _, m := range regexp.MustCompile(`killpoint\.Reach\("([^"]*)"\)`).FindAllSubmatch(text, -1) {
			found = append(found, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if diff := cmp.Diff(slices.Sorted(slices.Values(killPoints)), found); diff != "" {
		t.Errorf("kill points (-listed +in the source):\n%s", diff)
	}
}

// TestKillPointsCostNothing looks for them in the binary that users have.
func TestKillPointsCostNothing(t *testing.T) {
	text, err := os.ReadFile(binaryPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(slices.Clone(killPoints), "CORESHED_KILL_AT") {
		if bytes.Contains(text, []byte(name)) {
			t.Errorf("the binary has %s", name)
		}
	}
}

// pointWorkers is how many servers are killed side by side: most of the time
// they wait for a second to end.
const pointWorkers = 2

// TestKillPoints kills the server at each of the points while it collects,
// deletes, restores, purges and writes its audit log, starts it again, and wants
// the same in the end as without a kill.
func TestKillPoints(t *testing.T) {
	dir := t.TempDir()
	armed, err := live.Build(dir, "killpoints")
	if err != nil {
		t.Fatal(err)
	}
	killed := make([]bool, len(killPoints))
	t.Run("points", func(t *testing.T) {
		for first := range pointWorkers {
			t.Run(fmt.Sprint("server ", first+1), func(t *testing.T) {
				t.Parallel()
				s := newPointShed(t, armed)
				want := s.run(t, "")
				for n := first; n < len(killPoints); n += pointWorkers {
					t.Run(killPoints[n], func(t *testing.T) {
						if diff := cmp.Diff(want, s.run(t, killPoints[n])); diff != "" {
							t.Errorf("the end (-without a kill +with one):\n%s", diff)
						}
						killed[n] = !t.Failed()
					})
				}
			})
		}
	})
	count := 0
	for n, name := range killPoints {
		if killed[n] {
			count++
			t.Logf("killed at %s", name)
		}
	}
	t.Logf("killed at %d of %d points", count, len(killPoints))
}

// pointShed is a data folder to begin with, and a server that runs on a copy of
// it at the same place.
type pointShed struct {
	*purgeShed
	binary, template, checkpoint string
	source                       string // path
	unnamed                      string // object, below the folder of them
	gone, back                   live.Upload
	plan                         pointPlan
}

// The rows of the purge's set take more than one transaction.
const pointRuns, pointOutputs = 3, 90

func newPointShed(t *testing.T, armed string) *pointShed {
	dir := t.TempDir()
	checkpoint := filepath.Join(dir, "checkpoint")
	s := &pointShed{
		purgeShed: &purgeShed{t: t, Shed: live.Start(t, armed, filepath.Join(dir, "data"), "--audit-checkpoint", checkpoint)},
		binary:    armed, template: filepath.Join(dir, "template"), checkpoint: checkpoint, source: "source-" + planted + ".tif",
	}
	s.put(s.source, planted)
	s.gone, s.back = s.upload("gone.tif"), s.upload("back.tif")
	if err := s.Delete(s.back.FileID); err != nil {
		t.Fatal(err)
	}
	s.derive()
	s.leaveWaste()
	s.Stop()
	s.age()
	s.rot()
	if err := os.Rename(s.Data, s.template); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *pointShed) upload(path string) live.Upload {
	s.t.Helper()
	u, err := s.Reserve(path)
	if err == nil {
		_, err = s.PutBlob(u, []byte(path))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// derive makes runs in a recipe that read the source, and their outputs.
func (s *pointShed) derive() {
	var recipe struct{ Recipe int64 }
	workspace := "/workspaces/" + s.workspace()
	s.post(workspace+"/recipes", fmt.Sprintf(`{"id": "r", "type": {"name": "tiles"}, "inputs": [{"name": "IN", "path": %q}]}`, s.source), 201, &recipe)
	for n := range pointRuns {
		var made []string
		for o := range pointOutputs {
			name := fmt.Sprintf("%s/%d/%d.tif", planted, n, o)
			s.put(name, planted)
			made = append(made, fmt.Sprintf(`{"name": "OUT", "path": %q}`, name))
		}
		s.post(workspace+"/runs", fmt.Sprintf(`{"id": "%s-%d", "recipe": %d, "node": "n%d", "type": {"name": "tile", "version": "1"}, "inputs": [{"name": "IN", "path": %q}],
			"start": {}, "outputs": [%s], "end": {"status": "COMPLETED"}}`, planted, n, recipe.Recipe, n, s.source, strings.Join(made, ",")), 201, nil)
	}
}

// leaveWaste leaves what the collector takes: an upload that nobody ends, a block
// that was replaced, an object that no row names.
func (s *pointShed) leaveWaste() {
	s.t.Helper()
	for _, path := range []string{"never.tif", "twice.tif"} {
		u, err := s.Reserve(path)
		for range 2 {
			if err == nil {
				err = s.PutBlock(u, "a", []byte(path))
			}
		}
		if err == nil && path == "twice.tif" {
			_, err = s.PutBlockList(u, "a")
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	file := s.object(blob.NewKey(blob.NewPrefix()))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.unnamed = filepath.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file))
}

// age lets the collector's times be over.
func (s *pointShed) age() {
	s.t.Helper()
	db := s.open()
	defer db.Close()
	for _, statement := range []string{
		`UPDATE uploads SET staged_at = staged_at - 30 * 86400 * 1000000`,
		`UPDATE dropped_objects SET dropped_at = dropped_at - 30 * 86400 * 1000000`,
		`UPDATE scrubs SET began_at = began_at - 40 * 86400 * 1000000`,
	} {
		if _, err := db.Exec(statement); err != nil {
			s.t.Fatal(err)
		}
	}
}

// rot damages the bytes of one product, and lets the source seem to have lost its own.
func (s *pointShed) rot() {
	s.t.Helper()
	db := s.open()
	defer db.Close()
	if _, err := db.Exec(`UPDATE versions SET state = 'missing' WHERE id = (SELECT min(version_row) FROM job_inputs)`); err != nil {
		s.t.Fatal(err)
	}
	key := column(s.t, db, `SELECT object_key FROM extents WHERE version_row = (SELECT max(id) FROM versions WHERE job_id IS NOT NULL)`)[0]
	if err := os.WriteFile(s.object(key), []byte("rot"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// object is the file of an object.
func (s *pointShed) object(key string) string {
	return filepath.Join(s.Data, "objects", key[:2], strings.Replace(key, "/", ".", 1))
}

// run does all of it from the beginning, with a kill at a point if there is one,
// and returns what is there in the end.
func (s *pointShed) run(t *testing.T, point string) map[string][]string {
	t.Helper()
	s.t = t
	if err := errors.Join(os.RemoveAll(s.Data), os.RemoveAll(s.checkpoint), os.CopyFS(s.Data, os.DirFS(s.template))); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-30 * 24 * time.Hour) // which the copy has not kept
	if err := os.Chtimes(filepath.Join(s.Data, "objects", s.unnamed), old, old); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			s.Kill()
		}
	}()
	s.Env = []string{"CORESHED_KILL_AT=" + point}
	s.Launch()
	for !s.died() && !s.Ready() {
		time.Sleep(2 * time.Millisecond)
	}
	revived := false
	revive := func() {
		if s.died() {
			s.Kill() // which waits for it
			s.Env, revived = nil, true
			s.Run()
		}
	}
	revive()
	for _, step := range s.steps() {
		err := step()
		for waited := 0; err != nil && !s.died() && waited < 100; waited++ {
			time.Sleep(5 * time.Millisecond)
		}
		if revive(); err != nil {
			if err := step(); err != nil {
				t.Fatalf("after the restart: %v", err)
			}
		}
	}
	for deadline := time.Now().Add(20 * time.Second); !s.purged() || revived != (point != ""); time.Sleep(20 * time.Millisecond) {
		if revive(); time.Now().After(deadline) {
			t.Fatalf("it does not come to an end; killed: %v", revived)
		}
	}
	s.Stop()
	return s.end()
}

// died reports whether the server has ended by itself.
func (s *pointShed) died() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
	_, after, _ := strings.Cut(string(text), ") ")
	return err != nil || strings.HasPrefix(after, "Z")
}

// steps are what a client asks for, each of which it may repeat.
func (s *pointShed) steps() []func() error {
	s.plan = pointPlan{}
	return []func() error{
		s.scrubbed,
		func() error { return s.Delete(s.gone.FileID) },
		func() error { return s.Restore(s.back.FileID) },
		func() error {
			return s.try("POST", "/purges", fmt.Sprintf(`{"paths": [{"workspace": %q, "path": %q}], "scope": "recipe"}`, s.workspace(), s.source), &s.plan)
		},
		func() error {
			return s.try("POST", "/purges/"+s.plan.ID+"/execute", fmt.Sprintf(`{"fingerprint": %q}`, s.plan.Fingerprint), &s.plan)
		},
	}
}

// scrubbed waits until the round that the server begins by itself has ended.
func (s *pointShed) scrubbed() error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.Data, "coreshed.db")+"?mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	for range 1000 {
		var ended bool
		if err := db.QueryRow(`SELECT count(*) = 2 AND count(ended_at) = 2 FROM scrubs`).Scan(&ended); err != nil || s.died() {
			return errors.Join(err, errors.New("the server was killed"))
		}
		if ended {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("the round does not end")
}

type pointPlan struct{ ID, Status, Fingerprint string }

func (s *pointShed) purged() bool {
	var p pointPlan
	return s.try("GET", "/purges/"+s.plan.ID, "", &p) == nil && p.Status == "purged"
}

func (s *pointShed) try(method, path, body string, into any) error {
	a, err := s.Do(method, s.URL()+"/coreshed/v1"+path, strings.NewReader(body), "Content-Type", "application/json", "Authorization", "Bearer "+s.Token)
	if err == nil && a.Status >= 300 {
		err = fmt.Errorf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(a.Body, into)
}

// end is what a stopped folder has: its counters, how many rows and objects of
// each kind, what the audit log tells. A plan that was not answered is asked for
// again, so that plans are not counted.
func (s *pointShed) end() map[string][]string {
	s.t.Helper()
	for _, args := range [][]string{{"doctor", "--deep"}, {"audit", "verify", "--checkpoint", s.checkpoint}} {
		if out, err := exec.Command(s.binary, append(args, "--data", s.Data)...).CombinedOutput(); err != nil {
			s.t.Errorf("coreshed %v: %v\n%s", args, err, out)
		}
	}
	s.checkNothingRemains()
	db := s.open()
	defer db.Close()
	end := map[string][]string{}
	for name, query := range pointQueries {
		end[name] = column(s.t, db, query)
	}
	for _, table := range pointTables {
		end[table] = column(s.t, db, `SELECT count(*) FROM `+table)
	}
	err := filepath.WalkDir(filepath.Join(s.Data, "objects"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			end["objects"] = append(end["objects"], d.Name())
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
	return end
}

var pointQueries = map[string]string{
	"workspace": `SELECT used_bytes || ' used, ' || staged_bytes || ' staged, ' || live_files || ' live, ' || deleted_files || ' deleted, ' || entries || ' entries' FROM workspaces ORDER BY id`,
	"purges": `SELECT status || ': ' || sources_gone || ' of ' || sources || ' sources, ' || products_gone || ' of ' || products || ' products, ' || runs_gone || ' of ' || runs || ' runs, ' ||
		recipes_gone || ' of ' || recipes || ' recipes, ' || bytes_gone || ' of ' || bytes || ' bytes; ' || last_error FROM purges WHERE status <> 'planned'`,
	"files":    `SELECT path || CASE WHEN deleted_at IS NULL THEN '' ELSE ' deleted' END FROM files ORDER BY path`,
	"audit":    `SELECT action || ' ' || count(*) FROM audit_entries WHERE action <> 'purge.plan' GROUP BY action ORDER BY action`,
	"scrubs":   `SELECT versions || ' versions, ' || bytes || ' bytes, ' || damaged || ' damaged, ' || unread || ' unread, ended: ' || (ended_at IS NOT NULL) FROM scrubs ORDER BY id`,
	"numbered": `SELECT count(*) = count(number) AND max(number) = count(*) - 1 FROM audit_entries`,
	"items":    `SELECT kind || ' ' || state || ' ' || count(*) FROM purge_items i JOIN purges u ON u.id = i.purge_id WHERE u.status <> 'planned' GROUP BY kind, state ORDER BY kind, state`,
}

var pointTables = []string{
	"versions", "extents", "uploads", "blocks", "dropped_objects", "version_metadata", "jobs", "job_exes", "job_inputs", "job_outputs",
	"recipes", "recipe_nodes", "recipe_inputs", "ancestry", "trigger_events", "purging", "tombstones", "tombstone_edges", "barriers",
}

// open reads and writes the database of a folder on which no server is.
func (s *pointShed) open() *sql.DB {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.Data, "coreshed.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}
