package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// bodies are the schemas of a document's bodies, each compiled once when it is
// needed.
type bodies struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	number   map[*openapi3.Schema]int
	compiled map[*openapi3.Schema]*jsonschema.Schema
}

const address = "https://coreshed.example/api.json"

func bodiesOf(doc *openapi3.T) (*bodies, error) {
	b := &bodies{compiler: jsonschema.NewCompiler(), number: map[*openapi3.Schema]int{}, compiled: map[*openapi3.Schema]*jsonschema.Schema{}}
	var schemas []*openapi3.Schema
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, ref := range op.Responses.Map() {
				for _, content := range ref.Value.Content {
					b.number[content.Schema.Value] = len(schemas)
					schemas = append(schemas, content.Schema.Value)
				}
			}
		}
	}
	text, err := json.Marshal(map[string]any{"bodies": schemas, "components": map[string]any{"schemas": doc.Components.Schemas}})
	if err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	b.compiler.DefaultDraft(jsonschema.Draft2020)
	b.compiler.AssertFormat()
	return b, b.compiler.AddResource(address, whole)
}

// accept reports whether a schema has a value. When it has not, visit decides,
// and says why: that compiles the schema each time, which takes longer than most
// answers.
func (b *bodies) accept(schema *openapi3.Schema, value any) bool {
	s, err := b.compile(schema)
	return err == nil && s.Validate(value) == nil
}

func (b *bodies) compile(schema *openapi3.Schema) (*jsonschema.Schema, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.compiled[schema]; ok {
		return s, nil
	}
	n, ok := b.number[schema]
	if !ok {
		return nil, errors.New("the document has no such body")
	}
	s, err := b.compiler.Compile(address + "#/bodies/" + strconv.Itoa(n))
	if err == nil {
		b.compiled[schema] = s
	}
	return s, err
}
