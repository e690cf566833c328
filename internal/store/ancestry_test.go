package store_test

import (
	"fmt"
	"testing"

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
