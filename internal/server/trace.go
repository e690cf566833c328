package server

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// traced sends traces to the collector that the standard variable
// OTEL_EXPORTER_OTLP_ENDPOINT names, and otherwise leaves the handler as it
// is. The returned function flushes; it may be nil.
func traced(ctx context.Context, c Config, h http.Handler) (http.Handler, func(context.Context) error, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return h, nil, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("open trace exporter: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	c.Log.Info("traces are exported by OpenTelemetry")
	return otelhttp.NewHandler(h, "coreshed", otelhttp.WithTracerProvider(provider),
		otelhttp.WithPropagators(propagation.TraceContext{})), provider.Shutdown, nil
}
