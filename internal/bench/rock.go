package bench

import (
	"crypto/md5" //nolint:gosec // names of the data set, not secrets
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// The catalogue's data set has the shape that the floor's has: a fifth of the
// files are sources, the others products; for each file 0.4 runs and 0.1
// recipes; times over three years.
const (
	jobTypes    = 60 // of 30 names
	recipeTypes = 20
	batches     = 200
	countries   = 200
	sensors     = 40
)

// firstDay is when the data begins, days how long it goes on.
var firstDay = time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)

const days = 1095

// iso3 is the code of the n-th country, from 1.
func iso3(n int) string { return string([]byte{byte('A' + n/26), byte('A' + n%26), 'Z'}) }

// fileName is the name of the n-th file, from 1.
func fileName(n int) string {
	sum := md5.Sum(fmt.Append(nil, n)) //nolint:gosec // see the import
	return fmt.Sprintf("file_%d_%s.tif", n, hex.EncodeToString(sum[:]))
}

// dice are the random numbers of the n-th thing of a kind: always the same.
func dice(kind, n int) *rand.Rand { return rand.New(rand.NewPCG(uint64(kind), uint64(n))) }

func someTime(r *rand.Rand) time.Time {
	return firstDay.Add(time.Duration(r.Float64() * days * 24 * float64(time.Hour))).Truncate(time.Microsecond)
}

// rock makes the rows of a catalogue with so many files.
type rock struct {
	rows       int
	workspaces []int64 // row ids; the last one gets a thousandth of the files
	types      store.Types
	recipes    []store.BulkRecipe
	runs       []store.BulkRun
}

// workspace is where the n-th file goes.
func (c *rock) workspace(n int) int64 {
	if n%1000 == 0 {
		return c.workspaces[len(c.workspaces)-1]
	}
	return c.workspaces[n%(len(c.workspaces)-1)]
}

func newTypes() store.Types {
	var t store.Types
	for n := 1; n <= jobTypes; n++ {
		t.Jobs = append(t.Jobs, coreshed.JobType{
			Name: fmt.Sprintf("job-type-%d", (n-1)/2+1), Version: fmt.Sprintf("1.0.%d", n%2),
			Title: fmt.Sprintf("Job type %d", n), Description: "Makes one raster of another.", IconCode: "f013",
		})
	}
	for n := 1; n <= recipeTypes; n++ {
		t.Recipes = append(t.Recipes, coreshed.RecipeType{Name: fmt.Sprintf("recipe-%d", n), Title: fmt.Sprintf("Recipe %d", n)})
	}
	for n := 1; n <= batches; n++ {
		t.Batches = append(t.Batches, coreshed.Batch{Title: fmt.Sprintf("Batch %d", n), CreatedAt: firstDay})
	}
	return t
}

func (c *rock) newRecipes() {
	c.recipes = make([]store.BulkRecipe, c.rows/10)
	for i := range c.recipes {
		n := i + 1
		r := store.BulkRecipe{Type: c.types.Recipes[n%recipeTypes].ID, At: someTime(dice(1, n))}
		if n%4 == 0 {
			r.Batch = c.types.Batches[n/4%batches].ID
		}
		c.recipes[i] = r
	}
}

func (c *rock) newRuns() {
	status := []string{"COMPLETED", "COMPLETED", "COMPLETED", "FAILED", "RUNNING"}
	c.runs = make([]store.BulkRun, c.rows*4/10)
	for i := range c.runs {
		n := i + 1
		c.runs[i] = store.BulkRun{
			Type: c.types.Jobs[n%jobTypes].ID, Recipe: c.recipes[n/4%len(c.recipes)].ID,
			Status: status[n%5], At: someTime(dice(2, n)),
		}
	}
}

var mediaTypes = []string{"image/tiff", "application/json", "image/png", "application/vnd.geo+json"}

// entry is the n-th file, from 1.
func (c *rock) entry(n int) coreshed.Entry {
	r := dice(3, n)
	s, at := r.IntN(1_000_000), someTime(r)
	x, y := -170+r.Float64()*339, -80+r.Float64()*160
	name := fileName(n)
	path := fmt.Sprintf("a/%d/%d/%s", n%97, n%997, name)
	sum := sha256.Sum256([]byte(path))
	e := coreshed.Entry{
		Version: coreshed.Version{
			VersionID: at.UnixNano(), CreatedAt: at, Size: 1000 + int64(n)*7919%100_000_000, ETag: fmt.Sprintf("\"0x%X\"", sum[:8]),
			SHA256: sum[:], State: coreshed.InPlace,
		},
		Path: path, Workspace: coreshed.EntryWorkspace{ID: c.workspace(n)},
		Type: coreshed.Source, Name: name, MediaType: mediaTypes[n%4], StoragePath: path, ModifiedAt: at.Add(time.Minute),
		Description: coreshed.Description{
			DataStarted: at.Add(-2 * time.Hour), DataEnded: at.Add(-time.Hour),
			SourceStarted: at.Add(-2 * time.Hour), SourceEnded: at.Add(-time.Hour),
			SensorClass: fmt.Sprint("class", s%6), Sensor: fmt.Sprint("sensor", s%sensors),
			Collection: fmt.Sprint("coll", s%5000), Task: fmt.Sprint("task", s%10),
			Geometry: fmt.Sprintf("POLYGON ((%g %g, %g %g, %g %g, %g %g, %g %g))",
				x, y, x, y+0.15, x+0.2, y+0.15, x+0.2, y, x, y),
			CenterPoint: fmt.Sprintf("POINT (%g %g)", x+0.1, y+0.075),
			Countries:   someCountries(r, n),
			Metadata:    json.RawMessage(fmt.Sprintf(`{"cloud":%d,"platform":"P%d","text":"%x"}`, n%100, n%7, sum)),
		},
	}
	if n%3 == 0 {
		e.Tags = []string{fmt.Sprint("tag", n%50), "tagA"}
	}
	if n%5 == 0 {
		e.ParsedAt = at
		return e
	}
	c.made(&e, n, hex.EncodeToString(sum[:16]))
	return e
}

// made fills in the run that has made the n-th file.
func (c *rock) made(e *coreshed.Entry, n int, key string) {
	job := n / 2 % len(c.runs)
	run, j := c.runs[job], job+1
	recipe := j/4%len(c.recipes) + 1
	e.Type, e.ProductKey, e.PublishedAt = coreshed.Product, key, e.CreatedAt
	e.Made = coreshed.Provenance{
		Job: run.ID, Execution: run.Execution, JobType: &coreshed.JobType{ID: run.Type}, Output: "OUT",
		Recipe: run.Recipe, RecipeType: &coreshed.RecipeType{ID: c.types.Recipes[recipe%recipeTypes].ID}, Node: fmt.Sprint("node", n%5),
	}
	if b := c.recipes[recipe-1].Batch; b != 0 {
		e.Made.Batch = &coreshed.Batch{ID: b}
	}
}

// someCountries are those of the n-th file: of nine in ten one, more often one
// of the first; of one in ten two.
func someCountries(r *rand.Rand, n int) []string {
	one := func() string { return iso3(1 + int(countries*math.Pow(r.Float64(), 2))%countries) }
	switch n % 10 {
	case 0:
		return nil
	case 1:
		a, b := one(), one()
		switch {
		case a < b:
			return []string{a, b}
		case b < a:
			return []string{b, a}
		}
		return []string{a}
	}
	return []string{one()}
}
