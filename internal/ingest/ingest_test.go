package ingest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/ingest"
)

func event(name, version, s3 string) string {
	return fmt.Sprintf(`{"Records": [{"eventName": %q, "eventVersion": %q, "s3": %s}]}`, name, version, s3)
}

const object = `{"bucket": {"name": "cores"}, "object": {"key": "north+pit/hole%201%2B.las", "size": 5, "eTag": "abc"}}`

func envelope(body string) string {
	text, err := json.Marshal(map[string]string{"Type": "Notification", "Message": body})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Contract Scale v6 §9.13, 158.
func TestNotification(t *testing.T) {
	want := []ingest.Object{{Bucket: "cores", Key: "north pit/hole 1+.las", ETag: "abc", Size: 5}}
	for _, version := range []string{"2.0", "2.1", "2.99"} {
		for _, body := range []string{event("ObjectCreated:Put", version, object), event("ObjectCreated", version, object)} {
			for _, sent := range []string{body, envelope(body)} {
				got, err := ingest.Notification(sent)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("%s: %v %s", sent, err, diff)
				}
			}
		}
	}
	got, err := ingest.Notification(event("ObjectCreated:Put", "2.1", `{"bucket": {"name": "cores"}, "object": {"key": "north/", "size": 0}}`))
	if err != nil || len(got) != 0 {
		t.Errorf("a folder is %v, %v", got, err)
	}
	for name, body := range map[string]string{
		"no JSON":          "hello",
		"no object":        "5",
		"test event":       `{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "cores"}`,
		"no records":       `{"Records": []}`,
		"other event":      event("ObjectRemoved:Delete", "2.1", object),
		"other version":    event("ObjectCreated:Put", "3.0", object),
		"no version":       event("ObjectCreated:Put", "", object),
		"no bucket":        event("ObjectCreated:Put", "2.1", `{"object": {"key": "a", "size": 5}}`),
		"no key":           event("ObjectCreated:Put", "2.1", `{"bucket": {"name": "cores"}, "object": {"size": 5}}`),
		"no size":          event("ObjectCreated:Put", "2.1", `{"bucket": {"name": "cores"}, "object": {"key": "a"}}`),
		"bad key":          event("ObjectCreated:Put", "2.1", `{"bucket": {"name": "cores"}, "object": {"key": "%zz", "size": 5}}`),
		"bad envelope":     envelope("hello"),
		"nested envelopes": envelope(envelope(event("ObjectCreated:Put", "2.1", object))),
	} {
		if got, err := ingest.Notification(body); err == nil {
			t.Errorf("%s is taken for %v", name, got)
		}
	}
}

func rules(t *testing.T, list ...string) []ingest.Rule {
	t.Helper()
	var text []json.RawMessage
	for _, regex := range list {
		text = append(text, fmt.Appendf(nil, `{"filename_regex": %q, "data_types": [%q]}`, regex, regex))
	}
	all, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := ingest.ParseScan(fmt.Appendf(nil, `{"workspace": "w", "scanner": {"type": "dir"}, "files_to_ingest": %s}`, all))
	if err != nil {
		t.Fatal(err)
	}
	return c.Rules
}

func TestMatch(t *testing.T) {
	list := rules(t, `foo`, `.*txt`, `in/.*\.tif`, `(?i)BAR`, `a|b`)
	for path, want := range map[string]string{
		"foo.las":     "foo", // anchored at the start alone
		"in/foo":      "foo", // the base name
		"xfoo":        "",
		"x.txt":       ".*txt",
		"foo.txt":     "foo", // the first that matches
		"in/x.tif":    `in/.*\.tif`,
		"out/x.tif":   "",
		"bar":         "(?i)BAR",
		"zb":          "", // each alternative is anchored
		"x.txt_extra": ".*txt",
	} {
		r, ok := ingest.Match(list, path)
		got := ""
		if ok {
			got = r.Tags[0]
		}
		if got != want {
			t.Errorf("%q is taken by %q, want %q", path, got, want)
		}
	}
}

// TestDeepPattern: a pattern may nest as deep as its library takes, and quote to
// its end; one that would be nested deeper is refused.
func TestDeepPattern(t *testing.T) {
	for depth := 900; depth < 1100; depth++ {
		text := strings.Repeat("(", depth) + "a" + strings.Repeat(")", depth)
		c, _, err := ingest.ParseScan(fmt.Appendf(nil, `{"workspace": "w", "scanner": {"type": "dir"}, "files_to_ingest": [{"filename_regex": %q}]}`, text))
		if err != nil {
			continue
		}
		if _, ok := ingest.Match(c.Rules, "in/abc"); !ok {
			t.Errorf("nested %d deep it takes nothing", depth)
		}
	}
	if _, ok := ingest.Match(rules(t, `\Qa.b`), "a.bc"); !ok {
		t.Error("a quotation without an end takes nothing")
	}
}

func TestTarget(t *testing.T) {
	c, _, err := ingest.ParseStrike([]byte(`{"version": "6", "workspace": "w", "monitor": {"type": "dir-watcher", "transfer_suffix": ".part", "interval": 5, "extra": 1},
		"files_to_ingest": [{"filename_regex": "a", "data_types": ["b", "a", "b"], "new_workspace": "", "new_file_path": "x/../wksp//path/"}, {"filename_regex": "b", "new_file_path": ""}],
		"recipe": {"name": "r", "revision_num": 2}}`))
	if err != nil {
		t.Fatal(err)
	}
	night := time.Date(2026, 2, 28, 23, 30, 0, 0, time.FixedZone("", -3600))
	if got := c.Rules[0].Target("a.tif", night); got != "wksp/path/2026/03/01/a.tif" {
		t.Errorf("it goes to %s", got)
	}
	if got := c.Rules[1].Target("a.tif", night); got != "" {
		t.Errorf("without a path it goes to %s", got)
	}
	if diff := cmp.Diff([]string{"a", "b"}, c.Rules[0].Tags); diff != "" || c.Monitor.Interval != 5*time.Second || *c.Recipe != (ingest.Recipe{Name: "r", Revision: 2}) {
		t.Errorf("read as %+v; tags %s", c, diff)
	}
	for name, want := range map[string]string{"a.tif.part": "a.tif", "a.tif": "a.tif", ".part": ".part", "a.part.part": "a.part"} {
		if got, _ := c.Monitor.FinalName(name); got != want {
			t.Errorf("the final name of %s is %s, want %s", name, got, want)
		}
	}
}

func TestNoCaseOrDuplicates(t *testing.T) {
	for _, text := range []string{
		`null`, `[]`, `"x"`, `{`, `{"Workspace": "w"}`,
		`{"workspace": "w", "scanner": {"Type": "dir"}, "files_to_ingest": [{"filename_regex": "a"}]}`,
		`{"workspace": "w", "scanner": {"type": "dir"}, "files_to_ingest": [{"filename_regex": "a", "Data_types": []}]}`,
		`{"workspace": "w", "scanner": {"type": "dir"}, "recursive": "yes", "files_to_ingest": [{"filename_regex": "a"}]}`,
		`{"workspace": "w", "scanner": {"type": "dir"}, "files_to_ingest": {}}`,
		`{"workspace": "w", "scanner": null, "files_to_ingest": [{"filename_regex": "a"}]}`,
	} {
		if _, _, err := ingest.ParseScan([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
