package watch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
)

// TestScan takes what the rules want of a tree (contract §9, 159).
func TestScan(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.scan(rule{"filename_regex": `.*\.tif`, "data_types": []string{"scene"}}, rule{"filename_regex": `reports/`})
		for _, name := range []string{"a.tif", "sub/a.tif", "sub/deep/b.tif", "c.tif_tmp", "d.doc", "reports/e.doc", "a.tif.metadata.json"} {
			s.put(s.raw, name, name)
		}
		scan, err := s.db.ProcessScan(t.Context(), s.view, id, false)
		s.must(err)
		if scan.Job != nil || scan.DryRun == nil || scan.DryRun.Status != "QUEUED" {
			t.Errorf("a dry run began as %+v", scan)
		}
		s.watcher.Walk(t.Context(), id)
		scan, err = s.db.Scan(t.Context(), s.view, id)
		s.must(err)
		if scan.Files != 5 || scan.DryRun.Status != "COMPLETED" || len(s.ingests()) != 0 {
			t.Errorf("a dry run saw %d files, is %s and made %v", scan.Files, scan.DryRun.Status, s.told())
		}
		scan = s.takeAll(id)
		if scan.Files != 5 || scan.Job.Status != "COMPLETED" || scan.Job.Type.Name != "scale-scan" || !scan.Job.Type.IsSystem {
			t.Errorf("the scan ended as %+v", scan)
		}
		same(t, "ingests", []string{
			"a.tif a.tif INGESTED", "e.doc reports/e.doc INGESTED", "a.tif sub/a.tif INGESTED", "b.tif sub/deep/b.tif INGESTED",
		}, s.told())
		if _, err := s.db.ProcessScan(t.Context(), s.view, id, true); !errors.Is(err, coreshed.Conflict) {
			t.Errorf("a second run = %v, want Conflict", err)
		}
		title := "Other"
		if err := s.db.EditScan(t.Context(), s.view, id, coreshed.OriginEdit{Title: &title}); !errors.Is(err, coreshed.Conflict) {
			t.Errorf("an edit after a run = %v, want Conflict", err)
		}
	})
}

// TestScanAgain finds what has changed since the scan before.
func TestScanAgain(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		for _, name := range []string{"same.tif", "touched.tif", "changed.tif", "resized.tif"} {
			s.put(s.raw, name, name)
		}
		s.put(s.raw, "sub/same.tif", "same.tif") // the same name and bytes elsewhere
		s.put(s.raw, "two/same.tif", "SAME.TIF") // the same name and size
		s.takeAll(s.scan(everything))
		same(t, "first", []string{
			"changed.tif changed.tif INGESTED", "resized.tif resized.tif INGESTED", "same.tif same.tif INGESTED",
			"same.tif sub/same.tif DUPLICATE", "touched.tif touched.tif INGESTED", "same.tif two/same.tif INGESTED",
		}, s.told())
		// A hash of each, as the background makes them.
		for _, i := range s.ingests(coreshed.IngestIngested) {
			s.hash(i.Entry)
		}
		s.putAt(s.raw, "touched.tif", "touched.tif", s.clock.now().Add(-time.Minute))
		s.putAt(s.raw, "changed.tif", "CHANGED.TIF", s.clock.now().Add(-time.Minute))
		s.putAt(s.raw, "resized.tif", "longer than before", s.clock.now().Add(-time.Minute))
		before := len(s.ingests())
		s.takeAll(s.scan(everything))
		same(t, "second", []string{
			"changed.tif changed.tif INGESTED", "resized.tif resized.tif INGESTED", "same.tif same.tif DUPLICATE",
			"same.tif sub/same.tif DUPLICATE", "touched.tif touched.tif DUPLICATE", "same.tif two/same.tif DUPLICATE",
		}, s.told()[before:])
		same(t, "entries", []string{
			"raw changed.tif changed outside", "raw changed.tif in place", "raw resized.tif changed outside", "raw resized.tif in place",
			"raw same.tif in place", "raw touched.tif in place", "raw two/same.tif in place",
		}, s.entries())
		before = len(s.ingests())
		s.takeAll(s.scan(everything)) // the touched one is known as it is now
		for _, i := range s.ingests()[before:] {
			if i.Status != coreshed.IngestDuplicate {
				t.Errorf("the third time, %s is %s", i.Path, i.Status)
			}
		}
	})
}

func (s *shed) hash(entry int64) {
	s.t.Helper()
	e, err := s.db.Entry(context.Background(), s.view, entry)
	s.must(err)
	body, err := os.ReadFile(filepath.Join(s.raw, filepath.FromSlash(e.StoragePath)))
	s.must(err)
	s.must(s.db.SetHashes(context.Background(), entry, sum(body), nil))
}

// TestScanResumes goes on where a walk was stopped, in another process, and
// takes nothing twice.
func TestScanResumes(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		const files = 2500
		for n := range files {
			s.put(s.raw, fmt.Sprintf("%04d.tif", n), fmt.Sprint(n))
		}
		id := s.scan(everything)
		_, err := s.db.ProcessScan(t.Context(), s.view, id, true)
		s.must(err)
		for range 3 {
			ctx, stop := context.WithCancel(t.Context())
			seen := make(chan struct{})
			go func() {
				defer close(seen)
				s.watcher.Walk(ctx, id)
			}()
			before := s.files(id)
			for s.files(id) == before && !closed(seen) {
				time.Sleep(time.Millisecond)
			}
			stop()
			<-seen
			s.restart()
		}
		s.watcher.Walk(t.Context(), id)
		scan, err := s.db.Scan(t.Context(), s.view, id)
		s.must(err)
		if n := len(s.ingests()); n != files || scan.Files != files || scan.Job.Status != "COMPLETED" {
			t.Errorf("%d ingests, %d files, %s; want %d", n, scan.Files, scan.Job.Status, files)
		}
	})
}

func (s *shed) files(id int64) int64 {
	scan, err := s.db.Scan(context.Background(), s.view, id)
	s.must(err)
	return scan.Files
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestCancelScan takes nothing more of a canceled scan.
func TestCancelScan(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		s.put(s.raw, "a.tif", "a")
		id := s.scan(everything)
		scan, err := s.db.ProcessScan(t.Context(), s.view, id, true)
		s.must(err)
		s.watcher.Walk(t.Context(), id)
		canceled, err := s.db.CancelScan(t.Context(), s.view, id)
		s.must(err)
		if len(canceled) != 0 { // it had ended
			t.Errorf("canceled %v", canceled)
		}
		s.perform()
		same(t, "ingests", []string{"a.tif a.tif ERRORED"}, s.told())

		id = s.scan(everything)
		scan, err = s.db.ProcessScan(t.Context(), s.view, id, true)
		s.must(err)
		canceled, err = s.db.CancelScan(t.Context(), s.view, id)
		s.must(err)
		if len(canceled) != 1 || canceled[0] != scan.Job.ID {
			t.Errorf("canceled %v, want %d", canceled, scan.Job.ID)
		}
		s.watcher.Walk(t.Context(), id)
		if n := len(s.ingests()); n != 1 {
			t.Errorf("a canceled scan took files: %v", s.told())
		}
	})
}

// TestScanFails says why a scan cannot be done, and takes what it can.
func TestScanFails(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("the superuser may read every folder: only the missing one is tried")
	}
	each(t, func(t *testing.T, s *shed) {
		s.put(s.raw, "a.tif", "a")
		s.put(s.raw, "closed/b.tif", "b")
		if os.Getuid() != 0 {
			dir := filepath.Join(s.raw, "closed")
			s.must(os.Chmod(dir, 0))
			defer os.Chmod(dir, 0o755) // so that it can be removed
			scan := s.takeAll(s.scan(everything))
			if scan.Job.Status != "FAILED" {
				t.Errorf("a scan of half a folder is %s", scan.Job.Status)
			}
			same(t, "entries", []string{"raw a.tif in place"}, s.entries())
		}
	})
}

// TestSameTarget keeps files that a rule gives the same path apart, also when
// they come at once.
func TestSameTarget(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		for n := range 8 {
			s.put(s.raw, fmt.Sprintf("%d/core.las", n), fmt.Sprint("content ", n))
		}
		for _, where := range []string{"kept", "products"} {
			id := s.scan(rule{"filename_regex": ".*", "new_workspace": where, "new_file_path": "in"})
			if where == "products" {
				for n := range 8 {
					s.put(s.raw, fmt.Sprintf("%d/core.las", n), fmt.Sprint("other ", n))
				}
			}
			_, err := s.db.ProcessScan(t.Context(), s.view, id, true)
			s.must(err)
			s.watcher.Walk(t.Context(), id)
			for range 8 {
				work, err := s.catalog.ClaimIngests(t.Context(), "test", 100)
				s.must(err)
				var all sync.WaitGroup
				for _, w := range work {
					all.Go(func() { s.catalog.Ingest(context.Background(), w) })
				}
				all.Wait()
				s.clock.advance(5 * time.Minute)
			}
		}
		s.perform()
		day := s.clock.day()
		var want []string
		for n := range 8 {
			name := "core.las"
			if n > 0 {
				name = fmt.Sprintf("core_%d.las", n)
			}
			want = append(want, "kept in/"+day+"/"+name+" kept", "products in/"+day+"/"+name+" in place")
		}
		same(t, "entries", sorted(want), s.entries())
		same(t, "raw", []string{}, s.tree(s.raw))
	})
}

// TestRepeatsOfHidden: a file repeats only what the maker of the scan sees, and a
// repeat tells nothing of what the other file is about.
func TestRepeatsOfHidden(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		for _, name := range []string{"a.tif", "b.tif"} {
			s.put(s.other, name, "the same "+name)
			s.put(s.raw, name, "the same "+name)
		}
		other, err := s.db.AddScan(t.Context(), s.view, coreshed.Origin{
			Workspace: s.ids["products"], Title: "Look at products",
			Configuration: json.RawMessage(`{"workspace": "products", "scanner": {"type": "dir"}, "files_to_ingest": [{"filename_regex": ".*"}]}`),
		})
		s.must(err)
		s.takeAll(other.ID)
		s.must(s.db.Grant(t.Context(), coreshed.Operator, s.ids["products"], s.people.Admin.ID, coreshed.Owner))
		s.must(s.db.Revoke(t.Context(), coreshed.Operator, s.ids["products"], s.people.Owner.ID))
		s.takeAll(s.scan(rule{"filename_regex": "a.*"}))
		s.must(s.db.Grant(t.Context(), coreshed.Operator, s.ids["products"], s.people.Owner.ID, coreshed.Viewer))
		s.takeAll(s.scan(rule{"filename_regex": "b.*"}))
		same(t, "ingests", []string{
			"a.tif a.tif INGESTED", "b.tif b.tif INGESTED", "a.tif a.tif INGESTED", "b.tif b.tif DUPLICATE",
		}, s.told())

		ingests := s.ingests()
		for _, i := range ingests[:2] {
			_, err := s.db.Describe(t.Context(), s.people.View(t, s.people.Admin), i.Entry, coreshed.Description{DataStarted: s.clock.now()}, nil)
			s.must(err)
		}
		if got := s.ingests(); got[1].DataStarted.IsZero() || !got[3].DataStarted.IsZero() {
			t.Errorf("the arrivals tell of their data %v and %v", got[1].DataStarted, got[3].DataStarted)
		}
	})
}
