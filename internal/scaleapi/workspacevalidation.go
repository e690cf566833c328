package scaleapi

import (
	"errors"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// validation says what is wrong, or odd, with what a client means to send.
type validation struct {
	IsValid  bool      `json:"is_valid"`
	Errors   []finding `json:"errors"`
	Warnings []finding `json:"warnings"`
}

type finding struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

func (a *api) validateWorkspace(w http.ResponseWriter, q *request) error {
	document, err := q.object("configuration")
	if err != nil {
		return err
	}
	title, err := q.required("title")
	if err != nil {
		return err
	}
	name, err := q.text("name")
	if err != nil {
		return err
	}
	if name == nil || *name == "" {
		slug := store.Slug(title)
		name = &slug
	}
	before, known, err := a.storageNamed(q, *name)
	if err != nil {
		return err
	}
	v := validation{IsValid: true, Errors: []finding{}, Warnings: []finding{}}
	if known && before.Broker == "" && broker.IsOwn(rawJSON(document)) {
		return web.JSON(w, http.StatusOK, v) // it stays as it is
	}
	config, err := a.Catalog.Wanted(q.Context(), rawJSON(document), before)
	if wrong, ok := errors.AsType[*broker.ConfigError](err); ok {
		v.IsValid, v.Errors = false, append(v.Errors, finding{wrong.Name, wrong.Description})
	} else if err != nil {
		return err
	}
	if v.IsValid && before.Broker != "" && before.Broker != string(config.Type) {
		v.Warnings = append(v.Warnings, finding{"broker_type", "Changing the broker type may disrupt queued/running jobs."})
	}
	if v.IsValid && config.Type == broker.S3 && a.mayProbe(q, document) && a.Catalog.Probe(q.Context(), config) != nil {
		v.Warnings = append(v.Warnings, finding{"bucket_access", "The bucket cannot be reached with these credentials."})
	}
	return web.JSON(w, http.StatusOK, v)
}

// mayProbe reports whether the caller may learn what a bucket answers: to others
// than admins, only with credentials of their own.
func (a *api) mayProbe(q *request, document map[string]any) bool {
	config, err := broker.ParseConfig(rawJSON(document))
	return q.view.Admin || (err == nil && config.BringsCredentials() && !config.MaskedSecrets())
}

// storageNamed is where the files of the workspace of that name lie; known is
// false when the caller sees none.
func (a *api) storageNamed(q *request, name string) (s store.Storage, known bool, err error) {
	found, _, err := a.DB.SeenWorkspaces(q.Context(), q.view, store.SeenFilter{Name: []string{name}}, nil, coreshed.Page{Limit: 1})
	if err != nil || len(found) == 0 {
		return s, false, err
	}
	s, err = a.DB.Storage(q.Context(), q.view, found[0].ID)
	return s, true, err
}
