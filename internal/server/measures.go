package server

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coreshed/coreshed/internal/store"
)

// measures are the measurements of what no request waits for.
type measures struct {
	expired, scrubbed prometheus.Counter
}

func newMeasures(reg prometheus.Registerer, db *store.DB) *measures {
	m := &measures{
		expired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coreshed_expired_files_total", Help: "Deleted files that their workspace kept no longer, and whose removal has begun.",
		}),
		scrubbed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coreshed_scrubbed_bytes_total", Help: "Bytes of the own store that were read again and are what was recorded.",
		}),
	}
	reg.MustRegister(m.expired, m.scrubbed,
		asked("coreshed_damaged_versions", "Versions in the own store that are not served, since their bytes are not what was recorded. More than 0 is an alarm.", func(ctx context.Context) (float64, error) {
			n, err := db.CountDamaged(ctx)
			return float64(n), err
		}),
		asked("coreshed_scrub_ended_timestamp_seconds", "When all bytes of the own store were last read to the end; 0 when they never were.", func(ctx context.Context) (float64, error) {
			at, err := db.LastScrub(ctx)
			if at.IsZero() {
				return 0, err
			}
			return float64(at.Unix()), err
		}))
	return m
}

// askTime bounds how long whoever reads the measurements waits for the database.
const askTime = 2 * time.Second

// asked is a measurement that is asked of the database whenever it is read; not a
// number while that does not answer.
func asked(name, help string, ask func(context.Context) (float64, error)) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
		ctx, stop := context.WithTimeout(context.Background(), askTime)
		defer stop()
		n, err := ask(ctx)
		if err != nil {
			return math.NaN()
		}
		return n
	})
}
