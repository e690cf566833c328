package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// Lineage measures how fast lineage is followed in a large graph: runs that each
// read four of the versions made a little earlier and put out one, and beside
// them a version from which three generations of a hundred thousand are made.
type Lineage struct {
	Binary string // of Coreshed
	Dir    string // where the temporary folder goes; "" is the system's place
	Runs   int    // in the graph; each has five edges
	Rounds int
	Log    io.Writer
}

// The shape of the graph.
const (
	runInputs = 4
	firstOnes = 1000          // sources that the first runs read
	window    = 2 * bulkGroup // how far back a run reads
)

// generations are how many versions are made from each of the one before.
var generations = []int{10, 100, 100}

// Run loads an empty catalogue and asks it.
func (l Lineage) Run(ctx context.Context) (Report, error) {
	dir, err := os.MkdirTemp(l.Dir, "coreshed-bench-")
	if err != nil {
		return Report{}, fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(dir)
	g, data := &graph{runs: l.Runs, log: l.Log}, filepath.Join(dir, "data")
	if err := g.load(ctx, l.Binary, dir, data); err != nil {
		return Report{}, err
	}
	s, err := startShed(ctx, l.Binary, dir, data)
	if err != nil {
		return Report{}, err
	}
	defer s.stop()
	results := newSheet(l.Log)
	for range l.Rounds {
		if err := g.measure(ctx, s, results); err != nil {
			return Report{}, err
		}
	}
	return results.report(), nil
}

// measure asks each question once; that of three hops of many versions.
func (g *graph) measure(ctx context.Context, s *shed, results *sheet) error {
	edges := fmt.Sprintf("%.2g million edges", float64(g.runs*(runInputs+1))/1e6)
	for _, direction := range []string{"down", "up"} {
		var times []float64
		var reached int64
		before, _ := s.process.cpu()
		for range asked {
			version := g.first + int64(g.runs/4) + rand.Int64N(int64(g.runs/2))
			took, found, err := s.lineage(ctx, version, direction, 3, 1000)
			if err != nil {
				return err
			}
			if reached += found.Found.Versions - 1; !found.Complete {
				return fmt.Errorf("the lineage of version %d is not complete", version)
			}
			times = append(times, millis(took))
		}
		if reached < 10*asked {
			return fmt.Errorf("%d versions have %d others within three runs", asked, reached)
		}
		t := test{"three hops " + direction + ", " + edges, "ms", target{below: 20}}
		results.add(t, shedName, spreadOf(times).Median)
		s.spent(results, t, before, asked)
	}
	for _, q := range []struct {
		what  string
		limit int
	}{{"1,000 nodes named", 1000}, {"all nodes named", 500_000}} {
		before, _ := s.process.cpu()
		took, found, err := s.lineage(ctx, g.root, "down", 0, q.limit)
		if err != nil {
			return err
		}
		if found.Found.Versions != g.descendants+1 || !found.Complete || len(found.Versions) == 0 {
			return fmt.Errorf("the version has %d descendants, want %d", found.Found.Versions-1, g.descendants)
		}
		t := test{fmt.Sprintf("%d descendants, %s", g.descendants, q.what), "ms", target{below: 1000}}
		results.add(t, shedName, millis(took))
		s.spent(results, t, before, 1)
	}
	return nil
}

// spent notes what a test cost the server since before, a call: on a machine that
// does other work too, that varies less than the time it took.
func (s *shed) spent(results *sheet, t test, before time.Duration, calls int) {
	after, err := s.process.cpu()
	if err != nil {
		return // this system does not tell
	}
	results.add(test{name: t.name + ": server's CPU", unit: "ms"}, shedName, millis(after-before)/float64(calls))
}

// asked is how many versions one figure is the median of.
const asked = 200

// lineageAnswer is what is looked at of an answer.
type lineageAnswer struct {
	Found struct {
		Versions int64 `json:"versions"`
	} `json:"found"`
	Complete bool `json:"complete"`
	Versions []struct {
		ID int64 `json:"id"`
	} `json:"versions"`
}

// lineage asks for a lineage, and returns how long that took until the last byte
// was decoded.
func (s *shed) lineage(ctx context.Context, version int64, direction string, depth, limit int) (time.Duration, lineageAnswer, error) {
	var answer bytes.Buffer
	start := time.Now()
	err := s.caller.do(ctx, request{
		method: http.MethodGet,
		url:    fmt.Sprintf("%s/coreshed/v1/versions/%d/lineage?direction=%s&depth=%d&limit=%d", s.url, version, direction, depth, limit),
		header: http.Header{"Authorization": {"Bearer " + s.token}}, status: http.StatusOK, length: -1, into: &answer,
	})
	took := time.Since(start)
	if err != nil {
		return 0, lineageAnswer{}, err
	}
	var found lineageAnswer
	if err := json.Unmarshal(answer.Bytes(), &found); err != nil {
		return 0, found, fmt.Errorf("decode answer: %w", err)
	}
	return took, found, nil
}

// graph is a catalogue of runs and of what they have read and put out.
type graph struct {
	runs int
	log  io.Writer

	db          *store.DB
	access      coreshed.Access
	jobType     *coreshed.JobType
	made        int   // versions, to name them
	size        int64 // of versions
	first       int64 // of the versions that runs of the graph have put out
	root        int64
	descendants int64
}

// load makes a data folder with the graph.
func (g *graph) load(ctx context.Context, binary, dir, data string) error {
	g.size = 1 << 20
	fmt.Fprintf(g.log, "loading %d runs\n", g.runs)
	return g.open(ctx, binary, dir, data, g.fill)
}

// open lets the server make a data folder, and fills it while no server runs.
func (g *graph) open(ctx context.Context, binary, dir, data string, fill func(context.Context) error) error {
	s, err := startShed(ctx, binary, dir, data)
	if err != nil {
		return err
	}
	s.stop()
	if g.db, err = store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(data, "coreshed.db")}); err != nil {
		return err
	}
	if g.access, err = s.access(ctx, g.db); err != nil {
		return errors.Join(err, g.db.Close())
	}
	start := time.Now()
	err = g.db.Bulk(ctx, fill)
	fmt.Fprintf(g.log, "loaded in %s\n", time.Since(start).Round(time.Second))
	return errors.Join(err, g.db.Close())
}

// types adds the type of all runs.
func (g *graph) types(ctx context.Context) error {
	types := store.Types{Jobs: []coreshed.JobType{{Name: "parse", Version: "1.0"}}}
	if err := g.db.AddTypes(ctx, g.access, &types); err != nil {
		return err
	}
	g.jobType = &types.Jobs[0]
	return nil
}

func (g *graph) fill(ctx context.Context) error {
	if err := g.types(ctx); err != nil {
		return err
	}
	sources, err := g.versions(ctx, firstOnes, nil)
	if err != nil {
		return err
	}
	recent := sources
	for done := 0; done < g.runs; done += bulkGroup {
		made, err := g.make(ctx, min(bulkGroup, g.runs-done), 1, bulkGroup, func(int) []int64 { return some(recent) })
		if err != nil {
			return err
		}
		if g.first == 0 {
			g.first = made[0]
		}
		recent = append(recent, made...)
		recent = recent[max(0, len(recent)-window):]
	}
	return g.generations(ctx)
}

// some picks distinct ones.
func some(of []int64) []int64 {
	picked := map[int64]bool{}
	for len(picked) < runInputs {
		picked[of[rand.IntN(len(of))]] = true
	}
	var list []int64
	for id := range picked {
		list = append(list, id)
	}
	return list
}

// generations makes the version that has many descendants, and those.
func (g *graph) generations(ctx context.Context) error {
	root, err := g.versions(ctx, 1, nil)
	if err != nil {
		return err
	}
	g.root = root[0]
	parents := root
	for _, each := range generations {
		var made []int64
		for n := 0; n < len(parents)*each; n += bulkGroup {
			part, err := g.make(ctx, min(bulkGroup, len(parents)*each-n), 1, bulkGroup, func(i int) []int64 { return []int64{parents[(n+i)/each]} })
			if err != nil {
				return err
			}
			made = append(made, part...)
		}
		g.descendants += int64(len(made))
		parents = made
	}
	return nil
}

// make adds up to n runs that each read some versions and put out so many, but
// no more than most altogether.
func (g *graph) make(ctx context.Context, n, outputs, most int, inputs func(int) []int64) ([]int64, error) {
	n = min(n, (most+outputs-1)/outputs)
	runs := make([]store.BulkRun, n)
	for i := range runs {
		runs[i] = store.BulkRun{Type: g.jobType.ID, Status: string(coreshed.Completed), At: time.Now()}
	}
	if err := g.db.AddRuns(ctx, g.access, runs); err != nil {
		return nil, err
	}
	var read []store.BulkInput
	for i, r := range runs {
		for _, version := range inputs(i) {
			read = append(read, store.BulkInput{Run: r.ID, Version: version})
		}
	}
	if err := g.db.AddInputs(ctx, read); err != nil {
		return nil, err
	}
	return g.versions(ctx, min(n*outputs, most), runs)
}

// versions adds versions, made by the runs in turn, if there are any.
func (g *graph) versions(ctx context.Context, n int, runs []store.BulkRun) ([]int64, error) {
	entries := make([]coreshed.Entry, n)
	for i := range entries {
		entries[i] = g.version()
		if runs != nil {
			e := &entries[i]
			e.Type, e.PublishedAt = coreshed.Product, e.CreatedAt
			e.Made = coreshed.Provenance{Job: runs[i%len(runs)].ID, Execution: runs[i%len(runs)].Execution, JobType: g.jobType, Output: "OUTPUT"}
		}
	}
	if err := g.db.AddEntries(ctx, g.access, entries); err != nil {
		return nil, err
	}
	ids := make([]int64, n)
	for i, e := range entries {
		ids[i] = e.ID
	}
	return ids, nil
}

func (g *graph) version() coreshed.Entry {
	g.made++
	now := time.Now()
	name := fmt.Sprintf("tile-%07d.tif", g.made)
	path := fmt.Sprintf("%03d/%s", g.made%1000, name)
	e := coreshed.Entry{
		FileUUID: uuid.New(), Path: path, StoragePath: path, Name: name, Type: coreshed.Source, MediaType: "image/tiff", ModifiedAt: now,
		Workspace: coreshed.EntryWorkspace{ID: g.access.Workspace.ID},
	}
	e.VersionID, e.CreatedAt, e.Size, e.ETag, e.State = now.UnixNano(), now, g.size, `"x"`, coreshed.Kept
	return e
}
