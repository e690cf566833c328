package server

import "github.com/prometheus/client_golang/prometheus"

// measures are the measurements of what no request waits for.
type measures struct {
	expired prometheus.Counter
}

func newMeasures(reg prometheus.Registerer) *measures {
	m := &measures{
		expired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "coreshed_expired_files_total", Help: "Deleted files that their workspace kept no longer, and whose removal has begun.",
		}),
	}
	reg.MustRegister(m.expired)
	return m
}
