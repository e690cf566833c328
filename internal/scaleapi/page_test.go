package scaleapi_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/scaleapi"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestPages(t *testing.T) {
	each(t, func(s *shed) {
		for i := range 5 {
			s.Put(t, s.Editor, fmt.Sprintf("%d.txt", i), "x")
		}
		files := s.url + "/v6/files/"
		for _, c := range []struct {
			query          string
			names          string
			next, previous any
		}{
			{"", "0 1 2 3 4", nil, nil},
			{"?page_size=2", "0 1", files + "?page=2&page_size=2", nil},
			{"?page_size=2&page=2", "2 3", files + "?page=3&page_size=2", files + "?page_size=2"},
			{"?page=3&page_size=2", "4", nil, files + "?page=2&page_size=2"},
			{"?page_size=2&page=last", "4", nil, files + "?page=2&page_size=2"},
			{"?page=7&page_size=2&page=1", "0 1", files + "?page=2&page_size=2", nil},
			{"?page=%202&page_size=2", "2 3", files + "?page=3&page_size=2", files + "?page_size=2"},
			{"?page_size=4&z=b%20c&z=a&name=%C3%A4%2B&b=", "0 1 2 3", files + "?b=&name=%C3%A4%2B&page=2&page_size=4&z=b+c&z=a", nil},
			{"?page_size=0", "0 1 2 3 4", nil, nil},
			{"?page_size=-1", "0 1 2 3 4", nil, nil},
			{"?page_size=", "0 1 2 3 4", nil, nil},
			{"?page_size=two", "0 1 2 3 4", nil, nil},
			{"?page_size=1001", "0 1 2 3 4", nil, nil},
			{"?page_size=99999999999999999999", "0 1 2 3 4", nil, nil},
			{"?page_size=1.5", "0 1 2 3 4", nil, nil},
		} {
			a := s.get(s.Viewer, "/v6/files/"+c.query).want(200)
			names := strings.ReplaceAll(strings.Join(a.names("file_name"), " "), ".txt", "")
			got := []any{a.at("count"), names, a.at("next"), a.at("previous")}
			if diff := cmp.Diff([]any{"5", c.names, c.next, c.previous}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.query, diff)
			}
		}
		for _, page := range []string{"", "0", "-1", "1.5", "abc", "4", "99999999999999999999", "9223372036854775807", "%00", "%ff", "LAST"} {
			s.get(s.Viewer, "/v6/files/?page_size=2&page="+page).want(404, "Invalid page.")
		}
		s.get(s.Viewer, "/v6/files/?page=2").want(404, "Invalid page.")
	})
}

// An empty list has one page.
func TestEmptyList(t *testing.T) {
	s := open(t, storetest.Memory(t))
	for _, query := range []string{"", "?page=1", "?page=last"} {
		a := s.get(s.Viewer, "/v6/files/"+query).want(200)
		if want := `{"count":0,"next":null,"previous":null,"results":[]}` + "\n"; string(a.body) != want {
			t.Errorf("%s: %s", query, a.body)
		}
	}
	s.get(s.Viewer, "/v6/files/?page=2").want(404, "Invalid page.")
}

// Links lead through the proxy that a request came through, if it is trusted.
func TestPageLinksBehindProxy(t *testing.T) {
	s := open(t, storetest.Memory(t), func(c *scaleapi.Config) {
		c.Origins.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.Origins.Own = append(c.Origins.Own, "https://maps.example")
	})
	s.Put(t, s.Editor, "a", "x")
	s.Put(t, s.Editor, "b", "x")
	a := s.get(s.Viewer, "/v6/files/?page_size=1", "X-Forwarded-Host", "maps.example, inner.example", "X-Forwarded-Proto", "https, http")
	if want := "https://maps.example/v6/files/?page=2&page_size=1"; a.at("next") != want {
		t.Errorf("next is %v, want %v", a.at("next"), want)
	}
}

func TestOrder(t *testing.T) {
	s := open(t, storetest.Memory(t))
	for i, name := range []string{"b.txt", "A.txt", "c.txt"} {
		s.Put(t, s.Editor, name, strings.Repeat("x", 2-i/2))
	}
	for query, want := range map[string]string{
		"":                                   "b.txt A.txt c.txt",
		"?order=last_modified":               "b.txt A.txt c.txt",
		"?order=file_name":                   "A.txt b.txt c.txt",
		"?order=-file_name":                  "c.txt b.txt A.txt",
		"?order=-file_size&order=file_name":  "A.txt b.txt c.txt",
		"?order=file_size&order=-file_name":  "c.txt b.txt A.txt",
		"?order=workspace__name&order=-id":   "c.txt A.txt b.txt",
		"?order=workspace.name":              "b.txt A.txt c.txt",
		"?order=id&order=-id":                "b.txt A.txt c.txt",
		"?order=-created&sortField=x":        "c.txt A.txt b.txt",
		"?order=-job_type__name&order=-id":   "c.txt A.txt b.txt",
		"?order=recipe_type__title&order=id": "b.txt A.txt c.txt",
	} {
		if got := strings.Join(s.get(s.Viewer, "/v6/files/"+query).want(200).names("file_name"), " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for _, order := range []string{"", "-", "?", "nothing", "file_name;drop", "%00", "--id", "uuid", "job_type__manifest", "file_name%20"} {
		s.get(s.Viewer, "/v6/files/?order="+order).want(400)
	}
}
