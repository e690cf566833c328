package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// writer adds files at a steady rate.
type writer struct {
	cancel       context.CancelFunc
	group        *errgroup.Group
	begun, added atomic.Int64
	failed       error
	once         sync.Once
}

// startWriter adds so many files a second to the shed's workspace, until it is
// stopped.
func startWriter(ctx context.Context, s *shed, rate int) *writer {
	ctx, cancel := context.WithCancel(ctx)
	w := &writer{cancel: cancel}
	w.group, ctx = errgroup.WithContext(ctx)
	w.group.SetLimit(16)
	run := rand.Uint64()
	w.group.Go(func() error {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			w.group.Go(func() error { return w.add(context.WithoutCancel(ctx), s, fmt.Sprintf("added/%x/%d.tif", run, n)) })
		}
	})
	return w
}

func (w *writer) add(ctx context.Context, s *shed, name string) error {
	urls, err := s.uploads(ctx, name)
	if err != nil {
		return err
	}
	w.begun.Add(1)
	err = s.caller.do(ctx, request{
		method: http.MethodPut, url: urls[0], header: http.Header{"X-Ms-Blob-Type": {"BlockBlob"}},
		body: []byte(name), status: http.StatusCreated, length: -1,
	})
	if err == nil {
		w.added.Add(1)
	}
	return err
}

// stop ends it and waits for what has begun.
func (w *writer) stop() {
	w.once.Do(func() {
		w.cancel()
		w.failed = w.group.Wait()
	})
}

func (w *writer) err() error {
	w.stop()
	return w.failed
}

// mixTime is how long a mix of questions is asked.
const mixTime = 15 * time.Second

// mix asks all questions in turn from so many clients, and returns how many were
// answered a second.
func (c Catalogue) mix(ctx context.Context, askers []asker, clients int) (float64, error) {
	questions := c.questions()
	var answered atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for n := range clients {
		g.Go(func() error {
			for i := n; time.Since(start) < mixTime; i++ {
				if _, _, err := c.ask(ctx, askers[i%len(askers)], questions[i%len(questions)]); err != nil {
					return err
				}
				answered.Add(1)
			}
			return nil
		})
	}
	err := g.Wait()
	return perSecond(float64(answered.Load()), time.Since(start)), err
}

// memory measures what a new server needs at most while eight clients ask and
// files are added.
func (c Catalogue) memory(ctx context.Context, dir, data string, results *sheet) error {
	return c.withServer(ctx, dir, data, func(askers []asker) error {
		s := askers[0].shed
		w := startWriter(ctx, s, writes)
		defer w.stop()
		if _, err := c.mix(ctx, askers, 8); err != nil {
			return err
		}
		peak, err := s.process.peak()
		if err != nil {
			fmt.Fprintln(c.Log, err) // known on Linux alone
			return w.err()
		}
		results.add(test{"memory, 8 clients at once", "MiB", target{below: 500}}, shedName, float64(peak)/(1<<20))
		return w.err()
	})
}

// exact checks each count while files are added, and what that costs readers.
func (c Catalogue) exact(ctx context.Context, a asker, results *sheet) error {
	before, err := a.list(ctx, map[string][]string{})
	if err != nil {
		return err
	}
	alone, err := c.counted(ctx, a, &writer{}, before)
	if err != nil {
		return err
	}
	const rate = 200
	w := startWriter(ctx, a.shed, rate)
	defer w.stop()
	beside, err := c.counted(ctx, a, w, before)
	if err := errors.Join(err, w.err()); err != nil {
		return err
	}
	results.add(test{"files added beside", "1/s", target{least: 0.9 * rate}}, shedName, float64(w.added.Load())/mixTime.Seconds())
	results.add(test{"questions alone", "1/s", target{}}, shedName, alone)
	results.add(test{"questions while files are added", "1/s", target{}}, shedName, beside)
	results.add(test{"readers keep", "parts", target{least: 0.5}}, shedName, beside/alone)
	return nil
}

// counted is the mix of two clients beside one who checks counts.
func (c Catalogue) counted(ctx context.Context, a asker, w *writer, before int) (float64, error) {
	stop, wrong := make(chan struct{}), make(chan error, 1)
	go func() { wrong <- c.counts(ctx, a, w, before, stop) }()
	rate, err := c.mix(ctx, []asker{a}, 2)
	close(stop)
	return rate, errors.Join(err, <-wrong)
}

// counts asks how many files there are until stop, each time no fewer than had
// been added before, and no more than had begun after.
func (c Catalogue) counts(ctx context.Context, a asker, w *writer, before int, stop chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		least := before + int(w.added.Load())
		n, err := a.list(ctx, map[string][]string{})
		if err != nil {
			return err
		}
		if most := before + int(w.begun.Load()); n < least || n > most {
			return fmt.Errorf("%d files are counted, of %d to %d", n, least, most)
		}
	}
}
