package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// answer is what the document says about the body of one response.
type answer struct {
	empty  bool             // it must have none
	media  string           // its media type, without parameters
	schema *openapi3.Schema // nil: nothing is said, or it is blob bytes
	bodies *bodies          // among which it is
	code   string           // the error code in the headers, which the body must repeat
}

func (a answer) readsBody() bool { return a.empty || a.schema != nil }

// expect checks status and headers, and returns what is to be checked of the body.
func expect(routes []route, r *http.Request, status int, header http.Header) (answer, error) {
	op, bodies := find(routes, r)
	if op == nil {
		if status < 400 || status > 499 {
			return answer{}, errors.New("there is no such operation, so it must be refused with 4xx")
		}
		return answer{}, nil
	}
	ref := op.Responses.Status(status)
	if ref == nil {
		return answer{}, fmt.Errorf("%s has no such status, only %s", op.OperationID, statuses(op))
	}
	if err := checkHeaders(ref.Value.Headers, header); err != nil {
		return answer{}, err
	}
	if r.Method == http.MethodHead || len(ref.Value.Content) == 0 {
		return answer{empty: true}, nil
	}
	got := header.Get("Content-Type")
	media := ref.Value.Content.Get(got)
	if media == nil {
		return answer{}, fmt.Errorf("%s has no content type %q for it", op.OperationID, got)
	}
	schema := media.Schema.Value
	if schema.ContentMediaType != "" {
		return answer{}, nil
	}
	base, _, _ := strings.Cut(got, ";")
	return answer{media: strings.TrimSpace(base), schema: schema, bodies: bodies, code: header.Get("x-ms-error-code")}, nil
}

func statuses(op *openapi3.Operation) string {
	list := op.Responses.Keys()
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func checkHeaders(want openapi3.Headers, got http.Header) error {
	for name, ref := range want {
		values := got.Values(name)
		if len(values) == 0 && ref.Value.Required {
			return fmt.Errorf("header %s is missing", name)
		}
		for _, v := range values {
			if err := visit(ref.Value.Schema.Value, scalar(v, ref.Value.Schema.Value)); err != nil {
				return fmt.Errorf("header %s: %w", name, err)
			}
		}
	}
	return nil
}

// check compares a whole body with what was expected.
func (a answer) check(body []byte) error {
	if a.empty {
		if len(body) > 0 {
			return fmt.Errorf("body must be empty, not %q", excerpt(body))
		}
		return nil
	}
	value, err := a.decode(body)
	if err != nil {
		return fmt.Errorf("%s body %q: %w", a.media, excerpt(body), err)
	}
	if a.bodies.accept(a.schema, value) {
		return a.checkCode(value)
	}
	if err := visit(a.schema, value); err != nil {
		return fmt.Errorf("%w\nbody: %s", err, excerpt(body))
	}
	return a.checkCode(value)
}

// checkCode compares the code in the headers with the one in the body.
func (a answer) checkCode(value any) error {
	if fields, ok := value.(map[string]any); ok && a.code != "" && fields["Code"] != a.code {
		return fmt.Errorf("header x-ms-error-code is %s, but Code is %v", a.code, fields["Code"])
	}
	return nil
}

func (a answer) decode(body []byte) (any, error) {
	switch {
	case a.media == "application/json" || strings.HasSuffix(a.media, "+json"):
		return decodeJSON(body)
	case a.media == "application/xml":
		return decodeXML(body, a.schema)
	}
	return string(body), nil
}

func decodeJSON(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

// visit says where and why value is not what schema describes. The error of the
// library would print the whole schema too.
func visit(schema *openapi3.Schema, value any) error {
	err := schema.VisitJSON(value, openapi3.EnableJSONSchema2020())
	if mismatch, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		return fmt.Errorf("/%s: %s", strings.Join(mismatch.JSONPointer(), "/"), mismatch.Reason)
	}
	return err
}

func excerpt(body []byte) []byte {
	const most = 1000
	return body[:min(len(body), most)]
}
