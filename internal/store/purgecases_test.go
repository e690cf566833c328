package store_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// The cases and traps are those of doc/removal-cases.md.

// purged plans a purge and removes its set, with each step delivered twice, and
// returns it. All that was planned must be gone, and counted once.
func purged(t *testing.T, s *storetest.Shed, scope coreshed.PurgeScope, versions ...int64) coreshed.Purge {
	t.Helper()
	view := s.View(t, s.Admin)
	p, err := s.DB.PlanPurge(t.Context(), view, store.NewPurge{Versions: versions, Scope: scope, Reason: "sold"})
	must(t, err)
	p, err = s.DB.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
	must(t, err)
	drain(t, s.DB, p.ID)
	p, err = s.DB.Purge(t.Context(), view, p.UUID)
	if err != nil || p.Status != coreshed.PurgeDone || p.Removed != p.Planned {
		t.Errorf("%v; the purge is %+v", err, p)
	}
	wantSound(t, s.DB)
	return p
}

// wantRemoved compares what a purge has removed: versions, runs, recipes.
func wantRemoved(t *testing.T, p coreshed.Purge, versions, runs, recipes int64) {
	t.Helper()
	wantEqual(t, []int64{p.Removed.Versions, p.Removed.Runs, p.Removed.Recipes}, []int64{versions, runs, recipes})
}

// in records a run as a node of a recipe, with one product if it is named.
func in(t *testing.T, s *storetest.Shed, recipe int64, node, product string, inputs ...int64) int64 {
	t.Helper()
	n := storetest.NewRun(inputs...)
	n.Recipe, n.Node = recipe, node
	r := s.Record(t, n)
	id := int64(0)
	if product != "" {
		id = s.Upload(t, r.ID, product, product)
	}
	s.End(t, r.ID, coreshed.Completed)
	return id
}

func recipeOf(t *testing.T, s *storetest.Shed, input int64, n store.NewRecipe) int64 {
	t.Helper()
	n.Type = store.NewRecipeType{Name: "tiles"}
	n.Inputs = []coreshed.Input{{Name: "IN", Version: coreshed.Ref{ID: input}}}
	r, _, err := s.DB.RecordRecipe(t.Context(), s.View(t, s.Editor), s.Workspace.ID, n)
	must(t, err)
	return r.ID
}

// TestPurgeChain: cases a and c. A recipe of three runs in a row, one that stopped
// after its first, and conditions, met and not, at the ends of both.
func TestPurgeChain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		source := s.Put(t, s.Owner, "source.tif", "source").Version.ID
		whole := recipeOf(t, s, source, store.NewRecipe{Conditions: []store.NewCondition{{Node: "if", Processed: true, Accepted: true}}})
		c := in(t, s, whole, "b", "b.tif", in(t, s, whole, "a", "a.tif", source))
		in(t, s, whole, "c", "c.tif", c)
		short := recipeOf(t, s, source, store.NewRecipe{Conditions: []store.NewCondition{{Node: "if"}}})
		in(t, s, short, "a", "short.tif", source)
		wantRemoved(t, purged(t, s, coreshed.PurgeRecipe, source), 5, 4, 2)
	})
}

// TestPurgeNoOutput: case b. Runs that failed, have put out nothing, run, or wait.
func TestPurgeNoOutput(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		source := s.Put(t, s.Owner, "source.tif", "source").Version.ID
		for _, status := range []coreshed.RunStatus{coreshed.Failed, coreshed.Completed, coreshed.Canceled, ""} {
			r := s.Record(t, storetest.NewRun(source))
			if status != "" {
				s.End(t, r.ID, status)
			}
		}
		waits := storetest.NewRun(source)
		waits.Start = nil
		r := s.Record(t, waits)
		wantRemoved(t, purged(t, s, coreshed.PurgeRecipe, source), 1, 5, 0)
		n, err := store.Queued(t.Context(), db, r.ID)
		must(t, err)
		wantEqual(t, n, int64(0))
	})
}

// TestPurgeDatasets: case e. Data sets of other systems keep nothing from being
// removed: those that only a removed run names go, others stay.
func TestPurgeDatasets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		org := s.View(t, s.Owner).Org
		source := s.Put(t, s.Owner, "source.tif", "source").Version.ID
		gone, also := s.Record(t, storetest.NewRun(source)), s.Record(t, storetest.NewRun(source))
		stays := s.Record(t, storetest.NewRun())
		must(t, store.AddDataset(t.Context(), db, org, "db", "of removed runs", gone.ID, also.ID))
		must(t, store.AddDataset(t.Context(), db, org, "db", "of one that stays", gone.ID, stays.ID))
		wantRemoved(t, purged(t, s, coreshed.PurgeLineage, source), 1, 2, 0)
		must(t, store.AddDataset(t.Context(), db, org, "db", "of removed runs", stays.ID, stays.ID)) // the name is free
		if err := store.AddDataset(t.Context(), db, org, "db", "of one that stays", stays.ID, stays.ID); err == nil {
			t.Error("a data set that a run names is gone")
		}
	})
}

// TestPurgeOutside: case f. What was made of a product outside its recipe, by a run
// of none and by another recipe, goes too.
func TestPurgeOutside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		source, other := s.Put(t, s.Owner, "source.tif", "source").Version.ID, s.Put(t, s.Owner, "other.tif", "other").Version.ID
		product := in(t, s, recipeOf(t, s, source, store.NewRecipe{}), "a", "a.tif", source)
		_, outside := s.Made(t, "outside.tif", product, other)
		in(t, s, recipeOf(t, s, outside, store.NewRecipe{}), "a", "far.tif", outside)
		p := purged(t, s, coreshed.PurgeRecipe, source)
		wantRemoved(t, p, 4, 3, 2)
		if s.Entry(t, other); p.Removed.Sources != 1 {
			t.Errorf("removed %+v", p.Removed)
		}
	})
}

// TestPurgeRepeated: cases g, h and k. A run with more products than go in a step,
// and each step delivered twice: all is counted once, and the end is told once.
func TestPurgeRepeated(t *testing.T) {
	storetest.EachUnsynced(t, time.Now, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		source := s.Put(t, s.Owner, "source.tif", "source").Version.ID
		r := s.Record(t, storetest.NewRun(source))
		for n := range 120 {
			s.Upload(t, r.ID, fmt.Sprintf("%d.tif", n), "made")
		}
		s.End(t, r.ID, coreshed.Completed)
		p := purged(t, s, coreshed.PurgeRecipe, source)
		wantRemoved(t, p, 121, 1, 0)
		l := store.Lease{Name: "purge", Holder: "test"}
		for _, again := range []error{db.BeginPurge(t.Context(), l, p.ID), db.RemovePurged(t.Context(), l, p.ID, []int64{source})} {
			wantIs(t, again, nil)
		}
		_, err := db.EndPurge(t.Context(), l, p.ID)
		wantIs(t, err, store.ErrPurgeStopped)
		after, err := db.Purge(t.Context(), s.View(t, s.Admin), p.UUID)
		must(t, err)
		wantEqual(t, []any{after.Removed, after.EndedAt}, []any{p.Removed, p.EndedAt})
	})
}

// TestPurgeSupersededRuns: case l. Runs of no recipe that supersede each other, and
// one outside the set that supersedes the last.
func TestPurgeSupersededRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		source := s.Put(t, s.Owner, "source.tif", "source").Version.ID
		last := int64(0)
		for range 4 {
			n := storetest.NewRun(source)
			n.Supersedes = last
			last = s.Record(t, n).ID
			s.End(t, last, coreshed.Completed)
		}
		stays := storetest.NewRun()
		stays.Supersedes = last
		r := s.Record(t, stays)
		wantRemoved(t, purged(t, s, coreshed.PurgeLineage, source), 1, 4, 0)
		left, err := db.Run(t.Context(), s.View(t, s.Admin), r.ID)
		must(t, err)
		wantEqual(t, []int64{left.Supersedes, left.RootSuperseded}, []int64{0, 0})
	})
}

// TestPurgeBatches: invariant 3 of the contract's list. Batches and types stay, and
// so does what shares them.
func TestPurgeBatches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		view := s.View(t, s.Admin)
		source, other := s.Put(t, s.Owner, "source.tif", "source").Version.ID, s.Put(t, s.Owner, "other.tif", "other").Version.ID
		batch, _, err := db.RecordBatch(t.Context(), view, s.Workspace.ID, store.NewBatch{Title: "All"})
		must(t, err)
		in(t, s, recipeOf(t, s, source, store.NewRecipe{Batch: batch.ID}), "a", "a.tif", source)
		kept := recipeOf(t, s, other, store.NewRecipe{Batch: batch.ID})
		product := in(t, s, kept, "a", "kept.tif", other)
		wantRemoved(t, purged(t, s, coreshed.PurgeRecipe, source), 2, 1, 1)
		after, err := db.Batch(t.Context(), view, batch.ID)
		must(t, err)
		if after.ID != batch.ID {
			t.Errorf("the batch is %+v", after)
		}
		wantEqual(t, []int64{s.Entry(t, product).ID, s.Entry(t, other).ID}, []int64{product, other})
		_, err = db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{source}, Scope: coreshed.PurgeRecipe})
		if !errors.Is(err, coreshed.NotFound) {
			t.Errorf("planned again: %v", err)
		}
	})
}

var (
	schemaChange = regexp.MustCompile(`(?i)^\s*(ANALYZE|VACUUM|REINDEX|CREATE|ALTER|DROP|TRUNCATE)\b`)
	lineageScan  = regexp.MustCompile(`(?m)^SCAN (jobs|j|job_inputs|i|job_outputs|o|job_exes|ancestry|a|versions|v|files|f|extents)\b`)
)

// TestReadsGrowWithTheirAnswer: traps 8 to 11. Lineage reads by indexes, whatever
// else there is, and usage adds nothing up; nothing that clients do gathers
// statistics, or makes a table or an index of its own.
func TestReadsGrowWithTheirAnswer(t *testing.T) {
	db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + t.TempDir() + "/reads.db"})
	must(t, err)
	defer db.Close()
	s := storetest.New(t, db)
	source := s.Put(t, s.Owner, "source.tif", "source")
	_, made := s.Made(t, "made.tif", source.Version.ID)
	s.AddWorkspace(t, "South pit")
	_, err = db.Usage(t.Context(), s.Workspace.ID)
	must(t, err)
	done, err := db.Statements(t.Context())
	must(t, err)
	for _, text := range done {
		if schemaChange.MatchString(text) {
			t.Errorf("a client made the store do\n%s", text)
		}
		if strings.Contains(text, "used_bytes") && strings.Contains(text, "sum(") {
			t.Errorf("a counter is a sum in\n%s", text)
		}
	}
	for _, direction := range []coreshed.Direction{coreshed.Up, coreshed.Down} {
		texts, err := db.LineageStatements(t.Context(), s.View(t, s.Viewer), made, store.LineageWant{Direction: direction, Limit: 100})
		must(t, err)
		if len(texts) < 5 {
			t.Errorf("%s asks %d times", direction, len(texts))
		}
		for _, text := range texts {
			plan, err := db.Plan(t.Context(), text)
			must(t, err)
			first := strings.HasPrefix(text, "SELECT EXISTS (SELECT 1 FROM job_") && !strings.Contains(text, "WHERE") // ends there
			if lineageScan.MatchString(plan) && !first {
				t.Errorf("%s\nis carried out as\n%s", text, plan)
			}
		}
	}
}
