package geo

import (
	"math/big"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/peterstace/simplefeatures/rtree"
)

// shape is a point, a line or an area, prepared for many questions: its
// segments are in a tree.
type shape struct {
	box      rtree.Box
	first    geom.XY
	area     bool
	segments []segment
	tree     *rtree.RTree // of segments
}

type segment struct{ a, b geom.XY }

func (s segment) box() rtree.Box {
	return rtree.Box{
		MinX: min(s.a.X, s.b.X), MinY: min(s.a.Y, s.b.Y),
		MaxX: max(s.a.X, s.b.X), MaxY: max(s.a.Y, s.b.Y),
	}
}

// shapesOf takes a geometry apart. What is empty is left out.
func shapesOf(g geom.Geometry) []*shape {
	var list []*shape
	for _, part := range g.Dump() {
		box, ok := part.Envelope().AsBox()
		if !ok {
			continue
		}
		s := &shape{box: box, area: part.IsPolygon(), first: part.DumpCoordinates().GetXY(0)}
		switch {
		case part.IsLineString():
			s.add(part.MustAsLineString())
		case part.IsPolygon():
			for _, ring := range part.MustAsPolygon().DumpRings() {
				s.add(ring)
			}
		}
		s.index()
		list = append(list, s)
	}
	return list
}

func (s *shape) add(line geom.LineString) {
	seq := line.Coordinates()
	for i := 1; i < seq.Length(); i++ {
		if a, b := seq.GetXY(i-1), seq.GetXY(i); a != b {
			s.segments = append(s.segments, segment{a, b})
		}
	}
}

func (s *shape) index() {
	items := make([]rtree.BulkItem, len(s.segments))
	for i, e := range s.segments {
		items[i] = rtree.BulkItem{Box: e.box(), RecordID: i}
	}
	s.tree = rtree.BulkLoad(items)
}

// meets reports whether the shapes have a point in common.
func (s *shape) meets(o *shape) bool {
	if !overlap(s.box, o.box) {
		return false
	}
	// Where no boundaries meet, one is inside of the other or they are apart.
	return s.covers(o.first) || o.covers(s.first) || s.crosses(o)
}

func overlap(a, b rtree.Box) bool {
	return a.MinX <= b.MaxX && b.MinX <= a.MaxX && a.MinY <= b.MaxY && b.MinY <= a.MaxY
}

func (s *shape) crosses(o *shape) bool {
	if len(s.segments) < len(o.segments) {
		s, o = o, s
	}
	for _, e := range o.segments {
		if s.search(e.box(), func(f segment) bool { return e.meets(f) }) {
			return true
		}
	}
	return false
}

// search reports whether a segment that a box touches is one that found takes.
func (s *shape) search(box rtree.Box, found func(segment) bool) bool {
	hit := false
	_ = s.tree.RangeSearch(box, func(i int) error { // it ends by rtree.Stop alone
		if hit = found(s.segments[i]); hit {
			return rtree.Stop
		}
		return nil
	})
	return hit
}

// covers reports whether a point is in the shape, or on it. Inside of an area
// is what an odd number of its segments surrounds.
func (s *shape) covers(p geom.XY) bool {
	if p == s.first {
		return true
	}
	if p.X < s.box.MinX || p.X > s.box.MaxX || p.Y < s.box.MinY || p.Y > s.box.MaxY {
		return false
	}
	inside := false
	on := s.search(rtree.Box{MinX: s.box.MinX, MinY: p.Y, MaxX: p.X, MaxY: p.Y}, func(e segment) bool {
		low, high := e.a, e.b
		if low.Y > high.Y {
			low, high = high, low
		}
		side := turn(low, high, p)
		if side == 0 && p.X >= min(low.X, high.X) && p.X <= max(low.X, high.X) {
			return true
		}
		if p.Y >= low.Y && p.Y < high.Y && side < 0 {
			inside = !inside
		}
		return false
	})
	return on || inside && s.area
}

// meets reports whether two segments whose boxes touch do so themselves.
func (s segment) meets(o segment) bool {
	return turn(s.a, s.b, o.a)*turn(s.a, s.b, o.b) <= 0 && turn(o.a, o.b, s.a)*turn(o.a, o.b, s.b) <= 0
}

// turn is 1 when c is left of the line from a to b, -1 when it is right of it,
// and 0 on it. It is exact: what touches must not depend on rounding.
func turn(a, b, c geom.XY) int {
	left, right := (a.X-c.X)*(b.Y-c.Y), (a.Y-c.Y)*(b.X-c.X)
	// The bound on the rounding error of this determinant: J. R. Shewchuk,
	// Adaptive Precision Floating-Point Arithmetic, 1997, §4.3.
	const bound = 3.3306690738754716e-16
	if det := left - right; det > bound*(abs(left)+abs(right)) {
		return 1
	} else if -det > bound*(abs(left)+abs(right)) {
		return -1
	}
	r := func(v float64) *big.Rat { return new(big.Rat).SetFloat64(v) }
	diff := func(v, w float64) *big.Rat { return new(big.Rat).Sub(r(v), r(w)) }
	l := new(big.Rat).Mul(diff(a.X, c.X), diff(b.Y, c.Y))
	return l.Cmp(new(big.Rat).Mul(diff(a.Y, c.Y), diff(b.X, c.X)))
}

func abs(v float64) float64 { return max(v, -v) }
