package geo

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
)

// The bounds of a metadata document.
const (
	MaxDocument  = 4 << 20 // bytes
	maxPositions = 100_000
	maxNesting   = 100 // of properties
	maxTags      = 1000
	maxText      = 250 // bytes of a tag and of a sensor's fields
	maxPath      = 1000
)

// Document is what a metadata document says of a file. What it does not say is
// zero. Contract: Scale v6 §6.2 and §6.3.
type Document struct {
	Geometry Geometry

	DataStarted, DataEnded, SourceStarted, SourceEnded time.Time

	SensorClass, Sensor, Collection, Task string

	Tags []string // a set, sorted
	// Path is where the file is to be moved in its workspace, or "".
	Path string
	// Properties are the properties object as it was; nil when there is none.
	Properties json.RawMessage
}

// Read reads a metadata document: a GeoJSON Feature, a FeatureCollection, of
// which the first feature counts, or a bare geometry. It fails with Invalid, and
// then there is nothing to be had from the document.
func Read(data []byte) (Document, error) { return read(data, true) }

// ReadProduct is Read for the document that a run leaves beside an output: it
// may be neither a FeatureCollection nor have a GeometryCollection.
func ReadProduct(data []byte) (Document, error) { return read(data, false) }

func read(data []byte, collections bool) (Document, error) {
	if len(data) > MaxDocument {
		return Document{}, invalid("The metadata document has more than %d bytes.", MaxDocument)
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if !utf8.Valid(data) || !json.Valid(data) {
		return Document{}, invalid("The metadata document is not JSON.")
	}
	root, err := object(data)
	if err != nil {
		return Document{}, err
	}
	kind, err := typeOf(root)
	if err != nil {
		return Document{}, err
	}
	r := &reader{left: maxPositions, collections: collections}
	switch kind {
	case "feature":
		return r.feature(root)
	case "featurecollection":
		first, err := r.first(root)
		if err != nil {
			return Document{}, err
		}
		return r.feature(first)
	}
	g, err := r.geometry(kind, root, 0)
	return Document{Geometry: Geometry{g}}, err
}

// first returns the first feature of a collection.
func (r *reader) first(root map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	if !r.collections {
		return nil, invalid("The metadata document of a product may not be a FeatureCollection.")
	}
	var features []json.RawMessage
	if err := json.Unmarshal(root["features"], &features); err != nil || len(features) == 0 {
		return nil, invalid("The FeatureCollection of the metadata document has no features.")
	}
	members, err := object(features[0])
	if err != nil {
		return nil, err
	}
	if kind, err := typeOf(members); err != nil || kind != "feature" {
		return nil, invalid("The FeatureCollection of the metadata document has something else than features.")
	}
	return members, nil
}

func (r *reader) feature(members map[string]json.RawMessage) (Document, error) {
	var d Document
	if !absent(members["geometry"]) {
		g, err := r.any(members["geometry"], 0)
		if err != nil {
			return d, err
		}
		d.Geometry = Geometry{g}
	}
	if absent(members["properties"]) {
		return d, nil
	}
	return d, d.read(members["properties"])
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// read reads the properties.
func (d *Document) read(raw json.RawMessage) error {
	if nesting(raw) > maxNesting {
		return invalid("The properties of the metadata document are more than %d deep.", maxNesting)
	}
	p, err := object(raw)
	if err != nil {
		return err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return invalid("The metadata document is not JSON.")
	}
	d.Properties = compact.Bytes()
	for name, t := range map[string]*time.Time{
		"dataStarted": &d.DataStarted, "dataEnded": &d.DataEnded, "sourceStarted": &d.SourceStarted, "sourceEnded": &d.SourceEnded,
	} {
		if *t, err = readTime(p, name); err != nil {
			return err
		}
	}
	if reversed(d.DataStarted, d.DataEnded) || reversed(d.SourceStarted, d.SourceEnded) {
		return invalid("The times of the metadata document end before they start.")
	}
	for name, text := range map[string]*string{
		"sourceSensorClass": &d.SensorClass, "sourceSensor": &d.Sensor, "sourceCollection": &d.Collection, "sourceTask": &d.Task,
	} {
		if *text, err = readText(p, name, maxText); err != nil {
			return err
		}
	}
	if d.Tags, err = readTags(p); err != nil {
		return err
	}
	d.Path, err = readPath(p)
	return err
}

func reversed(from, until time.Time) bool {
	return !from.IsZero() && !until.IsZero() && until.Before(from)
}

// nesting is how deep lists and objects lie in each other in valid JSON.
func nesting(raw []byte) int {
	deepest, depth, inText := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{', c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}', c == ']':
			depth--
		}
	}
	return deepest
}

func readText(p map[string]json.RawMessage, name string, most int) (string, error) {
	var text string
	if absent(p[name]) {
		return "", nil
	}
	if err := json.Unmarshal(p[name], &text); err != nil || !storable(text, most) {
		return "", invalid("%s in the metadata document must be text of at most %d bytes.", name, most)
	}
	return text, nil
}

// storable reports whether a database keeps the text: PostgreSQL has no NUL.
func storable(text string, most int) bool {
	return len(text) <= most && !strings.ContainsRune(text, 0)
}

func readTags(p map[string]json.RawMessage) ([]string, error) {
	var tags []string
	if absent(p["dataTypes"]) {
		return nil, nil
	}
	bad := invalid("dataTypes in the metadata document must be a list of at most %d texts of 1 to %d bytes.", maxTags, maxText)
	if err := json.Unmarshal(p["dataTypes"], &tags); err != nil || len(tags) > maxTags {
		return nil, bad
	}
	for _, tag := range tags {
		if tag == "" || !storable(tag, maxText) {
			return nil, bad
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// readPath reads where the file is to be moved: a path below the workspace's
// root.
func readPath(p map[string]json.RawMessage) (string, error) {
	to, err := readText(p, "newWorkspacePath", maxPath)
	if err != nil || to == "" {
		return "", err
	}
	if clean := path.Clean(to); path.IsAbs(to) || clean == "." || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", invalid("newWorkspacePath in the metadata document must be a path below the workspace's root.")
	}
	return path.Clean(to), nil
}

// layouts are the forms of times, as Scale takes them (contract §2.4): a fraction
// may follow the seconds.
var layouts = func() []string {
	var all []string
	for _, clock := range []string{"15:4:5", "15:4"} {
		for _, zone := range []string{"Z07:00", "Z0700", "Z07"} {
			for _, between := range []string{"T", " "} {
				all = append(all, "2006-1-2"+between+clock+zone)
			}
		}
	}
	return all
}()

func readTime(p map[string]json.RawMessage, name string) (time.Time, error) {
	text, err := readText(p, name, maxText)
	if err != nil || absent(p[name]) {
		return time.Time{}, err
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil && !t.IsZero() && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, invalid("%s in the metadata document is not a time with its zone, such as 2026-03-01T12:00:00Z.", name)
}

// Description is the document as a version's description. It has no countries.
func (d Document) Description() coreshed.Description {
	return coreshed.Description{
		DataStarted: d.DataStarted, DataEnded: d.DataEnded, SourceStarted: d.SourceStarted, SourceEnded: d.SourceEnded,
		SensorClass: d.SensorClass, Sensor: d.Sensor, Collection: d.Collection, Task: d.Task,
		Geometry: d.Geometry.WKT(), CenterPoint: d.Geometry.Centre().WKT(),
		Tags: d.Tags, Metadata: d.Properties,
	}
}
