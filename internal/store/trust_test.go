package store_test

import (
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestTrust marks versions of a diamond as bad: what comes from them is stale, and
// what does not is not.
func TestTrust(t *testing.T) {
	now := time.Now().Truncate(time.Microsecond)
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		editor, viewer := s.View(t, s.Editor), s.View(t, s.Viewer)
		s1, s2 := s.Put(t, s.Editor, "1.tif", "1").Version.ID, s.Put(t, s.Editor, "2.tif", "2").Version.ID
		r1, p1 := s.Made(t, "p1", s1, s2)
		r2, p2 := s.Made(t, "p2", p1)
		r3, p3 := s.Made(t, "p3", s2, p1)
		r4, p4 := s.Made(t, "p4", p3, p2)
		_, apart := s.Made(t, "apart")
		all := []int64{p4, p3, p2, p1, s2, s1, apart, p4}
		trust := func(view coreshed.View) map[int64]coreshed.Trust {
			t.Helper()
			got, err := db.Trust(t.Context(), view, all...)
			wantIs(t, err, nil)
			return got
		}
		wantEqual(t, trust(viewer), map[int64]coreshed.Trust{})

		wantIs(t, db.Distrust(t.Context(), editor, p1, "wrong"), nil)
		wantIs(t, db.Distrust(t.Context(), editor, p1, "wrong datum"), nil)
		bad := coreshed.Trust{State: coreshed.Bad, Reason: "wrong datum", MarkedAt: timeUTC(now), MarkedBy: s.Editor}
		stale := coreshed.Trust{State: coreshed.Stale, From: []int64{p1}}
		wantEqual(t, trust(viewer), map[int64]coreshed.Trust{p1: bad, p2: stale, p3: stale, p4: stale})

		// A bad one is not called stale, and tells what it comes from.
		wantIs(t, db.Distrust(t.Context(), editor, s1, "lost"), nil)
		bad.From = []int64{s1}
		stale.From = []int64{s1, p1}
		lost := coreshed.Trust{State: coreshed.Bad, Reason: "lost", MarkedAt: timeUTC(now), MarkedBy: s.Editor}
		wantEqual(t, trust(viewer), map[int64]coreshed.Trust{s1: lost, p1: bad, p2: stale, p3: stale, p4: stale})
		wantIs(t, db.ClearDistrust(t.Context(), editor, p1), nil)
		wantIs(t, db.ClearDistrust(t.Context(), editor, p1), nil)
		wantIs(t, db.ClearDistrust(t.Context(), editor, s1), nil)
		wantEqual(t, trust(viewer), map[int64]coreshed.Trust{})

		staleRuns := func(version int64, page coreshed.Page) []int64 {
			t.Helper()
			list, total, hidden, err := db.StaleRuns(t.Context(), viewer, version, page)
			wantIs(t, err, nil)
			ids := []int64{total, hidden}
			for _, r := range list {
				ids = append(ids, r.ID)
			}
			return ids
		}
		whole := coreshed.Page{Limit: 10}
		wantEqual(t, staleRuns(s2, whole), []int64{4, 0, r1.ID, r2.ID, r3.ID, r4.ID})
		wantEqual(t, staleRuns(s2, coreshed.Page{Limit: 1, Offset: 3}), []int64{4, 0, r4.ID})
		wantEqual(t, staleRuns(s2, coreshed.Page{Limit: 1, Offset: 4}), []int64{4, 0})
		wantEqual(t, staleRuns(p3, whole), []int64{1, 0, r4.ID})
		wantEqual(t, staleRuns(apart, whole), []int64{0, 0})

		// What failed, and what was repeated already, is not to be repeated.
		failed := s.Record(t, storetest.NewRun(s2))
		s.End(t, failed.ID, coreshed.Failed)
		again := storetest.NewRun(p1)
		again.Supersedes = r2.ID
		r5 := s.Record(t, again)
		wantEqual(t, staleRuns(s2, whole), []int64{4, 0, r1.ID, r3.ID, r5.ID, r4.ID})
	})
}

func timeUTC(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

// TestTrustRights: an editor marks; what is hidden makes stale and is counted.
func TestTrustRights(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		home := s.Workspace
		s.Workspace = s.AddWorkspace(t, "hidden")
		wantIs(t, db.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Editor.ID, coreshed.Editor), nil)
		source := s.Put(t, s.Editor, "1.tif", "1").Version.ID
		_, middle := s.Made(t, "middle", source)
		s.Workspace = home
		r, end := s.Made(t, "end", middle)

		wantIs(t, db.Distrust(t.Context(), s.View(t, s.Viewer), end, "x"), coreshed.Forbidden)
		wantIs(t, db.ClearDistrust(t.Context(), s.View(t, s.Viewer), end), coreshed.Forbidden)
		for _, p := range []coreshed.Person{s.Viewer, s.Member, s.Stranger} {
			wantIs(t, db.Distrust(t.Context(), s.View(t, p), source, "x"), coreshed.NotFound)
			wantIs(t, db.ClearDistrust(t.Context(), s.View(t, p), source), coreshed.NotFound)
			_, _, _, err := db.StaleRuns(t.Context(), s.View(t, p), source, coreshed.Page{Limit: 10})
			wantIs(t, err, coreshed.NotFound)
		}
		wantIs(t, db.Distrust(t.Context(), s.View(t, s.Editor), source, " "), coreshed.Invalid)
		wantIs(t, db.Distrust(t.Context(), s.View(t, s.Editor), source, "x"), nil)
		for p, want := range map[coreshed.Person]coreshed.Trust{
			s.Viewer: {State: coreshed.Stale, Hidden: 1}, s.Admin: {State: coreshed.Stale, From: []int64{source}},
		} {
			got, err := db.Trust(t.Context(), s.View(t, p), end)
			wantIs(t, err, nil)
			wantEqual(t, got[end], want)
		}
		wantIs(t, db.Grant(t.Context(), coreshed.Operator, s.Entry(t, source).Workspace.ID, s.Member.ID, coreshed.Viewer), nil)
		list, total, hidden, err := db.StaleRuns(t.Context(), s.View(t, s.Member), source, coreshed.Page{Limit: 10})
		wantIs(t, err, nil)
		wantEqual(t, []any{len(list), total, hidden, list[0].ID == r.ID}, []any{1, int64(1), int64(1), false})
	})
}

// TestTrustAcrossDatasets: what comes from a bad version by way of another system
// is stale too, and runs in a circle are listed.
func TestTrustAcrossDatasets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		org := s.View(t, s.Owner).Org
		source := s.Put(t, s.Editor, "a.csv", "1").Version.ID
		first := s.Record(t, storetest.NewRun(source))
		second, made := s.Made(t, "made.tif")
		wantIs(t, store.AddDataset(t.Context(), db, org, "db", "there", first.ID, second.ID), nil)
		wantIs(t, store.AddDataset(t.Context(), db, org, "db", "back", second.ID, first.ID), nil)
		wantIs(t, db.Distrust(t.Context(), s.View(t, s.Editor), source, "x"), nil)
		got, err := db.Trust(t.Context(), s.View(t, s.Viewer), made)
		wantIs(t, err, nil)
		wantEqual(t, got[made], coreshed.Trust{State: coreshed.Stale, From: []int64{source}})
		list, total, _, err := db.StaleRuns(t.Context(), s.View(t, s.Viewer), source, coreshed.Page{Limit: 10})
		wantIs(t, err, nil)
		wantEqual(t, []int64{total, list[0].ID, list[1].ID}, []int64{2, first.ID, second.ID})
	})
}
