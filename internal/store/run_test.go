package store_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func wantIs(t *testing.T, err, kind error) {
	t.Helper()
	if (kind == nil && err != nil) || (kind != nil && !errors.Is(err, kind)) {
		t.Fatalf("got error %v, want %v", err, kind)
	}
}

func wantEqual(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

// TestRunLife records a run bit by bit, out of order and repeatedly.
func TestRunLife(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		v := s.View(t, s.Editor)
		source := s.Put(t, s.Editor, "a.tif", "12345").Version.ID
		n := store.NewRun{
			Key: "run-1", Type: store.NewJobType{Name: "parse", Version: "1.0", Title: "Parse", Manifest: json.RawMessage(`{"a": 1}`)},
			Inputs: []coreshed.Input{{Name: "IN", Version: coreshed.Ref{Path: "A.TIF"}}},
			Values: json.RawMessage(`{"n": 3}`),
		}
		r, created, err := db.RecordRun(t.Context(), v, s.Workspace.ID, n)
		wantIs(t, err, nil)
		wantEqual(t, []any{created, r.Status, r.Key, r.Type.Name, r.Revision.Number, r.InputSize, string(r.Values), r.Event.Type},
			[]any{true, coreshed.Queued, "run-1", "parse", int64(1), int64(5), `{"n":3}`, "USER"})

		again, created, err := db.RecordRun(t.Context(), v, s.Workspace.ID, n)
		wantIs(t, err, nil)
		wantEqual(t, again, r)
		if created {
			t.Error("a repeat made another run")
		}
		other := n
		other.Values = nil
		_, _, err = db.RecordRun(t.Context(), v, s.Workspace.ID, other)
		wantIs(t, err, coreshed.Conflict)

		// The end, then the start, then progress, each twice.
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		wantIs(t, db.UpdateRun(t.Context(), v, r.ID, store.RunUpdate{Progress: []coreshed.TaskUpdate{{Status: "x"}}}), coreshed.Conflict)
		for range 2 {
			wantIs(t, db.EndRun(t.Context(), v, r.ID, store.RunEnd{Status: coreshed.Failed, Try: "t1", At: at, Error: json.RawMessage(`{"name":"boom"}`)}), nil)
			wantIs(t, db.StartRun(t.Context(), v, r.ID, store.RunStart{Try: "t1", At: at.Add(-time.Hour)}), nil)
			wantIs(t, db.UpdateRun(t.Context(), v, r.ID, store.RunUpdate{Progress: []coreshed.TaskUpdate{{Task: "1", Status: "HALF", At: at}}}), nil)
		}
		wantIs(t, db.EndRun(t.Context(), v, r.ID, store.RunEnd{Status: coreshed.Completed, Try: "t1"}), coreshed.Conflict)
		r, err = db.Run(t.Context(), v, r.ID)
		wantIs(t, err, nil)
		wantEqual(t, []any{r.Status, r.Tries, r.EndedAt, string(r.Error)}, []any{coreshed.Failed, int64(1), at, `{"name":"boom"}`})

		// Another try.
		wantIs(t, db.StartRun(t.Context(), v, r.ID, store.RunStart{Try: "t2"}), nil)
		wantIs(t, db.StartRun(t.Context(), v, r.ID, store.RunStart{Try: "t3"}), coreshed.Conflict)
		exit := int64(0)
		wantIs(t, db.EndRun(t.Context(), v, r.ID, store.RunEnd{Status: coreshed.Completed, ExitCode: &exit, Output: json.RawMessage(`{"files":[]}`)}), nil)
		tries, err := db.Executions(t.Context(), v, r.ID)
		wantIs(t, err, nil)
		if len(tries) != 2 || tries[0].Status != coreshed.Failed || len(tries[0].Progress) != 1 || tries[1].Status != coreshed.Completed ||
			*tries[1].ExitCode != 0 || string(tries[1].Output) != `{"files":[]}` {
			t.Errorf("tries %+v", tries)
		}
		wantIs(t, db.StartRun(t.Context(), v, r.ID, store.RunStart{Try: "t4"}), coreshed.Conflict)

		inputs, total, hidden, err := db.RunInputs(t.Context(), v, r.ID, coreshed.Page{Limit: 10})
		wantIs(t, err, nil)
		if total != 1 || hidden != 0 || inputs[0].Name != "IN" || inputs[0].ID != source {
			t.Errorf("inputs %+v", inputs)
		}
	})
}

// TestRefusedDocuments keeps out what one of the databases could not search, so
// that no run makes a list of others fail.
func TestRefusedDocuments(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		v := s.View(t, s.Editor)
		end := func(key, document string) error {
			_, _, err := db.RecordRun(t.Context(), v, s.Workspace.ID, store.NewRun{
				Key: key, Type: store.NewJobType{Name: "parse", Version: "1"},
				Start: &store.RunStart{}, End: &store.RunEnd{Status: coreshed.Failed, Error: json.RawMessage(document)},
			})
			return err
		}
		for _, value := range []string{
			strings.Repeat(`[`, 1500) + strings.Repeat(`]`, 1500), `"\ud800"`, `"\udc00\ud800"`, `"\ud800x"`, `"\u0000"`,
			`1e400000`, `-1e999`, `1e-400000`, strings.Repeat("1", 200_000), "0." + strings.Repeat("0", 20_000) + "1",
		} {
			wantIs(t, end("refused", `{"category": "DATA", "x": `+value+`}`), coreshed.Invalid)
		}
		for i, value := range []string{`"\ud83d\ude00 \\u0000 \\\" {[\u00e9"`, `[[1.5e300, -0, 1E-300], {"a": [true, null]}]`} {
			wantIs(t, end(string(rune('a'+i)), `{"category": "DATA", "x": `+value+`}`), nil)
		}
		_, total, err := db.Runs(t.Context(), v, store.RunFilter{ErrorCategory: []string{"DATA"}}, nil, coreshed.Page{Limit: 10})
		wantIs(t, err, nil)
		wantEqual(t, total, int64(2))
	})
}

// TestOutputMediaType refuses what is none, before its bytes are sent.
func TestOutputMediaType(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		v := s.View(t, s.Editor)
		r, _, err := db.RecordRun(t.Context(), v, s.Workspace.ID, store.NewRun{Key: "k", Type: store.NewJobType{Name: "parse", Version: "1"}, Start: &store.RunStart{}})
		wantIs(t, err, nil)
		for media, want := range map[string]error{
			"image/" + strings.Repeat("x", 300): coreshed.Invalid, "image": coreshed.Invalid, "image/\x00": coreshed.Invalid, "a b/c": coreshed.Invalid,
			"": nil, "image/tiff; application=geotiff": nil,
		} {
			_, err := db.AddOutputs(t.Context(), v, r.ID, nil, []store.NewOutput{{Name: "OUT", File: "a.tif", MediaType: media, Prefix: "p" + string(rune('a'+len(media)%26))}})
			wantIs(t, err, want)
		}
	})
}

// TestRunAtOnce records all of a run in one request, and refuses all of it.
func TestRunAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		v := s.View(t, s.Editor)
		in, out := s.Put(t, s.Editor, "a.tif", "1").Version.ID, s.Put(t, s.Editor, "b.tif", "2").Version.ID
		n := storetest.NewRun(in)
		n.Key = "k"
		n.Outputs = []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: out}}}
		n.End = &store.RunEnd{Status: coreshed.Completed}
		bad := n
		bad.Outputs = []store.Output{{Name: "OUT", Version: coreshed.Ref{ID: 1 << 40}}}
		_, _, err := db.RecordRun(t.Context(), v, s.Workspace.ID, bad)
		wantIs(t, err, coreshed.NotFound)
		if _, err := db.RunByKey(t.Context(), v, s.Workspace.ID, "k"); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("a part of a refused run is there: %v", err)
		}
		for range 2 {
			r, _, err := db.RecordRun(t.Context(), v, s.Workspace.ID, n)
			wantIs(t, err, nil)
			e := s.Entry(t, out)
			wantEqual(t, []any{r.Status, e.Type, e.Made.Job, e.Made.Output, e.PublishedAt.IsZero(), e.Superseded},
				[]any{coreshed.Completed, coreshed.Product, r.ID, "OUT", false, false})
		}
		// It stays its file's current version all along.
		f, err := db.FileByPath(t.Context(), s.Access(t, s.Viewer), "b.tif", 0)
		wantIs(t, err, nil)
		wantEqual(t, f.Version.ID, out)
	})
}

func TestQueue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		v := s.View(t, s.Editor)
		n := storetest.NewRun()
		n.Start = nil
		r := s.Record(t, n)
		wantEqual(t, r.Status, coreshed.Queued)
		queued := func(want int64) {
			t.Helper()
			n, err := store.Queued(t.Context(), db, r.ID)
			wantIs(t, err, nil)
			wantEqual(t, n, want)
		}
		queued(1)
		for _, status := range []coreshed.RunStatus{coreshed.Blocked, coreshed.Pending} {
			wantIs(t, db.UpdateRun(t.Context(), v, r.ID, store.RunUpdate{Status: status}), nil)
			queued(0)
		}
		wantIs(t, db.UpdateRun(t.Context(), v, r.ID, store.RunUpdate{Status: coreshed.Queued}), nil)
		queued(1)
		wantIs(t, db.UpdateRun(t.Context(), v, r.ID, store.RunUpdate{Status: coreshed.Running}), coreshed.Invalid)
		wantIs(t, db.StartRun(t.Context(), v, r.ID, store.RunStart{}), nil)
		queued(0)
		s.End(t, r.ID, coreshed.Failed)
		wantIs(t, db.UpdateRun(t.Context(), v, r.ID, store.RunUpdate{Status: coreshed.Queued}), nil)
		queued(1)
		wantIs(t, db.StartRun(t.Context(), v, r.ID, store.RunStart{}), nil)
		queued(0)
		s.End(t, r.ID, coreshed.Canceled)
		wantIs(t, db.UpdateRun(t.Context(), v, r.ID, store.RunUpdate{Status: coreshed.Queued}), coreshed.Conflict)

		n.Status = coreshed.Pending
		r = s.Record(t, n)
		queued(0)
		s.End(t, r.ID, coreshed.Canceled) // without ever having started
		tries, err := db.Executions(t.Context(), v, r.ID)
		if err != nil || len(tries) != 0 {
			t.Errorf("tries %v, %v", tries, err)
		}
	})
}

// TestRunRights: nothing tells a caller what is in workspaces that are not
// theirs.
func TestRunRights(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		own := s.Put(t, s.Editor, "a.tif", "1")
		r := s.Record(t, storetest.NewRun(own.Version.ID))
		other := s.AddWorkspace(t, "South pit") // the owner's alone
		s.Workspace = other
		hidden := s.Put(t, s.Owner, "b.tif", "2")
		editor, owner := s.View(t, s.Editor), s.View(t, s.Owner)
		for _, ref := range []coreshed.Ref{
			{ID: hidden.Version.ID}, {File: hidden.UUID}, {File: hidden.UUID, VersionID: hidden.Version.VersionID},
			{Workspace: other.UUID, Path: "b.tif"}, {Path: "b.tif"}, {Path: "none"}, {ID: 1 << 40},
		} {
			n := storetest.NewRun()
			n.Inputs = []coreshed.Input{{Name: "IN", Version: ref}}
			_, _, err := db.RecordRun(t.Context(), editor, own.Version.ID, n)
			wantIs(t, err, coreshed.NotFound)
			if strings.Contains(err.Error(), "b.tif") {
				t.Errorf("the error names what is hidden: %v", err)
			}
		}
		_, _, err := db.RecordRun(t.Context(), editor, other.ID, storetest.NewRun())
		wantIs(t, err, coreshed.NotFound)

		mixed, _, err := db.RecordRun(t.Context(), owner, r.Workspace.ID, storetest.NewRun(own.Version.ID, hidden.Version.ID))
		wantIs(t, err, nil)
		list, total, unseen, err := db.RunInputs(t.Context(), editor, mixed.ID, coreshed.Page{Limit: 10})
		wantIs(t, err, nil)
		if len(list) != 1 || total != 1 || unseen != 1 || list[0].ID != own.Version.ID {
			t.Errorf("the editor sees %v, %d and %d others", list, total, unseen)
		}
		member := s.View(t, s.Member)
		for _, err := range []error{
			db.StartRun(t.Context(), member, r.ID, store.RunStart{}), db.EndRun(t.Context(), member, r.ID, store.RunEnd{Status: coreshed.Failed}),
			db.UpdateRun(t.Context(), member, r.ID, store.RunUpdate{}), db.PublishRun(t.Context(), member, r.ID),
			db.UnpublishRun(t.Context(), member, r.ID), db.AdoptOutputs(t.Context(), member, r.ID, nil),
		} {
			wantIs(t, err, coreshed.NotFound)
		}
		if _, err := db.Run(t.Context(), member, r.ID); !errors.Is(err, coreshed.NotFound) {
			t.Error(err)
		}
		if _, n, err := db.Runs(t.Context(), member, store.RunFilter{}, nil, coreshed.Page{Limit: 5}); err != nil || n != 0 {
			t.Errorf("the member sees %d runs, %v", n, err)
		}
		if _, n, err := db.JobTypes(t.Context(), s.View(t, s.Stranger), store.TypeFilter{}, nil, coreshed.Page{Limit: 5}); err != nil || n != 0 {
			t.Errorf("the stranger sees %d types, %v", n, err)
		}
	})
}
