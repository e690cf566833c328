package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestLinksOfUploads: an output that is uploaded adds its own links, and leaves
// those of others as they are.
func TestLinksOfUploads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		r := s.Record(t, storetest.NewRun(s.Put(t, s.Editor, "a.tif", "a").Version.ID, s.Put(t, s.Editor, "b.tif", "b").Version.ID))
		s.Upload(t, r.ID, "1.tif", "1")
		before, err := store.LinkIDs(t.Context(), db, r.ID)
		wantIs(t, err, nil)
		s.Upload(t, r.ID, "2.tif", "2")
		after, err := store.LinkIDs(t.Context(), db, r.ID)
		wantIs(t, err, nil)
		wantEqual(t, []int{len(before), len(after)}, []int{2, 4})
		wantEqual(t, after[:2], before)
	})
}

// TestTooManyLinks: each output of a run has a link for each of its inputs.
func TestTooManyLinks(t *testing.T) {
	s := storetest.New(t, storetest.Memory(t))
	const inputs, outputs, more = 1300, 300, 100
	var ids []int64
	for i := range inputs {
		ids = append(ids, s.Put(t, s.Editor, fmt.Sprintf("%d.tif", i), "x").Version.ID)
	}
	uploads := func(first, n int) []store.NewOutput {
		var list []store.NewOutput
		for i := range n {
			list = append(list, store.NewOutput{Name: "OUT", File: fmt.Sprintf("o/%d.tif", first+i), Prefix: storetest.Prefix()})
		}
		return list
	}
	v := s.View(t, s.Editor)
	r := s.Record(t, storetest.NewRun(ids...))
	_, err := s.DB.AddOutputs(t.Context(), v, r.ID, nil, uploads(0, outputs))
	wantIs(t, err, nil)
	_, err = s.DB.AddOutputs(t.Context(), v, r.ID, nil, uploads(outputs, more))
	wantIs(t, err, coreshed.Invalid)
	// Inputs that come late count as well.
	r = s.Record(t, storetest.NewRun())
	_, err = s.DB.AddOutputs(t.Context(), v, r.ID, nil, uploads(0, outputs+more))
	wantIs(t, err, nil)
	wantIs(t, s.DB.UpdateRun(t.Context(), v, r.ID, store.RunUpdate{Inputs: storetest.NewRun(ids...).Inputs}), coreshed.Invalid)
}

// TestAncestryAtOnce: a run that is recorded while sources of its inputs change
// has all of them. Only PostgreSQL has transactions that overlap.
func TestAncestryAtOnce(t *testing.T) {
	url, ok := storetest.Postgres(t)
	if !ok {
		t.Skip("SQLite writes one after the other")
	}
	db, err := store.Open(t.Context(), store.Config{URL: url, Now: time.Now})
	wantIs(t, err, nil)
	t.Cleanup(func() { db.Close() })
	s := storetest.New(t, db)
	first, second := s.Put(t, s.Editor, "1.tif", "1").Version.ID, s.Put(t, s.Editor, "2.tif", "2").Version.ID
	maker, made := s.Made(t, "made.tif", first)
	reader := s.Record(t, storetest.NewRun(made))

	// The maker is stopped where it gives its new source to the reader.
	release, err := db.Begin(t.Context(), `SELECT id FROM ancestry WHERE job_id = $1 FOR UPDATE`, reader.ID)
	wantIs(t, err, nil)
	editor := s.View(t, s.Editor)
	updated, recorded := make(chan error, 1), make(chan error, 1)
	go func() {
		updated <- db.UpdateRun(t.Context(), editor, maker.ID, store.RunUpdate{Inputs: storetest.NewRun(second).Inputs})
	}()
	time.Sleep(300 * time.Millisecond)
	var late coreshed.Run
	go func() {
		var err error
		late, _, err = db.RecordRun(t.Context(), editor, s.Workspace.ID, storetest.NewRun(made))
		recorded <- err
	}()
	time.Sleep(300 * time.Millisecond)
	wantIs(t, release(), nil)
	wantIs(t, <-updated, nil)
	wantIs(t, <-recorded, nil)
	for _, run := range []int64{reader.ID, late.ID} {
		wantEqual(t, links(t, s, run), [][2]int64{{first, 0}, {second, 0}})
	}
}
