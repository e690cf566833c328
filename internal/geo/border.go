package geo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/peterstace/simplefeatures/rtree"

	"github.com/coreshed/coreshed"
)

// Borders are the borders of all countries at all times, prepared. They do not
// change, and may be used from many goroutines.
type Borders struct {
	countries []country
	parts     []*shape
	of        []int // the country of each part
	tree      *rtree.RTree
}

// country is a border with the time in which it holds.
type country struct {
	iso3        string
	from, until time.Time // until is zero for the newest
}

// NewBorders prepares the borders of rows of countries, in any order.
func NewBorders(rows []coreshed.Country) (*Borders, error) {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b coreshed.Country) int { return a.Effective.Compare(b.Effective) })
	b := &Borders{}
	newest := map[string]int{}
	for i, row := range rows {
		if before, ok := newest[row.Name]; ok {
			b.countries[before].until = row.Effective
		}
		newest[row.Name] = i
		b.countries = append(b.countries, country{iso3: row.ISO3, from: row.Effective})
		g, err := geom.UnmarshalGeoJSON(json.RawMessage(row.Border), geom.NoValidate{})
		if err != nil {
			return nil, fmt.Errorf("read the border of country %d: %w", row.ID, err)
		}
		for _, s := range shapesOf(g) {
			b.parts, b.of = append(b.parts, s), append(b.of, i)
		}
	}
	items := make([]rtree.BulkItem, len(b.parts))
	for i, s := range b.parts {
		items[i] = rtree.BulkItem{Box: s.box, RecordID: i}
	}
	b.tree = rtree.BulkLoad(items)
	return b, nil
}

// Of returns the codes of the countries whose border, as it was at that time,
// has a point in common with the geometry: sorted, each once. A country whose
// first border holds only from later on is not among them. It fails when the
// context ends alone. Contract: Scale v6 §6.2.
func (b *Borders) Of(ctx context.Context, g Geometry, at time.Time) ([]string, error) {
	found := map[int]bool{}
	for _, s := range shapesOf(g.g) {
		if err := b.tree.RangeSearch(s.box, func(i int) error {
			c := b.of[i]
			if !found[c] && b.countries[c].holds(at) && b.parts[i].meets(s) {
				found[c] = true
			}
			return ctx.Err()
		}); err != nil {
			return nil, err
		}
	}
	var codes []string
	for c := range found {
		codes = append(codes, b.countries[c].iso3)
	}
	slices.Sort(codes)
	return slices.Compact(codes), nil
}

func (c country) holds(at time.Time) bool {
	return !at.Before(c.from) && (c.until.IsZero() || at.Before(c.until))
}
