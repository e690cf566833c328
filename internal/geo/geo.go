// Package geo reads what documents say of where and when: GeoJSON geometries,
// the metadata documents that go with files, and data sets of countries. It
// writes WKT, and finds the countries that a geometry touches. All is planar,
// in longitude and latitude (WGS 84), as Scale has it. It knows no rows and no
// HTTP.
package geo

import (
	"fmt"
	"math"

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

// Centre is the planar centroid: weighted by area where there are areas, else by
// length, else the mean of the points. Areas and lines that have no extent count
// as what is left of them. Contract: Scale v6 §6.2.
func (g Geometry) Centre() Geometry {
	if g.IsEmpty() {
		return Geometry{}
	}
	box := g.g.Envelope()
	flat := g.g.Force2D()
	for _, part := range []geom.Geometry{flat, outline(flat)} {
		// What has no area, or crosses itself so that its areas cancel, has its
		// centroid nowhere or far away.
		if c, ok := part.Centroid().XY(); ok && finite(c) && grown(box).Contains(c) {
			return point(c)
		}
	}
	var sum geom.XY
	points := flat.DumpCoordinates()
	for i := range points.Length() {
		sum = sum.Add(points.GetXY(i))
	}
	return point(sum.Scale(1 / float64(points.Length())))
}

func point(xy geom.XY) Geometry { return Geometry{xy.AsPoint().AsGeometry()} }

func finite(xy geom.XY) bool {
	return !math.IsNaN(xy.X) && !math.IsNaN(xy.Y) && !math.IsInf(xy.X, 0) && !math.IsInf(xy.Y, 0)
}

// grown is a box with room for the rounding of what lies on its edge.
func grown(e geom.Envelope) geom.Envelope {
	lo, hi, ok := e.MinMaxXYs()
	if !ok {
		return e
	}
	const margin = 1e-9
	return geom.NewEnvelope(geom.XY{X: lo.X - margin, Y: lo.Y - margin}, geom.XY{X: hi.X + margin, Y: hi.Y + margin})
}

// outline is a geometry with its areas replaced by their rings.
func outline(g geom.Geometry) geom.Geometry {
	switch {
	case g.IsPolygon(), g.IsMultiPolygon():
		return g.Boundary()
	case g.IsGeometryCollection():
		var parts []geom.Geometry
		for _, part := range g.MustAsGeometryCollection().Dump() {
			parts = append(parts, outline(part))
		}
		return geom.NewGeometryCollection(parts).AsGeometry()
	}
	return g
}

func invalid(format string, args ...any) error {
	return coreshed.Errorf(coreshed.Invalid, format, args...)
}
