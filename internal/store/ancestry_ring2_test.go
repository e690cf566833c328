//go:build ring2

package store_test

import (
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestAncestryAtOnce: a run that is recorded while sources of its inputs change
// has all of them. Only PostgreSQL has transactions that overlap.
func TestAncestryAtOnce(t *testing.T) {
	url := storetest.MustPostgres(t)
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
