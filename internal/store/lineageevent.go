package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/openlineage"
)

// LineageEvent is an event, with what its request says beside it.
type LineageEvent struct {
	openlineage.Event
	Hosts     []string // of this server, as data sets name it: coreshed://HOST/WORKSPACE
	Workspace string   // in which the sender wants the run: UUID, name or title; "" leaves it to the data sets
}

// AddLineageEvent keeps an event as it came, and what it says of a run in the
// run's job: its type, status and times, what it read and what it put out. The
// events of a run may come in any order and repeatedly; the job is what they add
// up to.
//
// A data set that the view does not show, or that is not there, is kept as one
// of another system. The sender must be an editor of some workspace, and of each
// in which the run has outputs: Forbidden otherwise, and nothing is kept.
func (db *DB) AddLineageEvent(ctx context.Context, view coreshed.View, e LineageEvent) error {
	if err := mayRecord(view); err != nil {
		return err
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		person, err := personRow(ctx, t, view.Actor.ID)
		if err != nil {
			return err
		}
		switch e.Type {
		case openlineage.OfJob:
			return addJobEvent(ctx, t, view, person, e.Event)
		case openlineage.OfDataset:
			return addDatasetEvent(ctx, t, view, person, e.Event)
		}
		return addRunEvent(ctx, t, view, person, e)
	})
}

// mayRecord fails with Forbidden for one who is no editor anywhere.
func mayRecord(view coreshed.View) error {
	best := coreshed.Access{Actor: view.Actor}
	for _, role := range view.Roles {
		if role.AtLeast(best.Role) {
			best.Role = role
		}
	}
	return best.Require(coreshed.Editor)
}

func edits(view coreshed.View, workspace int64) bool {
	role := view.Roles[workspace]
	return role != coreshed.NoRole && role.AtLeast(coreshed.Editor)
}

// keepEvent keeps an event of a run, 0 for none; false when it is kept already.
func keepEvent(ctx context.Context, t tx, org, person, run int64, e openlineage.Event) (bool, error) {
	// What one has sent is no repeat of what another has.
	of := binary.BigEndian.AppendUint64(nil, uint64(run)) //nolint:gosec // row ids are positive
	if run == 0 {
		of = binary.BigEndian.AppendUint64(of, uint64(person)) //nolint:gosec // as above
	}
	hash := sha256.Sum256(append(of, e.Hash[:]...))
	n, err := t.exec(ctx, `INSERT INTO lineage_events (org_id, lineage_run, sent_by, event_type, event_at, hash, document, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		org, nullID(run), person, string(e.Type), e.Time.UnixMicro(), hash[:], string(e.Document), t.db().micros())
	return n == 1, err
}

// addJobEvent takes what an event says of a job that does not run: its type is
// there from then on.
func addJobEvent(ctx context.Context, t tx, view coreshed.View, person int64, e openlineage.Event) error {
	kept, err := keepEvent(ctx, t, view.Org, person, 0, e)
	if err != nil || !kept {
		return err
	}
	var r openlineage.Run
	r.Merge(e)
	_, err = lineageJobType(ctx, t, view, &r)
	return err
}

// addDatasetEvent keeps what is said of a data set by itself.
func addDatasetEvent(ctx context.Context, t tx, view coreshed.View, person int64, e openlineage.Event) error {
	kept, err := keepEvent(ctx, t, view.Org, person, 0, e)
	if err != nil || !kept {
		return err
	}
	version, _ := e.Dataset.Version()
	name := datasetName{openlineage.Name{Namespace: e.Dataset.Namespace, Name: e.Dataset.Name}, version}
	rows, err := ensureDatasets(ctx, t, view.Org, map[datasetName]bool{name: true})
	if err != nil {
		return err
	}
	return addDatasetFacets(ctx, t, rows[name], e)
}

// addRunEvent adds an event to its run, and brings the run's job to what the
// events add up to.
func addRunEvent(ctx context.Context, t tx, view coreshed.View, person int64, e LineageEvent) error {
	r, err := lockLineageRun(ctx, t, view, person, e.Run.String())
	if err != nil {
		return err
	}
	kept, err := keepEvent(ctx, t, view.Org, person, r.id, e.Event)
	if err != nil || !kept && r.job != 0 {
		return err // a repeat, unless the run is in no workspace yet: now it may be
	}
	if r.locator, err = newLocator(ctx, t, view, e.Hosts); err != nil {
		return err
	}
	if err := r.add(ctx, t, e); err != nil {
		return err
	}
	if err := r.absorb(ctx, t, person, e.Hosts); err != nil {
		return err
	}
	if home := r.home(); home != 0 {
		if err := r.record(ctx, t, home); err != nil {
			return err
		}
		if err := r.audit(ctx, t, coreshed.ActRunChange, details{"event": e.Type}); err != nil {
			return err
		}
	}
	return r.save(ctx, t)
}

// add adds an event to the run's state, and finds the versions that it names.
func (r *lineageRun) add(ctx context.Context, t tx, e LineageEvent) error {
	before := r.state.IsComplete()
	r.state.Merge(e.Event)
	if r.state.Size() > maxRunDatasets {
		return coreshed.Errorf(coreshed.Invalid, "A run may read and write %d datasets.", maxRunDatasets)
	}
	if r.state.Weight() > maxRunState {
		return coreshed.Errorf(coreshed.Invalid, "The facets of a run and of its datasets may have 8 MiB in all.")
	}
	if e.Workspace != "" {
		asked := r.locator.named(e.Workspace)
		if !edits(r.view, asked) {
			err := coreshed.Errorf(coreshed.Forbidden, "The workspace that is asked for is not there, or you are no editor of it.")
			err.Permitted, err.Role = coreshed.Editor.From(), r.view.Roles[asked]
			return err
		}
		r.state.Ask(asked, e.Event)
	}
	if err := r.pinInputs(ctx, t, e.Inputs); err != nil {
		return err
	}
	return r.pinOutputs(ctx, t, e.Outputs, !before && r.state.IsComplete())
}

// What a run may name, and what may be said of it. Its state is read and written
// at each of its events.
const (
	maxRunDatasets = 10_000
	maxRunState    = 8 << 20 // bytes
)

// pinInputs finds the versions that are read. One that is named without its
// version is the one that is current when the run first names it.
func (r *lineageRun) pinInputs(ctx context.Context, t tx, inputs []openlineage.Dataset) error {
	for _, d := range inputs {
		m := r.state.Inputs[d.Key()]
		if homes := r.locator.placesOf(d, coreshed.Editor); m.Home == 0 && len(homes) > 0 {
			m.Home = homes[0].workspace
		}
		version, _ := d.Version()
		if m.Versions[version].Version != 0 {
			continue
		}
		pin, _, err := find(ctx, t, d, r.locator.placesOf(d, coreshed.Viewer))
		if err != nil {
			return err
		}
		m.Versions[version] = pin
	}
	return nil
}

// pinOutputs finds the versions that are put out. One that is named without its
// version is the one that is current once the run is complete: before, it may
// not have been written, and a run that fails may never write it. All of them
// are looked for when the run becomes complete, and then those that are named.
func (r *lineageRun) pinOutputs(ctx context.Context, t tx, outputs []openlineage.Dataset, completed bool) error {
	for _, d := range outputs {
		if err := r.pinOutput(ctx, t, d); err != nil {
			return err
		}
	}
	if !completed {
		return nil
	}
	homes := map[int64]*locator{0: r.locator}
	for _, m := range openlineage.Sorted(r.state.Outputs) {
		if pin, ok := m.Versions[""]; !ok || pin.Version != 0 {
			continue
		}
		if homes[m.Home] == nil {
			// Whoever named it there was entitled to; whoever ends the run need not be.
			own := coreshed.View{Actor: r.view.Actor, Org: r.view.Org, Roles: map[int64]coreshed.Role{m.Home: coreshed.Editor}}
			var err error
			if homes[m.Home], err = newLocator(ctx, t, own, r.locator.hosts); err != nil {
				return err
			}
		}
		if err := r.pinAmong(ctx, t, m.Dataset(), homes[m.Home].placesOf(m.Dataset(), coreshed.Editor)); err != nil {
			return err
		}
	}
	return nil
}

// pinOutput finds the version that an event names as output, where its sender
// may record it.
func (r *lineageRun) pinOutput(ctx context.Context, t tx, d openlineage.Dataset) error {
	places := r.locator.placesOf(d, coreshed.Editor)
	if len(places) == 0 {
		if seen := r.locator.placesOf(d, coreshed.Viewer); len(seen) > 0 {
			return coreshed.Access{Actor: r.view.Actor, Role: r.view.Roles[seen[0].workspace]}.Require(coreshed.Editor)
		}
	}
	return r.pinAmong(ctx, t, d, places)
}

func (r *lineageRun) pinAmong(ctx context.Context, t tx, d openlineage.Dataset, places []place) error {
	if len(places) == 0 {
		return nil
	}
	m := r.state.Outputs[d.Key()]
	if m.Home == 0 {
		m.Home = places[0].workspace
	}
	version, _ := d.Version()
	if m.Versions[version].Version != 0 || version == "" && !r.state.IsComplete() {
		return nil
	}
	pin, home, err := find(ctx, t, d, places)
	if err != nil || pin.Version == 0 {
		return err
	}
	m.Versions[version], m.Home = pin, home
	return nil
}

// home is the workspace in which the run is recorded: what its events say, else
// the only one that the sender can record in. 0 is none, for now.
func (r *lineageRun) home() int64 {
	if home := r.state.Home(); home != 0 {
		return home
	}
	if r.job != 0 {
		return r.workspace
	}
	var only int64
	for _, w := range r.locator.workspaces {
		if !edits(r.view, w.id) {
			continue
		}
		if only != 0 {
			return 0
		}
		only = w.id
	}
	return only
}

// errOtherRun refuses a run id that has been used in another way.
var errOtherRun = coreshed.Errorf(coreshed.Conflict, "Another run has been recorded under this id.")
