package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Catalogue measures lists of files over HTTP: nine questions, each time with
// another literal, while files are added; beside what the SQL of a list of
// Scale's costs on the same rows.
type Catalogue struct {
	Binary   string // of Coreshed
	Dir      string // where the temporary folder goes; "" is the system's place
	Data     string // a data folder that `bench load --keep` has made; "" loads one
	Floor    string // "auto", "none", or the URL of a PostgreSQL server to make a database in
	Rows     int
	Rounds   int
	Requests int // of each question, in a round
	Log      io.Writer
}

// listed is how many files a page has.
const listed = 100

// Run loads, measures, and removes all that it wrote.
func (c Catalogue) Run(ctx context.Context) (Report, error) {
	dir, err := os.MkdirTemp(c.Dir, "coreshed-bench-")
	if err != nil {
		return Report{}, fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(dir)
	data := c.Data
	if data == "" {
		data = filepath.Join(dir, "data")
		if _, err := loadCatalogue(ctx, c.Binary, dir, data, c.Rows, c.Log); err != nil {
			return Report{}, err
		}
	}
	f, err := c.startFloor(ctx, dir)
	if err != nil {
		return Report{}, err
	}
	defer f.stop()
	results := newSheet(c.Log)
	err = c.measure(ctx, dir, data, f, results)
	return results.report(), err
}

// question is one of the nine, as a user asks it.
type question struct {
	name  string
	query func(restricted bool) url.Values
	floor func() floorQuery
	cold  float64 // limit of the first time, ms; 0 is 25 and 0.3 µs for each hit
}

func (c Catalogue) questions() []question {
	none := func() url.Values { return url.Values{} }
	one := func(key string, value func() string) func(bool) url.Values {
		return func(bool) url.Values { return url.Values{key: {value()}} }
	}
	pages := func(restricted bool) int {
		if restricted {
			return max(1, c.Rows/1000/listed)
		}
		return c.Rows / listed
	}
	middle := func(restricted bool) int {
		n := pages(restricted)
		return max(1, n/2-rand.IntN(max(1, n/20)))
	}
	return []question{
		{"page 1", func(bool) url.Values { return none() }, floorPage(0, ""), 0},
		{"page in the middle", func(r bool) url.Values { return url.Values{"page": {strconv.Itoa(middle(r))}} },
			func() floorQuery { return floorQuery{skip: (middle(false) - 1) * listed} }, 200},
		{"30 days of a sensor", func(bool) url.Values {
			from, until, sensor := someWindow()
			return url.Values{"data_started": {stamp(from)}, "data_ended": {stamp(until)}, "source_sensor": {sensor}}
		}, floorSensor, 0},
		{"country", one("countries", someCountry), floorCountry, 0},
		{"job_type_name, order=-created", func(bool) url.Values {
			return url.Values{"job_type_name": {someJobType()}, "order": {"-created"}}
		}, floorJobType, 0},
		{"job_id", one("job_id", func() string { return strconv.Itoa(1 + rand.IntN(c.Rows*4/10)) }), c.floorJob, 0},
		{"file_name", one("file_name", func() string { return fileName(1 + rand.IntN(c.Rows)) }), c.floorName, 0},
		{"file_name_search, 6 characters", one("file_name_search", func() string { return fmt.Sprintf("%06x", rand.IntN(1<<24)) }), floorSearch, 25},
		{"order=file_name", func(r bool) url.Values {
			return url.Values{"order": {"file_name"}, "page": {strconv.Itoa(1 + rand.IntN(min(10, pages(r))))}}
		}, floorPage(0, "LOWER(f.file_name)"), 0},
	}
}

func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05Z") }

func someWindow() (from, until time.Time, sensor string) {
	from = firstDay.Add(time.Duration(rand.IntN((days-30)*24)) * time.Hour)
	return from, from.AddDate(0, 0, 30), fmt.Sprint("sensor", rand.IntN(sensors))
}

func someCountry() string { return iso3(1 + rand.IntN(countries)) }
func someJobType() string { return fmt.Sprint("job-type-", 1+rand.IntN(jobTypes/2)) }

// asker asks as one caller.
type asker struct {
	shed  *shed
	name  string
	token string
	seen  bool // sees one workspace alone
}

// list asks for a page and returns how many match.
func (a asker) list(ctx context.Context, q url.Values) (int, error) {
	q.Set("page_size", strconv.Itoa(listed))
	var body bytes.Buffer
	err := a.shed.caller.do(ctx, request{
		method: http.MethodGet, url: a.shed.url + "/v6/files/?" + q.Encode(),
		header: http.Header{"Authorization": {"Bearer " + a.token}},
		status: http.StatusOK, length: -1, into: &body,
	})
	if err != nil {
		return 0, err
	}
	var page struct {
		Count   int
		Results []struct{ ID int64 }
	}
	if err := json.Unmarshal(body.Bytes(), &page); err != nil {
		return 0, fmt.Errorf("decode page: %w", err)
	}
	if len(page.Results) > page.Count || page.Count > 0 && len(page.Results) == 0 {
		return 0, fmt.Errorf("a page has %d files of %d", len(page.Results), page.Count)
	}
	return page.Count, nil
}

// askers are an admin, and a caller who sees one workspace of fifty.
func (c Catalogue) askers(ctx context.Context, s *shed) ([]asker, error) {
	admin, err := s.mint(ctx, c.Binary, "--role", "admin")
	if err != nil {
		return nil, err
	}
	viewer, err := s.mint(ctx, c.Binary, "--role", "viewer", "--workspace", workspaceTitle(workspaceCount))
	return []asker{{s, "admin", admin, false}, {s, "viewer of 0.1 %", viewer, true}}, err
}

func (c Catalogue) measure(ctx context.Context, dir, data string, f *floor, results *sheet) error {
	for range c.Rounds {
		if err := c.cold(ctx, dir, data, results); err != nil {
			return err
		}
	}
	err := c.withServer(ctx, dir, data, func(askers []asker) error {
		for range c.Rounds {
			if err := c.warm(ctx, askers, f, results); err != nil {
				return err
			}
		}
		return c.exact(ctx, askers[0], results)
	})
	if err != nil {
		return err
	}
	return c.memory(ctx, dir, data, results)
}

// withServer serves the data folder while fn runs.
func (c Catalogue) withServer(ctx context.Context, dir, data string, fn func([]asker) error) error {
	s, err := startShed(ctx, c.Binary, dir, data)
	if err != nil {
		return err
	}
	defer s.stop()
	askers, err := c.askers(ctx, s)
	if err != nil {
		return err
	}
	return fn(askers)
}

// cold asks each question of a server that has just started.
func (c Catalogue) cold(ctx context.Context, dir, data string, results *sheet) error {
	return c.withServer(ctx, dir, data, func(askers []asker) error { return c.first(ctx, askers[0], results) })
}

// first asks each question once.
func (c Catalogue) first(ctx context.Context, a asker, results *sheet) error {
	for _, q := range c.questions() {
		took, hits, err := c.ask(ctx, a, q)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		limit := q.cold
		if limit == 0 {
			limit = 25
			if q.name != "page 1" && q.name != "order=file_name" { // which count nothing
				limit += 0.0003 * float64(hits)
			}
		}
		results.add(test{"cold: " + q.name, "ms", target{below: math.Ceil(limit)}}, shedName, took)
	}
	short := question{"file_name_search, 2 characters", func(bool) url.Values {
		return url.Values{"file_name_search": {fmt.Sprintf("%02x", rand.IntN(256))}}
	}, nil, 0}
	took, _, err := c.ask(ctx, a, short)
	results.add(test{short.name, "ms", target{below: 500}}, shedName, took)
	return err
}

func (c Catalogue) ask(ctx context.Context, a asker, q question) (took float64, hits int, err error) {
	start := time.Now()
	hits, err = a.list(ctx, q.query(a.seen))
	return millis(time.Since(start)), hits, err
}

// writes is how many files are added a second while questions are asked.
const writes = 20

// warm asks each question many times, and the floor a few.
func (c Catalogue) warm(ctx context.Context, askers []asker, f *floor, results *sheet) error {
	w := startWriter(ctx, askers[0].shed, writes)
	defer w.stop()
	for _, q := range c.questions() {
		floor, err := f.time(ctx, q)
		if err != nil {
			return fmt.Errorf("floor: %s: %w", q.name, err)
		}
		for _, a := range askers {
			before, unknown := a.shed.process.cpu()
			took := make([]float64, c.Requests)
			for i := range took {
				if took[i], _, err = c.ask(ctx, a, q); err != nil {
					return fmt.Errorf("%s: %w", q.name, err)
				}
			}
			after, _ := a.shed.process.cpu()
			slices.Sort(took)
			p50, p99 := took[len(took)/2], took[len(took)*99/100]
			t := test{a.name + ": " + q.name, "ms", target{below: 25, part: 0.2}}
			if floor == 0 {
				t.target.part = 0
			} else {
				results.add(t, floorName, floor)
			}
			results.add(t, shedName, p50)
			if unknown == nil { // with that of the files that are added
				results.add(test{a.name + ": " + q.name + ": server's CPU", "ms", target{}}, shedName, millis(after-before)/float64(c.Requests))
			}
			results.add(test{a.name + ": " + q.name + ": p99 to p50", "times", target{below: 3}}, shedName, p99/p50)
		}
	}
	return w.err()
}
