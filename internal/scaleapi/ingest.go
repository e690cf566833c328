package scaleapi

import (
	"maps"
	"net/http"
	"slices"

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

// listIngestJobs lists the jobs that read the file that an ingest has become, or
// repeats, if the caller sees it.
func (a *api) listIngestJobs(w http.ResponseWriter, q *request) error {
	i, err := a.DB.Ingest(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	seen, err := a.DB.EntriesByID(q.Context(), q.view, []int64{i.Entry})
	if err != nil {
		return err
	}
	return a.sendJobs(w, q, store.RunFilter{Input: slices.AppendSeq([]int64{}, maps.Keys(seen))})
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
	return &kin{a: a, q: q}
}

// find looks up what ingests refer to, each kind at once. What the caller does not
// see is not there.
func (k *kin) find(list []coreshed.Ingest) error {
	strikes, scans, workspaces, entries := map[int64]bool{}, map[int64]bool{}, map[int64]bool{}, map[int64]bool{}
	for _, i := range list {
		strikes[i.Strike], scans[i.Scan], entries[i.Entry] = true, true, true
		workspaces[i.Workspace], workspaces[i.NewWorkspace] = true, true
	}
	ctx, db, view := k.q.Context(), k.a.DB, k.q.view
	var err error
	if k.strikes, err = found(strikes, func(s coreshed.Strike) int64 { return s.ID }, func(ids []int64, p coreshed.Page) ([]coreshed.Strike, int64, error) {
		return db.Strikes(ctx, view, coreshed.OriginFilter{ID: ids}, nil, p)
	}); err != nil {
		return err
	}
	if k.scans, err = found(scans, func(s coreshed.Scan) int64 { return s.ID }, func(ids []int64, p coreshed.Page) ([]coreshed.Scan, int64, error) {
		return db.Scans(ctx, view, coreshed.OriginFilter{ID: ids}, nil, p)
	}); err != nil {
		return err
	}
	if k.workspaces, err = found(workspaces, func(w coreshed.Workspace) int64 { return w.ID }, func(ids []int64, p coreshed.Page) ([]coreshed.Workspace, int64, error) {
		return db.SeenWorkspaces(ctx, view, store.SeenFilter{ID: ids}, nil, p)
	}); err != nil {
		return err
	}
	k.entries, err = db.EntriesByID(ctx, view, slices.Collect(maps.Keys(entries)))
	return err
}

// found reads what has one of some ids; 0 is nothing's.
func found[T any](wanted map[int64]bool, id func(T) int64, read func([]int64, coreshed.Page) ([]T, int64, error)) (map[int64]T, error) {
	delete(wanted, 0)
	byID := make(map[int64]T, len(wanted))
	if len(wanted) == 0 {
		return byID, nil
	}
	list, _, err := read(slices.Collect(maps.Keys(wanted)), coreshed.Page{Limit: int64(len(wanted))})
	for _, v := range list {
		byID[id(v)] = v
	}
	return byID, err
}
