package geo

import (
	"strconv"
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

// WKT writes the geometry as upper-case OGC text, or "" if it is empty. Contract:
// Scale v6 §3.5.
func (g Geometry) WKT() string {
	if g.IsEmpty() {
		return ""
	}
	w := &wktWriter{}
	w.geometry(g.g)
	return w.String()
}

type wktWriter struct{ strings.Builder }

func (w *wktWriter) geometry(g geom.Geometry) {
	w.WriteString(strings.ToUpper(g.Type().String()))
	if g.CoordinatesType().Is3D() {
		w.WriteString(" Z")
	}
	w.WriteByte(' ')
	if g.IsEmpty() {
		w.WriteString("EMPTY")
		return
	}
	switch g.Type() {
	case geom.TypePoint:
		w.points(g.DumpCoordinates())
	case geom.TypeLineString:
		w.points(g.MustAsLineString().Coordinates())
	case geom.TypePolygon:
		w.polygon(g.MustAsPolygon())
	case geom.TypeMultiPoint:
		m := g.MustAsMultiPoint()
		w.list(m.NumPoints(), func(i int) { w.points(m.PointN(i).AsGeometry().DumpCoordinates()) })
	case geom.TypeMultiLineString:
		m := g.MustAsMultiLineString()
		w.list(m.NumLineStrings(), func(i int) { w.points(m.LineStringN(i).Coordinates()) })
	case geom.TypeMultiPolygon:
		m := g.MustAsMultiPolygon()
		w.list(m.NumPolygons(), func(i int) { w.polygon(m.PolygonN(i)) })
	case geom.TypeGeometryCollection:
		m := g.MustAsGeometryCollection()
		w.list(m.NumGeometries(), func(i int) { w.geometry(m.GeometryN(i)) })
	}
}

func (w *wktWriter) list(n int, item func(int)) {
	w.WriteByte('(')
	for i := range n {
		if i > 0 {
			w.WriteString(", ")
		}
		item(i)
	}
	w.WriteByte(')')
}

func (w *wktWriter) polygon(p geom.Polygon) {
	rings := p.DumpRings()
	if len(rings) == 0 {
		w.WriteString("EMPTY")
		return
	}
	w.list(len(rings), func(i int) { w.points(rings[i].Coordinates()) })
}

func (w *wktWriter) points(s geom.Sequence) {
	if s.Length() == 0 {
		w.WriteString("EMPTY")
		return
	}
	w.list(s.Length(), func(i int) {
		c := s.Get(i)
		w.number(c.X)
		w.WriteByte(' ')
		w.number(c.Y)
		if c.Type.Is3D() {
			w.WriteByte(' ')
			w.number(c.Z)
		}
	})
}

// number writes the shortest text, of at most 16 significant digits.
func (w *wktWriter) number(v float64) {
	if v == 0 {
		w.WriteByte('0') // and not -0
		return
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e"); digits(mantissa) > maxDigits {
		n, _ := strconv.Atoi(exponent) // it has just been written
		text = strconv.FormatFloat(v, 'f', max(maxDigits-1-n, 0), 64)
		if strings.ContainsRune(text, '.') {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
	}
	w.WriteString(text)
}

const maxDigits = 16

func digits(mantissa string) int {
	return len(strings.Trim(strings.Replace(mantissa, ".", "", 1), "-"))
}
