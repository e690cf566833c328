package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/geo"
)

type countriesCmd struct {
	Load countriesLoad `cmd:"" help:"Add borders of countries from a GeoJSON file."`
	List countriesList `cmd:"" help:"List countries, and from when their borders hold."`
}

// Help teaches the verb.
func (countriesCmd) Help() string {
	return `A version that has a footprint is in the countries whose borders that touches, as the borders were at the time of its data. There are none until they are loaded. Works on the database of a server, also while that runs: the server uses new borders from the next description on.

The file is a GeoJSON FeatureCollection of areas in longitude and latitude. The properties are those of the usual data sets, in any case: iso_a3, iso3, ISO_A3_EH, ISO3166-1-Alpha-3, ADM0_A3 or GID_0 for the code; name, admin, NAME_LONG or COUNTRY for the name; iso_a2, iso_n3, fips and gmi if they are there. Features of one name are one country. Features without a code are left out and named.

    coreshed countries load countries.geojson --effective 1990-10-03 --data /srv/coreshed

    coreshed countries list --data /srv/coreshed

A border that has changed is loaded with the day from which it holds; the one before holds until then.

    coreshed countries load south-sudan.geojson --effective 2011-07-09 --data /srv/coreshed

What was described before keeps its countries unless --recompute finds them anew.`
}

type countriesLoad struct {
	File      string    `arg:"" help:"A GeoJSON FeatureCollection; - is the standard input."`
	Effective time.Time `required:"" format:"2006-01-02" placeholder:"YYYY-MM-DD" help:"The day from which the borders hold. Data from before it has no countries by them."`
	Recompute bool      `help:"Find the countries of versions that were described before anew."`
}

// loadedRow is what became of a file of countries.
type loadedRow struct {
	Read      int      `json:"read"`
	Added     int      `json:"added"`
	Skipped   []string `json:"skipped"`
	Effective string   `json:"effective"`
	Changed   *int     `json:"changed_versions"` // null when they were not looked at
}

// Run adds the countries, all of them or none.
func (c countriesLoad) Run(ctx context.Context, a *app) error {
	list, skipped, err := c.read(a)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	for i := range list {
		list[i].Effective = c.Effective
	}
	return a.withOperator(ctx, func(op operator) error {
		row := loadedRow{Read: len(list), Skipped: append([]string{}, skipped...), Effective: c.Effective.Format(time.DateOnly)}
		if row.Added, err = op.db.AddCountries(ctx, list); err != nil {
			return err
		}
		if c.Recompute {
			n, err := op.recountCountries(ctx, a.newStatus())
			if err != nil {
				return err
			}
			row.Changed = &n
		}
		return a.printLoaded(row)
	})
}

func (c countriesLoad) read(a *app) ([]coreshed.Country, []string, error) {
	if c.File == "-" {
		return geo.ReadCountries(a.stdin)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, nil, errors.Unwrap(err) // the caller names the file
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	b := a.newBar(info.Size())
	defer b.close()
	return geo.ReadCountries(&watched{f, b})
}

// watched shows on a bar how much has been read.
type watched struct {
	io.Reader
	bar *bar
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.bar.add(int64(n))
	return n, err
}

// recountCountries returns how many versions have other countries now, and shows
// how far it is.
func (op operator) recountCountries(ctx context.Context, l *status) (int, error) {
	defer l.close()
	view, err := op.db.View(ctx, op.actor, op.org.ID)
	if err != nil {
		return 0, err
	}
	total := 0
	err = catalog.New(catalog.Config{DB: op.db}).RecountCountries(ctx, view, func(last int64, changed int) {
		total += changed
		l.show("version %d: %d have other countries", last, total)
	})
	return total, err
}

// shownNames is how many names of features without a code are printed.
const shownNames = 10

func (a *app) printLoaded(row loadedRow) error {
	skipped := fmt.Sprint(len(row.Skipped))
	if n := min(len(row.Skipped), shownNames); n > 0 {
		skipped += " (no ISO 3166 alpha-3 code): " + strings.Join(row.Skipped[:n], ", ")
		if n < len(row.Skipped) {
			skipped += ", …"
		}
	}
	versions := "as they were; --recompute finds the countries of those that are described already"
	if row.Changed != nil {
		versions = fmt.Sprintf("%d have other countries now", *row.Changed)
	}
	return fields(a, row, field{"countries", row.Read}, field{"added", row.Added}, field{"there already", row.Read - row.Added},
		field{"effective", row.Effective}, field{"left out", skipped}, field{"versions", versions})
}

type countriesList struct{}

// countryRow is a country as it is printed.
type countryRow struct {
	Name      string `json:"name"`
	ISO3      string `json:"iso3"`
	ISO2      string `json:"iso2,omitempty"`
	ISONum    int64  `json:"iso_num,omitempty"`
	FIPS      string `json:"fips,omitempty"`
	GMI       string `json:"gmi,omitempty"`
	Effective string `json:"effective"`
}

// Run lists the countries.
func (countriesList) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, func(op operator) error {
		list, err := op.db.Countries(ctx)
		if err != nil {
			return err
		}
		rows := make([]countryRow, len(list))
		for i, c := range list {
			rows[i] = countryRow{c.Name, c.ISO3, c.ISO2, c.ISONum, c.FIPS, c.GMI, c.Effective.Format(time.DateOnly)}
		}
		return table(a, rows, "NAME\tISO3\tISO2\tEFFECTIVE", func(c countryRow) []any {
			return []any{c.Name, c.ISO3, c.ISO2, c.Effective}
		})
	})
}
