// Package geo reads what documents say of where and when: GeoJSON geometries,
// the metadata documents that go with files, and data sets of countries. It
// writes WKT, and finds the countries that a geometry touches. All is planar,
// in longitude and latitude (WGS 84), as Scale has it. It knows no rows and no
// HTTP.
package geo

import (
	"fmt"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/coreshed/coreshed"
)

// Geometry is a shape on the map. The zero Geometry is none.
type Geometry struct{ g geom.Geometry }

// ReadWKT reads a geometry as WKT writes it; "" is none.
func ReadWKT(text string) (Geometry, error) {
	if text == "" {
		return Geometry{}, nil
	}
	g, err := geom.UnmarshalWKT(text, geom.NoValidate{})
	if err != nil {
		return Geometry{}, fmt.Errorf("read WKT: %w", err)
	}
	return Geometry{g}, nil
}

// IsEmpty reports whether the geometry has no point at all.
func (g Geometry) IsEmpty() bool { return g.g.IsEmpty() }

// GeoJSON writes the geometry as a GeoJSON geometry object.
func (g Geometry) GeoJSON() ([]byte, error) { return g.g.MarshalJSON() }

func invalid(format string, args ...any) error {
	return coreshed.Errorf(coreshed.Invalid, format, args...)
}
