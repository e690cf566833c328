package scaleapi

import (
	"errors"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listIngests(w http.ResponseWriter, q *request) error {
	f, err := a.ingestsWanted(q)
	if err != nil {
		return err
	}
	order, err := q.orders()
	if err != nil {
		return err
	}
	k := a.kin(q)
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Ingest, int64, error) {
		list, total, err := a.DB.Ingests(q.Context(), q.view, f, order, p)
		if err == nil {
			err = k.find(list)
		}
		return list, total, err
	}, func(i coreshed.Ingest) ingestObject {
		o := k.ingest(i)
		o.Scan, o.Strike = k.scanRef(i.Scan), k.strikeRef(i.Strike)
		o.Workspace, o.NewWorkspace = k.workspace(i.Workspace), k.workspace(i.NewWorkspace)
		return o
	})
}

// ingestsWanted reads the filters of a list of ingests.
func (a *api) ingestsWanted(q *request) (coreshed.IngestFilter, error) {
	var f coreshed.IngestFilter
	var err error
	if f.Modified, err = q.window("started", "ended", a.Now()); err != nil {
		return f, err
	}
	statuses, err := q.texts("status")
	if err != nil {
		return f, err
	}
	for _, s := range statuses {
		f.Status = append(f.Status, coreshed.IngestStatus(s))
	}
	if f.Scan, err = q.integers("scan_id"); err != nil {
		return f, err
	}
	if f.Strike, err = q.integers("strike_id"); err != nil {
		return f, err
	}
	name, err := q.text("file_name")
	if name != nil {
		f.NameContains = *name
	}
	return f, err
}

func (a *api) getIngest(w http.ResponseWriter, q *request) error {
	i, err := a.DB.Ingest(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	k := a.kin(q)
	if err := k.find([]coreshed.Ingest{i}); err != nil {
		return err
	}
	o := k.ingest(i)
	if err := k.details(&o, i); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, o)
}

// listIngestJobs lists the jobs that read the file that an ingest has become.
func (a *api) listIngestJobs(w http.ResponseWriter, q *request) error {
	i, err := a.DB.Ingest(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	f := store.RunFilter{Input: []int64{}}
	if i.Entry != 0 {
		f.Input = []int64{i.Entry}
	}
	return a.sendJobs(w, q, f)
}

// kin are what ingests refer to, of what the caller sees.
type kin struct {
	a          *api
	q          *request
	strikes    map[int64]coreshed.Strike
	scans      map[int64]coreshed.Scan
	workspaces map[int64]coreshed.Workspace
	entries    map[int64]coreshed.Entry
}

func (a *api) kin(q *request) *kin {
	return &kin{
		a: a, q: q, strikes: map[int64]coreshed.Strike{}, scans: map[int64]coreshed.Scan{}, workspaces: map[int64]coreshed.Workspace{},
	}
}

// find looks up what ingests refer to. What the caller does not see is not
// there.
func (k *kin) find(list []coreshed.Ingest) error {
	var entries []int64
	for _, i := range list {
		if i.Entry != 0 {
			entries = append(entries, i.Entry)
		}
		err := errors.Join(
			once(k.strikes, i.Strike, func(id int64) (coreshed.Strike, error) { return k.a.DB.Strike(k.q.Context(), k.q.view, id) }),
			once(k.scans, i.Scan, func(id int64) (coreshed.Scan, error) { return k.a.DB.Scan(k.q.Context(), k.q.view, id) }),
			once(k.workspaces, i.Workspace, k.seenWorkspace), once(k.workspaces, i.NewWorkspace, k.seenWorkspace),
		)
		if err != nil {
			return err
		}
	}
	var err error
	k.entries, err = k.a.DB.EntriesByID(k.q.Context(), k.q.view, entries)
	return err
}

func (k *kin) seenWorkspace(id int64) (coreshed.Workspace, error) {
	return k.a.DB.SeenWorkspace(k.q.Context(), k.q.view, id)
}

// once looks something up unless it is known. What is not found stays out.
func once[T any](known map[int64]T, id int64, find func(int64) (T, error)) error {
	if _, ok := known[id]; ok || id == 0 {
		return nil
	}
	v, err := find(id)
	if errors.Is(err, coreshed.NotFound) {
		return nil
	}
	known[id] = v
	return err
}
