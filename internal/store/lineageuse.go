package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/openlineage"
)

// use is one version of one data set that a run reads or writes.
type use struct {
	direction string // input or output
	mention   *openlineage.Mention
	version   string // with which it was named
	pin       openlineage.Pin
}

// edge is a version under a name.
type edge struct {
	name    string
	version int64
}

func (u use) edge() edge { return edge{cut(u.mention.Name.Name), u.pin.Version} }

// settle writes what the run reads and puts out: versions where they are known,
// data sets of other systems where not.
func (r *lineageRun) settle(ctx context.Context, t tx) error {
	inputs, outputs := usesOf("input", r.state.Inputs), usesOf("output", r.state.Outputs)
	inputs, outputs, others, err := r.untangle(ctx, t, inputs, outputs)
	if err != nil {
		return err
	}
	if err := r.setDatasets(ctx, t, others); err != nil {
		return err
	}
	// What is no output any more must lose what it was given before it is summed
	// up as an input.
	changed, err := r.setOutputs(ctx, t, namesOf(outputs))
	if err != nil {
		return err
	}
	if err := r.setInputs(ctx, t, edgesOf(inputs)); err != nil {
		return err
	}
	if err := relink(ctx, t, r.job, false); err != nil {
		return err
	}
	for _, version := range changed {
		readers, err := all(ctx, t, value[int64], `SELECT DISTINCT job_id FROM job_inputs WHERE version_row = $1 ORDER BY job_id`, version)
		if err != nil {
			return err
		}
		for _, job := range readers {
			if err := relink(ctx, t, job, false); err != nil {
				return err
			}
		}
	}
	return r.date(ctx, t)
}

// usesOf lists what is read or written, sorted. A data set, or a file of the
// catalogue, that was named with a version was not meant without one.
func usesOf(direction string, mentions map[string]*openlineage.Mention) []use {
	var uses []use
	named := map[int64]bool{}
	for _, m := range openlineage.Sorted(mentions) {
		for _, version := range slices.Sorted(maps.Keys(m.Versions)) {
			pin := m.Versions[version]
			if version == "" && len(m.Versions) > 1 {
				continue
			}
			named[pin.File] = named[pin.File] || version != "" && pin.File != 0
			uses = append(uses, use{direction, m, version, pin})
		}
	}
	return slices.DeleteFunc(uses, func(u use) bool { return u.version == "" && named[u.pin.File] })
}

func edgesOf(uses []use) map[edge]bool {
	edges := map[edge]bool{}
	for _, u := range uses {
		edges[u.edge()] = true
	}
	return edges
}

// namesOf names versions that are put out; of several names the first.
func namesOf(outputs []use) map[int64]string {
	names := map[int64]string{}
	for _, u := range outputs {
		e := u.edge()
		if name, ok := names[e.version]; !ok || e.name < name {
			names[e.version] = e.name
		}
	}
	return names
}

// untangle takes apart what the catalogue has from others, and sees to it that
// no version comes from itself. Of a version that is read and put out:
//
//   - an input that names no version was the version before it;
//   - an output that names no version was not written yet;
//   - else it is the output.
//
// What comes from an output, by other runs, cannot have been read.
func (r *lineageRun) untangle(ctx context.Context, t tx, in, out []use) (inputs, outputs, others []use, err error) {
	read := map[int64]string{} // how a version that is read was named
	for _, u := range in {
		if version, ok := read[u.pin.Version]; !ok || version == "" {
			read[u.pin.Version] = u.version
		}
	}
	made := map[int64]bool{}
	for _, u := range out {
		version, both := read[u.pin.Version]
		if u.pin.Version == 0 || both && version != "" && u.version == "" {
			others = append(others, u)
			continue
		}
		outputs = append(outputs, u)
		made[u.pin.Version] = true
	}
	from, err := r.madeFrom(ctx, t, made)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, u := range in {
		if made[u.pin.Version] && u.version == "" {
			if u.pin.Version, err = versionBefore(ctx, t, u.pin); err != nil {
				return nil, nil, nil, err
			}
		}
		if u.pin.Version == 0 || made[u.pin.Version] || from[u.pin.Version] {
			others = append(others, u)
			continue
		}
		inputs = append(inputs, u)
	}
	return inputs, outputs, others, nil
}

// versionBefore returns the version before this one in its file's sequence; 0
// for none.
func versionBefore(ctx context.Context, t tx, pin openlineage.Pin) (int64, error) {
	id, err := one(ctx, t, value[int64], `SELECT b.id FROM versions v JOIN versions b ON b.file_id = v.file_id AND b.held = 0
		WHERE v.id = $2 AND v.file_id = $1
		AND (COALESCE(b.joined_at, b.created_at), b.id) < (COALESCE(v.joined_at, v.created_at), v.id)
		ORDER BY COALESCE(b.joined_at, b.created_at) DESC, b.id DESC LIMIT 1`, pin.File, pin.Version)
	if errors.Is(err, coreshed.NotFound) {
		return 0, nil
	}
	return id, err
}

// madeFrom returns what other runs have made from these versions, and from that,
// and so on. Of what a run has just put out that is nothing.
func (r *lineageRun) madeFrom(ctx context.Context, t tx, versions map[int64]bool) (map[int64]bool, error) {
	found := map[int64]bool{}
	for level := slices.Sorted(maps.Keys(versions)); len(level) > 0; {
		var next []int64
		for _, made := range []string{
			`SELECT i.job_id, v.id FROM job_inputs i JOIN versions v ON v.job_id = i.job_id WHERE `,
			`SELECT i.job_id, o.version_row FROM job_inputs i JOIN job_outputs o ON o.job_id = i.job_id WHERE `,
		} {
			if err := eachOf(ctx, t, t.db().dialect, `i.version_row`, level, made, ``, func(rows *sql.Rows) error {
				var job, id int64
				err := rows.Scan(&job, &id)
				if job != r.job && !found[id] {
					found[id] = true
					next = append(next, id)
				}
				return err
			}); err != nil {
				return nil, err
			}
		}
		slices.Sort(next)
		level = next
	}
	return found, nil
}

func scanEdge(rows *sql.Rows) (edge, error) {
	var e edge
	return e, rows.Scan(&e.name, &e.version)
}

// setInputs makes these the versions that the run reads.
func (r *lineageRun) setInputs(ctx context.Context, t tx, want map[edge]bool) error {
	have, err := all(ctx, t, scanEdge, `SELECT input_name, version_row FROM job_inputs WHERE job_id = $1`, r.job)
	if err != nil {
		return err
	}
	for _, e := range have {
		if want[e] {
			continue
		}
		if _, err := t.exec(ctx, `DELETE FROM job_inputs WHERE job_id = $1 AND input_name = $2 AND version_row = $3`, r.job, e.name, e.version); err != nil {
			return err
		}
	}
	for _, e := range slices.SortedFunc(maps.Keys(want), func(a, b edge) int { return int(a.version - b.version) }) {
		if slices.Contains(have, e) {
			continue
		}
		if err := usable(ctx, t, rowVersion, e.version); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `INSERT INTO job_inputs (job_id, input_name, version_row) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, r.job, e.name, e.version); err != nil {
			return err
		}
	}
	if err := sumInputs(ctx, t, jobInputs, r.job); err != nil {
		return err
	}
	from, until := r.state.Nominal()
	_, err = t.exec(ctx, `UPDATE jobs SET source_started = COALESCE(source_started, $2), source_ended = COALESCE(source_ended, $3) WHERE id = $1`,
		r.job, microsOr(from), microsOr(until))
	return err
}
