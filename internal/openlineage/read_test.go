package openlineage_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/openlineage"
)

const run = "3f5e83fa-3480-44ff-99c5-ff943904e5e8"

// event is a whole run event, with one part replaced by another.
func event(replace ...string) string {
	return strings.NewReplacer(replace...).Replace(`{"eventType": "START", "eventTime": "2026-03-01T10:00:00.5+01:00", "producer": "https://p.example",
		"schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
		"run": {"runId": "` + run + `", "facets": {"x": {"a": 1.50}}},
		"job": {"namespace": "survey", "name": "tile.all"},
		"inputs": [{"namespace": "s3://scenes", "name": "a.tif", "facets": {"version": {"datasetVersion": "7"}}, "inputFacets": {"y": {}}}],
		"outputs": [{"namespace": "file", "name": "/b.tif", "outputFacets": {"z": {}}}]}`)
}

func TestRead(t *testing.T) {
	text := event()
	got, err := openlineage.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	want := openlineage.Event{
		Type: openlineage.Start, Time: time.Date(2026, 3, 1, 9, 0, 0, 500_000_000, time.UTC),
		Run: uuid.MustParse(run), RunFacts: openlineage.Facets{"x": raw(`{"a": 1.50}`)},
		Job: openlineage.Job{Namespace: "survey", Name: "tile.all"},
		Inputs: []openlineage.Dataset{{
			Namespace: "s3://scenes", Name: "a.tif",
			Facets: openlineage.Facets{"version": raw(`{"datasetVersion": "7"}`)}, Use: openlineage.Facets{"y": raw(`{}`)},
		}},
		Outputs:  []openlineage.Dataset{{Namespace: "file", Name: "/b.tif", Use: openlineage.Facets{"z": raw(`{}`)}}},
		Document: []byte(text), Hash: got.Hash,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadKinds(t *testing.T) {
	const base = `{"eventTime": "2026-03-01T10:00:00Z", "producer": "p", `
	for text, want := range map[string]openlineage.Type{
		event():                                                openlineage.Start,
		event(`"eventType": "START", `, ""):                    openlineage.Other,
		event(`"START"`, `"RUNNING"`):                          openlineage.Running,
		base + `"job": {"namespace": "n", "name": "j"}}`:       openlineage.OfJob,
		base + `"dataset": {"namespace": "n", "name": "d"}}`:   openlineage.OfDataset,
		event("10:00:00.5+01:00", "10:00+0100"):                openlineage.Start,
		event(`"datasetVersion": "7"`, `"datasetVersion": 70`): openlineage.Start,
		event(`{"x": {"a": 1.50}}`, `null`):                    openlineage.Start,
		event(`"schemaURL"`, `"unknown"`):                      openlineage.Start,
	} {
		if e, err := openlineage.Read([]byte(text)); err != nil || e.Type != want {
			t.Errorf("%s: %q, %v", text, e.Type, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, tt := range []struct {
		text  string
		kind  coreshed.Kind
		field string
	}{
		{``, coreshed.BadRequest, ""},
		{`null`, coreshed.BadRequest, ""},
		{`[]`, coreshed.BadRequest, ""},
		{`{"a": `, coreshed.BadRequest, ""},
		{event() + "x", coreshed.BadRequest, ""},
		{"{\"a\": \"\xff\"}", coreshed.BadRequest, ""},
		{event(`{"a": 1.50}`, strings.Repeat(`[`, 70)+strings.Repeat(`]`, 70)), coreshed.BadRequest, ""},
		{`{}`, coreshed.Invalid, "eventTime"},
		{event("+01:00", ""), coreshed.Invalid, "eventTime"},
		{event("2026-03", "2026-13"), coreshed.Invalid, "eventTime"},
		{event(`"https://p.example"`, `""`), coreshed.Invalid, "producer"},
		{event(`"https://p.example"`, `7`), coreshed.Invalid, "producer"},
		{event("START", "start"), coreshed.Invalid, "eventType"},
		{event("START", "JOB"), coreshed.Invalid, "eventType"},
		{event(run, "7"), coreshed.Invalid, "run.runId"},
		{event(run, strings.ReplaceAll(run, "-", "")), coreshed.Invalid, "run.runId"},
		{event(run, uuid.Nil.String()), coreshed.Invalid, "run.runId"},
		{event(`"run"`, `"rin"`, `"job"`, `"jib"`), coreshed.Invalid, "job"},
		{event(`"job"`, `"jib"`), coreshed.Invalid, "job"},
		{event(`"survey"`, `""`), coreshed.Invalid, "job.namespace"},
		{event(`"tile.all"`, `"a\u0000"`), coreshed.Invalid, "job.name"},
		{event(`"tile.all"`, `"`+long+`"`), coreshed.Invalid, "job.name"},
		{event(`"a.tif"`, `""`), coreshed.Invalid, "inputs.name"},
		{event(`"file"`, `null`), coreshed.Invalid, "outputs.namespace"},
		{event(`"inputs": [`, `"inputs": [null, `), coreshed.Invalid, ""},
		{event(`"datasetVersion": "7"`, `"datasetVersion": true`), coreshed.Invalid, "inputs.facets.version.datasetVersion"},
		{event(`"datasetVersion": "7"`, `"other": "7"`), coreshed.Invalid, "inputs.facets.version.datasetVersion"},
		{event(`"inputs": [`, `"inputs": [`+strings.Repeat(`{"namespace": "n", "name": "x"}, `, 2000)), coreshed.Invalid, "inputs"},
		{event(`"run"`, `"dataset": {"namespace": "n", "name": "d"}, "run"`), coreshed.Invalid, "dataset"},
	} {
		_, err := openlineage.Read([]byte(tt.text))
		var e *coreshed.Error
		if !errors.As(err, &e) || e.Kind != tt.kind || tt.field != "" && e.Field != tt.field {
			t.Errorf("%.300s: %v, want %v of %s", tt.text, err, tt.kind, tt.field)
		}
	}
}

// TestHash: what says the same is the same event, whatever its form.
func TestHash(t *testing.T) {
	hash := func(text string) [32]byte {
		e, err := openlineage.Read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return e.Hash
	}
	same := strings.ReplaceAll(event(), "\n", "")
	if hash(same) != hash(event()) {
		t.Error("spacing makes another event")
	}
	if hash(event(`"namespace": "survey", "name": "tile.all"`, `"name": "tile.all", "namespace": "survey"`)) != hash(event()) {
		t.Error("the order of members makes another event")
	}
	if hash(event("1.50", "1.5")) == hash(event()) {
		t.Error("another number makes the same event")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(event()))
	f.Add([]byte(`{"eventTime": "2026-03-01T10:00Z", "producer": "p", "dataset": {"namespace": "n", "name": "d", "facets": {"symlinks": {"identifiers": [{}]}}}}`))
	f.Add([]byte(event(`"facets": {"x"`, `"facets": {"parent": {"run": {"runId": "`+uuid.NewString()+`"}, "job": {"namespace": "", "name": "n"}}, "x"`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := openlineage.Read(text)
		if err != nil {
			if kind := coreshed.KindOf(err); kind != coreshed.BadRequest && kind != coreshed.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		var r openlineage.Run
		r.Merge(e)
		saved, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var again openlineage.Run
		if err := json.Unmarshal(saved, &again); err != nil {
			t.Fatal(err)
		}
		again.Merge(e) // a repeat
		repeated, err := json.Marshal(again)
		if err != nil || string(repeated) != string(saved) {
			t.Fatalf("a repeat changes\n%s\nto\n%s: %v", saved, repeated, err)
		}
		r.Parent()
		r.Nominal()
		if name := openlineage.Slug(r.Name.Namespace, r.Name.Name); len(name) > 50 {
			t.Fatalf("the name of the type is %q", name)
		}
	})
}
