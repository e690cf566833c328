package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/openlineage"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// scene is two workspaces with three files each, of two versions in the first, of
// which some are products already.
type scene struct {
	*told
	homes  [2]coreshed.Workspace
	parent uuid.UUID
	files  map[string]coreshed.File // by "HOME/PATH@ORDINAL"
	labels map[int64]string         // row id of a version → its key in files
}

func newScene(t testing.TB, shed *storetest.Shed) *scene {
	s := &scene{told: tell(t, shed), parent: uuid.New(), files: map[string]coreshed.File{}, labels: map[int64]string{}}
	s.sender = shed.Owner
	for home := range s.homes {
		s.homes[home] = s.AddWorkspace(t, fmt.Sprintf("Scene %d %s", home, uuid.NewString()))
		here := *shed
		here.Workspace = s.homes[home]
		for _, path := range []string{"a.tif", "b.tif", "c.tif"} {
			for ordinal := 1; ordinal <= 2-home; ordinal++ {
				f := here.Put(t, shed.Owner, path, fmt.Sprint(ordinal))
				label := fmt.Sprintf("%d/%s@%d", home, path, ordinal)
				s.files[label], s.labels[f.Version.ID] = f, label
			}
		}
	}
	for id, label := range s.labels { // all but the c say something of themselves
		if err := s.DB.Exec(t.Context(), `UPDATE versions SET source_started = $2, source_sensor = $3, data_ended = 7 WHERE id = $1 AND file_name <> 'c.tif'`,
			id, len(label)+int(label[2]+label[8]), label); err != nil {
			t.Fatal(err)
		}
	}
	// Another run has made b from a, and c from b, at home.
	for _, edge := range [][2]string{{"0/a.tif@1", "0/b.tif@1"}, {"0/b.tif@2", "0/c.tif@1"}} {
		other := tell(t, shed)
		other.sender = shed.Owner
		other.say("COMPLETE", s.datasets("inputs", []string{edge[0]}), s.datasets("outputs", []string{edge[1]}))
	}
	return s
}

// datasets is a member of an event. A file is "HOME/PATH", with "@ORDINAL" if the
// event names its version.
func (s *scene) datasets(member string, files []string) string {
	var list []string
	for _, f := range files {
		home, path, _ := strings.Cut(f, "/")
		path, ordinal, _ := strings.Cut(path, "@")
		facets := fmt.Sprintf(`"x": %q`, f)
		if ordinal != "" {
			version := "v" + ordinal // of another system
			if known, ok := s.files[f]; ok {
				version = fmt.Sprint(known.Version.VersionID)
			}
			facets = fmt.Sprintf(`"version": {"datasetVersion": %q}`, version)
		}
		namespace := "s3://elsewhere"
		if home == "0" || home == "1" {
			namespace = "coreshed://shed.example/" + s.homes[home[0]-'0'].Name
		}
		list = append(list, fmt.Sprintf(`{"namespace": %q, "name": %q, "facets": {%s}}`, namespace, path, facets))
	}
	return fmt.Sprintf(`%q: [%s]`, member, strings.Join(list, ", "))
}

// said is an event of which the scene makes its own.
type said struct {
	kind            string
	inputs, outputs []string
	job, tag, facet string
	parent          bool
}

func drawSaid(t *rapid.T) said {
	files := []string{"0/a.tif", "0/b.tif", "0/c.tif", "1/a.tif", "0/a.tif@1", "0/b.tif@2", "0/c.tif@1", "0/c.tif@2", "1/b.tif@1", "0/none.tif", "2/far.tif", "0/a.tif@9"}
	draw := func(name string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(files), 0, 3, rapid.ID[string]).Draw(t, name)
	}
	return said{
		kind:   rapid.SampledFrom([]string{"START", "RUNNING", "COMPLETE", "COMPLETE", "FAIL", "ABORT", "OTHER"}).Draw(t, "kind"),
		inputs: draw("inputs"), outputs: draw("outputs"),
		job:    rapid.SampledFrom([]string{"tile", "tile", "cut"}).Draw(t, "job"),
		tag:    rapid.SampledFrom([]string{"", "", "1.0", "2.0"}).Draw(t, "tag"),
		facet:  rapid.SampledFrom([]string{`"x": {"a": 1}`, `"x": {"_deleted": true}`, `"errorMessage": {"message": "no"}`, `"nominalTime": {"nominalStartTime": "2026-01-01T00:00:00Z"}`}).Draw(t, "facet"),
		parent: rapid.Bool().Draw(t, "parent"),
	}
}

func (s *scene) event(e said, second int) openlineage.Event {
	facets := e.facet
	if e.parent {
		facets += fmt.Sprintf(`, "parent": {"run": {"runId": %q}, "job": {"namespace": "survey", "name": "nightly"}}`, s.parent)
	}
	tag := ""
	if e.tag != "" {
		tag = fmt.Sprintf(`, "facets": {"sourceCodeLocation": {"tag": %q}}`, e.tag)
	}
	return s.read(e.kind, second, s.datasets("inputs", e.inputs), s.datasets("outputs", e.outputs),
		fmt.Sprintf(`"run": {"runId": %q, "facets": {%s}}`, s.run, facets),
		fmt.Sprintf(`"job": {"namespace": "survey", "name": %q%s}`, e.job, tag))
}

// TestLineageOrder: whatever the order of a run's events, and whichever are
// repeated, the catalogue ends as after the sorted sequence.
func TestLineageOrder(t *testing.T) {
	now := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			shed := storetest.New(t, db)
			events := rapid.SliceOfN(rapid.Custom(drawSaid), 1, 5).Draw(rt, "events")
			order := []int{}
			for i := range events {
				order = append(order, i)
			}
			sorted, mixed := newScene(t, shed), newScene(t, shed)
			sorted.take(rt, events, order)
			order = append(order, rapid.SliceOfN(rapid.SampledFrom(order), 0, 2).Draw(rt, "repeats")...)
			mixed.take(rt, events, rapid.Permutation(order).Draw(rt, "order"))
			if diff := cmp.Diff(sorted.catalogue(rt), mixed.catalogue(rt)); diff != "" {
				rt.Fatalf("in order, and in the order drawn:\n%s", diff)
			}
		})
	})
}

func (s *scene) take(t *rapid.T, events []said, order []int) {
	for _, i := range order {
		if err := s.send(s.event(events[i], i)); err != nil {
			t.Fatal(err)
		}
	}
}

// catalogue is all that there is to see in the scene, by labels that are the
// same in every scene.
func (s *scene) catalogue(t *rapid.T) map[string]any {
	view := s.View(s.t, s.Owner)
	all := map[string]any{}
	job := s.job()
	names := strings.NewReplacer(s.run.String(), "RUN", s.homes[0].Name, "HOME0", s.homes[1].Name, "HOME1", s.parent.String(), "PARENT")
	for id, label := range s.labels {
		e := s.Entry(s.t, id)
		made := ""
		if e.Made.Job != 0 {
			made = fmt.Sprint(e.Made.Job == job.ID, e.Made.JobType.Name, e.Made.JobType.Version, e.Made.Output, e.Made.Node, e.Made.Recipe != 0, e.Made.Execution != 0)
		}
		from := []string{}
		for _, ancestor := range s.links(id) {
			from = append(from, s.labels[ancestor])
		}
		slices.Sort(from)
		all[label] = []any{
			e.Type, made, e.ProductKey == coreshed.SourceKey(e.FileUUID), e.PublishedAt.IsZero(), e.Unpublished.IsZero(), e.SupersededAt.IsZero(),
			e.SourceStarted, e.SourceEnded, e.Sensor, from,
		}
	}
	if job.ID == 0 {
		return all
	}
	inputs, _, _, err := s.DB.RunInputs(s.t.Context(), view, job.ID, coreshed.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	for _, in := range inputs {
		read = append(read, in.Name+" "+s.labels[in.ID])
	}
	slices.Sort(read)
	recipe := ""
	if job.Recipe != nil {
		recipe = job.Recipe.Type.Name + " " + names.Replace(job.Recipe.Key)
	}
	var failure any
	if job.Error != nil {
		if err := json.Unmarshal(job.Error, &failure); err != nil {
			t.Fatal(err)
		}
	}
	recipes, _, err := s.DB.Recipes(s.t.Context(), view, store.RecipeFilter{}, nil, coreshed.Page{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, r := range recipes {
		if r.Key == s.parent.String() {
			count++
		}
	}
	all["run"] = []any{
		job.Status, job.Type.Name, job.Type.Version, job.Workspace.ID == s.homes[0].ID, job.StartedAt, job.EndedAt, job.StatusAt.IsZero(), job.PublishedAt.IsZero(),
		failure, names.Replace(string(job.Facets)), job.Tries, recipe, job.Node, count, read, s.external(), job.InputSize, job.SourceStarted, job.Sensor,
	}
	return all
}
