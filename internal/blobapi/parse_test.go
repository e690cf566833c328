package blobapi

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
)

func TestParseBlockList(t *testing.T) {
	want := []string{"AAAA", "AAAB"}
	for name, text := range map[string]string{
		"bare":              `<BlockList><Latest>AAAA</Latest><Latest>AAAB</Latest></BlockList>`,
		"Azure":             `<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>AAAA</Latest><Latest>AAAB</Latest></BlockList>`,
		"Python":            "<?xml version='1.0' encoding='utf-8'?>\n<BlockList><Latest>AAAA</Latest><Uncommitted>AAAB</Uncommitted></BlockList>",
		"upper case":        `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><BlockList><Latest>AAAA</Latest><Latest>AAAB</Latest></BlockList>`,
		"ASCII":             `<?xml version="1.0" encoding="us-ascii"?><BlockList><Latest>AAAA</Latest><Latest>AAAB</Latest></BlockList>`,
		"indented":          "\ufeff\r\n<BlockList>\r\n\t<Latest>\n AAAA </Latest>\r\n  <Latest >AAAB</Latest >\r\n</BlockList>\r\n",
		"comments":          `<!-- a --><BlockList><!-- b --><Latest>AA<!-- c -->AA</Latest><Latest><![CDATA[AAAB]]></Latest></BlockList><!-- d -->`,
		"XML's own entity":  `<BlockList><Latest>&#65;AAA</Latest><Latest>AAAB</Latest></BlockList>`,
		"attributes, xmlns": `<BlockList xmlns="https://example.org/"><Latest a="b">AAAA</Latest><Latest>AAAB</Latest></BlockList>`,
	} {
		got, err := parseBlockList(strings.NewReader(text))
		if diff := cmp.Diff(want, got.ids); err != nil || diff != "" || got.committed {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	got, err := parseBlockList(strings.NewReader(`<BlockList/>`))
	if err != nil || len(got.ids) != 0 {
		t.Errorf("empty: %v, %v", got, err)
	}
	got, err = parseBlockList(strings.NewReader(`<BlockList><Committed>AAAA</Committed></BlockList>`))
	if err != nil || !got.committed {
		t.Errorf("committed: %v, %v", got, err)
	}
}

func TestParseBlockListRefuses(t *testing.T) {
	for _, text := range []string{
		``, ` `, `<`, `{}`, `<BlockList>`, `<BlockList></BlockLis>`, `</BlockList>`, `<Other/>`, `<BlockList/><BlockList/>`,
		`<BlockList><Latest>AAAA</BlockList>`, `<BlockList><Latest>AAAA</Uncommitted></BlockList>`, `<BlockList>AAAA</BlockList>`,
		`<BlockList><Newest>AAAA</Newest></BlockList>`, `<BlockList><Latest><Latest>A</Latest></Latest></BlockList>`,
		`<BlockList><BlockList/></BlockList>`, `<BlockList/>text`, `text<BlockList/>`, `<a:BlockList/>`, `<BlockList><a:Latest>A</a:Latest></BlockList>`,
		`<?xml version="1.1"?><BlockList/>`, `<?xml version="1.0" encoding="utf-16"?><BlockList/>`, `<?xml version="1.0" encoding="latin1"?><BlockList/>`,
		"<BlockList><Latest>\xff</Latest></BlockList>", "\xff\xfe<\x00B\x00", `<BlockList><Latest>&a;</Latest></BlockList>`,
		`<!DOCTYPE BlockList><BlockList/>`,
		`<!DOCTYPE b [<!ENTITY a "AAAA">]><BlockList><Latest>&a;</Latest></BlockList>`,
		`<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]><BlockList><Latest>&a;</Latest></BlockList>`,
		`<!DOCTYPE b [<!ENTITY a "AAAAAAAAAA"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><BlockList><Latest>&c;</Latest></BlockList>`,
		strings.Repeat(`<BlockList>`, 100_000),
	} {
		got, err := parseBlockList(strings.NewReader(text))
		var r *refusal
		if !errors.As(err, &r) || r.code != "InvalidXmlDocument" || r.status != 400 {
			t.Errorf("%.60s: %v, %v", text, got, err)
		}
	}
	broken := &bodyError{io.ErrUnexpectedEOF}
	if _, err := parseBlockList(io.MultiReader(strings.NewReader("<BlockList>"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("broken body: %v", err)
	}
}

// FuzzBlockList compares with a reader that knows nothing of limits.
func FuzzBlockList(f *testing.F) {
	f.Add(`<?xml version='1.0'?><BlockList> <Latest>AAAA</Latest><Committed>AAAB</Committed><Uncommitted/></BlockList>`)
	f.Add(`<!DOCTYPE b [<!ENTITY a "AAAA">]><BlockList><Latest>&a;</Latest></BlockList>`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseBlockList(strings.NewReader(text))
		if err != nil {
			var r *refusal
			if !errors.As(err, &r) {
				t.Fatalf("an error that is no refusal: %v", err)
			}
			return
		}
		var want struct {
			XMLName xml.Name `xml:"BlockList"`
			Items   []struct {
				XMLName xml.Name
				ID      string `xml:",chardata"`
			} `xml:",any"`
		}
		d := xml.NewDecoder(strings.NewReader(text))
		d.CharsetReader = asciiReader
		if err := d.Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/xml refuses: %v", err)
		}
		if len(want.Items) != len(got.ids) {
			t.Fatalf("%d ids, want %d", len(got.ids), len(want.Items))
		}
		for i, item := range want.Items {
			if strings.TrimSpace(item.ID) != got.ids[i] {
				t.Errorf("id %d is %q, want %q", i, got.ids[i], item.ID)
			}
		}
	})
}

func FuzzRange(f *testing.F) {
	for _, text := range []string{"bytes=0-1", "bytes=-5", "bytes=5-", "bytes=9-1", "bytes=99999999999999999999-", ""} {
		f.Add(text, int64(10))
	}
	f.Fuzz(func(t *testing.T, text string, size int64) {
		if size < 0 {
			return
		}
		part, err := rangeOf(http.Header{"Range": {text}}, size)
		var r *refusal
		switch {
		case err != nil:
			if !errors.As(err, &r) || r.status != 416 {
				t.Fatalf("%q of %d: %v", text, size, err)
			}
		case !part.partial && part != span{0, size, false}:
			t.Fatalf("%q of %d: no range, but %+v", text, size, part)
		case part.offset < 0 || part.length < 0 || part.offset > size-part.length || (part.partial && part.length == 0):
			t.Fatalf("%q of %d: %+v", text, size, part)
		}
	})
}

// TestRangeOf checks every range of small blobs.
func TestRangeOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 1<<50).Draw(t, "size")
		first := rapid.Int64Range(0, size-1).Draw(t, "first")
		last := rapid.Int64Range(first, math.MaxInt64).Draw(t, "last")
		got, err := rangeOf(http.Header{"X-Ms-Range": {fmt.Sprintf("bytes=%d-%d", first, last)}}, size)
		if want := (span{first, min(last, size-1) - first + 1, true}); err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
	})
}

func FuzzConditions(f *testing.F) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	v := coreshed.Version{ETag: `"0x1"`, CreatedAt: at}
	f.Add(`"0x1"`, `W/"0x1", "a"`, httpTime(at), httpTime(at))
	f.Add(`*`, ``, ``, `yesterday`)
	f.Fuzz(func(t *testing.T, match, noneMatch, modified, unmodified string) {
		h := http.Header{}
		for name, value := range map[string]string{
			"If-Match": match, "If-None-Match": noneMatch, "If-Modified-Since": modified, "If-Unmodified-Since": unmodified,
		} {
			if value != "" {
				h.Set(name, value)
			}
		}
		c, err := readConditions(h)
		var r *refusal
		if err != nil {
			if !errors.As(err, &r) || r.status != 400 {
				t.Fatal(err)
			}
			return
		}
		if c.none() != (len(h) == 0) {
			t.Fatalf("%v: none is %v", h, c.none())
		}
		if err := c.forRead(v); err != nil && (!errors.As(err, &r) || !slices.Contains([]int{304, 412}, r.status)) {
			t.Fatal(err)
		}
		if err := c.forWrite(v, true); err != nil && (!errors.As(err, &r) || !slices.Contains([]int{409, 412}, r.status)) {
			t.Fatal(err)
		}
		// What may be read may be written, and the other way round, apart from *.
		if (c.forRead(v) == nil) != (c.forWrite(v, true) == nil) {
			t.Fatalf("%v: reads and writes differ", h)
		}
	})
}

// TestEveryKind keeps refusalOf complete: no kind of failure looks like a
// fault of ours by accident.
func TestEveryKind(t *testing.T) {
	want := map[coreshed.Kind]int{
		coreshed.Internal: 500, coreshed.Invalid: 400, coreshed.BadRequest: 400, coreshed.NotFound: 404, coreshed.Gone: 404,
		coreshed.Conflict: 409, coreshed.Committed: 409, coreshed.Full: 507, coreshed.StoreFailed: 503, coreshed.BadGateway: 503,
		// Nothing below checks tokens, roles or paths for a signed URL.
		coreshed.InvalidPath: 500, coreshed.Unauthenticated: 500, coreshed.InvalidToken: 500, coreshed.Forbidden: 500,
	}
	for k := coreshed.Internal; k <= coreshed.BadGateway; k++ {
		r := refusalOf(fmt.Errorf("in the log: %w", coreshed.Errorf(k, "Shown.").Because(errors.New("secret"))))
		if status, ok := want[k]; !ok || r.status != status {
			t.Errorf("%v is %d, want %d", k, r.status, status)
		}
		if strings.Contains(string(r.xml("id")), "secret") {
			t.Errorf("%v shows its cause", k)
		}
	}
}
