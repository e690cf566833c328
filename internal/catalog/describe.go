package catalog

import (
	"context"
	"sync"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/geo"
	"github.com/coreshed/coreshed/internal/store"
)

// borderCache has the borders of countries, prepared once for each state of
// their rows.
type borderCache struct {
	mu    sync.Mutex
	mark  store.BordersMark
	ready *geo.Borders
}

// bordersNow returns the borders as they are now, whoever has changed them.
func (c *Catalog) bordersNow(ctx context.Context) (*geo.Borders, error) {
	c.borders.mu.Lock()
	defer c.borders.mu.Unlock()
	mark, err := c.db.BordersMark(ctx)
	if err != nil {
		return nil, err
	}
	if c.borders.ready != nil && c.borders.mark == mark {
		return c.borders.ready, nil
	}
	rows, mark, err := c.db.Borders(ctx)
	if err != nil {
		return nil, err
	}
	ready, err := geo.NewBorders(rows)
	if err != nil {
		return nil, err
	}
	c.borders.mark, c.borders.ready = mark, ready
	return ready, nil
}

// countriesOf finds countries by the borders as they are now.
func (c *Catalog) countriesOf(ctx context.Context, geometry string, at time.Time) ([]string, error) {
	b, err := c.bordersNow(ctx)
	if err != nil {
		return nil, err
	}
	g, err := geo.ReadWKT(geometry)
	if err != nil {
		return nil, err
	}
	return b.Of(ctx, g, at)
}

// Describe sets what a version is about by a metadata document, and returns the
// entry. See store.DB.Describe. A source that lies in place is moved first, if
// the document says so: a move that fails leaves the description as it was.
func (c *Catalog) Describe(ctx context.Context, view coreshed.View, id int64, d geo.Document) (coreshed.Entry, error) {
	if d.Path != "" {
		if err := c.relocate(ctx, view, id, d.Path); err != nil {
			return coreshed.Entry{}, err
		}
	}
	return c.db.Describe(ctx, view, id, d.Description(), c.countriesOf)
}

// recountChunk is how many versions one transaction finds the countries of.
const recountChunk = 500

// RecountCountries finds the countries of all versions of the view anew: after
// borders have been added, which by itself changes no version. Done is told
// after each transaction the last version that it has looked at, by its row id, and
// how many have other countries now.
func (c *Catalog) RecountCountries(ctx context.Context, view coreshed.View, done func(last int64, changed int)) error {
	var after int64
	for {
		last, changed, err := c.db.RecountCountries(ctx, view, after, recountChunk, c.countriesOf)
		if err != nil || last == 0 {
			return err
		}
		done(last, changed)
		after = last
	}
}
