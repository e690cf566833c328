package openlineage_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coreshed/coreshed/internal/openlineage"
)

// drawn is any event of the run.
func drawn(t *rapid.T) openlineage.Event {
	draw := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
	facet := func(name string) string {
		return draw(name, `{}`, `{"a": 1}`, `{"a": 2}`, `null`, `{"_deleted": true}`)
	}
	dataset := func(name string) string {
		return fmt.Sprintf(`{"namespace": "n", "name": %q, "facets": {"x": %s, "version": %s}}`, draw(name, "a", "b"), facet(name+" facet"),
			draw(name+" version", `null`, `{"datasetVersion": "1"}`, `{"datasetVersion": "2"}`))
	}
	e, err := openlineage.Read([]byte(event(
		"START", draw("type", "START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"),
		"10:00:00.5", draw("time", "10:00:00.5", "10:00:01", "10:00:02"),
		"tile.all", draw("job", "tile.all", "tile"), `{"a": 1.50}`, facet("run facet"),
		`"inputs": [`, `"inputs": [`+dataset("input")+", ", `"outputs": [`, `"outputs": [`+dataset("output")+", ")))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestMerge: the sum of events is the same in any order, with any repeats.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(drawn), 1, 6).Draw(t, "events")
		sum := func(list []openlineage.Event) string {
			var r openlineage.Run
			for _, e := range list {
				r.Merge(e)
				saved, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				r = openlineage.Run{}
				if err := json.Unmarshal(saved, &r); err != nil {
					t.Fatal(err)
				}
			}
			end, at, ok := r.Ended()
			text, err := json.MarshalIndent([]any{r, end, at, ok, r.Began(), r.JobFacets.JobVersion()}, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		again := append(rapid.Permutation(events).Draw(t, "order"), rapid.SampledFrom(events).Draw(t, "repeat"))
		if diff := cmp.Diff(sum(events), sum(again)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func merged(t *testing.T, texts ...string) *openlineage.Run {
	t.Helper()
	var r openlineage.Run
	for _, text := range texts {
		e, err := openlineage.Read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		r.Merge(e)
	}
	return &r
}

func TestEnd(t *testing.T) {
	at := func(kind, second string) string { return event("START", kind, "00.5", second) }
	for _, tt := range []struct {
		events []string
		want   openlineage.Type
	}{
		{[]string{at("START", "01")}, ""},
		{[]string{at("RUNNING", "01"), at("OTHER", "02")}, ""},
		{[]string{at("COMPLETE", "02"), at("START", "03")}, openlineage.Complete},
		{[]string{at("FAIL", "02"), at("COMPLETE", "01")}, openlineage.Complete},
		{[]string{at("FAIL", "02"), at("ABORT", "03")}, openlineage.Abort},
		{[]string{at("ABORT", "02"), at("FAIL", "02")}, openlineage.Fail},
	} {
		if got, _, ok := merged(t, tt.events...).Ended(); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%v: ended %q, %v, want %q", tt.events, got, ok, tt.want)
		}
	}
}

func TestUnderstoodFacets(t *testing.T) {
	const parent = "0b6c2f8e-0c4b-4e8a-a3a4-0fb8f7c1f5d2"
	r := merged(t, event(`{"x": {"a": 1.50}}`, `{
		"parent": {"run": {"runId": "`+parent+`"}, "job": {"namespace": "survey", "name": "nightly"}},
		"nominalTime": {"nominalStartTime": "2026-03-01T00:00:00Z"}, "errorMessage": {"message": "no bands"}}`,
		`"tile.all"`, `"tile.all", "facets": {"sourceCodeLocation": {"version": "abc 1"}, "documentation": {"description": "Cuts."}}`))
	p, ok := r.Parent()
	if !ok || p.Run.String() != parent || p.Job.Name != "nightly" {
		t.Errorf("parent %v, %v", p, ok)
	}
	from, until := r.Nominal()
	if !from.Equal(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)) || !until.IsZero() {
		t.Errorf("nominal time %v, %v", from, until)
	}
	if r.Message() != "no bands" || r.JobFacets.JobVersion() != "abc-1" || r.JobFacets.Description() != "Cuts." {
		t.Errorf("%q, %q, %q", r.Message(), r.JobFacets.JobVersion(), r.JobFacets.Description())
	}
	// What cannot be read says nothing.
	r = merged(t, event(`{"x": {"a": 1.50}}`, `{"parent": {"run": {"runId": "`+run+`"}}, "nominalTime": 7, "errorMessage": []}`))
	if _, ok := r.Parent(); ok || r.Message() != "" || r.JobFacets.JobVersion() != openlineage.Unversioned {
		t.Error("something was made of nothing")
	}
}

func TestSlug(t *testing.T) {
	for _, tt := range [][3]string{
		{"survey", "tile_all", "survey-tile_all"},
		{"survey", "tile.all", `survey-tile-all-[0-9a-f]{8}`},
		{"Survey", "tile", `survey-tile-[0-9a-f]{8}`},
		{"spark://h:1", "ü", `spark-h-1-[0-9a-f]{8}`},
		{strings.Repeat("n", 60), "x", `n{41}-[0-9a-f]{8}`},
	} {
		got := openlineage.Slug(tt[0], tt[1])
		if !regexp.MustCompile("^"+tt[2]+"$").MatchString(got) || len(got) > 50 {
			t.Errorf("%s, %s: %s, want %s", tt[0], tt[1], got, tt[2])
		}
	}
	if openlineage.Slug("a", "b-c") == openlineage.Slug("a-b", "c") || openlineage.Slug("a", "B") == openlineage.Slug("a", "b") {
		t.Error("two jobs are one type")
	}
}

// TestSize counts each version of a data set, and weighs what is kept, not what
// was said before.
func TestSize(t *testing.T) {
	var r openlineage.Run
	for i := range 10 {
		e, err := openlineage.Read(fmt.Appendf(nil, `{"eventTime": "2026-03-01T10:00:%02dZ", "producer": "p", "run": {"runId": "01941f29-7c00-7000-8000-000000000001"},
			"job": {"namespace": "n", "name": "j"}, "inputs": [{"namespace": "n", "name": "a", "facets": {"x": {"y": "%01000d"}, "version": {"datasetVersion": "%d"}}}]}`, i, i, i%3))
		if err != nil {
			t.Fatal(err)
		}
		r.Merge(e)
	}
	if w := r.Weight(); r.Size() != 3 || w < 1000 || w > 2000 {
		t.Errorf("%d data sets of %d bytes", r.Size(), w)
	}
}
