package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// Describe sets what a version is about by what a metadata document says, and
// returns the entry. What the document does not say stays, but for the times of
// the data, which are then unknown. Tags are added. The countries are found
// anew, and the arrival that has become the version gets its times. Contract: Scale v6 §6.3,
// and §6.4 for products. NotFound when there is no such version in the view.
func (db *DB) Describe(ctx context.Context, view coreshed.View, id int64, said coreshed.Description, countries CountriesOf) (coreshed.Entry, error) {
	f := &countryFinder{of: countries}
	for {
		e, err := db.Entry(ctx, view, id)
		if err != nil {
			return e, err
		}
		if err := f.find(ctx, db, footprintOf(described(e, said), e.CreatedAt)); err != nil {
			return coreshed.Entry{}, err
		}
		err = db.update(ctx, func(ctx context.Context, t tx) error {
			e, err = f.describe(ctx, t, view, id, said)
			return err
		})
		if !errors.Is(err, errOtherFootprint) {
			return e, err
		}
	}
}

// describe is Describe, if the countries have been found. The file is locked
// before its version.
func (f *countryFinder) describe(ctx context.Context, t tx, view coreshed.View, id int64, said coreshed.Description) (e coreshed.Entry, err error) {
	file, err := fileOf(ctx, t, view, id)
	if err != nil {
		return e, err
	}
	if _, err := one(ctx, t, value[int64], `SELECT id FROM files WHERE id = $1`+t.db().dialect.lock, file); err != nil {
		return e, err
	}
	if e, err = entry(ctx, t, t.db().dialect, view, id); err != nil {
		return e, err
	}
	d := described(e, said)
	if d.Countries, err = f.countries(footprintOf(d, e.CreatedAt)); err != nil {
		return e, err
	}
	if err := describe(ctx, t, view, e, d); err != nil {
		return e, err
	}
	if err := f.holds(ctx, t); err != nil {
		return e, err
	}
	return entry(ctx, t, t.db().dialect, view, id)
}

// fileOf returns the row id of the file of a version.
func fileOf(ctx context.Context, t tx, view coreshed.View, id int64) (int64, error) {
	c := &conditions{}
	c.add(`v.id = ?`, id)
	c.seen(t.db().dialect, view)
	file, err := one(ctx, t, value[int64], `SELECT v.file_id FROM versions v WHERE `+c.text(), c.args...)
	return file, notFound(err, "There is no such version.")
}

// describe gives a version whose file is locked its description.
func describe(ctx context.Context, t tx, view coreshed.View, e coreshed.Entry, d coreshed.Description) error {
	var also []assignment
	if e.Type == coreshed.Source {
		also = append(also, assignment{"parsed_at", t.db().micros()})
	}
	if err := setDescription(ctx, t, e.ID, d, also...); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE ingests SET data_started = $2, data_ended = $3, modified_at = $4 WHERE version_row = $1 AND status <> 'DUPLICATE'`,
		e.ID, microsOr(d.DataStarted), microsOr(d.DataEnded), t.db().micros()); err != nil {
		return err
	}
	return auditVersion(ctx, t, view.Actor, coreshed.ActVersionDescribe, e.ID, e.Workspace.ID, nil)
}

// described is the description of an entry after a document has said something.
func described(e coreshed.Entry, said coreshed.Description) coreshed.Description {
	d := e.Description
	d.DataStarted, d.DataEnded = said.DataStarted, said.DataEnded
	if e.Type == coreshed.Source {
		d.DataStarted, d.DataEnded = given(said.DataStarted, said.DataEnded), given(said.DataEnded, said.DataStarted)
		d.SourceStarted, d.SourceEnded = d.DataStarted, d.DataEnded
	}
	d.SourceStarted, d.SourceEnded = given(said.SourceStarted, d.SourceStarted), given(said.SourceEnded, d.SourceEnded)
	d.SensorClass, d.Sensor = given(said.SensorClass, d.SensorClass), given(said.Sensor, d.Sensor)
	d.Collection, d.Task = given(said.Collection, d.Collection), given(said.Task, d.Task)
	d.Tags = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(d.Tags), said.Tags...))))
	if said.Geometry != "" {
		d.Geometry, d.CenterPoint = said.Geometry, said.CenterPoint
	}
	if said.Metadata != nil {
		d.Metadata = said.Metadata
		if e.Type == coreshed.Product {
			d.Metadata = withOwnMembers(said.Metadata, e.Metadata)
		}
	}
	return d
}

// given is the first value that is not zero.
func given[T comparable](values ...T) T {
	var zero T
	for _, v := range values {
		if v != zero {
			return v
		}
	}
	return zero
}

// withOwnMembers is the metadata of a product with the members that were added
// when it was stored.
func withOwnMembers(said, was json.RawMessage) json.RawMessage {
	var members, own map[string]json.RawMessage
	if json.Unmarshal(said, &members) != nil || json.Unmarshal(was, &own) != nil {
		return said
	}
	for _, name := range []string{"url", "job_name", "job_version", "package_version"} {
		if v, ok := own[name]; ok {
			members[name] = v
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return said
	}
	return text
}

// setDescription replaces the description of a version that is in the
// catalogue, with its countries.
func setDescription(ctx context.Context, t tx, id int64, d coreshed.Description, also ...assignment) error {
	set := append([]assignment{
		{"data_started", microsOr(d.DataStarted)}, {"data_ended", microsOr(d.DataEnded)},
		{"source_started", microsOr(d.SourceStarted)}, {"source_ended", microsOr(d.SourceEnded)},
		{"source_sensor_class", textOr(d.SensorClass)}, {"source_sensor", textOr(d.Sensor)},
		{"source_collection", textOr(d.Collection)}, {"source_task", textOr(d.Task)},
		{"geometry", textOr(d.Geometry)}, {"center_point", textOr(d.CenterPoint)},
		{"tags", labelsText(&d.Tags)},
	}, also...)
	if err := setMetadata(ctx, t, id, d.Metadata); err != nil {
		return err
	}
	return setCountries(ctx, t, id, d.Countries, set...)
}

// setMetadata replaces the metadata document of a version. One that is empty
// has no row.
func setMetadata(ctx context.Context, t tx, id int64, document json.RawMessage) error {
	if len(document) == 0 || string(document) == "{}" {
		_, err := t.exec(ctx, `DELETE FROM version_metadata WHERE version_row = $1`, id)
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO version_metadata (version_row, document) VALUES ($1, $2)
		ON CONFLICT (version_row) DO UPDATE SET document = excluded.document`, id, string(document))
	return err
}

// setCountries changes a version, and keeps its row and those by country the
// same.
func setCountries(ctx context.Context, t tx, id int64, countries []string, also ...assignment) error {
	if _, err := t.exec(ctx, `DELETE FROM version_countries WHERE version_row = $1`, id); err != nil {
		return err
	}
	set := append([]assignment{{"countries", strings.Join(countries, " ")}}, also...)
	if err := changeEntries(ctx, t, []int64{id}, set...); err != nil {
		return err
	}
	for _, iso3 := range countries {
		if _, err := t.exec(ctx, `INSERT INTO version_countries (iso3, modified_at, version_row, workspace_id)
			SELECT $2, modified_at, id, workspace_id FROM versions WHERE id = $1`, id, iso3); err != nil {
			return err
		}
	}
	return nil
}

func textOr(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func microsOr(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
