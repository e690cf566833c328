package scaleapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/leased"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

const purgePath = "/v6/files/purge-source/"

// purged works on the purges as the server does, until there is nothing to do.
func (s *shed) purged() {
	s.t.Helper()
	runner := leased.NewRunner(s.DB, "test", slog.New(slog.DiscardHandler))
	for range 100 {
		open, err := s.DB.OpenPurges(s.t.Context())
		s.must(err)
		if len(open) == 0 {
			return
		}
		runner.Do(s.t.Context(), "purge", func(ctx context.Context, l store.Lease) { s.must(s.catalog.Purge(ctx, l, open[0])) })
		time.Sleep(time.Millisecond)
	}
	s.t.Fatal("purges are still open")
}

func (s *shed) purges() []coreshed.Purge {
	s.t.Helper()
	list, err := s.DB.Purges(s.t.Context(), s.View(s.t, s.Admin), 0, 100)
	s.must(err)
	return list
}

func file(id int64) string { return "/v6/files/" + decimal(id) + "/" }

// TestPurgeSourceAsked: cases 39 to 43, and what else is refused, in which order.
// Contract Scale v6 §3.6.
func TestPurgeSourceAsked(t *testing.T) {
	each(t, func(s *shed) {
		source := s.upload("source.tif", "source").Version.ID
		_, product := s.Made(t, "product.tif", source)
		for _, p := range []coreshed.Person{s.Owner, s.Viewer, s.Member, s.Stranger, anonymous} {
			s.send(p, "POST", purgePath, "{").want(403)
		}
		if a := s.get(s.Admin, purgePath).want(405); a.header.Get("Allow") != "POST, OPTIONS" {
			t.Errorf("allowed are %s", a.header.Get("Allow"))
		}
		for body, detail := range map[string]string{
			`{}`: `Missing required parameter: "file_id"`, `{"file_id": null}`: `Missing required parameter: "file_id"`, ``: `Missing required parameter: "file_id"`,
			`{"file_id": "not_a_file_id"}`: `Parameter must be a valid integer: "file_id"`, `{"file_id": ""}`: `Parameter must be a valid integer: "file_id"`,
			`{"file_id": true}`: `Parameter must be a valid integer: "file_id"`, `{"file_id": 12.7}`: `Parameter must be a valid integer: "file_id"`,
			`{"file_id": [1]}`: `Parameter must be a valid integer: "file_id"`, `{"file_id": {}}`: `Parameter must be a valid integer: "file_id"`,
		} {
			s.send(s.Admin, "POST", purgePath, body).want(400, detail)
		}
		for _, body := range []string{"{", "null", "7", `"7"`, "[]"} {
			s.send(s.Admin, "POST", purgePath, body).want(400)
		}
		for _, c := range []struct{ body, text string }{
			{`{"file_id": 123463764563}`, "No file record exists for the given file_id: 123463764563"},
			{`{"file_id": -1}`, "No file record exists for the given file_id: -1"},
			{fmt.Sprintf(`{"file_id": %d}`, product), fmt.Sprintf("The given file_id does not correspond to a SOURCE file_type: %d", product)},
		} {
			var got string
			s.must(json.Unmarshal(s.send(s.Admin, "POST", purgePath, c.body).want(400).body, &got))
			if got != c.text {
				t.Errorf("%s answers %q, want %q", c.body, got, c.text)
			}
		}
		if n := len(s.purges()); n != 0 {
			t.Errorf("%d purges were asked for", n)
		}

		// A body, digits, a query and a form; each is another purge.
		if a := s.send(s.Admin, "POST", purgePath, fmt.Sprintf(`{"file_id": %d}`, source)).want(204); len(a.body) > 0 {
			t.Errorf("it answers %s", a.body)
		}
		list := s.purges()
		if len(list) != 1 || list[0].SourceFile != source || list[0].Status != coreshed.PurgeQueued || list[0].Scope != coreshed.PurgeRecipe {
			t.Errorf("the purges are %+v", list)
		}
		s.send(s.Admin, "POST", purgePath, fmt.Sprintf(`{"file_id": "%d"}`, source)).want(204)
		s.send(s.Admin, "POST", purgePath+"?file_id="+decimal(source), "").want(204)
		s.send(s.Admin, "POST", purgePath, "file_id="+decimal(source), "Content-Type", "application/x-www-form-urlencoded").want(204)
		s.purged()
		for i, p := range s.purges() {
			if p.Status != coreshed.PurgeDone || (p.Removed.Sources == 1) != (i == 3) {
				t.Errorf("purge %d is %+v", i, p)
			}
		}
		s.get(s.Admin, file(product)).want(404)

		other := storetest.New(t, s.DB) // whose sources are not here
		hidden := other.Put(t, other.Owner, "a.tif", "a").Version.ID
		s.send(s.Admin, "POST", purgePath, fmt.Sprintf(`{"file_id": %d}`, hidden)).want(400)
	})
}

// TestPurgeSource: the invariants 1 to 4, 6 and 7 of contract Scale v6 §8.6, and
// what cases 53 to 55 and 86 to 119 come to: a source that a scan has found goes with the
// recipe that took it, its chain of runs, one beside it that has put out nothing,
// what was made from its products elsewhere, and their bytes in two workspaces. Its own
// bytes, and all else, stay.
func TestPurgeSource(t *testing.T) {
	each(t, func(s *shed) {
		s.folder("raw")
		s.folder("two")
		ctx, view := t.Context(), s.View(t, s.Admin)
		s.put("raw", "scene.txt", "scene")
		s.put("raw", "other.txt", "other")
		path := s.send(s.Admin, "POST", "/v6/scans/", body(t, object{"title": "My Scan", "configuration": scanOn("raw")})).want(201).header.Get("Location")[len(s.url):]
		s.send(s.Admin, "POST", path+"process/", `{"ingest": true}`).want(201)
		s.work(func() bool { return s.get(s.Admin, "/v6/ingests/?status=INGESTED").at("count") == "2" })
		var source, other int64
		fmt.Sscan(s.get(s.Admin, "/v6/files/?file_name=scene.txt").at("results", 0, "id").(string), &source)
		fmt.Sscan(s.get(s.Admin, "/v6/files/?file_name=other.txt").at("results", 0, "id").(string), &other)

		batch, _, err := s.DB.RecordBatch(ctx, view, s.Workspace.ID, store.NewBatch{Title: "All"})
		s.must(err)
		recipe := func(input, supersedes int64) int64 {
			r, _, err := s.DB.RecordRecipe(ctx, view, s.Workspace.ID, store.NewRecipe{
				Type: store.NewRecipeType{Name: "tiles"}, Batch: batch.ID, Supersedes: supersedes,
				Inputs: []coreshed.Input{{Name: "IN", Version: coreshed.Ref{ID: input}}}, Conditions: []store.NewCondition{{Node: "big"}},
			})
			s.must(err)
			return r.ID
		}
		files := map[int64]string{} // where the products' bytes are
		run := func(recipe int64, node, out string, inputs ...int64) int64 {
			n := storetest.NewRun(inputs...)
			n.Recipe, n.Node = recipe, node
			r, _, err := s.DB.RecordRun(ctx, view, s.Workspace.ID, n)
			s.must(err)
			if out == "" {
				s.must(s.DB.EndRun(ctx, view, r.ID, store.RunEnd{Status: coreshed.Completed}))
				return 0
			}
			in := map[bool]string{true: "two", false: "raw"}[node == "b"]
			s.put(in, out, out)
			id := s.placed(in, out)
			_, err = s.DB.AddOutputs(ctx, view, r.ID, []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: id}}}, nil)
			s.must(err)
			s.must(s.DB.EndRun(ctx, view, r.ID, store.RunEnd{Status: coreshed.Completed}))
			files[id] = filepath.Join(s.root, in, out)
			return id
		}
		old := recipe(source, 0)
		run(old, "a", "old.dat", source)
		next := recipe(source, old)
		first := run(next, "a", "first.dat", source)
		second := run(next, "b", "second.dat", first)
		run(next, "c", "", second)               // nothing to remove of it but the run
		run(0, "", "outside.dat", second, other) // of no recipe, and from another source too
		s.upload("plain.tif", "plain")
		kept := recipe(other, 0)
		keptProduct := run(kept, "a", "kept.dat", other)
		delete(files, keptProduct)

		// Stopped before the first step, nothing changes.
		ask := fmt.Sprintf(`{"file_id": %d}`, source)
		s.send(s.Admin, "POST", purgePath, ask).want(204)
		stopped, err := s.DB.StopPurge(ctx, view, s.purges()[0].UUID)
		s.must(err)
		before := s.get(s.Admin, "/v6/files/").at("count")
		s.purged()
		if p := s.purges()[0]; stopped.Status != coreshed.PurgeStopped || p.Status != coreshed.PurgeStopped || !p.EndedAt.IsZero() || s.get(s.Admin, "/v6/files/").at("count") != before {
			t.Errorf("a stopped purge is %+v", p)
		}

		s.send(s.Admin, "POST", purgePath, ask).want(204)
		s.purged()
		p := s.purges()[0]
		want := coreshed.PurgeTotals{Versions: 5, Sources: 1, Products: 4, Runs: 5, Recipes: 2, Bytes: p.Planned.Bytes}
		if p.Status != coreshed.PurgeDone || p.EndedAt.IsZero() || p.Removed != want || p.Planned != want {
			t.Errorf("the purge is %+v", p)
		}
		for id, name := range files {
			s.get(s.Admin, file(id)).want(404)
			if _, err := os.Stat(name); !os.IsNotExist(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.get(s.Admin, file(source)).want(404)
		if _, err := os.Stat(filepath.Join(s.root, "raw", "scene.txt")); err != nil {
			t.Error(err)
		}
		for query, count := range map[string]string{
			"/v6/ingests/": "1", "/v6/recipes/": "1", "/v6/jobs/?job_type_name=parse": "1", "/v6/batches/": "1", "/v6/files/": "3",
		} {
			if got := s.get(s.Admin, query).want(200).at("count"); got != count {
				t.Errorf("%s counts %v, want %s", query, got, count)
			}
		}
		s.get(s.Admin, file(other)).want(200)
		s.get(s.Admin, file(keptProduct)).want(200)
		findings, err := s.DB.Check(ctx)
		if err != nil || len(findings) > 0 {
			t.Errorf("%v, %+v", err, findings)
		}

		// It is no more, for the one that was stopped too.
		s.send(s.Admin, "POST", purgePath, ask).want(400)
		_, err = s.DB.ExecutePurge(ctx, view, stopped.UUID, nil)
		s.must(err)
		s.purged()
		if p, err = s.DB.Purge(ctx, view, stopped.UUID); err != nil || p.Status != coreshed.PurgeDone || p.Removed != (coreshed.PurgeTotals{}) {
			t.Errorf("%v, %+v", err, p)
		}
	})
}

// TestPurgeSourceHeld: a hold on anything of the set refuses at once and changes
// nothing; one that comes after lets the purge wait until it is lifted.
func TestPurgeSourceHeld(t *testing.T) {
	each(t, func(s *shed) {
		ctx, view := t.Context(), s.View(t, s.Admin)
		source := s.upload("source.tif", "source").Version.ID
		_, product := s.Made(t, "product.tif", source)
		other := s.upload("other.tif", "other").Version.ID
		ask := fmt.Sprintf(`{"file_id": %d}`, source)
		for _, n := range []store.NewHold{{Version: source}, {Version: product}, {Version: product, Direction: coreshed.Up}} {
			h := s.Hold(t, n)
			var got string
			s.must(json.Unmarshal(s.send(s.Admin, "POST", purgePath, ask).want(400).body, &got))
			if got != "A hold protects this file, or something that was made from it." {
				t.Errorf("it answers %q", got)
			}
			if n := len(s.purges()); n != 0 {
				t.Errorf("%d purges were asked for", n)
			}
			_, err := s.DB.LiftHold(ctx, view, h.ID)
			s.must(err)
		}

		s.Hold(t, store.NewHold{Version: other}) // which has nothing to do with it
		s.send(s.Admin, "POST", purgePath, ask).want(204)
		late := s.Hold(t, store.NewHold{Version: product})
		open, err := s.DB.OpenPurges(ctx)
		s.must(err)
		var failed error
		leased.NewRunner(s.DB, "test", slog.New(slog.DiscardHandler)).Do(ctx, "purge", func(ctx context.Context, l store.Lease) { failed = s.catalog.Purge(ctx, l, open[0]) })
		if p := s.purges()[0]; failed == nil || p.Status != coreshed.PurgeQueued || p.LastError == "" {
			t.Errorf("%v; the purge is %+v", failed, p)
		}
		s.get(s.Admin, file(source)).want(200)
		s.get(s.Admin, file(product)).want(200)

		// Asked to go on, it is tried at once, and what it met before is forgotten.
		_, err = s.DB.LiftHold(ctx, view, late.ID)
		s.must(err)
		p, err := s.DB.ExecutePurge(ctx, view, s.purges()[0].UUID, nil)
		if err != nil || p.LastError != "" || s.purges()[0].LastError != "" {
			t.Errorf("%v; the purge is %+v", err, p)
		}
		s.purged()
		s.get(s.Admin, file(source)).want(404)
		s.get(s.Admin, file(product)).want(404)
		s.get(s.Admin, file(other)).want(200)
	})
}
