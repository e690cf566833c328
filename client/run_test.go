package client_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

// TestRuns records a run with an output that travels in blocks, and follows what
// it has made.
func TestRuns(t *testing.T) {
	s, ctx := start(t), t.Context()
	s.put(t, "in/a.tif", "abc")
	local := filepath.Join(t.TempDir(), "out.bin")
	if err := os.WriteFile(local, make([]byte, client.DefaultBlockSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	n := client.NewRun{
		ID: "k", Type: client.RunType{Name: "parse", Version: "1"}, Start: &client.RunStart{Host: "here"},
		Inputs: []client.RunInput{{Name: "IN", Path: "in/a.tif"}},
	}
	r, err := s.files.RecordRun(ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.files.RecordRun(ctx, n)
	if diff := cmp.Diff(r, again); diff != "" || err != nil {
		t.Fatal(err, diff)
	}
	n.Type.Version = "2"
	if _, err := s.files.RecordRun(ctx, n); !errors.Is(err, coreshed.Conflict) {
		t.Errorf("another run under the id: %v", err)
	}
	output := client.RunOutput{Name: "OUT", Upload: "out.bin", Path: "made/out.bin"}
	var moved int64
	version, err := s.files.UploadOutput(ctx, r.Number, output, local, func(n int64) { moved += n })
	if err != nil || version == 0 || moved == 0 {
		t.Fatalf("version %d, %d bytes, %v", version, moved, err)
	}
	moved = 0
	if same, err := s.files.UploadOutput(ctx, r.Number, output, local, func(n int64) { moved += n }); err != nil || same != version || moved != 0 {
		t.Errorf("uploaded again: version %d, %d bytes, %v", same, moved, err)
	}
	if r, err = s.client.CompleteRun(ctx, r.Number, client.RunEnd{}); err != nil || !r.Published || r.Status != coreshed.Completed {
		t.Fatalf("%+v, %v", r, err)
	}
	e, err := s.files.Entry(ctx, client.Path("made/out.bin"), 0)
	if err != nil || e.ID != version || e.Type != coreshed.Product {
		t.Errorf("%+v, %v", e, err)
	}
	outputs, hidden, err := s.client.RunOutputs(ctx, r.Number)
	if err != nil || hidden != 0 || len(outputs) != 1 || outputs[0].Version.ID != version {
		t.Errorf("outputs %+v, %v", outputs, err)
	}
	var runs []int64
	for run, err := range s.files.Runs(ctx, client.RunFilter{Status: []coreshed.RunStatus{coreshed.Completed}, Type: []string{"parse"}}) {
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run.Number)
	}
	if diff := cmp.Diff([]int64{r.Number}, runs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	l, err := s.client.Lineage(ctx, version, client.LineageWant{Direction: coreshed.Up})
	if err != nil || len(l.Versions) != 2 || l.Versions[1].Path != "in/a.tif" || len(l.Edges) != 2 || !l.Complete {
		t.Errorf("%+v, %v", l, err)
	}
	if r, err = s.client.UnpublishRun(ctx, r.Number); err != nil || r.Published {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.client.FailRun(ctx, r.Number, client.RunEnd{}); !errors.Is(err, coreshed.Conflict) {
		t.Errorf("a completed run fails: %v", err)
	}
	if _, err := s.client.Run(ctx, 99); !errors.Is(err, coreshed.NotFound) {
		t.Error(err)
	}
}

// TestManyRuns gets page after page, and ends when the reader does.
func TestManyRuns(t *testing.T) {
	s, ctx := start(t), t.Context()
	const all = 5
	var want []int64
	for range all {
		r, err := s.files.RecordRun(ctx, client.NewRun{Type: client.RunType{Name: "parse", Version: "1"}})
		if err != nil {
			t.Fatal(err)
		}
		want = append([]int64{r.Number}, want...)
	}
	for _, most := range []int{2, all, all + 1} {
		var got []int64
		for r, err := range s.files.Runs(ctx, client.RunFilter{PageSize: 2}) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, r.Number); len(got) == most {
				break
			}
		}
		if diff := cmp.Diff(want[:min(most, all)], got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	var errs []error
	for _, err := range s.files.Runs(canceled, client.RunFilter{}) {
		errs = append(errs, err)
	}
	if len(errs) != 1 || !errors.Is(errs[0], context.Canceled) {
		t.Errorf("it ends with %v", errs)
	}
}
