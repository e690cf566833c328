package scaleapi

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/ingest"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// originKind is what differs between strikes and scans.
type originKind struct {
	parse func(json.RawMessage) (ingest.Configuration, []ingest.Warning, error)
	title string // for messages
	wrong string // the name of what is wrong with a configuration
}

var (
	strikes = originKind{ingest.ParseStrike, "Strike", "INVALID_STRIKE_CONFIGURATION"}
	scans   = originKind{ingest.ParseScan, "Scan", "INVALID_SCAN_CONFIGURATION"}
)

// checked is a configuration that has been found good.
type checked struct {
	ingest.Configuration
	workspace coreshed.Workspace
	targets   []coreshed.Workspace // to which its rules bring files
	warnings  []ingest.Warning
}

// check reads a configuration and looks for what it names. What is wrong with
// it is BadRequest.
func (a *api) check(q *request, k originKind, document json.RawMessage) (checked, error) {
	var c checked
	var err error
	if c.Configuration, c.warnings, err = k.parse(document); err != nil {
		return c, err
	}
	if c.workspace, err = a.liveWorkspace(q, c.Workspace); err != nil {
		return c, err
	}
	for _, r := range c.Rules {
		if r.NewWorkspace == "" {
			continue
		}
		target, err := a.liveWorkspace(q, r.NewWorkspace)
		if err != nil {
			return c, err
		}
		c.targets = append(c.targets, target)
	}
	if err := a.checkBroker(q, c); err != nil || c.Recipe == nil {
		return c, err
	}
	known, err := a.DB.CanStart(q.Context(), q.view, store.RecipeStart{Type: c.Recipe.Name, Revision: c.Recipe.Revision})
	if err == nil && !known {
		err = wrongConfiguration("the recipe type %q, or its revision, does not exist", c.Recipe.Name)
	}
	return c, err
}

func wrongConfiguration(format string, args ...any) error {
	return coreshed.Errorf(coreshed.BadRequest, format, args...)
}

func (a *api) liveWorkspace(q *request, name string) (coreshed.Workspace, error) {
	found, _, err := a.DB.SeenWorkspaces(q.Context(), q.view, store.SeenFilter{Name: []string{name}}, nil, coreshed.Page{Limit: 1})
	if err != nil {
		return coreshed.Workspace{}, err
	}
	if len(found) == 0 || found[0].Deleted() {
		return coreshed.Workspace{}, wrongConfiguration("the workspace %q does not exist or is not active", name)
	}
	return found[0], nil
}

// checkBroker refuses a way of finding files that the workspace's broker does
// not go with. A mounted NFS export is a folder, too.
func (a *api) checkBroker(q *request, c checked) error {
	s, err := a.DB.Storage(q.Context(), q.view, c.workspace.ID)
	if err != nil {
		return err
	}
	if s.Broker == c.Monitor.Broker() || s.Broker == "nfs" && c.Monitor.Broker() == "host" {
		return nil
	}
	return wrongConfiguration("the type %q does not go with the broker of the workspace %q", c.Monitor.Type, c.Workspace)
}

// mayFind refuses callers who do not own the workspace of a configuration, or
// may not write to those that its rules bring files to. A queue that is reached
// with the server's own rights is for admins.
func (q *request) mayFind(c checked) error {
	if !q.view.Roles[c.workspace.ID].AtLeast(coreshed.Owner) {
		return forbidden()
	}
	for _, t := range c.targets {
		if !q.view.Roles[t.ID].AtLeast(coreshed.Editor) {
			return forbidden()
		}
	}
	if c.Monitor.QueueName != "" && c.Monitor.AccessKey == "" && !q.view.Admin {
		return forbidden()
	}
	return nil
}

// newOrigin reads what a strike or scan is to be.
func (a *api) newOrigin(q *request, k originKind) (coreshed.Origin, error) {
	title, err := q.required("title")
	if err != nil {
		return coreshed.Origin{}, err
	}
	o := coreshed.Origin{Title: title}
	description, err := q.text("description")
	if err != nil {
		return o, err
	}
	if description != nil {
		o.Description = *description
	}
	if _, err := q.originConfiguration(); err != nil {
		return o, err
	}
	o.Configuration, o.Workspace, err = a.configuration(q, k, nil)
	return o, err
}

// configuration reads one that is to be stored, with its workspace. Secrets that
// are masked stay as they were before, where they are used as before: elsewhere
// only if the caller knows them, as admins do. One that is as the caller has
// read it is nil, and stays: whatever it asks for has been allowed.
func (a *api) configuration(q *request, k originKind, before json.RawMessage) (json.RawMessage, int64, error) {
	object, err := q.originConfiguration()
	if err != nil {
		return nil, 0, err
	}
	now, _, err := k.parse(rawJSON(object)) // its version, too
	if err != nil {
		return nil, 0, k.invalid(err)
	}
	if before != nil && !q.view.Admin {
		was, err := a.asRead(q, k, before)
		if err == nil && now.Same(was) {
			return nil, 0, nil
		}
		if err != nil || !now.SamePlace(was) {
			before = nil
		}
	}
	sealed, err := a.Catalog.SealFinder(q.Context(), rawJSON(object), before)
	if err != nil {
		return nil, 0, k.invalid(err)
	}
	open, err := a.Catalog.OpenFinder(q.Context(), sealed)
	if err != nil {
		return nil, 0, err
	}
	c, err := a.check(q, k, open)
	if err != nil {
		return nil, 0, k.invalid(err)
	}
	return sealed, c.workspace.ID, q.mayFind(c)
}

// asRead is a stored configuration as a caller who may not see its secrets has
// read it.
func (a *api) asRead(q *request, k originKind, stored json.RawMessage) (ingest.Configuration, error) {
	shown, err := a.shown(q, stored, false)
	if err != nil {
		return ingest.Configuration{}, err
	}
	c, _, err := k.parse(shown)
	return c, err
}

// invalid says of which kind an invalid configuration is.
func (k originKind) invalid(err error) error {
	var told *coreshed.Error
	if errors.As(err, &told) && told.Kind == coreshed.BadRequest {
		return bad("%s configuration invalid: %s", k.title, told.Msg)
	}
	return err
}

// originEdit reads what a strike or scan is to be from now on. Empty texts and
// nulls leave it as it is.
func (a *api) originEdit(q *request, k originKind, was coreshed.Origin) (coreshed.OriginEdit, error) {
	var e coreshed.OriginEdit
	if !q.view.Roles[was.Workspace].AtLeast(coreshed.Owner) {
		return e, forbidden()
	}
	for name, into := range map[string]**string{"title": &e.Title, "description": &e.Description} {
		text, err := q.text(name)
		if err != nil {
			return e, err
		}
		if text != nil && *text != "" {
			*into = text
		}
	}
	if !q.says("configuration") {
		return e, nil
	}
	var err error
	e.Configuration, e.Workspace, err = a.configuration(q, k, was.Configuration)
	return e, err
}

// validate answers what is wrong, or odd, with a configuration.
func (a *api) validate(w http.ResponseWriter, q *request, k originKind) error {
	object, err := q.originConfiguration()
	if err != nil {
		return err
	}
	v := validation{IsValid: true, Errors: []finding{}, Warnings: []finding{}}
	c, err := a.check(q, k, rawJSON(object))
	var told *coreshed.Error
	if errors.As(err, &told) && told.Kind == coreshed.BadRequest {
		v.IsValid, v.Errors = false, append(v.Errors, finding{k.wrong, told.Msg})
	} else if err != nil {
		return err
	}
	for _, warning := range c.warnings {
		v.Warnings = append(v.Warnings, finding(warning))
	}
	return web.JSON(w, http.StatusOK, v)
}

// originsWanted reads the filters of a list of strikes or scans.
func (a *api) originsWanted(q *request) (coreshed.OriginFilter, []coreshed.Order, error) {
	var f coreshed.OriginFilter
	var err error
	if f.Modified, err = q.window("started", "ended", a.Now()); err != nil {
		return f, nil, err
	}
	if f.Name, err = q.texts("name"); err != nil {
		return f, nil, err
	}
	order, err := q.orders()
	return f, order, err
}
