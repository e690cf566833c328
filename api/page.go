package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed page.html
var pageHTML string

// document, group and operation arrange one OpenAPI document for reading.
type document struct {
	File    string
	Info    *openapi3.Info
	Groups  []group
	Schemas openapi3.Schemas
}

type group struct {
	*openapi3.Tag
	Operations []operation
}

type operation struct {
	Method, Path string
	*openapi3.Operation
	Inputs  openapi3.Parameters // of the path and of the operation
	Answers []answer
}

type answer struct {
	Status string
	*openapi3.Response
}

// render makes the page of all documents in FS.
func render() ([]byte, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"prose": prose, "kind": kind, "ref": ref, "required": required,
	}).Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("parse page of API documents: %w", err)
	}
	files, err := Names()
	if err != nil {
		return nil, err
	}
	var docs []document
	for _, file := range files {
		doc, err := Load(file)
		if err != nil {
			return nil, err
		}
		docs = append(docs, document{file, doc.Info, groupsOf(doc), doc.Components.Schemas})
	}
	var b bytes.Buffer
	if err := t.Execute(&b, docs); err != nil {
		return nil, fmt.Errorf("render API documents: %w", err)
	}
	return b.Bytes(), nil
}

// groupsOf sorts operations under their first tag, by path and method.
func groupsOf(doc *openapi3.T) []group {
	byTag := make(map[string][]operation)
	prefix := strings.TrimSuffix(doc.Servers[0].URL, "/")
	for _, key := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		item := doc.Paths.Value(key)
		methods := item.Operations()
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			op := methods[method]
			byTag[op.Tags[0]] = append(byTag[op.Tags[0]],
				operation{method, prefix + key, op, slices.Concat(item.Parameters, op.Parameters), answersOf(op)})
		}
	}
	groups := make([]group, len(doc.Tags))
	for i, tag := range doc.Tags {
		groups[i] = group{tag, byTag[tag.Name]}
	}
	return groups
}

func answersOf(op *openapi3.Operation) []answer {
	var answers []answer
	for _, status := range slices.Sorted(maps.Keys(op.Responses.Map())) {
		answers = append(answers, answer{status, op.Responses.Value(status).Value})
	}
	return answers
}

var code = regexp.MustCompile("`([^`]*)`")

// prose renders the little of CommonMark that the documents use, paragraphs and
// code, and escapes all else.
func prose(text string) template.HTML {
	var b strings.Builder
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if p != "" {
			b.WriteString("<p>" + code.ReplaceAllString(template.HTMLEscapeString(p), "<code>$1</code>") + "</p>\n")
		}
	}
	return template.HTML(b.String())
}

// ref names the component a schema refers to, or returns "".
func ref(s *openapi3.SchemaRef) string {
	if s == nil || s.Ref == "" {
		return ""
	}
	return path.Base(s.Ref)
}

// required reports whether a schema, or one it builds on, requires a property.
func required(s *openapi3.Schema, name string) bool {
	if slices.Contains(s.Required, name) {
		return true
	}
	return slices.ContainsFunc(s.AllOf, func(base *openapi3.SchemaRef) bool { return required(base.Value, name) })
}

// kind says in words what values a schema that is written in place takes.
func kind(s *openapi3.SchemaRef) string {
	v := s.Value
	words := []string{strings.Join(v.Type.Slice(), " or ")}
	switch {
	case v.Const != nil:
		words = []string{fmt.Sprintf("always %v", v.Const)}
	case len(v.Enum) > 0:
		words = []string{strings.ReplaceAll(strings.Trim(fmt.Sprint(v.Enum), "[]"), " ", " | ")}
	}
	if v.Format != "" {
		words = append(words, v.Format)
	}
	if v.Min != nil {
		words = append(words, fmt.Sprintf("at least %v", *v.Min))
	}
	if v.Max != nil {
		words = append(words, fmt.Sprintf("at most %v", *v.Max))
	}
	if v.MaxLength != nil {
		words = append(words, fmt.Sprintf("at most %d characters", *v.MaxLength))
	}
	if v.Pattern != "" {
		words = append(words, "matches "+v.Pattern)
	}
	if v.Default != nil {
		words = append(words, fmt.Sprintf("default %v", v.Default))
	}
	return strings.Join(words, ", ")
}
