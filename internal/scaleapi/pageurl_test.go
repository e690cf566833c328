package scaleapi

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/web"
)

// FuzzPageURL holds that a link repeats the parameters of its request, with the
// page alone changed.
func FuzzPageURL(f *testing.F) {
	f.Add("page=3&page_size=2&b=%20x&a=1&a=0", int64(2))
	f.Add("page=1&page=2&%00=%ff&x", int64(1))
	f.Fuzz(func(t *testing.T, query string, number int64) {
		values, err := web.Query(query)
		if err != nil || number < 1 {
			return
		}
		q := &request{
			Request: &http.Request{URL: &url.URL{Path: "/v6/files/", RawQuery: query}},
			params:  params{query: values}, origin: "http://host",
		}
		link := *q.pageURL(number)
		u, err := url.Parse(link)
		if err != nil || u.Path != "/v6/files/" || strings.Contains(link, "%20") {
			t.Fatalf("%q leads to %q (%v)", query, link, err)
		}
		got, err := web.Query(u.RawQuery)
		if err != nil {
			t.Fatal(err)
		}
		page, size := got["page"], len(got["page"])
		if number == 1 && size != 0 || number > 1 && (size != 1 || mustInt(t, page[0]) != number) {
			t.Fatalf("%q leads to page %q, want %d", query, page, number)
		}
		delete(got, "page")
		delete(values, "page")
		if diff := cmp.Diff(values, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", query, diff)
		}
	})
}

func mustInt(t *testing.T, text string) int64 {
	t.Helper()
	n, ok := parseInt(text)
	if !ok {
		t.Fatalf("%q is no number", text)
	}
	return n
}
