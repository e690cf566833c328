package nativeapi

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coreshed/coreshed"
)

// FuzzRunBody: whatever is sent is a run or is refused, and what is a run names
// each of its versions in one way.
func FuzzRunBody(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `[]`, `{"type":{"name":"a","version":"1"}}`,
		`{"id":"k","type":{"name":"a","version":"1"},"inputs":[{"name":"IN","file":"7d0f5c52-3df1-4b0c-8a53-60a0f3a0e1c4","version_id":"17"}]}`,
		`{"type":{"name":"a","version":"1"},"start":{"at":"2026-03-01T00:00:00Z"},"outputs":[{"name":"OUT","upload":"x/y","suffix":true},{"name":"B","version":4}]}`,
		`{"type":{"name":"a","version":"1"},"end":{"status":"FAILED","exit_code":-1,"error":{"a":[1,2]}},"progress":[{"status":"x","at":"2026-03-01T00:00:00+01:00"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var body runBody
		if err := readJSON(httptest.NewRequest("POST", "/", strings.NewReader(text)), &body); err != nil {
			if kind := coreshed.KindOf(err); kind != coreshed.BadRequest && kind != coreshed.Invalid {
				t.Fatalf("kind %v: %v", kind, err)
			}
			return
		}
		n, uploads, err := body.record(func() string { return "prefix" })
		if err != nil {
			if coreshed.KindOf(err) != coreshed.Invalid {
				t.Fatal(err)
			}
			return
		}
		if len(n.Outputs)+len(uploads) != len(body.Outputs) || len(n.Inputs) != len(body.Inputs) {
			t.Fatalf("%d and %d of %d outputs, %d of %d inputs", len(n.Outputs), len(uploads), len(body.Outputs), len(n.Inputs), len(body.Inputs))
		}
		for _, in := range n.Inputs {
			if (in.Version.ID != 0) == (in.Version.File != coreshed.UUID{} || in.Version.Path != "") {
				t.Fatalf("input %+v", in)
			}
		}
	})
}
