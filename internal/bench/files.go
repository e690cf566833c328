package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const pageSize = 5000

// Files measures the control plane over a workspace of many files.
type Files struct {
	Binary string // of Coreshed
	Dir    string // where the temporary folder goes; "" is the system's place
	Rows   int    // files of the workspace
	Rounds int
	Gets   int // by path, in a round
	Pairs  int // of delete and restore, in a round
	Log    io.Writer
}

// Run loads a workspace, measures, and removes all that it wrote.
func (f Files) Run(ctx context.Context) (Report, error) {
	if f.Rows < pageSize {
		return Report{}, fmt.Errorf("a page has %d files: give no fewer rows", pageSize)
	}
	dir, err := os.MkdirTemp(f.Dir, "coreshed-bench-")
	if err != nil {
		return Report{}, fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(dir)
	data := filepath.Join(dir, "data")
	if err := f.prepare(ctx, dir, data); err != nil {
		return Report{}, err
	}
	s, err := startShed(ctx, f.Binary, dir, data)
	if err != nil {
		return Report{}, err
	}
	defer s.stop()
	results := newSheet(f.Log)
	err = f.measure(ctx, s, results)
	return results.report(), err
}

// prepare lets the server make its data folder and fills the database while no
// server runs.
func (f Files) prepare(ctx context.Context, dir, data string) error {
	s, err := startShed(ctx, f.Binary, dir, data)
	if err != nil {
		return err
	}
	s.stop()
	fmt.Fprintf(f.Log, "loading %d files\n", f.Rows)
	start := time.Now()
	if err := load(ctx, data, s.space, f.Rows); err != nil {
		return err
	}
	fmt.Fprintf(f.Log, "loaded in %s\n", time.Since(start).Round(time.Second))
	return nil
}

// filesTest is a test of the control plane. run returns the figure.
type filesTest struct {
	test
	calls int // in a run; 0 when it makes others too
	run   func(context.Context, *shed) (float64, error)
}

func (f Files) measure(ctx context.Context, s *shed, results *sheet) error {
	tests := []filesTest{
		{test{"get by path, 16 at once", "1/s", target{least: 5000}}, f.Gets, f.getByPath},
		{test{"delete and restore, 16 at once", "pairs/s", target{least: 500}}, 0, f.deleteRestore},
		{test{"list 5000: first page", "ms", target{below: 80}}, pagesPerRound, f.page(0)},
		{test{"list 5000: page in the middle", "ms", target{}}, pagesPerRound, f.page(f.Rows / 2)},
		{test{"list 5000: last page", "ms", target{}}, pagesPerRound, f.page(f.Rows - pageSize)},
	}
	for range f.Rounds {
		figures := make([]float64, len(tests))
		for i, t := range tests {
			var err error
			if figures[i], err = t.measure(ctx, s, results); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
		results.add(test{"last page to the first", "times", target{below: 3}}, shedName, figures[4]/figures[2])
	}
	return nil
}

// measure runs the test, and notes beside its figure what it cost the server:
// on a machine that does other work too, that varies less.
func (t filesTest) measure(ctx context.Context, s *shed, results *sheet) (float64, error) {
	before, unknown := s.process.cpu()
	figure, err := t.run(ctx, s)
	if err != nil {
		return 0, err
	}
	results.add(t.test, shedName, figure)
	if unknown == nil && t.calls > 0 {
		after, err := s.process.cpu()
		if err != nil {
			return 0, err
		}
		each := millis(after-before) / float64(t.calls)
		results.add(test{name: t.name + ": server's CPU", unit: "ms"}, shedName, each)
	}
	return figure, nil
}

func (f Files) getByPath(ctx context.Context, s *shed) (float64, error) {
	took, err := each(ctx, f.Gets, smallClients, func(ctx context.Context, _ int) error {
		return s.call(ctx, http.MethodGet, s.path(filePath(rand.IntN(f.Rows))), http.StatusOK, nil)
	})
	return perSecond(float64(f.Gets), took), err
}

// deleteRestore deletes files, each of its own, and restores them. Both are
// durable when they are answered.
func (f Files) deleteRestore(ctx context.Context, s *shed) (float64, error) {
	ids := make([]string, f.Pairs)
	_, err := each(ctx, f.Pairs, smallClients, func(ctx context.Context, i int) error {
		var l links
		err := s.call(ctx, http.MethodGet, s.path(filePath(i*(f.Rows/f.Pairs))), http.StatusOK, &l)
		ids[i] = l.FileID
		return err
	})
	if err != nil {
		return 0, err
	}
	took, err := each(ctx, f.Pairs, smallClients, func(ctx context.Context, i int) error {
		file := s.files + "/" + ids[i]
		if err := s.call(ctx, http.MethodDelete, file, http.StatusNoContent, nil); err != nil {
			return err
		}
		return s.call(ctx, http.MethodPut, file+"?deleted=false", http.StatusNoContent, nil)
	})
	return perSecond(float64(f.Pairs), took), err
}

// pagesPerRound is how often a page is read for one figure, their median.
const pagesPerRound = 5

// page times a page up to its last byte, and then checks it.
func (f Files) page(offset int) func(context.Context, *shed) (float64, error) {
	return func(ctx context.Context, s *shed) (float64, error) {
		var times []float64
		var body bytes.Buffer
		for range pagesPerRound {
			body.Reset()
			start := time.Now()
			if err := s.list(ctx, offset, pageSize, &body); err != nil {
				return 0, err
			}
			times = append(times, millis(time.Since(start)))
			if err := f.checkPage(body.Bytes(), offset); err != nil {
				return 0, err
			}
		}
		return spreadOf(times).Median, nil
	}
}

func (f Files) checkPage(body []byte, offset int) error {
	var page struct {
		Total int
		Files []struct{ Path, Name string }
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return fmt.Errorf("decode page: %w", err)
	}
	if page.Total != f.Rows || len(page.Files) != pageSize {
		return fmt.Errorf("the page has %d of %d files, want %d of %d", len(page.Files), page.Total, pageSize, f.Rows)
	}
	for i, file := range page.Files {
		if got, want := strings.TrimPrefix(file.Path, "/")+file.Name, filePath(offset+i); got != want {
			return errors.New("the page has " + got + " where " + want + " belongs")
		}
	}
	return nil
}
