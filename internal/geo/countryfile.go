package geo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/coreshed/coreshed"
)

// maxBorder is how many positions one feature of a file of countries may have.
const maxBorder = 10_000_000

// The names under which the usual data sets have what we need, in small letters
// and without signs; the first that has a value counts.
var (
	iso3Names = []string{"iso3", "isoa3", "isoa3eh", "iso3code", "iso1a3", "alpha3", "iso31661alpha3", "adm0a3", "gid0", "shapegroup"}
	iso2Names = []string{"iso2", "isoa2", "isoa2eh", "iso2code", "iso1a2", "alpha2", "iso31661alpha2", "cntrid"}
	numNames  = []string{"isonum", "ison3", "isonumeric", "iso1n3", "iso31661numeric", "unm49", "m49"}
	nameNames = []string{"name", "admin", "namelong", "nameen", "country", "countryname", "cntryname", "nameengl", "shapename", "sovereignt", "adm0name"}
	fipsNames = []string{"fips", "fips10", "fipscntry", "fips104"}
	gmiNames  = []string{"gmi", "gmicntry"}
)

// ReadCountries reads a GeoJSON FeatureCollection of countries: each feature has
// an area, and an ISO 3166 alpha-3 code among its properties. Features of one
// name are one country. Those without a code are returned by name in skipped,
// since sets of countries have areas that are none. Nothing is kept of a file
// with a broken feature.
func ReadCountries(file io.Reader) (countries []coreshed.Country, skipped []string, err error) {
	byName := map[string]int{}
	var areas [][]geom.Polygon
	n := 0
	err = features(file, func(raw json.RawMessage) error {
		n++
		c, area, err := readCountry(raw)
		if err != nil {
			return fmt.Errorf("feature %d: %w", n, err)
		}
		if c.ISO3 == "" {
			skipped = append(skipped, c.Name)
			return nil
		}
		at, ok := byName[c.Name]
		if !ok {
			at = len(countries)
			byName[c.Name] = at
			countries, areas = append(countries, c), append(areas, nil)
		}
		if countries[at].ISO3 != c.ISO3 {
			return fmt.Errorf("feature %d: %q has the code %s, and had %s before", n, c.Name, c.ISO3, countries[at].ISO3)
		}
		areas[at] = append(areas[at], area...)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if len(countries) == 0 {
		return nil, nil, fmt.Errorf("no feature has an ISO 3166 alpha-3 code in one of the properties that are looked for: %s (in any case, with or without signs)", strings.Join(iso3Names, ", "))
	}
	for i, area := range areas {
		border, err := geom.NewMultiPolygon(area).AsGeometry().MarshalJSON()
		if err != nil {
			return nil, nil, fmt.Errorf("write border: %w", err)
		}
		countries[i].Border = string(border)
	}
	return countries, skipped, nil
}

// features reads a FeatureCollection feature by feature: such files are large.
func features(file io.Reader, each func(json.RawMessage) error) error {
	d := json.NewDecoder(file)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errNoCollection(err)
	}
	found := false
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errNoCollection(err)
		}
		if name != "features" {
			var other json.RawMessage
			if err := d.Decode(&other); err != nil {
				return errNoCollection(err)
			}
			continue
		}
		found = true
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			return errNoCollection(err)
		}
		for d.More() {
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return errNoCollection(err)
			}
			if err := each(raw); err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil {
			return errNoCollection(err)
		}
	}
	if _, err := d.Token(); err != nil || !found {
		return errNoCollection(err)
	}
	return nil
}

func errNoCollection(err error) error {
	var pathless *json.SyntaxError
	switch {
	case err == nil:
		return errors.New("the file is no GeoJSON FeatureCollection")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the file is no GeoJSON FeatureCollection: it ends too early")
	case errors.As(err, &pathless):
		return fmt.Errorf("the file is no GeoJSON FeatureCollection: at byte %d: %w", pathless.Offset, err)
	}
	return fmt.Errorf("the file is no GeoJSON FeatureCollection: %w", err)
}

func readCountry(raw json.RawMessage) (coreshed.Country, []geom.Polygon, error) {
	var c coreshed.Country
	feature, err := object(raw)
	if err != nil {
		return c, nil, errors.New("it is no JSON object")
	}
	p := properties(feature)
	c.Name, c.FIPS, c.GMI, c.ISO2 = p.first(nameNames), p.first(fipsNames), p.first(gmiNames), p.code(iso2Names, 2)
	c.ISO3 = p.code(iso3Names, 3)
	c.ISONum, _ = strconv.ParseInt(p.first(numNames), 10, 64) // "-99" and the like are none
	c.ISONum = max(c.ISONum, 0)
	if c.ISO3 == "" {
		return c, nil, nil
	}
	if c.Name == "" {
		c.Name = c.ISO3
	}
	area, err := readArea(feature["geometry"])
	if err != nil {
		return c, nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return c, area, nil
}

func readArea(raw json.RawMessage) ([]geom.Polygon, error) {
	if absent(raw) {
		return nil, errors.New("it has no geometry")
	}
	r := &reader{left: maxBorder, collections: true}
	g, err := r.any(raw, 0)
	if err != nil {
		var told *coreshed.Error
		if errors.As(err, &told) {
			return nil, errors.New(strings.ReplaceAll(told.Msg, "metadata document", "feature"))
		}
		return nil, err
	}
	var area []geom.Polygon
	for _, part := range g.Force2D().Dump() {
		if !part.IsPolygon() {
			return nil, errors.New("its geometry is no area")
		}
		area = append(area, part.MustAsPolygon())
	}
	if g.IsEmpty() {
		return nil, errors.New("its geometry is empty")
	}
	return area, nil
}

// named are the properties of a feature, by their names in small letters and
// without signs.
type named map[string]string

func properties(feature map[string]json.RawMessage) named {
	p := named{}
	raw, _ := object(feature["properties"]) // one without any has no code
	if id, ok := feature["id"]; ok {
		raw["id"] = id
	}
	for name, value := range raw {
		var v any
		_ = json.Unmarshal(value, &v) // it was part of valid JSON
		switch v := v.(type) {
		case string:
			p[simple(name)] = strings.TrimSpace(v)
		case float64:
			p[simple(name)] = strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	return p
}

func simple(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// first returns the first value that says something.
func (p named) first(names []string) string {
	for _, name := range names {
		if v := p[name]; v != "" && v != "-99" && v != "-" && storable(v, maxText) {
			return v
		}
	}
	return ""
}

// code returns the first value that is a code of n letters. A feature's id is
// looked at last.
func (p named) code(names []string, n int) string {
	for _, name := range append(slices.Clip(names), "id") {
		v := strings.ToUpper(p[name])
		if len(v) == n && strings.Trim(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
			return v
		}
	}
	return ""
}
