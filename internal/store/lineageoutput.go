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

// maker is the run that a version is made the product of.
type maker struct {
	job                            int64
	exe, jobType                   sql.NullInt64
	recipe, recipeType, batch      sql.NullInt64
	node                           sql.NullString
	complete                       bool
	started, ended                 sql.NullInt64
	class, sensor, collection, act sql.NullString // of its sources
}

func makerOf(ctx context.Context, t tx, job int64) (maker, error) {
	return one(ctx, t, func(rows *sql.Rows) (maker, error) {
		m := maker{job: job}
		return m, rows.Scan(&m.exe, &m.jobType, &m.recipe, &m.recipeType, &m.batch, &m.node, &m.complete,
			&m.started, &m.ended, &m.class, &m.sensor, &m.collection, &m.act)
	}, `SELECT (SELECT MAX(x.id) FROM job_exes x WHERE x.job_id = j.id), j.job_type_id, j.recipe_id, r.recipe_type_id, j.batch_id, j.recipe_node,
			j.status = 'COMPLETED', j.source_started, j.source_ended, j.source_sensor_class, j.source_sensor, j.source_collection, j.source_task
		FROM jobs j LEFT JOIN recipes r ON r.id = j.recipe_id WHERE j.id = $1`, job)
}

// setOutputs makes these the versions that the run has put out, and returns
// those that it put out or does no more. One that is the product of another run
// stays that, and is put out by both.
func (r *lineageRun) setOutputs(ctx context.Context, t tx, want map[int64]string) ([]int64, error) {
	have, err := all(ctx, t, value[int64], `SELECT id FROM versions WHERE job_id = $1 UNION SELECT version_row FROM job_outputs WHERE job_id = $1`, r.job)
	if err != nil {
		return nil, err
	}
	versions := slices.Sorted(maps.Keys(want))
	if err := lockFilesOf(ctx, t, slices.Concat(have, versions)); err != nil {
		return nil, err
	}
	if err := lockLinks(ctx, t, r.job); err != nil {
		return nil, err
	}
	m, err := makerOf(ctx, t, r.job)
	if err != nil {
		return nil, err
	}
	var changed []int64
	for _, version := range have {
		if _, ok := want[version]; ok {
			continue
		}
		if err := r.disown(ctx, t, version); err != nil {
			return nil, err
		}
		changed = append(changed, version)
	}
	for _, version := range versions {
		if err := m.own(ctx, t, version, want[version]); err != nil {
			return nil, err
		}
		if !slices.Contains(have, version) {
			changed = append(changed, version)
		}
	}
	return changed, nil
}

// lockFilesOf locks the files of versions, as every change of a file does first.
func lockFilesOf(ctx context.Context, t tx, versions []int64) error {
	slices.Sort(versions)
	for chunk := range slices.Chunk(slices.Compact(versions), changeChunk) {
		c := &conditions{}
		if _, err := all(ctx, t, value[int64], `SELECT id FROM files WHERE id IN (SELECT file_id FROM versions WHERE id IN (`+c.list(chunk)+`)) ORDER BY id`+
			t.db().dialect.lock, c.args...); err != nil {
			return err
		}
	}
	return nil
}

// ownable is what a version that was put out shows of the run that made it.
type ownable struct {
	file                                         int64
	uuid                                         coreshed.UUID
	job, exe, jobType, recipe, recipeType, batch sql.NullInt64
	node, output, key                            sql.NullString
	published                                    bool
}

func scanOwnable(rows *sql.Rows) (ownable, error) {
	var o ownable
	return o, rows.Scan(&o.file, &o.uuid, &o.job, &o.exe, &o.jobType, &o.recipe, &o.recipeType, &o.batch, &o.node, &o.output, &o.key, &o.published)
}

func findOwnable(ctx context.Context, t tx, version int64) (ownable, error) {
	return one(ctx, t, scanOwnable, `SELECT f.id, f.uuid, v.job_id, v.job_exe_id, v.job_type_id, v.recipe_id, v.recipe_type_id, v.batch_id,
		v.recipe_node, v.job_output, v.product_key, v.published_at IS NOT NULL FROM versions v JOIN files f ON f.id = v.file_id WHERE v.id = $1`, version)
}

// own makes a version the run's product, unless it is another run's. What it is
// the product of was uploaded to its file by hand, so that is what it is the
// same as: the inputs of a run become known bit by bit, and are no identity.
// When the run is complete, the product is published.
func (m maker) own(ctx context.Context, t tx, version int64, output string) error {
	was, err := findOwnable(ctx, t, version)
	if err != nil {
		return err
	}
	if err := usable(ctx, t, rowVersion, version); err != nil {
		return err
	}
	if was.job.Valid && was.job.Int64 != m.job {
		_, err := t.exec(ctx, `INSERT INTO job_outputs (job_id, output_name, version_row) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, m.job, output, version)
		return err
	}
	now := was
	now.job, now.exe, now.jobType = sql.NullInt64{Int64: m.job, Valid: true}, m.exe, m.jobType
	now.recipe, now.recipeType, now.batch, now.node = m.recipe, m.recipeType, m.batch, m.node
	now.output = sql.NullString{String: output, Valid: true}
	now.key = sql.NullString{String: coreshed.SourceKey(was.uuid), Valid: true}
	if now != was {
		if err := changeEntries(ctx, t, []int64{version},
			assignment{"file_type", string(coreshed.Product)}, assignment{"product_key", now.key},
			assignment{"job_id", now.job}, assignment{"job_exe_id", now.exe}, assignment{"job_type_id", now.jobType},
			assignment{"job_output", now.output}, assignment{"recipe_id", now.recipe}, assignment{"recipe_type_id", now.recipeType},
			assignment{"recipe_node", now.node}, assignment{"batch_id", now.batch}); err != nil {
			return err
		}
	}
	if !m.complete || was.published {
		return nil
	}
	if err := changeEntries(ctx, t, []int64{version}, assignment{"published_at", t.db().micros()}, assignment{"unpublished_at", nil}); err != nil {
		return err
	}
	return newestPublished(ctx, t, now)
}

// newestPublished leaves, of the versions of a file that were ever published
// under one key, the newest published: whichever was published last.
func newestPublished(ctx context.Context, t tx, o ownable) error {
	ids, err := all(ctx, t, value[int64], `SELECT id FROM versions WHERE file_id = $1 AND product_key = $2 AND published_at IS NOT NULL ORDER BY id`, o.file, o.key)
	if err != nil || len(ids) == 0 {
		return err
	}
	newest := ids[len(ids)-1]
	if err := changeEntries(ctx, t, []int64{newest}, assignment{"unpublished_at", nil}); err != nil {
		return err
	}
	now := t.db().micros()
	older, err := all(ctx, t, value[int64], `SELECT id FROM versions WHERE file_id = $1 AND product_key = $2 AND published_at IS NOT NULL AND id < $3
		AND unpublished_at IS NULL ORDER BY id`, o.file, o.key, newest)
	if err != nil {
		return err
	}
	return changeEntries(ctx, t, older, assignment{"unpublished_at", now})
}

// disown makes a version what it was before it was taken for the run's output: a
// source, or the product of the next run that has put it out.
func (r *lineageRun) disown(ctx context.Context, t tx, version int64) error {
	if _, err := t.exec(ctx, `DELETE FROM job_outputs WHERE job_id = $1 AND version_row = $2`, r.job, version); err != nil {
		return err
	}
	was, err := findOwnable(ctx, t, version)
	if err != nil || was.job.Int64 != r.job {
		return err
	}
	if err := r.takeBack(ctx, t, version); err != nil {
		return err
	}
	if err := changeEntries(ctx, t, []int64{version},
		assignment{"file_type", string(coreshed.Source)}, assignment{"product_key", nil},
		assignment{"job_id", nil}, assignment{"job_exe_id", nil}, assignment{"job_type_id", nil}, assignment{"job_output", nil},
		assignment{"recipe_id", nil}, assignment{"recipe_type_id", nil}, assignment{"recipe_node", nil}, assignment{"batch_id", nil},
		assignment{"published_at", nil}, assignment{"unpublished_at", nil}); err != nil {
		return err
	}
	if err := newestPublished(ctx, t, was); err != nil {
		return err
	}
	return ownNext(ctx, t, version)
}

// ownNext makes a version that is no product any more the product of the next
// run that has put it out, if there is one.
func ownNext(ctx context.Context, t tx, version int64) error {
	var output string
	job, err := one(ctx, t, func(rows *sql.Rows) (job int64, err error) { return job, rows.Scan(&job, &output) },
		`SELECT job_id, output_name FROM job_outputs WHERE version_row = $1 ORDER BY job_id, output_name LIMIT 1`, version)
	if errors.Is(err, coreshed.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, `DELETE FROM job_outputs WHERE job_id = $1 AND version_row = $2`, job, version); err != nil {
		return err
	}
	m, err := makerOf(ctx, t, job)
	if err != nil {
		return err
	}
	return m.own(ctx, t, version, output)
}

// date gives the run's products what they do not say of their sources
// themselves: what the run says, else the times of the sources they come from.
// What they were given before changes with it. Contract: Scale v6 §6.4.
func (r *lineageRun) date(ctx context.Context, t tx) error {
	ids, err := all(ctx, t, value[int64], `SELECT id FROM versions WHERE job_id = $1 ORDER BY id`, r.job)
	if err != nil {
		return err
	}
	for _, id := range ids {
		var due openlineage.Sources
		if due, err = one(ctx, t, scanSources, `SELECT COALESCE(j.source_started, MIN(s.data_started), 0), COALESCE(j.source_ended, MAX(s.data_ended), 0),
				COALESCE(j.source_sensor_class, ''), COALESCE(j.source_sensor, ''), COALESCE(j.source_collection, ''), COALESCE(j.source_task, '')
			FROM jobs j LEFT JOIN ancestry a ON a.job_id = j.id AND a.descendant_id = $2 LEFT JOIN versions s ON s.id = a.ancestor_id
			WHERE j.id = $1 GROUP BY j.id`, r.job, id); err != nil {
			return err
		}
		if err := r.give(ctx, t, id, due); err != nil {
			return err
		}
	}
	return nil
}

func scanSources(rows *sql.Rows) (openlineage.Sources, error) {
	var s openlineage.Sources
	return s, rows.Scan(&s.Started, &s.Ended, &s.SensorClass, &s.Sensor, &s.Collection, &s.Task)
}

// takeBack takes from a version what it has been given.
func (r *lineageRun) takeBack(ctx context.Context, t tx, version int64) error {
	if err := r.give(ctx, t, version, openlineage.Sources{}); err != nil {
		return err
	}
	delete(r.state.Given, version)
	return nil
}

// give sets what is unknown of a version's sources, or was given before.
func (r *lineageRun) give(ctx context.Context, t tx, version int64, due openlineage.Sources) error {
	has, err := one(ctx, t, scanSources, `SELECT COALESCE(source_started, 0), COALESCE(source_ended, 0), COALESCE(source_sensor_class, ''),
		COALESCE(source_sensor, ''), COALESCE(source_collection, ''), COALESCE(source_task, '') FROM versions WHERE id = $1`, version)
	if err != nil {
		return err
	}
	given := r.state.Given[version]
	var set []assignment
	given.Started = gift(&set, "source_started", has.Started, given.Started, due.Started)
	given.Ended = gift(&set, "source_ended", has.Ended, given.Ended, due.Ended)
	given.SensorClass = gift(&set, "source_sensor_class", has.SensorClass, given.SensorClass, due.SensorClass)
	given.Sensor = gift(&set, "source_sensor", has.Sensor, given.Sensor, due.Sensor)
	given.Collection = gift(&set, "source_collection", has.Collection, given.Collection, due.Collection)
	given.Task = gift(&set, "source_task", has.Task, given.Task, due.Task)
	if r.state.Given == nil {
		r.state.Given = map[int64]openlineage.Sources{}
	}
	r.state.Given[version] = given
	if len(set) == 0 {
		return nil
	}
	return changeEntries(ctx, t, []int64{version}, set...)
}

// gift decides on one column: what a version has by itself stays. It returns
// what the version has been given then.
func gift[T comparable](set *[]assignment, column string, has, given, due T) T {
	var none T
	if has != none && has != given {
		return none
	}
	if has != due {
		var value any = due
		if due == none {
			value = nil
		}
		*set = append(*set, assignment{column, value})
	}
	return due
}
