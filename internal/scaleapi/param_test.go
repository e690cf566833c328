package scaleapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

func TestParams(t *testing.T) {
	r := httptest.NewRequest("GET", "/?a=1&a=2&b=&n=%205%20&t=TRUE", strings.NewReader(
		`{"a": "x", "c": ["p", 7], "d": "one", "e": null, "f": {"k": 1}, "t2": true, "big": 12345678901234567890, "real": 1.5}`))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	p, err := readParams(httptest.NewRecorder(), r)
	if err != nil {
		t.Fatal(err)
	}
	type got struct {
		Value any
		Err   string
	}
	result := func(v any, err error) got {
		if err != nil {
			return got{nil, err.Error()}
		}
		return got{v, ""}
	}
	text := func(name string) got {
		v, err := p.text(name)
		if v == nil {
			return result(nil, err)
		}
		return result(*v, err)
	}
	for _, c := range []struct {
		what      string
		got, want got
	}{
		{"the last occurrence in the query wins", text("a"), got{"2", ""}},
		{"empty is not absent", text("b"), got{"", ""}},
		{"the body", text("d"), got{"one", ""}},
		{"null is absent", text("e"), got{nil, ""}},
		{"absent", text("z"), got{nil, ""}},
		{"an object is no text", text("f"), got{nil, `Parameter must be a valid string: "f"`}},
		{"a list of the query", result(p.texts("a")), got{[]string{"1", "2"}, ""}},
		{"a list of the body", result(p.texts("c")), got{[]string{"p", "7"}, ""}},
		{"a scalar is a list of one", result(p.texts("d")), got{[]string{"one"}, ""}},
		{"no list", result(p.texts("z")), got{[]string(nil), ""}},
		{"integers", result(p.integers("n")), got{[]int64{5}, ""}},
		{"an empty integer", result(p.integers("b")), got{nil, `Parameter must be a valid integer: "b"`}},
		{"a large one", result(p.integers("big")), got{[]int64{1<<63 - 1}, ""}},
		{"no integer", result(p.integers("real")), got{nil, `Parameter must be a valid integer: "real"`}},
		{"required", result(p.required("z")), got{nil, `Missing required parameter: "z"`}},
		{"an object", result(p.object("f")), got{map[string]any{"k": json.Number("1")}, ""}},
		{"no object", result(p.object("d")), got{nil, `Parameter must be a valid JSON object: "d"`}},
		{"a missing object", result(p.object("e")), got{nil, `Missing required parameter: "e"`}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
	for name, want := range map[string]bool{"t": true, "t2": true} {
		if b, err := p.boolean(name); err != nil || *b != want {
			t.Errorf("%s is %v, %v", name, b, err)
		}
	}
	if _, err := p.boolean("d"); err == nil || err.Error() != `Parameter must be a valid boolean: "d"` {
		t.Errorf("no boolean: %v", err)
	}
}

func TestParseInt(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "007": 7, " 12 ": 12, "+3": 3, "-4": -4, "99999999999999999999": 1<<63 - 1, "-99999999999999999999": -1 << 63,
	} {
		if got, ok := parseInt(text); !ok || got != want {
			t.Errorf("%q is %d (%v), want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", " ", "+", "-", "--1", "+-1", "1.0", "1e3", "0x1", "1_0", "٣", "1 2", "true"} {
		if got, ok := parseInt(text); ok {
			t.Errorf("%q is %d, want none", text, got)
		}
	}
}

func TestBodies(t *testing.T) {
	const form, multi = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
	for _, c := range []struct {
		media, body string
		status      int
		want        string // of the parameter a, or the refusal
	}{
		{"application/json", `{"a": "1"}`, 0, "1"},
		{"application/json", ``, 0, ""},
		{"text/plain", ``, 0, ""},
		{form, "a=0&a=1", 0, "1"},
		{multi, "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n", 0, "1"},
		{"application/json", `{"a": 1,}`, 400, "JSON parse error - invalid character '}' looking for beginning of object key string"},
		{"application/json", `{} {}`, 400, "JSON parse error - something follows the value"},
		{"application/json", `null`, 400, "The body must be a JSON object."},
		{"application/json", `[1]`, 400, "The body must be a JSON object."},
		{"application/json", `12`, 400, "The body must be a JSON object."},
		{"application/json", `"x"`, 400, "The body must be a JSON object."},
		{"application/json", "\xff\xfe", 400, "JSON parse error - invalid character '\u00ff' looking for beginning of value"},
		{"text/plain", "a=1", 415, `Unsupported media type "text/plain" in request.`},
		{"", "a=1", 415, `Unsupported media type "" in request.`},
		{form, "a=%zz", 400, "The form in the body is malformed."},
		{multi, "--y\r\n", 400, "Multipart form parse error - the form in the body is malformed."},
		{"application/json", `{"a": "` + strings.Repeat("x", maxBody) + `"}`, 413, "The body is larger than 1 MiB."},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.media)
		p, err := readParams(httptest.NewRecorder(), r)
		got, status := "", 0
		if refused, ok := errors.AsType[*web.Refusal](err); ok {
			got, status = refused.Detail, refused.Status
		} else if err != nil {
			t.Fatal(err)
		} else if v, err := p.text("a"); err == nil && v != nil {
			got = *v
		}
		if status != c.status || got != c.want {
			t.Errorf("%s %.40q: %d %q, want %d %q", c.media, c.body, status, got, c.status, c.want)
		}
	}
}

// TestBadGateway: who asks is told what cannot be had, and why stays in the log.
func TestBadGateway(t *testing.T) {
	err := coreshed.Errorf(coreshed.BadGateway, "The folder cannot be read now.").Because(errors.New("/mnt/raw"))
	if status, text := explain(httptest.NewRequest(http.MethodGet, "/", nil), err); status != 502 || text != "The folder cannot be read now." {
		t.Errorf("%d %q", status, text)
	}
}

// FuzzParams holds that whatever is sent, readers answer or refuse with 400.
func FuzzParams(f *testing.F) {
	f.Add("a=1&b=x", "application/json", `{"a": [1, "2", null], "b": {"c": true}}`)
	f.Add("a=%00&a=%ff", "application/x-www-form-urlencoded", "a=1&b=2")
	f.Add("", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n")
	f.Fuzz(func(t *testing.T, query, media, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL = &url.URL{Path: "/", RawQuery: query}
		r.Header.Set("Content-Type", media)
		p, err := readParams(httptest.NewRecorder(), r)
		if err != nil {
			if status, text := explain(r, err); status >= 500 || !utf8.ValidString(text) {
				t.Fatalf("refused with %d %q", status, text)
			}
			return
		}
		s, err := p.texts("a")
		for _, v := range s {
			if !storable(v) {
				t.Fatalf("read %q", v)
			}
		}
		errs := []error{err}
		for _, read := range []func(string) error{
			func(name string) error { _, err := p.text(name); return err },
			func(name string) error { _, err := p.integers(name); return err },
			func(name string) error { _, err := p.integer(name); return err },
			func(name string) error { _, err := p.boolean(name); return err },
			func(name string) error { _, err := p.object(name); return err },
		} {
			errs = append(errs, read("a"), read("b"))
		}
		for _, err := range errs {
			if err == nil {
				continue
			}
			if status, text := explain(r, err); status != 400 || text == "" {
				t.Fatalf("refused with %d %q", status, text)
			}
		}
	})
}
