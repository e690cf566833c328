package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// Load measures how fast rows are brought in: files with all that lists show of
// them, runs, recipes, types and batches.
type Load struct {
	Binary string // of Coreshed
	Dir    string // where the temporary folder goes; "" is the system's place
	Keep   string // a new data folder that stays; "" is none
	Rows   int
	Log    io.Writer
}

// Run loads an empty catalogue.
func (l Load) Run(ctx context.Context) (Report, error) {
	dir, err := os.MkdirTemp(l.Dir, "coreshed-bench-")
	if err != nil {
		return Report{}, fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(dir)
	data := l.Keep
	if data == "" {
		data = filepath.Join(dir, "data")
	}
	before, _ := cpuOf(os.Getpid()) // known on Linux alone
	took, err := loadCatalogue(ctx, l.Binary, dir, data, l.Rows, l.Log)
	if err != nil {
		return Report{}, err
	}
	results := newSheet(l.Log)
	if after, err := cpuOf(os.Getpid()); err == nil {
		results.add(test{"bulk load: processor time of a row", "µs", target{}}, shedName, millis(after-before)*1000/float64(l.Rows))
	}
	results.add(test{"bulk load, everything included", "rows/s", target{least: 4000}}, shedName, perSecond(float64(l.Rows), took))
	return results.report(), nil
}

// bulkGroup is how many rows one transaction brings in.
const bulkGroup = 20_000

// workspaceCount is how many workspaces the files are in.
const workspaceCount = 50

func workspaceTitle(n int) string { return fmt.Sprintf("Workspace %d", n) }

// loadCatalogue lets the server make a data folder and fills it while no server
// runs. The last workspace has a thousandth of the files.
func loadCatalogue(ctx context.Context, binary, dir, data string, rows int, log io.Writer) (time.Duration, error) {
	s, err := startShed(ctx, binary, dir, data)
	if err != nil {
		return 0, err
	}
	s.stop()
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(data, "coreshed.db")})
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(log, "loading %d files\n", rows)
	start := time.Now()
	err = fillCatalogue(ctx, db, s, rows, log)
	took := time.Since(start)
	fmt.Fprintf(log, "loaded in %s\n", took.Round(time.Second))
	return took, errors.Join(err, db.Close())
}

func fillCatalogue(ctx context.Context, db *store.DB, s *shed, rows int, log io.Writer) error {
	c := &rock{rows: rows, types: newTypes()}
	access, err := s.access(ctx, db)
	if err != nil {
		return err
	}
	for n := range workspaceCount {
		w, err := db.AddWorkspace(ctx, access.Workspace.OrgID, access.Actor.ID, workspaceTitle(n+1), coreshed.WorkspaceEdit{})
		if err != nil {
			return err
		}
		c.workspaces = append(c.workspaces, w.ID)
	}
	return db.Bulk(ctx, func(ctx context.Context) error {
		if err := db.AddTypes(ctx, access, &c.types); err != nil {
			return err
		}
		c.newRecipes()
		for part := range slices.Chunk(c.recipes, bulkGroup) {
			if err := db.AddRecipes(ctx, access, part); err != nil {
				return err
			}
		}
		c.newRuns()
		for part := range slices.Chunk(c.runs, bulkGroup) {
			if err := db.AddRuns(ctx, access, part); err != nil {
				return err
			}
		}
		return c.addEntries(ctx, db, access, log)
	})
}

// addEntries makes rows beside the transaction that adds those before.
func (c *rock) addEntries(ctx context.Context, db *store.DB, a coreshed.Access, log io.Writer) error {
	g, ctx := errgroup.WithContext(ctx)
	groups := make(chan []coreshed.Entry, 1)
	g.Go(func() error {
		defer close(groups)
		for from := 1; from <= c.rows; from += bulkGroup {
			var group []coreshed.Entry
			for n := from; n < min(from+bulkGroup, c.rows+1); n++ {
				group = append(group, c.entry(n))
			}
			select {
			case groups <- group:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	g.Go(func() error {
		done := 0
		for group := range groups {
			if err := db.AddEntries(ctx, a, group); err != nil {
				return err
			}
			if done += len(group); done%(5*bulkGroup) == 0 {
				fmt.Fprintf(log, "%d files\n", done)
			}
		}
		return nil
	})
	return g.Wait()
}

// access is what the data folder's admin may do in its workspace.
func (s *shed) access(ctx context.Context, db *store.DB) (coreshed.Access, error) {
	org, err := uuid.Parse(s.org)
	if err != nil {
		return coreshed.Access{}, err
	}
	space, err := uuid.Parse(s.space)
	if err != nil {
		return coreshed.Access{}, err
	}
	members, err := db.Members(ctx, org)
	if err != nil {
		return coreshed.Access{}, err
	}
	i := slices.IndexFunc(members, func(m store.Member) bool { return m.Admin })
	if i < 0 {
		return coreshed.Access{}, errors.New("the organisation has no admin")
	}
	return db.Access(ctx, coreshed.Actor{ID: members[i].ID}, org, space)
}
