package evoapi

import (
	"io"
	"net/http"

	"github.com/coreshed/coreshed/internal/web"
)

// Metadata names the dependency without which nothing works.
const Metadata = "metadata"

// The words for how a service is.
const (
	pass     = "pass"
	degraded = "degraded"
	fail     = "fail"
)

type healthAnswer struct {
	Status       string            `json:"status"`
	Version      string            `json:"version"`
	Dependencies map[string]string `json:"dependencies,omitempty"`
}

// health answers with one bare word or, with full=true, with a document. It
// asks the dependencies only with check_dependencies=true; one that fails
// degrades the service, or under strict=true fails it.
func (a *api) health(w http.ResponseWriter, q *request) error {
	answer := healthAnswer{Status: pass, Version: a.Version}
	strict := q.query.Get("strict") == "true"
	if q.query.Get("check_dependencies") == "true" {
		answer.Dependencies = map[string]string{}
		for name, err := range a.Health(q.Context()) {
			answer.Dependencies[name] = pass
			if err == nil {
				continue
			}
			answer.Dependencies[name] = fail
			if strict || name == Metadata {
				answer.Status = fail
			} else if answer.Status == pass {
				answer.Status = degraded
			}
		}
	}
	status := http.StatusOK
	if answer.Status == fail {
		status = http.StatusServiceUnavailable
	}
	if q.query.Get("full") == "true" {
		return web.JSON(w, status, answer)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, err := io.WriteString(w, answer.Status)
	return err
}
