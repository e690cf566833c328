package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/coreshed/coreshed"
)

const countryColumns = `id, name, fips, gmi, iso2, iso3, iso_num, effective, created_at`

func scanCountry(rows *sql.Rows, extra ...any) (coreshed.Country, error) {
	var c coreshed.Country
	var effective, created int64
	err := rows.Scan(append([]any{&c.ID, &c.Name, &c.FIPS, &c.GMI, &c.ISO2, &c.ISO3, &c.ISONum, &effective, &created}, extra...)...)
	c.Effective, c.CreatedAt = timeOf(effective), timeOf(created)
	return c, err
}

func scanBorder(rows *sql.Rows) (coreshed.Country, error) {
	var border string
	c, err := scanCountry(rows, &border)
	c.Border = border
	return c, err
}

// AddCountries adds countries, each from its day on, all or none of them, and
// returns how many are new: one that is there already with that day and the same
// border changes nothing. Conflict when it is there with another.
func (db *DB) AddCountries(ctx context.Context, list []coreshed.Country) (added int, err error) {
	err = db.update(ctx, func(ctx context.Context, t tx) error {
		added = 0
		for _, c := range list {
			isNew, err := addCountry(ctx, t, c)
			if err != nil {
				return err
			}
			if isNew {
				added++
			}
		}
		return nil
	})
	return added, err
}

func addCountry(ctx context.Context, t tx, c coreshed.Country) (isNew bool, err error) {
	if c.Name == "" || c.ISO3 == "" {
		return false, coreshed.Errorf(coreshed.Invalid, "A country has a name and an ISO 3166 alpha-3 code.")
	}
	n, err := t.exec(ctx, `INSERT INTO countries (name, fips, gmi, iso2, iso3, iso_num, border, effective, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name, effective) DO NOTHING`,
		c.Name, c.FIPS, c.GMI, c.ISO2, c.ISO3, c.ISONum, c.Border, c.Effective.UnixMicro(), t.db().micros())
	if err == nil && n > 0 {
		err = audit(ctx, t, act{
			by: coreshed.Operator, action: coreshed.ActCountryChange, kind: coreshed.AuditCountry,
			details: details{"name": c.Name, "iso3": c.ISO3, "effective": c.Effective},
		})
	}
	if err != nil || n > 0 {
		return n > 0, err
	}
	was, err := one(ctx, t, scanBorder, `SELECT `+countryColumns+`, border FROM countries WHERE name = $1 AND effective = $2`,
		c.Name, c.Effective.UnixMicro())
	if err == nil && (was.Border != c.Border || was.ISO3 != c.ISO3) {
		err = coreshed.Errorf(coreshed.Conflict, "The country %s is there already, from %s on, with another border or code. "+
			"A change of a border is added with the day from which it holds.", c.Name, c.Effective.Format(time.DateOnly))
	}
	return false, err
}

// ChangeBorder adds that the border of a country is another from a day on. Its
// codes stay. NotFound when there is no such country.
func (db *DB) ChangeBorder(ctx context.Context, name, border string, effective time.Time) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		c, err := newestCountry(ctx, t, name)
		if err != nil {
			return err
		}
		c.Border, c.Effective = border, effective
		_, err = addCountry(ctx, t, c)
		return err
	})
}

// Country returns the country with that name and its newest border. NotFound
// when there is none.
func (db *DB) Country(ctx context.Context, name string) (coreshed.Country, error) {
	return newestCountry(ctx, db, name)
}

func newestCountry(ctx context.Context, q querier, name string) (coreshed.Country, error) {
	c, err := one(ctx, q, scanBorder, `SELECT `+countryColumns+`, border FROM countries WHERE name = $1 ORDER BY effective DESC LIMIT 1`, name)
	return c, notFound(err, "There is no country of this name.")
}

// Countries returns all countries in order of name and day, without borders.
func (db *DB) Countries(ctx context.Context) ([]coreshed.Country, error) {
	return all(ctx, db, func(rows *sql.Rows) (coreshed.Country, error) { return scanCountry(rows) },
		`SELECT `+countryColumns+` FROM countries ORDER BY name, effective`)
}

// BordersMark tells states of the countries apart: rows are added, and never
// change.
type BordersMark struct{ rows, last int64 }

func bordersMark(ctx context.Context, q querier) (BordersMark, error) {
	return one(ctx, q, func(rows *sql.Rows) (BordersMark, error) {
		var m BordersMark
		return m, rows.Scan(&m.rows, &m.last)
	}, `SELECT count(*), COALESCE(MAX(id), 0) FROM countries`)
}

// BordersMark returns the state of the countries.
func (db *DB) BordersMark(ctx context.Context) (BordersMark, error) { return bordersMark(ctx, db) }

// Borders returns all countries with their borders, and the state that this is.
func (db *DB) Borders(ctx context.Context) (list []coreshed.Country, mark BordersMark, err error) {
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		if mark, err = bordersMark(ctx, t); err != nil {
			return err
		}
		list, err = all(ctx, t, scanBorder, `SELECT `+countryColumns+`, border FROM countries ORDER BY id`)
		return err
	})
	return list, mark, err
}
