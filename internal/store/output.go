package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/coreshed/coreshed"
)

// Output is a version that is there already and that a run has put out.
type Output struct {
	Name    string
	Version coreshed.Ref
}

// AdoptOutputs records that a run has put out versions that are there already,
// such as ones that it has uploaded. A source becomes the run's product; the
// product of another run stays that, and is put out by both. A version that the
// run's inputs come from is a Conflict, and Forbidden one that the caller may not
// change.
func (db *DB) AdoptOutputs(ctx context.Context, view coreshed.View, run int64, outputs []Output) error {
	return db.changeRun(ctx, view, run, func(ctx context.Context, t tx, r *runState) error {
		return adoptOutputs(ctx, t, view, r, outputs)
	})
}

func adoptOutputs(ctx context.Context, t tx, view coreshed.View, r *runState, outputs []Output) error {
	if r.exe.id == 0 {
		return coreshed.Errorf(coreshed.Conflict, "The run has not started.")
	}
	p, err := makingOf(ctx, t, r)
	if err != nil {
		return err
	}
	ids, err := resolveOutputs(ctx, t, view, r, outputs)
	if err != nil {
		return err
	}
	if err := lockFilesOf(ctx, t, slices.Clone(ids)); err != nil {
		return err
	}
	var adopted []int64
	for i, o := range outputs {
		taken, err := p.adopt(ctx, t, view, ids[i], o.Name)
		if err != nil {
			return err
		}
		if taken {
			adopted = append(adopted, ids[i])
		}
	}
	if err := checkLinks(ctx, t, r.id); err != nil {
		return err
	}
	if err := checkLoop(ctx, t, r.id); err != nil {
		return err
	}
	if err := relink(ctx, t, r.id, len(adopted) > 0); err != nil {
		return err
	}
	if err := p.date(ctx, t, adopted); err != nil {
		return err
	}
	if err := r.audit(ctx, t, coreshed.ActRunChange, details{"outputs": adopted}); err != nil {
		return err
	}
	if r.status != coreshed.Completed || r.superseded {
		return nil
	}
	return publishVersions(ctx, t, view, adopted) // a late output of a run that has been published
}

// resolveOutputs returns the row ids of outputs that are there already.
func resolveOutputs(ctx context.Context, t tx, view coreshed.View, r *runState, outputs []Output) ([]int64, error) {
	ids := make([]int64, len(outputs))
	for i, o := range outputs {
		field := fmt.Sprintf("outputs[%d]", i)
		if err := checkName(field+".name", o.Name); err != nil {
			return nil, err
		}
		id, err := resolve(ctx, t, t.db().dialect, view, r.workspace, o.Version)
		if err != nil {
			return nil, refused(err, field)
		}
		ids[i] = id
	}
	return ids, nil
}

// making is what a run gives to each version that it puts out.
type making struct {
	run        *runState
	recipeType int64
	batch      int64
	values     map[string]json.RawMessage
	inputs     []string // their keys
	sources    runSources
	metadata   map[string]string
}

// runSources are the source columns of a run, as read.
type runSources struct {
	started, ended                        sql.NullInt64
	sensorClass, sensor, collection, task sql.NullString
}

func makingOf(ctx context.Context, t tx, r *runState) (*making, error) {
	p := &making{run: r, batch: r.batch}
	var values, name, version, manifest string
	_, err := one(ctx, t, func(rows *sql.Rows) (bool, error) {
		s := &p.sources
		return true, rows.Scan(&p.recipeType, &values, &name, &version, &manifest,
			&s.started, &s.ended, &s.sensorClass, &s.sensor, &s.collection, &s.task)
	}, `SELECT COALESCE(r.recipe_type_id, 0), j.input, jt.name, jt.version, COALESCE(jr.manifest, '{}'),
			j.source_started, j.source_ended, j.source_sensor_class, j.source_sensor, j.source_collection, j.source_task
		FROM jobs j JOIN job_types jt ON jt.id = j.job_type_id
		LEFT JOIN job_type_revisions jr ON jr.job_type_id = jt.id AND jr.revision_num = j.job_type_rev
		LEFT JOIN recipes r ON r.id = j.recipe_id WHERE j.id = $1`, r.id)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(values), &p.values); err != nil {
		return nil, fmt.Errorf("values of run %d: %w", r.id, err)
	}
	p.metadata = productMetadata(name, version, []byte(manifest))
	p.inputs, err = inputKeys(ctx, t, r.id)
	return p, err
}

// productMetadata is what the metadata of a product says of the run's type.
func productMetadata(name, version string, manifest []byte) map[string]string {
	m := map[string]string{"job_name": name, "job_version": version}
	var seed struct {
		Job struct {
			PackageVersion string `json:"packageVersion"`
		} `json:"job"`
	}
	if json.Unmarshal(manifest, &seed) == nil && seed.Job.PackageVersion != "" {
		m["package_version"] = seed.Job.PackageVersion
	}
	return m
}

func (p *making) key(name string) string {
	return coreshed.ProductKey(p.run.jobType, name, p.inputs, p.values)
}

// set is what makes a version the run's product, called name, under an output.
func (p *making) set(name, output string) []assignment {
	return []assignment{
		{"file_type", string(coreshed.Product)}, {"product_key", p.key(name)},
		{"job_id", p.run.id}, {"job_exe_id", p.run.exe.id}, {"job_type_id", p.run.jobType}, {"job_output", output},
		{"recipe_id", nullID(p.run.recipe)}, {"recipe_type_id", nullID(p.recipeType)}, {"recipe_node", textOr(p.run.node)},
		{"batch_id", nullID(p.batch)},
	}
}

// adopt makes a version the run's product, unless it is another run's, or that
// already; it reports whether it has.
func (p *making) adopt(ctx context.Context, t tx, view coreshed.View, version int64, output string) (bool, error) {
	type state struct {
		file, job, workspace int64
		name                 string
	}
	v, err := one(ctx, t, func(rows *sql.Rows) (state, error) {
		var v state
		return v, rows.Scan(&v.file, &v.job, &v.workspace, &v.name)
	}, `SELECT file_id, COALESCE(job_id, 0), workspace_id, file_name FROM versions WHERE id = $1`, version)
	if err != nil || v.job == p.run.id {
		return false, err
	}
	if err := mayChange(view, v.workspace); err != nil {
		return false, err
	}
	if err := usable(ctx, t, rowVersion, version); err != nil {
		return false, err
	}
	if v.job != 0 {
		_, err := t.exec(ctx, `INSERT INTO job_outputs (job_id, output_name, version_row) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			p.run.id, output, version)
		return false, err
	}
	from, err := one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM job_inputs WHERE job_id = $1 AND version_row = $2)
		OR EXISTS (SELECT 1 FROM ancestry a JOIN job_inputs i ON i.version_row = a.descendant_id WHERE a.ancestor_id = $2 AND i.job_id = $1)`, p.run.id, version)
	if err != nil {
		return false, err
	}
	if from {
		return false, coreshed.Errorf(coreshed.Conflict, "The inputs of the run come from version %d: it cannot be an output.", version)
	}
	if err := changeEntries(ctx, t, []int64{version}, p.set(v.name, output)...); err != nil {
		return false, err
	}
	_, err = t.exec(ctx, `UPDATE files SET product_key = COALESCE(product_key, $2) WHERE id = $1`, v.file, p.key(v.name))
	if err != nil {
		return false, err
	}
	return true, addMetadata(ctx, t, version, p.metadata)
}

// addMetadata adds members that a version's metadata document does not have.
func addMetadata(ctx context.Context, t tx, version int64, members map[string]string) error {
	merged := map[string]json.RawMessage{}
	known, err := all(ctx, t, value[string], `SELECT document FROM version_metadata WHERE version_row = $1`, version)
	if err != nil {
		return err
	}
	for _, text := range known {
		if err := json.Unmarshal([]byte(text), &merged); err != nil {
			return fmt.Errorf("metadata of version %d: %w", version, err)
		}
	}
	for name, text := range members {
		if _, ok := merged[name]; !ok {
			if merged[name], err = json.Marshal(text); err != nil {
				return err
			}
		}
	}
	document, err := json.Marshal(merged)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO version_metadata (version_row, document) VALUES ($1, $2)
		ON CONFLICT (version_row) DO UPDATE SET document = excluded.document`, version, string(document))
	return err
}

// date gives versions, once their links are written, what they do not say of
// their sources themselves: what the run says, else the times of the sources
// they come from. Contract: Scale v6 §6.4.
func (p *making) date(ctx context.Context, t tx, versions []int64) error {
	s := p.sources
	for _, id := range versions {
		v, err := one(ctx, t, func(rows *sql.Rows) (runSources, error) {
			var v runSources
			return v, rows.Scan(&v.started, &v.ended, &v.sensorClass, &v.sensor, &v.collection, &v.task)
		}, `SELECT COALESCE(v.source_started, $2, MIN(s.data_started)), COALESCE(v.source_ended, $3, MAX(s.data_ended)),
				COALESCE(v.source_sensor_class, $4), COALESCE(v.source_sensor, $5), COALESCE(v.source_collection, $6), COALESCE(v.source_task, $7)
			FROM versions v LEFT JOIN ancestry a ON a.descendant_id = v.id LEFT JOIN versions s ON s.id = a.ancestor_id
			WHERE v.id = $1 GROUP BY v.id`, id, s.started, s.ended, s.sensorClass, s.sensor, s.collection, s.task)
		if err != nil {
			return err
		}
		if err := changeEntries(ctx, t, []int64{id},
			assignment{"source_started", v.started}, assignment{"source_ended", v.ended},
			assignment{"source_sensor_class", v.sensorClass}, assignment{"source_sensor", v.sensor},
			assignment{"source_collection", v.collection}, assignment{"source_task", v.task}); err != nil {
			return err
		}
	}
	return nil
}

// rekey gives a run's products that were never published, and the files that
// have nothing else, the keys that follow from its inputs now.
func rekey(ctx context.Context, t tx, r *runState) error {
	p, err := makingOf(ctx, t, r)
	if err != nil {
		return err
	}
	type made struct {
		version, file int64
		path          string
	}
	// What is announced has no version yet, but its file.
	list, err := all(ctx, t, func(rows *sql.Rows) (made, error) {
		var m made
		return m, rows.Scan(&m.version, &m.file, &m.path)
	}, `SELECT id, file_id, file_name FROM versions WHERE job_id = $1 AND published_at IS NULL
		UNION SELECT 0, u.file_id, u.output_path FROM uploads u JOIN job_exes x ON x.id = u.job_exe_id WHERE x.job_id = $1 ORDER BY 2, 1`, r.id)
	if err != nil {
		return err
	}
	for _, m := range list {
		_, name := coreshed.SplitPath(m.path)
		if m.version != 0 {
			if err := changeEntries(ctx, t, []int64{m.version}, assignment{"product_key", p.key(name)}); err != nil {
				return err
			}
		}
		if _, err := t.exec(ctx, `UPDATE files SET product_key = $2 WHERE id = $1
			AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.file_id = $1 AND (v.job_id IS NULL OR v.job_id <> $3 OR v.published_at IS NOT NULL))
			AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.file_id = $1
				AND (u.job_exe_id IS NULL OR u.job_exe_id NOT IN (SELECT id FROM job_exes WHERE job_id = $3)))`, m.file, p.key(name), r.id); err != nil {
			return err
		}
	}
	return nil
}
