package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
)

// Record is what is logged and measured of one request: one line, with the
// route and ids, never a path of a file, a name or a query. Of why a request was
// refused it has the kind alone.
type Record struct {
	ID     string // UUID, also sent as x-ms-request-id by the data plane
	family string
	route  string
	attrs  []slog.Attr
	status int
	in     int64
	out    int64
	err    error
}

type recordKey struct{}

// record returns the request's record; outside Log, one that nobody reads.
func record(r *http.Request) *Record {
	if rec, ok := r.Context().Value(recordKey{}).(*Record); ok {
		return rec
	}
	return &Record{ID: uuid.NewString()}
}

// RequestID identifies the request in the log and in answers.
func RequestID(r *http.Request) string { return record(r).ID }

// Note names the request's route, and the ids it is about, for its log line.
func Note(r *http.Request, route string, attrs ...slog.Attr) {
	rec := record(r)
	rec.route = route
	rec.attrs = append(rec.attrs, attrs...)
}

// NoteError tells why a request was refused whose handler has answered by itself.
func NoteError(r *http.Request, err error) { record(r).err = err }

// Log gives each request an id, writes its log line, measures it, and turns a
// panic into a 500 that the log explains.
type Log struct {
	Log     *slog.Logger
	Metrics *Metrics
	Refused func(Attempt) // is told of changes that were refused; it does not wait. nil for nobody
	Next    http.Handler
}

// Metrics are the measurements of all requests.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	bytes    *prometheus.CounterVec
	active   prometheus.Gauge
}

// NewMetrics registers the measurements with reg.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "coreshed_http_requests_total", Help: "Requests answered, by API family, route and status.",
		}, []string{"family", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "coreshed_http_request_seconds", Help: "Time from the request's header to the end of its answer.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60, 600},
		}, []string{"family", "route"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "coreshed_http_bytes_total", Help: "Bytes of bodies, by API family and direction.",
		}, []string{"family", "direction"}),
		active: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "coreshed_http_requests_active", Help: "Requests being answered now.",
		}),
	}
	reg.MustRegister(m.requests, m.seconds, m.bytes, m.active)
	return m
}

func (l Log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	rec := &Record{ID: uuid.NewString()}
	r = r.WithContext(context.WithValue(r.Context(), recordKey{}, rec))
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &countedBody{ReadCloser: r.Body, rec: rec}
	}
	l.Metrics.active.Inc()
	defer func() {
		p := recover()
		if p != nil && p != http.ErrAbortHandler { //nolint:errorlint // a panic value, not an error chain
			l.Log.Error("panic", "request", rec.ID, "panic", p, "stack", string(debug.Stack()))
			if rec.status == 0 {
				http.Error(w, "internal error, request "+rec.ID, http.StatusInternalServerError)
				rec.status = http.StatusInternalServerError
			}
		}
		l.Metrics.active.Dec()
		l.finish(r, rec, time.Since(start))
		if p != nil {
			panic(http.ErrAbortHandler)
		}
	}()
	l.Next.ServeHTTP(&recorder{ResponseWriter: w, rec: rec}, r)
}

func (l Log) finish(r *http.Request, rec *Record, took time.Duration) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	l.Metrics.requests.WithLabelValues(rec.family, rec.route, strconv.Itoa(rec.status)).Inc()
	l.Metrics.seconds.WithLabelValues(rec.family, rec.route).Observe(took.Seconds())
	l.Metrics.bytes.WithLabelValues(rec.family, "in").Add(float64(rec.in))
	l.Metrics.bytes.WithLabelValues(rec.family, "out").Add(float64(rec.out))
	if a, ok := rec.attempt(r.Method); ok && l.Refused != nil {
		l.Refused(a)
	}
	level := slog.LevelInfo
	if rec.status >= http.StatusInternalServerError && rec.status != http.StatusInsufficientStorage {
		level = slog.LevelError
	}
	ctx := r.Context()
	if !l.Log.Enabled(ctx, level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 12), slog.String("id", rec.ID), slog.String("method", r.Method),
		slog.String("family", rec.family), slog.String("route", rec.route), slog.Int("status", rec.status),
		slog.Int64("in", rec.in), slog.Int64("out", rec.out), slog.Duration("took", took))
	attrs = append(attrs, rec.attrs...)
	if rec.err != nil && !errors.Is(rec.err, context.Canceled) {
		attrs = append(attrs, slog.String("error", logged(rec.status, rec.err)))
	}
	l.Log.LogAttrs(ctx, level, "request", attrs...)
}

// recorder notes the status and size of an answer. It keeps the fast ways of
// the writer below: ReadFrom is how files are sent without copying.
type recorder struct {
	http.ResponseWriter
	rec *Record
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) WriteHeader(status int) {
	if w.rec.status == 0 && status >= 200 {
		w.rec.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	w.begin()
	n, err := w.ResponseWriter.Write(p)
	w.rec.out += int64(n)
	return n, err
}

func (w *recorder) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	n, err := io.Copy(w.ResponseWriter, src)
	w.rec.out += n
	return n, err
}

func (w *recorder) begin() {
	if w.rec.status == 0 {
		w.rec.status = http.StatusOK
	}
}

type countedBody struct {
	io.ReadCloser
	rec *Record
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.rec.in += int64(n)
	return n, err
}
