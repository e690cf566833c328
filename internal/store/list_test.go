package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func paths(files []coreshed.File) []string {
	list := []string{}
	for _, f := range files {
		list = append(list, f.Path)
	}
	return list
}

func TestFilterByName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		for _, p := range []string{"gold/silver.csv", "AllGoldColumns.csv", "100%_a.csv", "100xya.csv", `back\slash.csv`, "Straße.tif"} {
			s.Put(t, s.Editor, p, "x")
		}
		for name, want := range map[string][]string{
			"gold":    {"AllGoldColumns.csv"},
			"%_":      {"100%_a.csv"},
			"100":     {"100%_a.csv", "100xya.csv"},
			`k\s`:     {`back\slash.csv`},
			"STRASSE": {"Straße.tif"},
			"nothing": {},
			"' OR 1":  {},
		} {
			got, total, err := db.Files(t.Context(), s.Access(t, s.Viewer), coreshed.Filter{Name: name}, nil, coreshed.Page{Limit: 10})
			if diff := cmp.Diff(want, paths(got)); diff != "" || err != nil || total != int64(len(want)) {
				t.Errorf("%q: %s total %d, %v", name, diff, total, err)
			}
		}
		got, _, err := db.Files(t.Context(), s.Access(t, s.Viewer), coreshed.Filter{Folder: "GOLD/"}, nil, coreshed.Page{Limit: 10})
		if diff := cmp.Diff([]string{"gold/silver.csv"}, paths(got)); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

// Pages neither overlap nor leave anything out, from the front as from the end.
func TestPages(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		var want []string
		for i := range 11 {
			want = append(want, s.Put(t, s.Editor, fmt.Sprintf("%02d.csv", i), "x").Path)
			now = now.Add(time.Duration(i%2) * time.Second) // equal times, too
		}
		for _, desc := range []bool{false, true} {
			for limit := range int64(12) {
				var got []string
				for offset := int64(0); limit > 0; offset += limit {
					list, total, err := db.Files(t.Context(), s.Access(t, s.Viewer), coreshed.Filter{},
						[]coreshed.Order{{Field: coreshed.ByCreated, Desc: desc}}, coreshed.Page{Offset: offset, Limit: limit})
					if err != nil || total != 11 || (len(list) == 0) != (offset >= total) {
						t.Fatalf("limit %d offset %d: %d of %d, %v", limit, offset, len(list), total, err)
					}
					if got = append(got, paths(list)...); len(list) == 0 {
						break
					}
				}
				if !desc && limit > 0 {
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("limit %d: %s", limit, diff)
					}
				}
				if seen := map[string]bool{}; limit > 0 {
					for _, p := range got {
						seen[p] = true
					}
					if len(got) != 11 || len(seen) != 11 {
						t.Errorf("desc %v, limit %d: %v", desc, limit, got)
					}
				}
			}
		}
	})
}

func TestListRefusesUnknownOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		s.Put(t, s.Editor, "a", "x")
		_, _, err := db.Files(t.Context(), s.Access(t, s.Viewer), coreshed.Filter{},
			[]coreshed.Order{{Field: "size; DROP TABLE files"}}, coreshed.Page{Limit: 1})
		wantKind(t, "list", err, coreshed.Invalid)
	})
}

// What is counted and what is listed are of one moment, whatever is written
// meanwhile: a client pages until it has total files.
func TestListWhileWriting(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		a, ctx := s.Access(t, s.Editor), t.Context()
		done := make(chan error, 1)
		go func() {
			var err error
			for i := 0; i < 40 && err == nil; i++ {
				var r coreshed.Reservation
				if r, err = db.Reserve(ctx, a, fmt.Sprintf("%d.csv", i), storetest.Prefix()); err == nil {
					_, err = db.Commit(ctx, storetest.Whole(s.Workspace.UUID, r, "x"))
				}
				if err == nil && i%2 == 1 {
					err = db.DeleteFile(ctx, a, r.FileUUID)
				}
			}
			done <- err
		}()
		for {
			list, total, err := db.Files(ctx, a, coreshed.Filter{}, nil, coreshed.Page{Limit: 5000})
			if err != nil || int64(len(list)) != total {
				t.Fatalf("%d files listed, %d counted, %v", len(list), total, err)
			}
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				return
			default:
			}
		}
	})
}

// A page is the same whether or not the page before it has been read, also
// when the list has changed in between.
func TestPagesAfterChanges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		for i := range 20 {
			s.Put(t, s.Editor, fmt.Sprintf("%02d.csv", i), "x")
		}
		a := s.Access(t, s.Editor)
		change := []func(){
			func() {},
			func() { must(t, db.DeleteFileByPath(t.Context(), a, "03.csv")) },
			func() { s.Put(t, s.Editor, "new.csv", "x") },
			func() { s.Put(t, s.Editor, "01.csv", "") }, // an empty version alters no counter
		}
		for _, order := range []coreshed.Order{{Field: coreshed.ByModified}, {Field: coreshed.ByModified, Desc: true}, {Field: coreshed.ByCreated, Desc: true}} {
			for _, f := range []coreshed.Filter{{}, {Name: "CSV"}} {
				for _, change := range change {
					list(t, db, a, f, order, 0, 6)
					change()
					whole := list(t, db, a, f, order, 0, 100)
					if diff := cmp.Diff(whole[6:12], list(t, db, a, f, order, 6, 6)); diff != "" {
						t.Errorf("%v %v: %s", order, f.Name, diff)
					}
				}
				must(t, restoreAll(t, db, a))
			}
		}
	})
}

func list(t *testing.T, db *store.DB, a coreshed.Access, f coreshed.Filter, o coreshed.Order, offset, limit int64) []string {
	t.Helper()
	files, total, err := db.Files(t.Context(), a, f, []coreshed.Order{o}, coreshed.Page{Offset: offset, Limit: limit})
	must(t, err)
	if want := min(limit, total-offset); int64(len(files)) != want {
		t.Errorf("page of %d at %d has %d of %d", limit, offset, len(files), want)
	}
	return paths(files)
}

func restoreAll(t *testing.T, db *store.DB, a coreshed.Access) error {
	t.Helper()
	files, _, err := db.Files(t.Context(), a, coreshed.Filter{Deleted: true}, nil, coreshed.Page{Limit: 100})
	for _, f := range files {
		_, restore := db.RestoreFile(t.Context(), a, f.UUID)
		err = errors.Join(err, restore)
	}
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestFilterLongerThanAnyName: a pattern may be longer than the database takes.
func TestFilterLongerThanAnyName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		s.Put(t, s.Editor, strings.Repeat("_", 255), "x")
		for _, long := range []string{strings.Repeat("a", 60_000), strings.Repeat("_", 30_000)} {
			for _, f := range []coreshed.Filter{{Name: long}, {Folder: long}} {
				got, total, err := db.Files(t.Context(), s.Access(t, s.Viewer), f, nil, coreshed.Page{Limit: 10})
				if err != nil || len(got) != 0 || total != 0 {
					t.Errorf("%d files of %d, %v", len(got), total, err)
				}
			}
		}
		// Each of these folds to three characters.
		longest := strings.Repeat("\u0390", coreshed.MaxPathLength)
		if _, _, err := db.Files(t.Context(), s.Access(t, s.Viewer), coreshed.Filter{Folder: longest}, nil, coreshed.Page{Limit: 10}); err != nil {
			t.Error(err)
		}
	})
}
