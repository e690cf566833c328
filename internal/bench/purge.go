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
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
)

// Purge measures removal: how fast a purge is planned and executed, with bytes on
// the disk, what it leaves to readers, and what deleting a file costs, in a
// catalogue that has many others.
type Purge struct {
	Binary  string // of Coreshed
	Dir     string // where the temporary folder goes; "" is the system's place
	Rows    int    // other files, without bytes
	Derived int    // versions that are purged, in the large purge
	Few     int    // in the small one, whose memory it is compared with
	Deletes int
	Readers bool // another large purge, while others read
	Log     io.Writer
}

// Run loads a catalogue, measures, and removes all that it wrote.
func (p Purge) Run(ctx context.Context) (Report, error) {
	if p.Rows < p.Deletes || p.Derived < p.Few || p.Few < 1 {
		return Report{}, errors.New("give no fewer files than deletes, and no fewer derived versions than few")
	}
	dir, err := os.MkdirTemp(p.Dir, "coreshed-bench-")
	if err != nil {
		return Report{}, fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(dir)
	b := &purgeBench{Purge: p, dir: dir, data: filepath.Join(dir, "data"), results: newSheet(p.Log)}
	if err := b.load(ctx); err != nil {
		return Report{}, err
	}
	parts := []func(context.Context, *shed) error{b.deletes, b.small, b.large}
	if p.Readers {
		parts = append(parts, b.beside)
	}
	for _, part := range parts {
		// Each in a process of its own, whose memory is its own.
		if err := b.served(ctx, part); err != nil {
			return Report{}, err
		}
	}
	if err := b.doctor(ctx); err != nil {
		return Report{}, err
	}
	return b.results.report(), nil
}

// purgeBench is a run of the benchmark.
type purgeBench struct {
	Purge
	dir, data string
	results   *sheet

	others    []int64 // row ids of versions that stay
	few, many int64   // of the sources of purges
	read      int64   // of that beside which others read
	peak      float64 // of memory, in MiB, of the small one
}

func (b *purgeBench) served(ctx context.Context, part func(context.Context, *shed) error) error {
	s, err := startShed(ctx, b.Binary, b.dir, b.data)
	if err != nil {
		return err
	}
	defer s.stop()
	return part(ctx, s)
}

// small executes the purge of few versions.
func (b *purgeBench) small(ctx context.Context, s *shed) error {
	plan, _, err := b.plan(ctx, s, b.few, b.Few)
	if err != nil {
		return err
	}
	if _, err := b.execute(ctx, s, plan); err != nil {
		return err
	}
	if peak, err := s.process.peak(); err == nil {
		b.peak = float64(peak) / (1 << 20)
	}
	return nil
}

// large executes the purge of many versions.
func (b *purgeBench) large(ctx context.Context, s *shed) error {
	plan, took, err := b.plan(ctx, s, b.many, b.Derived)
	if err != nil {
		return err
	}
	b.results.add(test{fmt.Sprintf("plan of %d derived versions", b.Derived), "ms", target{below: 3000}}, shedName, millis(took))
	before, unknown := s.process.cpu()
	if took, err = b.execute(ctx, s, plan); err != nil {
		return err
	}
	b.results.add(test{"execution", "versions/s", target{least: 1000}}, shedName, perSecond(float64(b.Derived), took))
	if after, err := s.process.cpu(); err == nil && unknown == nil {
		b.results.add(test{"execution: server's CPU of a version", "ms", target{}}, shedName, millis(after-before)/float64(b.Derived))
	}
	if peak, err := s.process.peak(); err == nil && b.peak > 0 {
		memory := test{fmt.Sprintf("memory, to that of %d versions", b.Few), "MiB", target{ratio: true, below: 1.5}}
		b.results.add(memory, limitName, b.peak)
		b.results.add(memory, shedName, float64(peak)/(1<<20))
	}
	return nil
}

// beside executes another purge of many versions while others read.
func (b *purgeBench) beside(ctx context.Context, s *shed) error {
	r := startReaders(ctx, s, b.others)
	defer r.stop() //nolint:errcheck // told below, if that is reached
	if err := pause(ctx, warmUp); err != nil {
		return err
	}
	alone, err := r.rate(ctx, readersAlone)
	if err != nil {
		return err
	}
	plan, _, err := b.plan(ctx, s, b.read, b.Derived)
	if err != nil {
		return err
	}
	before, start := r.done.Load(), time.Now()
	took, err := b.execute(ctx, s, plan)
	if err != nil {
		return err
	}
	reads := test{fmt.Sprintf("reads beside an execution, %d at once, to those alone", readersAtOnce), "1/s", target{ratio: true, least: 0.5}}
	b.results.add(reads, limitName, alone)
	b.results.add(reads, shedName, perSecond(float64(r.done.Load()-before), time.Since(start)))
	b.results.add(test{"execution beside these reads", "versions/s", target{}}, shedName, perSecond(float64(b.Derived), took))
	return r.stop()
}

// purgeAnswer is what is looked at of a purge.
type purgeAnswer struct {
	ID, Status, Fingerprint string
	Planned, Removed        struct{ Versions int }
	Errors                  int
	LastError               *string `json:"last_error"`
}

// plan plans the purge of a version, and returns how long that took.
func (b *purgeBench) plan(ctx context.Context, s *shed, version int64, derived int) (purgeAnswer, time.Duration, error) {
	var p purgeAnswer
	start := time.Now()
	err := s.ask(ctx, "/purges", fmt.Sprintf(`{"versions": [%d]}`, version), http.StatusCreated, &p)
	took := time.Since(start)
	if err == nil && p.Planned.Versions != derived+1 {
		err = fmt.Errorf("the plan has %d versions, want %d", p.Planned.Versions, derived+1)
	}
	return p, took, err
}

// execute executes a plan, and returns how long it took until nothing was left.
func (b *purgeBench) execute(ctx context.Context, s *shed, p purgeAnswer) (time.Duration, error) {
	start := time.Now()
	if err := s.ask(ctx, "/purges/"+p.ID+"/execute", `{"fingerprint": "`+p.Fingerprint+`"}`, http.StatusAccepted, nil); err != nil {
		return 0, err
	}
	b.results.add(test{fmt.Sprintf("marking %d versions", p.Planned.Versions), "ms", target{}}, shedName, millis(time.Since(start)))
	for p.Status != "purged" {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
		// The newest of the list: to look at the purge itself sums up its set.
		var list struct{ Results []purgeAnswer }
		if err := s.call(ctx, http.MethodGet, s.url+"/coreshed/v1/purges?limit=1", http.StatusOK, &list); err != nil {
			return 0, err
		}
		if p = list.Results[0]; p.LastError != nil && *p.LastError != "" {
			return 0, fmt.Errorf("the purge waits: %s", *p.LastError)
		}
	}
	if p.Removed != p.Planned {
		return 0, fmt.Errorf("it has removed %+v of %+v", p.Removed, p.Planned)
	}
	return time.Since(start), nil
}

// ask posts to the native API.
func (s *shed) ask(ctx context.Context, path, body string, status int, into any) error {
	var answer bytes.Buffer
	err := s.caller.do(ctx, request{
		method: http.MethodPost, url: s.url + "/coreshed/v1" + path, body: []byte(body), status: status, length: -1, into: &answer,
		header: http.Header{"Authorization": {"Bearer " + s.token}, "Content-Type": {"application/json"}},
	})
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(answer.Bytes(), into)
}

// deletes times deleting files by id and, in turns, writing and syncing as many
// files of 4 KiB: what a sync takes changes from one second to the next.
func (b *purgeBench) deletes(ctx context.Context, s *shed) error {
	ids, err := b.fileIDs(ctx, s)
	if err != nil {
		return err
	}
	var floor, times []float64
	for turn := range slices.Chunk(ids, (len(ids)+deleteTurns-1)/deleteTurns) {
		synced, err := syncTimes(ctx, b.dir, len(turn))
		if err != nil {
			return err
		}
		deleted, err := timed(ctx, len(turn), func(ctx context.Context, i int) error {
			return s.call(ctx, http.MethodDelete, s.files+"/"+turn[i], http.StatusNoContent, nil)
		})
		if err != nil {
			return err
		}
		floor, times = append(floor, synced...), append(times, deleted...)
	}
	t := test{fmt.Sprintf("delete by id, p99, to p50 of a synced write, %d at once", deletesAtOnce), "ms", target{ratio: true, below: 6}}
	b.results.add(t, limitName, quantile(floor, 0.5))
	b.results.add(t, shedName, quantile(times, 0.99))
	b.results.add(test{"delete by id, p50", "ms", target{}}, shedName, quantile(times, 0.5))
	return nil
}

// fileIDs picks files that stay when purges have ended.
func (b *purgeBench) fileIDs(ctx context.Context, s *shed) ([]string, error) {
	ids := make([]string, b.Deletes)
	_, err := each(ctx, len(ids), smallClients, func(ctx context.Context, i int) error {
		var v struct {
			File string `json:"file_id"`
		}
		err := s.call(ctx, http.MethodGet, fmt.Sprintf("%s/coreshed/v1/versions/%d", s.url, b.others[i*(len(b.others)/len(ids))]), http.StatusOK, &v)
		ids[i] = v.File
		return err
	})
	return ids, err
}

// syncTimes times writing 4 KiB to a new file and syncing it.
func syncTimes(ctx context.Context, dir string, n int) ([]float64, error) {
	dir, err := os.MkdirTemp(dir, "synced-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	content := randomBytes(smallSize)
	return timed(ctx, n, func(_ context.Context, i int) error {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.Write(content); err != nil {
			return err
		}
		return f.Sync()
	})
}

// timed calls fn with 0 to n-1, some at once, and returns how long each call took,
// in ms.
func timed(ctx context.Context, n int, fn func(context.Context, int) error) ([]float64, error) {
	times := make([]float64, n)
	_, err := each(ctx, n, deletesAtOnce, func(ctx context.Context, i int) error {
		start := time.Now()
		err := fn(ctx, i)
		times[i] = millis(time.Since(start))
		return err
	})
	return times, err
}

func quantile(times []float64, q float64) float64 {
	return slices.Sorted(slices.Values(times))[int(q*float64(len(times)-1))]
}

// doctor times a shallow check of all that is left.
func (b *purgeBench) doctor(ctx context.Context) error {
	start := time.Now()
	out, err := exec.CommandContext(ctx, b.Binary, "doctor", "--data", b.data).CombinedOutput()
	if err != nil {
		return fmt.Errorf("doctor: %w: %s", err, out)
	}
	b.results.add(test{fmt.Sprintf("doctor over %d versions", len(b.others)), "s", target{below: 30}}, shedName, time.Since(start).Seconds())
	return nil
}

const (
	deletesAtOnce = 4
	deleteTurns   = 10
	readersAtOnce = 4
	warmUp        = 500 * time.Millisecond
	readersAlone  = 3 * time.Second
)

// readers read versions until they are stopped.
type readers struct {
	done   atomic.Int64
	cancel context.CancelFunc
	ended  chan error
	err    error
}

func startReaders(ctx context.Context, s *shed, versions []int64) *readers {
	ctx, cancel := context.WithCancel(ctx)
	r := &readers{cancel: cancel, ended: make(chan error, 1)}
	go func() {
		_, err := each(ctx, 1<<62, readersAtOnce, func(ctx context.Context, _ int) error {
			err := s.call(ctx, http.MethodGet, fmt.Sprintf("%s/coreshed/v1/versions/%d", s.url, versions[rand.IntN(len(versions))]), http.StatusOK, nil)
			r.done.Add(1)
			return err
		})
		if ctx.Err() != nil {
			err = nil // they were stopped
		}
		r.ended <- err
		close(r.ended)
	}()
	return r
}

// rate returns how many reads a second there are for a time.
func (r *readers) rate(ctx context.Context, d time.Duration) (float64, error) {
	before, start := r.done.Load(), time.Now()
	err := pause(ctx, d)
	return perSecond(float64(r.done.Load()-before), time.Since(start)), err
}

// stop ends them, and returns what a read has failed with.
func (r *readers) stop() error {
	r.cancel()
	if err := <-r.ended; err != nil {
		r.err = err
	}
	return r.err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
