package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestHold(t *testing.T) {
	now := time.Now().Truncate(time.Microsecond)
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		f := s.Put(t, s.Editor, "a/b.csv", "1")
		s.Put(t, s.Editor, "a/b.csv", "2")
		owner := s.View(t, s.Owner)

		first := s.Hold(t, store.NewHold{File: f.UUID})
		second := s.Hold(t, store.NewHold{Version: f.Version.ID, Direction: coreshed.Both, Until: now.Add(time.Hour)})
		third := s.Hold(t, store.NewHold{Workspace: s.Workspace.UUID})
		wantEqual(t, []any{first.Kind, first.File, first.Path, first.CreatedBy.ID, first.Workspace.UUID, first.InForce(now)},
			[]any{coreshed.HoldFile, f.UUID, "a/b.csv", s.Owner.ID, s.Workspace.UUID, true})
		wantEqual(t, []any{second.Kind, second.Version, second.File, second.Direction, second.Until.Equal(now.Add(time.Hour)), third.Kind},
			[]any{coreshed.HoldVersion, f.Version.ID, f.UUID, coreshed.Both, true, coreshed.HoldWorkspace})

		list, total, err := db.Holds(t.Context(), s.View(t, s.Viewer), store.HoldFilter{}, coreshed.Page{Limit: 2})
		wantIs(t, err, nil)
		wantEqual(t, []any{total, list}, []any{int64(3), []coreshed.Hold{third, second}})
		inForce := func(yes bool) int64 {
			t.Helper()
			_, n, err := db.Holds(t.Context(), owner, store.HoldFilter{InForce: &yes, File: &f.UUID}, coreshed.Page{Limit: 10})
			wantIs(t, err, nil)
			return n
		}
		wantEqual(t, []int64{inForce(true), inForce(false)}, []int64{2, 0})

		lifted, err := db.LiftHold(t.Context(), owner, first.ID)
		wantIs(t, err, nil)
		again, err := db.LiftHold(t.Context(), s.View(t, s.Admin), first.ID)
		wantIs(t, err, nil)
		wantEqual(t, []any{lifted.LiftedBy.ID, lifted.LiftedAt.Equal(now), lifted.InForce(now), again}, []any{s.Owner.ID, true, false, lifted})
		wantEqual(t, []int64{inForce(true), inForce(false)}, []int64{1, 1})
		now = now.Add(time.Hour)
		wantEqual(t, []int64{inForce(true), inForce(false)}, []int64{0, 2})
	})
}

// TestHoldRights: an owner holds and lifts, a viewer sees, others see nothing.
func TestHoldRights(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		f := s.Put(t, s.Editor, "a.csv", "1")
		h := s.Hold(t, store.NewHold{File: f.UUID})
		things := []store.NewHold{{Version: f.Version.ID}, {File: f.UUID}, {Workspace: s.Workspace.UUID}}
		for _, tt := range []struct {
			who            coreshed.Person
			add, lift, see error
		}{
			{s.Admin, nil, nil, nil}, {s.Editor, coreshed.Forbidden, coreshed.Forbidden, nil}, {s.Viewer, coreshed.Forbidden, coreshed.Forbidden, nil},
			{s.Member, coreshed.NotFound, coreshed.NotFound, coreshed.NotFound}, {s.Stranger, coreshed.NotFound, coreshed.NotFound, coreshed.NotFound},
		} {
			view := s.View(t, tt.who)
			for _, n := range things {
				n.Reason = "case 18"
				_, err := db.AddHold(t.Context(), view, n)
				wantIs(t, err, tt.add)
			}
			_, err := db.LiftHold(t.Context(), view, h.ID)
			wantIs(t, err, tt.lift)
			_, err = db.Hold(t.Context(), view, h.ID)
			wantIs(t, err, tt.see)
			_, total, err := db.Holds(t.Context(), view, store.HoldFilter{}, coreshed.Page{Limit: 10})
			wantIs(t, err, nil)
			wantEqual(t, total > 0, tt.see == nil)
		}
		owner := s.View(t, s.Owner)
		for _, n := range []store.NewHold{
			{File: f.UUID, Reason: " "}, {File: f.UUID, Reason: strings.Repeat("x", coreshed.MaxHoldReason+1)}, {File: f.UUID, Reason: "a\x00"},
			{File: f.UUID, Reason: "x", Direction: coreshed.Up}, {Version: f.Version.ID, Reason: "x", Direction: "left"},
			{File: f.UUID, Reason: "x", Until: time.Now().Add(-time.Hour)},
		} {
			_, err := db.AddHold(t.Context(), owner, n)
			wantIs(t, err, coreshed.Invalid)
		}
		for _, n := range []store.NewHold{{Version: 99999}, {File: uuid.New()}, {Workspace: uuid.New()}} {
			n.Reason = "x"
			_, err := db.AddHold(t.Context(), owner, n)
			wantIs(t, err, coreshed.NotFound)
		}
	})
}

// TestHeldDelete: what is held is neither deleted, nor its workspace; new versions
// of it may be made, and what was deleted before may be restored.
func TestHeldDelete(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		f := s.Put(t, s.Editor, "a.csv", "1")
		gone := s.Put(t, s.Editor, "b.csv", "1")
		a := s.Access(t, s.Editor)
		wantIs(t, db.DeleteFile(t.Context(), a, gone.UUID), nil)
		h := s.Hold(t, store.NewHold{Version: f.Version.ID})
		late := s.Hold(t, store.NewHold{File: gone.UUID})
		s.Put(t, s.Editor, "a.csv", "2")

		for _, err := range []error{
			db.DeleteFile(t.Context(), a, f.UUID), db.DeleteFileByPath(t.Context(), a, "a.csv"),
			db.DeleteWorkspace(t.Context(), a), db.ChangeWorkspace(t.Context(), s.View(t, s.Owner), s.Workspace.ID, store.WorkspaceChange{Active: new(bool)}),
		} {
			wantIs(t, err, coreshed.Held)
			if !strings.Contains(err.Error(), "Hold ") || !strings.Contains(err.Error(), ": case 17") {
				t.Errorf("whoever sees the hold is told %v", err)
			}
		}
		wantIs(t, db.DeleteFile(t.Context(), a, gone.UUID), nil) // again
		_, err := db.RestoreFile(t.Context(), a, gone.UUID)
		wantIs(t, err, nil)
		wantIs(t, db.DeleteFile(t.Context(), a, gone.UUID), coreshed.Held)
		for _, id := range []int64{h.ID, late.ID} {
			_, err := db.LiftHold(t.Context(), s.View(t, s.Owner), id)
			wantIs(t, err, nil)
		}
		wantIs(t, db.DeleteFile(t.Context(), a, f.UUID), nil)
		wantIs(t, db.DeleteWorkspace(t.Context(), a), nil)
		wantIs(t, db.DeleteWorkspace(t.Context(), a), nil)
	})
}

// TestHeldByHidden: who does not see a hold is not told its name.
func TestHeldByHidden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		source := s.Put(t, s.Editor, "a.csv", "1")
		home := s.Workspace
		s.Workspace = s.AddWorkspace(t, "secret")
		wantIs(t, db.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Editor.ID, coreshed.Editor), nil)
		_, made := s.Made(t, "made.tif", source.Version.ID)
		s.Hold(t, store.NewHold{Version: made, Direction: coreshed.Up, Reason: "secret case"})
		s.Workspace = home
		wantIs(t, db.Grant(t.Context(), coreshed.Operator, home.ID, s.Member.ID, coreshed.Editor), nil)

		err := db.DeleteFile(t.Context(), s.Access(t, s.Member), source.UUID)
		wantIs(t, err, coreshed.Held)
		wantEqual(t, err.Error(), "A hold protects this file.")
		for _, p := range []coreshed.Person{s.Editor, s.Admin} {
			err = db.DeleteFile(t.Context(), s.Access(t, p), source.UUID)
			wantIs(t, err, coreshed.Held)
			if !strings.Contains(err.Error(), "secret case") {
				t.Errorf("%s is told %v", p.Name, err)
			}
		}
		wantIs(t, db.DeleteWorkspace(t.Context(), s.Access(t, s.Owner)), coreshed.Held)
	})
}

// TestHoldTooLate: a hold on what is being removed would promise too much.
func TestHoldTooLate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		f := s.Put(t, s.Editor, "a.csv", "1")
		_, made := s.Made(t, "made.tif", f.Version.ID)
		other := s.Put(t, s.Editor, "b.csv", "1")
		wantIs(t, store.Purging(t.Context(), db, s.View(t, s.Owner).Org, made), nil)
		e := s.Entry(t, made)
		for _, tt := range []struct {
			n    store.NewHold
			want error
		}{
			{store.NewHold{Version: made}, coreshed.Conflict}, {store.NewHold{File: e.FileUUID}, coreshed.Conflict},
			{store.NewHold{Workspace: s.Workspace.UUID}, coreshed.Conflict},
			{store.NewHold{Version: f.Version.ID, Direction: coreshed.Down}, coreshed.Conflict},
			{store.NewHold{Version: f.Version.ID, Direction: coreshed.Up}, nil}, {store.NewHold{File: other.UUID}, nil},
		} {
			tt.n.Reason = "x"
			_, err := db.AddHold(t.Context(), s.View(t, s.Owner), tt.n)
			if !errors.Is(err, tt.want) {
				t.Errorf("%+v: %v, want %v", tt.n, err, tt.want)
			}
		}
	})
}

// TestHeldAcrossDatasets: lineage that goes through data sets of other systems
// is held too, although a purge does not go that way.
func TestHeldAcrossDatasets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		org := s.View(t, s.Owner).Org
		source := s.Put(t, s.Editor, "a.csv", "1")
		first := s.Record(t, storetest.NewRun(source.Version.ID))
		second, made := s.Made(t, "made.tif")
		wantIs(t, store.AddDataset(t.Context(), db, org, "db", "table", first.ID, second.ID), nil)
		marked := func(versions, runs []int64) map[int64]int64 {
			t.Helper()
			held, _, err := store.MarkHeld(t.Context(), db, org, versions, runs)
			wantIs(t, err, nil)
			return held
		}
		up := s.Hold(t, store.NewHold{Version: made, Direction: coreshed.Up})
		got, err := store.HeldFile(t.Context(), db, source.ID)
		wantIs(t, err, nil)
		wantEqual(t, []any{got, marked([]int64{source.Version.ID}, []int64{first.ID})}, []any{up.ID, map[int64]int64{source.Version.ID: up.ID}})
		_, err = db.LiftHold(t.Context(), s.View(t, s.Owner), up.ID)
		wantIs(t, err, nil)
		wantEqual(t, marked([]int64{source.Version.ID}, []int64{first.ID}), map[int64]int64{})

		down := s.Hold(t, store.NewHold{Version: source.Version.ID, Direction: coreshed.Down})
		wantEqual(t, marked([]int64{made}, nil), map[int64]int64{made: down.ID})
	})
}
