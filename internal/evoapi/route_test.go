package evoapi_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestUnknownAddresses(t *testing.T) {
	each(t, func(s *shed) {
		base := strings.TrimSuffix(s.files(""), "/files")
		for _, path := range []string{
			"/file/", "/file", "/file/v1/x", "/file/v2", base, base + "/", s.files("/"), s.files("/x/y"), "/" + s.files(""),
			strings.Replace(s.files(""), "/v2/", "//v2/", 1), s.files("/path"[:4] + "/path/a"), "/workspace/", s.workspaces("/"),
			s.here("/thumbnail"), s.here("/users/"), "/evo/identity/v1/discovery", "/file/health_check/",
		} {
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				s.send(s.Admin, method, path).want(404)
			}
		}
	})
}

func TestMethodsNotAllowed(t *testing.T) {
	s := open(t, storetest.Memory(t))
	for _, c := range []struct{ method, path, allow string }{
		{"POST", s.files(""), "GET, HEAD"},
		{"DELETE", s.files(""), "GET, HEAD"},
		{"POST", s.files("/x"), "DELETE, GET, HEAD, PUT"},
		{"PATCH", s.files("/path/x"), "DELETE, GET, HEAD, PUT"},
		{"OPTIONS", s.files("/path/x"), "DELETE, GET, HEAD, PUT"},
		{"POST", "/file/health_check", "GET, HEAD"},
		{"PUT", s.workspaces(""), "GET, HEAD, POST"},
		{"PUT", s.workspaces("/summary"), "DELETE, GET, HEAD, PATCH, POST"},
		{"PUT", s.here(""), "DELETE, GET, HEAD, PATCH, POST"},
		{"GET", s.here("/users/x"), "DELETE"},
		{"POST", "/evo/identity/v2/discovery", "GET, HEAD"},
	} {
		if a := s.send(s.Admin, c.method, c.path).want(405); a.header.Get("Allow") != c.allow {
			t.Errorf("%s: Allow %q, want %q", a.what, a.header.Get("Allow"), c.allow)
		}
	}
}

func TestHead(t *testing.T) {
	s := open(t, storetest.Memory(t))
	if a := s.send(s.Viewer, "HEAD", s.files("")).want(200); len(a.body) != 0 || a.header.Get("Content-Length") == "" {
		t.Errorf("%v %q", a.header, a.body)
	}
}

// A path is taken as it is: dots, slashes and bad escapes are not tidied up on
// the way, and nothing is redirected.
func TestRawRequestLines(t *testing.T) {
	s := open(t, storetest.Memory(t))
	token := s.token(s.Editor, 3600e9)
	for target, want := range map[string]int{
		s.files("/path//lead.csv"):          200,
		s.files("/path/a/../b.csv"):         400,
		s.files("/path/.."):                 400,
		s.files("/path/./a"):                400,
		s.files("/path/a//b"):               200,
		s.files("/path/%zz"):                400,
		s.files("/path/\xff"):               400,
		s.files("/path/a%"):                 400,
		s.files("/path/a?version_id=%zz"):   400,
		s.files("/path/a;b=c"):              200,
		s.files("/.."):                      422,
		s.files("/"):                        404,
		"//" + s.files("/path/a"):           404,
		"http://other" + s.files("/path/a"): 200,
	} {
		if got := sendLine(t, s.url, "PUT "+target+" HTTP/1.1\r\nHost: x\r\nAuthorization: "+token+"\r\nContent-Length: 0\r\n"); got != want {
			t.Errorf("PUT %q: status %d, want %d", target, got, want)
		}
	}
}

func sendLine(t *testing.T, base, head string) int {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, head+"Connection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// A body that nobody asked for is not read, and does not matter.
func TestBodiesAreIgnored(t *testing.T) {
	s := open(t, storetest.Memory(t))
	for _, kind := range []string{"application/json", "application/octet-stream", "nonsense"} {
		s.sendBody(s.token(s.Editor, 3600e9), "PUT", s.files("/path/a"), strings.NewReader("{not json"), "Content-Type", kind).want(200)
	}
}
