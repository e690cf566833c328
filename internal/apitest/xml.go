package apitest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// element is one XML element, read without knowing it. XMLName is how
// encoding/xml hands over the name.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

// decodeXML reads a document into the value that schema describes: elements are
// properties, and repeated elements are arrays where the schema has one.
func decodeXML(body []byte, schema *openapi3.Schema) (any, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimSpace(body)))
	var root element
	if err := d.Decode(&root); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the root element")
	}
	if want := rootName(schema); root.XMLName.Local != want {
		return nil, fmt.Errorf("root element is %s, want %s", root.XMLName.Local, want)
	}
	return root.value(schema), nil
}

func rootName(schema *openapi3.Schema) string {
	if schema.XML != nil {
		return schema.XML.Name
	}
	for _, base := range schema.AllOf {
		if name := rootName(base.Value); name != "" {
			return name
		}
	}
	return ""
}

func (e element) value(schema *openapi3.Schema) any {
	if len(e.Children) == 0 && (schema == nil || !schema.Type.Is("object")) {
		return scalar(e.Text, schema)
	}
	fields := make(map[string]any)
	for _, c := range e.Children {
		name := c.XMLName.Local
		inner := property(schema, name)
		if inner != nil && inner.Type.Is("array") {
			list, _ := fields[name].([]any)
			fields[name] = append(list, c.value(inner.Items.Value))
			continue
		}
		fields[name] = c.value(inner)
	}
	return fields
}

// property finds a property's schema, or nil for one the schema does not have.
func property(schema *openapi3.Schema, name string) *openapi3.Schema {
	if schema == nil || schema.Properties[name] == nil {
		return nil
	}
	return schema.Properties[name].Value
}

// scalar reads text as the number the schema asks for, else leaves it text.
func scalar(text string, schema *openapi3.Schema) any {
	if schema == nil || !schema.Type.Is("integer") {
		return text
	}
	if n := json.Number(strings.TrimSpace(text)); json.Valid([]byte(n)) {
		return n
	}
	return text
}
