package scaleapi_test

import (
	"testing"

	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestUnknownAddresses(t *testing.T) {
	s := open(t, storetest.Memory(t))
	for _, path := range []string{
		"/v6/", "/v6/nothing/", "/v6/files/abc/", "/v6/files/1a/", "/v6/files/-1/", "/v6/files//", "/v6//files/", "/v6/files/1/2/",
		"/v6/files/99999999999999999999/", "/v5/files/", "/v6", "/v6/files/x", "/v6/files/1%002/",
	} {
		s.get(s.Admin, path).want(404, "Not found.")
	}
}

// Both versions are one API, also where Scale's web page looks for it.
func TestPrefixes(t *testing.T) {
	s := open(t, storetest.Memory(t))
	for i := range 3 {
		s.upload(string(rune('a'+i))+".txt", "x")
	}
	for _, prefix := range []string{"/v6", "/v7", "/api/v6", "/api/v7"} {
		a := s.get(s.Viewer, prefix+"/files/?page_size=2").want(200)
		if want := s.url + prefix + "/files/?page=2&page_size=2"; a.at("next") != want {
			t.Errorf("next is %v, want %v", a.at("next"), want)
		}
	}
}

func TestSlash(t *testing.T) {
	s := open(t, storetest.Memory(t))
	for _, c := range []struct {
		method, path string
		status       int
		location     string
	}{
		{"GET", "/v6/files", 301, "/v6/files/"},
		{"HEAD", "/v6/files?a=b&c=%20", 301, "/v6/files/?a=b&c=%20"},
		{"POST", "/v7/files", 308, "/v7/files/"},
		{"GET", "/api/v6/files/1", 301, "/api/v6/files/1/"},
	} {
		if a := s.send(anonymous, c.method, c.path, "").want(c.status); a.header.Get("Location") != c.location {
			t.Errorf("%s leads to %q, want %q", a.what, a.header.Get("Location"), c.location)
		}
	}
}

func TestMethods(t *testing.T) {
	s := open(t, storetest.Memory(t))
	s.send(s.Admin, "PUT", "/v6/files/", "{}").want(405, `Method "PUT" not allowed.`)
	for _, path := range []string{"/v6/files/", "/v6/version/", "/v6/files/5/"} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "DELETE"} {
			if a := s.send(s.Viewer, method, path, ""); a.header.Get("Allow") != "GET, HEAD, OPTIONS" {
				t.Errorf("%s: Allow %q", a.what, a.header.Get("Allow"))
			}
		}
	}
	a := s.send(s.Viewer, "OPTIONS", "/v6/files/", "").want(200)
	if a.at("name") != "files" || a.at("parses", 0) != "application/json" {
		t.Errorf("described as %s", a.body)
	}
	if a := s.send(s.Viewer, "HEAD", "/v6/files/", "").want(200); len(a.body) != 0 || a.header.Get("Content-Length") == "" {
		t.Errorf("HEAD answered %v %q", a.header, a.body)
	}
}
