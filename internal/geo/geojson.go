package geo

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

// reader reads GeoJSON geometries that somebody has sent.
type reader struct {
	left        int  // how many positions more may be read
	collections bool // whether GeometryCollections are taken
}

// maxDepth is how deep collections may lie in each other.
const maxDepth = 8

// object reads a JSON object's members, by their exact names.
func object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, invalid("The metadata document has something else where a JSON object is needed.")
	}
	return members, nil
}

// typeOf reads the member "type" in small letters: documents are found that
// write it in others.
func typeOf(members map[string]json.RawMessage) (string, error) {
	var t string
	if err := json.Unmarshal(members["type"], &t); err != nil || t == "" {
		return "", invalid("The metadata document has an object without a type.")
	}
	return strings.ToLower(t), nil
}

// geometry reads a geometry object whose type has been read. Areas need not be
// simple, but rings must be closed.
func (r *reader) geometry(kind string, members map[string]json.RawMessage, depth int) (geom.Geometry, error) {
	if kind == "geometrycollection" {
		return r.collection(members, depth)
	}
	read, ok := map[string]func(json.RawMessage) (geom.Geometry, error){
		"point": r.point, "linestring": r.line, "polygon": r.polygonGeometry,
		"multipoint": r.multiPoint, "multilinestring": r.multiLine, "multipolygon": r.multiPolygon,
	}[kind]
	if !ok {
		return geom.Geometry{}, invalid("The metadata document has a geometry of a type that is not known.")
	}
	coordinates := members["coordinates"]
	// Go would read null as 0.
	if coordinates == nil || bytes.Contains(coordinates, []byte("null")) {
		return geom.Geometry{}, invalid("The %s of the metadata document has no coordinates, or null among them.", kind)
	}
	return read(coordinates)
}

func (r *reader) collection(members map[string]json.RawMessage, depth int) (geom.Geometry, error) {
	if !r.collections {
		return geom.Geometry{}, invalid("The metadata document of a product may not have a GeometryCollection.")
	}
	if depth >= maxDepth {
		return geom.Geometry{}, invalid("The metadata document has collections more than %d deep.", maxDepth)
	}
	list, err := coordinates[[]json.RawMessage](members["geometries"])
	if err != nil {
		return geom.Geometry{}, err
	}
	parts := make([]geom.Geometry, len(list))
	for i, raw := range list {
		if r.left--; r.left < 0 {
			return geom.Geometry{}, errTooMany()
		}
		if parts[i], err = r.any(raw, depth+1); err != nil {
			return geom.Geometry{}, err
		}
	}
	return geom.NewGeometryCollection(parts).AsGeometry(), nil
}

// any reads a geometry object.
func (r *reader) any(raw json.RawMessage, depth int) (geom.Geometry, error) {
	members, err := object(raw)
	if err != nil {
		return geom.Geometry{}, err
	}
	kind, err := typeOf(members)
	if err != nil {
		return geom.Geometry{}, err
	}
	return r.geometry(kind, members, depth)
}

func coordinates[T any](raw json.RawMessage) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, invalid("The metadata document has coordinates that are no lists of numbers as deep as the geometry's type needs.")
	}
	return v, nil
}

type position = []float64

func (r *reader) point(raw json.RawMessage) (geom.Geometry, error) {
	p, err := coordinates[position](raw)
	if err != nil {
		return geom.Geometry{}, err
	}
	return r.pointOf(p)
}

func (r *reader) pointOf(p position) (geom.Geometry, error) {
	if len(p) == 0 {
		return geom.NewEmptyPoint(geom.DimXY).AsGeometry(), nil
	}
	seq, err := r.sequence([]position{p})
	if err != nil {
		return geom.Geometry{}, err
	}
	return geom.NewPoint(seq.Get(0)).AsGeometry(), nil
}

func (r *reader) line(raw json.RawMessage) (geom.Geometry, error) {
	list, err := coordinates[[]position](raw)
	if err != nil {
		return geom.Geometry{}, err
	}
	ls, err := r.lineOf(list)
	return ls.AsGeometry(), err
}

func (r *reader) lineOf(list []position) (geom.LineString, error) {
	if len(list) == 1 {
		return geom.LineString{}, invalid("The metadata document has a line of a single position.")
	}
	seq, err := r.sequence(list)
	return geom.NewLineString(seq), err
}

func (r *reader) polygonGeometry(raw json.RawMessage) (geom.Geometry, error) {
	list, err := coordinates[[][]position](raw)
	if err != nil {
		return geom.Geometry{}, err
	}
	p, err := r.polygonOf(list)
	return p.AsGeometry(), err
}

func (r *reader) polygonOf(list [][]position) (geom.Polygon, error) {
	rings := make([]geom.LineString, len(list))
	for i, ring := range list {
		seq, err := r.sequence(ring)
		if err != nil {
			return geom.Polygon{}, err
		}
		if n := seq.Length(); n < 4 || seq.GetXY(0) != seq.GetXY(n-1) {
			return geom.Polygon{}, invalid("The metadata document has a ring that is not closed, or has fewer than four positions.")
		}
		rings[i] = geom.NewLineString(seq)
	}
	return geom.NewPolygon(rings), nil
}

func (r *reader) multiPoint(raw json.RawMessage) (geom.Geometry, error) {
	list, err := coordinates[[]position](raw)
	if err != nil {
		return geom.Geometry{}, err
	}
	points := make([]geom.Point, len(list))
	for i, p := range list {
		g, err := r.pointOf(p)
		if err != nil {
			return geom.Geometry{}, err
		}
		points[i] = g.MustAsPoint()
	}
	return geom.NewMultiPoint(points).AsGeometry(), nil
}

func (r *reader) multiLine(raw json.RawMessage) (geom.Geometry, error) {
	list, err := coordinates[[][]position](raw)
	if err != nil {
		return geom.Geometry{}, err
	}
	lines := make([]geom.LineString, len(list))
	for i, line := range list {
		if lines[i], err = r.lineOf(line); err != nil {
			return geom.Geometry{}, err
		}
	}
	return geom.NewMultiLineString(lines).AsGeometry(), nil
}

func (r *reader) multiPolygon(raw json.RawMessage) (geom.Geometry, error) {
	list, err := coordinates[[][][]position](raw)
	if err != nil {
		return geom.Geometry{}, err
	}
	polygons := make([]geom.Polygon, len(list))
	for i, p := range list {
		if polygons[i], err = r.polygonOf(p); err != nil {
			return geom.Geometry{}, err
		}
	}
	return geom.NewMultiPolygon(polygons).AsGeometry(), nil
}

// sequence checks positions. They have a third dimension if all have; what a
// position has beyond three numbers is not read, as RFC 7946 §3.1.1 allows.
func (r *reader) sequence(list []position) (geom.Sequence, error) {
	if r.left -= len(list); r.left < 0 {
		return geom.Sequence{}, errTooMany()
	}
	dims, kind := 3, geom.DimXYZ
	for _, p := range list {
		if len(p) < 2 || !onEarth(p) {
			return geom.Sequence{}, invalid("The metadata document has a position that is no longitude and latitude in degrees.")
		}
		if len(p) == 2 {
			dims, kind = 2, geom.DimXY
		}
	}
	flat := make([]float64, 0, dims*len(list))
	for _, p := range list {
		flat = append(flat, p[:dims]...)
	}
	return geom.NewSequence(flat, kind), nil
}

// onEarth takes longitudes around the Earth once more than there are, since
// footprints across the antimeridian are written so. What lies further out is
// in metres.
func onEarth(p position) bool {
	const rounding = 1e-6
	return math.Abs(p[0]) <= 540+rounding && math.Abs(p[1]) <= 90+rounding && (len(p) < 3 || math.Abs(p[2]) <= maxHeight)
}

// maxHeight, in metres, is far beyond all that flies around the Earth.
const maxHeight = 1e9

func errTooMany() error {
	return invalid("The geometry of the metadata document has too many positions.")
}
