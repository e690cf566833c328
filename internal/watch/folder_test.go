package watch_test

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/fsnames"
	"github.com/coreshed/coreshed/internal/watch"
)

func same(t testing.TB, what string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestStrike follows files through a folder: one with the suffix, whole ones,
// and one that no rule takes (contract §9, 157).
func TestStrike(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(rule{"filename_regex": `.*\.tif`, "data_types": []string{"scene", "raw"}})
		s.put(s.raw, "a.tif", "one")
		s.put(s.raw, "b.tif_tmp", "tw")
		s.put(s.raw, "c.doc", "three")
		s.pass(id)
		same(t, "ingests", []string{
			"b.tif b.tif TRANSFERRING", "a.tif ingesting/a.tif QUEUED", "c.doc deferred/c.doc DEFERRED",
		}, s.told())
		if i := s.ingests(coreshed.IngestTransferring)[0]; i.Transferred != 2 || i.Size != -1 || !i.TransferEnded.IsZero() {
			t.Errorf("transferring: %+v", i)
		}
		s.perform()
		same(t, "entries", []string{"raw ingesting/a.tif in place"}, s.entries())
		s.put(s.raw, "b.tif_tmp", "two")
		s.pass(id)
		s.must(os.Rename(filepath.Join(s.raw, "b.tif_tmp"), filepath.Join(s.raw, "b.tif")))
		s.pass(id)
		s.perform()
		same(t, "ingests", []string{
			"b.tif ingesting/b.tif INGESTED", "a.tif ingesting/a.tif INGESTED", "c.doc deferred/c.doc DEFERRED",
		}, s.told())
		same(t, "files", []string{"deferred/c.doc three", "ingesting/a.tif one", "ingesting/b.tif two"}, s.tree(s.raw))
		i := s.ingests(coreshed.IngestIngested)[0]
		if i.Entry == 0 || i.Size != 3 || i.TransferEnded.IsZero() || i.IngestEnded.IsZero() || i.Attempts != 1 {
			t.Errorf("ingested: %+v", i)
		}
		e, err := s.db.Entry(t.Context(), s.view, i.Entry)
		if err != nil || e.Name != "b.tif" || e.MediaType != "image/tiff" || e.Type != coreshed.Source ||
			cmp.Diff([]string{"raw", "scene"}, e.Tags) != "" {
			t.Errorf("entry: %+v, %v", e, err)
		}
	})
}

// TestSuffix takes the suffix off as a whole.
func TestSuffix(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(everything)
		for _, name := range []string{"data.txt", "image.bmp", "x_tmp_tmp"} {
			s.put(s.raw, name+"_tmp", name)
		}
		s.pass(id)
		for _, name := range []string{"data.txt", "image.bmp", "x_tmp_tmp"} {
			s.must(os.Rename(filepath.Join(s.raw, name+"_tmp"), filepath.Join(s.raw, name)))
		}
		s.pass(id)
		s.perform()
		// The last one has the suffix still, once.
		same(t, "files", []string{"ingesting/data.txt data.txt", "ingesting/image.bmp image.bmp", "x_tmp_tmp x_tmp_tmp"}, s.tree(s.raw))
	})
}

// TestStillWritten leaves a file alone until it has rested.
func TestStillWritten(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(everything)
		for n := range 3 {
			s.clock.advance(time.Minute)
			s.putAt(s.raw, "log.txt", strings.Repeat("x", n+1), s.clock.now())
			s.must(s.watcher.Pass(t.Context(), id))
			same(t, "ingests", []string{"log.txt log.txt TRANSFERRING"}, s.told())
		}
		s.pass(id)
		s.perform()
		same(t, "ingests", []string{"log.txt ingesting/log.txt INGESTED"}, s.told())
		// One whose disk has another clock has rested when it stays the same.
		s.putAt(s.raw, "future.txt", "x", s.clock.now().Add(time.Hour))
		s.pass(id)
		s.pass(id)
		s.perform()
		same(t, "entries", []string{"raw ingesting/future.txt in place", "raw ingesting/log.txt in place"}, s.entries())
	})
}

// TestSameName takes files that come by the same name again.
func TestSameName(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(everything)
		for _, content := range []string{"one", "two", "one"} {
			s.put(s.raw, "a.tif", content)
			s.pass(id)
			s.perform()
		}
		same(t, "ingests", []string{
			"a.tif ingesting/a.tif INGESTED", "a.tif ingesting/a_1.tif INGESTED", "a.tif ingesting/a_2.tif DUPLICATE",
		}, s.told())
		same(t, "entries", []string{"raw ingesting/a.tif in place", "raw ingesting/a_1.tif in place"}, s.entries())
		if i := s.ingests(coreshed.IngestDuplicate)[0]; i.Entry != s.ingests()[0].Entry || i.Reason == "" {
			t.Errorf("the duplicate is of %d: %s", i.Entry, i.Reason)
		}
	})
}

// TestVanished ends what was on its way when its file goes, and takes the file
// when it is back.
func TestVanished(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(everything)
		s.put(s.raw, "stays.tif", "here")
		s.pass(id)
		s.put(s.raw, "a.tif_tmp", "one")
		s.pass(id)
		away := filepath.Join(t.TempDir(), "a.tif_tmp")
		s.must(os.Rename(filepath.Join(s.raw, "a.tif_tmp"), away))
		s.pass(id)
		s.pass(id)
		same(t, "ingests", []string{"stays.tif ingesting/stays.tif QUEUED", "a.tif a.tif ERRORED"}, s.told())
		s.must(os.Rename(away, filepath.Join(s.raw, "a.tif")))
		s.pass(id)
		s.perform()
		same(t, "entries", []string{"raw ingesting/a.tif in place", "raw ingesting/stays.tif in place"}, s.entries())
	})
}

// TestNames takes awkward names, of those that the file system knows, or says why
// not, and goes on.
func TestNames(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(everything)
		good, bad := fsnames.Kept(t, "A.tif", "a.tif", "Süd 1.tif", "%41.tif"), fsnames.Kept(t, "bad\xff.tif", "new\nline.tif")
		for _, name := range append(slices.Clone(good), bad...) {
			s.put(s.raw, name, name)
		}
		for range 3 {
			s.pass(id)
			s.perform()
		}
		why := map[string]string{
			"bad\xff.tif": "bad\ufffd.tif: The path is not valid UTF-8.", "new\nline.tif": "new\nline.tif: The path contains a control character.",
		}
		var want, errored []string
		for _, name := range bad {
			want = append(want, why[name])
		}
		for _, i := range s.ingests(coreshed.IngestErrored) {
			errored = append(errored, i.Name+": "+i.Reason)
		}
		same(t, "refused", want, errored)
		if n := len(s.ingests(coreshed.IngestIngested)); n != len(good) {
			t.Errorf("%d ingested, want %d: %v", n, len(good), s.told())
		}
		if n := len(s.tree(s.raw)); n != len(good)+len(bad) {
			t.Errorf("%d files are left of %d", n, len(good)+len(bad))
		}
		// What was refused counts again when it has changed.
		for _, name := range bad {
			s.putAt(s.raw, name, "other", s.clock.now().Add(-time.Minute))
		}
		s.pass(id)
		if n := len(s.ingests(coreshed.IngestErrored)); n != 2*len(bad) {
			t.Errorf("%d errored, want %d", n, 2*len(bad))
		}
	})
}

// TestManyFiles takes more files than are held in memory, oldest first, and is
// not held up by those that stay.
func TestManyFiles(t *testing.T) {
	defer watch.SetMaxHeld(10)()
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(everything)
		start := s.clock.now().Add(-time.Hour)
		for n := range 15 { // older than all others, and staying
			s.putAt(s.raw, string(rune('a'+n))+".tif_tmp", "x", start.Add(-time.Hour))
		}
		for n := range 25 {
			s.putAt(s.raw, string(rune('a'+n))+".txt", string(rune('a'+n)), start.Add(-time.Duration(n)*time.Second))
		}
		s.pass(id)
		queued := s.ingests(coreshed.IngestQueued)
		if len(queued) != 25 || len(s.ingests(coreshed.IngestTransferring)) != 15 {
			t.Fatalf("%d queued: %v", len(queued), s.told())
		}
		for n, i := range queued {
			if want := string(rune('a'+24-n)) + ".txt"; i.Name != want {
				t.Errorf("%d is %s, want %s", n, i.Name, want)
			}
		}
	})
}

// TestMoveCutShort ends a move that a kill has left half done: the file is at
// both paths, or another has come where it was.
func TestMoveCutShort(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(rule{"filename_regex": ".*", "new_file_path": "sorted"})
		s.put(s.raw, "both.tif", "both")
		s.put(s.raw, "other.tif", "other")
		s.pass(id)
		work, err := s.catalog.ClaimIngests(t.Context(), "killed", 10)
		s.must(err)
		for _, w := range work {
			from, to := filepath.Join(s.raw, w.Path), filepath.Join(s.raw, w.NewPath)
			info, err := os.Stat(from)
			s.must(err)
			w.Size, w.Modified = info.Size(), info.ModTime()
			s.must(s.db.MoveIngest(t.Context(), w))
			s.must(os.MkdirAll(filepath.Dir(to), 0o755))
			s.must(os.Link(from, to))
			if w.Name == "other.tif" {
				s.must(os.Remove(from))
				s.put(s.raw, w.Path, "came later")
			}
		}
		s.must(s.db.ReleaseIngests(t.Context(), "killed"))
		s.restart()
		s.perform()
		day := path.Dir(work[0].NewPath)
		same(t, "raw", []string{"ingesting/other.tif came later", day + "/both.tif both", day + "/other.tif other"}, s.tree(s.raw))
		same(t, "ingests", []string{"both.tif ingesting/both.tif INGESTED", "other.tif ingesting/other.tif INGESTED"}, sorted(s.told()))
	})
}

// TestCopyIsTakenBack leaves no copy of a file that cannot become an entry in the
// other workspace.
func TestCopyIsTakenBack(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(rule{"filename_regex": ".*", "new_workspace": "products"})
		s.put(s.raw, "other.doc", "so that the folder is never empty")
		s.put(s.other, "other.doc", "nor the other")
		at := s.clock.now().Add(-time.Hour)
		s.putAt(s.raw, "a.tif", "one", at)
		s.pass(id)
		s.perform()
		a, err := s.db.OwnAccess(t.Context(), s.ids["products"])
		s.must(err)
		a.Actor = s.view.Actor
		f, err := s.db.FileByPath(t.Context(), a, "ingesting/a.tif", 0)
		s.must(err)
		s.must(s.db.DeleteFile(t.Context(), a, f.UUID))
		s.must(os.Remove(filepath.Join(s.other, "ingesting/a.tif")))
		s.putAt(s.raw, "a.tif", "one", at)
		s.pass(id)
		s.perform()
		last := s.ingests()[len(s.ingests())-1]
		if last.Name != "a.tif" || last.Status != coreshed.IngestErrored {
			t.Errorf("%s is %s: %s", last.Name, last.Status, last.Reason)
		}
		for _, line := range s.tree(s.other) {
			if strings.Contains(line, "a.tif") {
				t.Errorf("left over: %s", line)
			}
		}
	})
}

// TestUnreachable goes on when the folder is away for a while, and loses
// nothing that was on its way.
func TestUnreachable(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(everything)
		s.put(s.raw, "a.tif", "one")
		s.put(s.raw, "b.tif_tmp", "two")
		s.pass(id)
		away := s.raw + ".away"
		s.must(os.Rename(s.raw, away))
		for range 2 {
			s.clock.advance(time.Minute)
			if err := s.watcher.Pass(t.Context(), id); err == nil {
				t.Error("a pass of a folder that is not there went well")
			}
		}
		work, err := s.catalog.ClaimIngests(t.Context(), "test", 10)
		s.must(err)
		for _, w := range work {
			s.catalog.Ingest(t.Context(), w)
		}
		same(t, "ingests", []string{"b.tif b.tif TRANSFERRING", "a.tif ingesting/a.tif QUEUED"}, s.told())
		if i := s.ingests(coreshed.IngestQueued)[0]; i.Reason == "" {
			t.Error("it does not say why it waits")
		}
		s.must(os.Rename(away, s.raw))
		s.must(os.Rename(filepath.Join(s.raw, "b.tif_tmp"), filepath.Join(s.raw, "b.tif")))
		s.pass(id)
		s.perform()
		same(t, "entries", []string{"raw ingesting/a.tif in place", "raw ingesting/b.tif in place"}, s.entries())
	})
}

// TestRules puts files where the rules want them.
func TestRules(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		id := s.strike(
			rule{"filename_regex": "copy", "new_workspace": "products"},
			rule{"filename_regex": "file", "new_workspace": "products", "new_file_path": "in"},
			rule{"filename_regex": "move", "new_file_path": "sorted/./here"},
			rule{"filename_regex": "keep", "new_workspace": "kept", "new_file_path": "in"},
			rule{"filename_regex": "lost", "new_workspace": "nowhere"},
			rule{"filename_regex": "ingesting/other"},
			rule{"filename_regex": "far", "new_file_path": strings.Repeat("a/", 1010) + "a"},
		)
		for _, name := range []string{"copy.tif", "file.tif", "move.tif", "keep.tif", "lost.tif", "other.tif", "none.tif", "far_away_from_here.tif"} {
			s.put(s.raw, name, name)
		}
		s.pass(id)
		day := s.clock.day()
		s.perform()
		same(t, "entries", []string{
			"kept in/" + day + "/keep.tif kept", "products in/" + day + "/file.tif in place",
			"products ingesting/copy.tif in place", "raw ingesting/other.tif in place",
			"raw sorted/here/" + day + "/move.tif in place",
		}, s.entries())
		same(t, "raw", []string{
			"deferred/lost.tif lost.tif", "deferred/none.tif none.tif", "ingesting/far_away_from_here.tif far_away_from_here.tif",
			"ingesting/other.tif other.tif",
			"sorted/here/" + day + "/move.tif move.tif",
		}, s.tree(s.raw))
		same(t, "products", []string{"in/" + day + "/file.tif file.tif", "ingesting/copy.tif copy.tif"}, s.tree(s.other))
		// What may not be known to all who see the ingest is not named.
		for status, want := range map[coreshed.IngestStatus]string{
			coreshed.IngestErrored:  "far_away_from_here.tif: The path is too long, must be at most 2048 characters",
			coreshed.IngestDeferred: "lost.tif: The workspace that the rule names is not there.",
		} {
			if i := s.ingests(status)[0]; i.Name+": "+i.Reason != want {
				t.Errorf("%s: %s, want %s", i.Name, i.Reason, want)
			}
		}
	})
}
