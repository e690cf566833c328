package store_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// scan is a step that reads all rows of a table that grows with what is kept.
// A name is searched by reading an index, which a plan calls SEARCH.
var scan = regexp.MustCompile(`(?m)^SCAN (files|f|versions|v|uploads|u|blocks|b|extents|e|dropped_objects)\b`)

// wholeKind is a step of a question that is asked for each row of another, and that
// reads all there is of a kind.
var wholeKind = regexp.MustCompile(`(?s)CORRELATED.*\n(SCAN [fvoj]|SEARCH \w+ USING PRIMARY KEY \(kind=\?\))\n`)

// TestCheckPlans keeps the checks from growing faster than what there is to check.
func TestCheckPlans(t *testing.T) {
	db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + t.TempDir() + "/plans.db"})
	must(t, err)
	defer db.Close()
	for _, query := range store.InvariantQueries() {
		plan, err := db.Plan(t.Context(), query)
		if err != nil {
			t.Errorf("%v in\n%s", err, query)
		}
		if wholeKind.MatchString(plan) {
			t.Errorf("%s\nis carried out as\n%s", query, plan)
		}
	}
}

// TestPlans keeps the store from reading whole tables: it goes through what
// clients do, and asks SQLite how each statement is carried out.
func TestPlans(t *testing.T) {
	db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + t.TempDir() + "/plans.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := storetest.New(t, db)
	a := s.Access(t, s.Editor)
	f := s.Put(t, s.Editor, "a/b.csv", "one")
	s.Put(t, s.Editor, "a/b.csv", "two")
	steps(t, db, a, f)

	texts, err := db.Statements(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []coreshed.Filter{{}, {Deleted: true}, {Name: "b"}, {Folder: "a/"}} {
		for _, field := range []coreshed.OrderField{coreshed.ByCreated, coreshed.ByModified} {
			for _, desc := range []bool{false, true} {
				order := []coreshed.Order{{Field: field, Desc: desc}}
				more, err := db.ListStatements(t.Context(), a, f, order, coreshed.Page{Limit: 10})
				if err != nil {
					t.Fatal(err)
				}
				texts = append(texts, more...)
			}
		}
	}
	texts = append(texts, entryStatements(t, db, s)...)
	for _, text := range texts {
		if strings.HasPrefix(strings.TrimSpace(text), "INSERT INTO") {
			continue // its plan shows checks of references that run only after an unfinished delete
		}
		plan, err := db.Plan(t.Context(), text)
		if err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
		if scan.MatchString(plan) {
			t.Errorf("%s\nis carried out as\n%s", strings.TrimSpace(text), plan)
		}
	}
}

// steps does what clients do. Whether it works is for other tests.
func steps(t *testing.T, db *store.DB, a coreshed.Access, f coreshed.File) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := db.ReserveVersion(ctx, a, f.UUID, storetest.Prefix())
	must(err)
	_, err = db.Reservation(ctx, a, f.UUID, r.VersionID)
	must(err)
	_, err = db.ReservationByPath(ctx, a, f.Path, r.VersionID)
	must(err)
	must(db.StageBlock(ctx, r.ID, coreshed.Extent{Block: "a", Size: 1, Key: r.Prefix + "/a", SHA256: []byte{1}}))
	_, err = db.Blocks(ctx, r.ID)
	must(err)
	_, err = db.Commit(ctx, store.Commit{
		Workspace: a.Workspace.UUID, File: f.UUID, VersionID: r.VersionID, Blocks: []string{"a"}, ETag: "e", Hash: []byte{1},
	})
	must(err)
	_, err = db.FileByPath(ctx, a, f.Path, 0)
	must(err)
	_, err = db.FileByPath(ctx, a, f.Path, r.VersionID)
	must(err)
	_, err = db.FileByID(ctx, a, f.UUID, 0)
	must(err)
	_, err = db.Versions(ctx, a, f.ID)
	must(err)
	_, err = db.Slot(ctx, a.Workspace.UUID, f.UUID, r.VersionID)
	must(err)
	_, err = db.Extents(ctx, f.Version.ID, 0, 10)
	must(err)
	must(db.DeleteFile(ctx, a, f.UUID))
	_, err = db.RestoreFile(ctx, a, f.UUID)
	must(err)
	must(db.DeleteFileByPath(ctx, a, f.Path))
}

// entryStatements are those of lists of entries that an index serves: by each
// filter, in the default order and others.
func entryStatements(t *testing.T, db *store.DB, s *storetest.Shed) []string {
	t.Helper()
	v, err := db.View(t.Context(), coreshed.Actor{ID: s.Admin.ID}, s.Org.ID)
	must(t, err)
	one, many, at := []string{"x"}, []int64{1, 2}, int64(1)
	w := coreshed.Window{From: &at, Until: &at}
	var texts []string
	for _, f := range []coreshed.EntryFilter{
		{Data: w}, {Source: w}, {Created: w}, {Modified: w}, {Data: coreshed.Window{Until: &at}}, {Data: w, Sensor: one},
		{SensorClass: one}, {Sensor: one}, {Collection: one}, {Task: one}, {Type: one}, {MediaType: one}, {Name: one}, {NameContains: "b.csv"},
		{Job: many}, {JobType: many}, {Recipe: many}, {RecipeType: many}, {Batch: many},
		{JobTypeName: one}, {JobOutput: one}, {RecipeNode: one}, {Countries: []string{"AAA", "BBB"}},
	} {
		for _, order := range [][]coreshed.Order{nil, {{Field: "last_modified", Desc: true}}, {{Field: "created", Desc: true}}} {
			more, err := db.EntryStatements(t.Context(), v, f, order)
			must(t, err)
			texts = append(texts, more...)
		}
	}
	return texts
}

// TestPurgeStepPlans keeps the steps of a purge, and looks at it, from reading or
// sorting what is left of its set each time.
func TestPurgeStepPlans(t *testing.T) {
	db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + t.TempDir() + "/plans.db"})
	must(t, err)
	defer db.Close()
	s := storetest.New(t, db)
	view, source := s.View(t, s.Admin), s.Put(t, s.Owner, "a.tif", "a")
	s.Made(t, "b.tif", source.Version.ID)
	p, err := db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{source.Version.ID}, Scope: coreshed.PurgeLineage})
	must(t, err)
	p, err = db.ExecutePurge(t.Context(), view, p.UUID, p.Fingerprint)
	must(t, err)
	before, err := db.Statements(t.Context())
	must(t, err)
	purgeSteps(t, db, view, p)

	texts, err := db.Statements(t.Context())
	must(t, err)
	looked := 0
	for _, text := range texts {
		if slices.Contains(before, text) || !strings.HasPrefix(text, "SELECT") || !strings.Contains(text, "FROM purge_items") {
			continue
		}
		looked++
		plan, err := db.Plan(t.Context(), text)
		must(t, err)
		if strings.Contains(plan, "PRIMARY KEY (purge_id=? AND kind=?)") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\nis carried out as\n%s", text, plan)
		}
	}
	wantEqual(t, looked, 5)
}

// purgeSteps takes a step of each kind of a purge, and looks at it.
func purgeSteps(t *testing.T, db *store.DB, view coreshed.View, p coreshed.Purge) {
	t.Helper()
	l := store.Lease{Name: "purge", Holder: "test"}
	_, err := db.Lease(t.Context(), l.Name, l.Holder, time.Hour)
	must(t, err)
	first, err := db.PurgeVersions(t.Context(), l, p.ID, nil, 1)
	must(t, err)
	_, err = db.PurgeVersions(t.Context(), l, p.ID, &first[0], 1)
	must(t, err)
	_, err = db.RemovePurgedRuns(t.Context(), l, p.ID, 1)
	must(t, err)
	_, err = db.Purge(t.Context(), view, p.UUID)
	must(t, err)
	_, err = db.Purges(t.Context(), view, 0, 1)
	must(t, err)
	_, err = db.PurgeItems(t.Context(), view, p, store.PurgeItemPage{Failed: true, Limit: 1})
	must(t, err)
}
