package geo

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// Centre is the planar centroid: weighted by area where there are areas, else by
// length, else the mean of the points. Areas without extent count as their
// rings, and lines without length as points. Contract: Scale v6 §6.2.
func (g Geometry) Centre() Geometry {
	if g.IsEmpty() {
		return Geometry{}
	}
	var c centroid
	for _, part := range g.g.Force2D().Dump() {
		c.add(part)
	}
	// What crosses itself so that its areas cancel has a centroid far away, or
	// none.
	lo, hi, _ := g.g.Envelope().MinMaxXYs()
	for _, xy := range []geom.XY{c.ofAreas(), c.ofLines()} {
		if within(xy.X, lo.X, hi.X) && within(xy.Y, lo.Y, hi.Y) {
			return point(xy)
		}
	}
	return point(c.ofPoints())
}

func point(xy geom.XY) Geometry { return Geometry{xy.AsPoint().AsGeometry()} }

// within allows for rounding. NaN is not within anything.
func within(v, lo, hi float64) bool {
	const rounding = 1e-9
	return v >= lo-rounding && v <= hi+rounding
}

// centroid sums up a geometry in three ways at once. Divisions come last, so
// that the centre of a box is exact.
type centroid struct {
	area6  geom.XY // of triangles: the sum of their corners, by twice their areas
	area2  float64
	lines  geom.XY // of segments: their middles, by their lengths
	length float64
	points geom.XY
	count  int
}

func (c *centroid) ofAreas() geom.XY {
	return geom.XY{X: c.area6.X / 3 / c.area2, Y: c.area6.Y / 3 / c.area2}
}

func (c *centroid) ofLines() geom.XY {
	return geom.XY{X: c.lines.X / c.length, Y: c.lines.Y / c.length}
}

func (c *centroid) ofPoints() geom.XY {
	return geom.XY{X: c.points.X / float64(c.count), Y: c.points.Y / float64(c.count)}
}

// add takes a point, a line or an area.
func (c *centroid) add(part geom.Geometry) {
	switch {
	case part.IsPolygon():
		for i, ring := range part.MustAsPolygon().DumpRings() {
			c.addLine(ring.Coordinates())
			c.addRing(ring.Coordinates(), i > 0)
		}
	case part.IsLineString():
		c.addLine(part.MustAsLineString().Coordinates())
	default:
		c.addPoints(part.DumpCoordinates())
	}
}

// addRing adds the triangles between the ring's first position and each of its
// segments. Whichever way round it goes, an outer ring adds and a hole takes
// away.
func (c *centroid) addRing(seq geom.Sequence, hole bool) {
	var sum geom.XY
	var area2 float64
	base := seq.GetXY(0)
	for i := 1; i < seq.Length(); i++ {
		a, b := seq.GetXY(i-1), seq.GetXY(i)
		twice := (a.X-base.X)*(b.Y-base.Y) - (b.X-base.X)*(a.Y-base.Y)
		sum.X += twice * (base.X + a.X + b.X)
		sum.Y += twice * (base.Y + a.Y + b.Y)
		area2 += twice
	}
	if (area2 < 0) != hole {
		sum, area2 = sum.Scale(-1), -area2
	}
	c.area6, c.area2 = c.area6.Add(sum), c.area2+area2
}

func (c *centroid) addLine(seq geom.Sequence) {
	c.addPoints(seq)
	for i := 1; i < seq.Length(); i++ {
		a, b := seq.GetXY(i-1), seq.GetXY(i)
		length := math.Hypot(b.X-a.X, b.Y-a.Y)
		c.lines = c.lines.Add(a.Add(b).Scale(length / 2))
		c.length += length
	}
}

func (c *centroid) addPoints(seq geom.Sequence) {
	for i := range seq.Length() {
		c.points = c.points.Add(seq.GetXY(i))
		c.count++
	}
}
