package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// CountriesOf finds the countries that a geometry, as WKT, touches, by the
// borders of a time. It is asked outside of transactions, until the context ends.
type CountriesOf func(ctx context.Context, geometry string, at time.Time) ([]string, error)

// errOtherFootprint means that countries are to be found again.
var errOtherFootprint = errors.New("the borders or the geometry have changed")

// footprint is what decides on countries: a geometry, or "", and a time.
type footprint struct {
	geometry string
	at       int64
}

// footprintOf takes the time of the data, else the one when the version was made.
func footprintOf(d coreshed.Description, created time.Time) footprint {
	return footprint{d.Geometry, given(d.DataStarted, d.DataEnded, created).UnixMicro()}
}

// countryFinder finds countries before the transaction that stores them: that
// can take seconds, for which others would wait.
type countryFinder struct {
	of    CountriesOf
	mark  BordersMark // by which they are found
	found map[footprint][]string
}

// find finds the countries of footprints, by the borders as they are now.
func (f *countryFinder) find(ctx context.Context, q querier, footprints ...footprint) error {
	mark, err := bordersMark(ctx, q)
	if err != nil {
		return err
	}
	if f.found == nil || mark != f.mark {
		f.mark, f.found = mark, map[footprint][]string{}
	}
	for _, p := range footprints {
		if _, err := f.countries(p); err == nil {
			continue
		}
		if f.found[p], err = f.of(ctx, p.geometry, timeOf(p.at)); err != nil {
			return err
		}
	}
	return nil
}

// countries returns those of a footprint that have been found, else errOtherFootprint.
func (f *countryFinder) countries(p footprint) ([]string, error) {
	codes, ok := f.found[p]
	if !ok && p.geometry != "" {
		return nil, errOtherFootprint
	}
	return codes, nil
}

// holds returns errOtherFootprint when the borders have changed. It is asked last:
// then who recounts after they have changed waits for the rows of this
// transaction, or this one sees the change.
func (f *countryFinder) holds(ctx context.Context, t tx) error {
	mark, err := bordersMark(ctx, t)
	if err == nil && mark != f.mark {
		err = errOtherFootprint
	}
	return err
}

// located is a version with a geometry.
type located struct {
	footprint
	id        int64
	countries []string
}

// RecountCountries finds the countries of versions with a geometry anew, those
// of at most limit versions that follow the id after. It returns the last id it
// has looked at, 0 at the end, and how many versions have others now.
func (db *DB) RecountCountries(ctx context.Context, view coreshed.View, after int64, limit int, countries CountriesOf) (last int64, changed int, err error) {
	f := &countryFinder{of: countries}
	for {
		list, err := locatedAfter(ctx, db, db.dialect, view, after, limit, "")
		if err != nil {
			return 0, 0, err
		}
		footprints := make([]footprint, len(list))
		for i, v := range list {
			footprints[i] = v.footprint
		}
		if err := f.find(ctx, db, footprints...); err != nil {
			return 0, 0, err
		}
		err = db.update(ctx, func(ctx context.Context, t tx) error {
			last, changed, err = f.recount(ctx, t, view, after, limit)
			return err
		})
		if !errors.Is(err, errOtherFootprint) {
			return last, changed, err
		}
	}
}

// recount is RecountCountries, if the countries have been found.
func (f *countryFinder) recount(ctx context.Context, t tx, view coreshed.View, after int64, limit int) (last int64, changed int, err error) {
	list, err := locatedAfter(ctx, t, t.db().dialect, view, after, limit, t.db().dialect.lock)
	if err != nil {
		return 0, 0, err
	}
	for _, v := range list {
		codes, err := f.countries(v.footprint)
		if err != nil {
			return 0, 0, err
		}
		last = v.id
		if slices.Equal(codes, v.countries) {
			continue
		}
		changed++
		if err := setCountries(ctx, t, v.id, codes); err != nil {
			return 0, 0, err
		}
	}
	return last, changed, f.holds(ctx, t)
}

func locatedAfter(ctx context.Context, q querier, d dialect, view coreshed.View, after int64, limit int, lock string) ([]located, error) {
	c := &conditions{}
	c.add(`v.id > ?`, after)
	c.add(`v.geometry IS NOT NULL`)
	c.seen(d, view)
	return all(ctx, q, func(rows *sql.Rows) (located, error) {
		var v located
		var countries string
		err := rows.Scan(&v.id, &v.geometry, &countries, &v.at)
		v.countries = strings.Fields(countries)
		return v, err
	}, `SELECT v.id, v.geometry, v.countries, COALESCE(v.data_started, v.data_ended, v.created_at) FROM versions v
		WHERE `+c.text()+` ORDER BY v.id LIMIT `+c.arg(limit)+lock, c.args...)
}
