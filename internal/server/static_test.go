package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/server"
)

// page writes a single page's files into a new folder.
func page(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index.html": "<page>", "main.js": "js", "style.CSS": "css", "assets/appConfig.json": "{}", "assets/font.woff2": "f",
		"odd.coreshed": "?", ".secret": "s", ".git/config": "s", "v6/files/index.html": "shadow", "healthz": "shadow",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	write(t, filepath.Join(dir+"-outside"), "outside")
	if err := os.Symlink(dir+"-outside", filepath.Join(dir, "escape.txt")); err != nil {
		t.Log("no links here:", err)
	}
	if err := os.Symlink("main.js", filepath.Join(dir, "link.js")); err != nil {
		t.Log("no links here:", err)
	}
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fetched is the status, type and body of an answer.
type fetched struct {
	Status     int
	Type, Body string
}

// fetch sends a path as it is.
func fetch(t *testing.T, s *server.Server, method, path string, headers ...string) (fetched, http.Header) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.Running().URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path, strings.Join(headers, ""))
	request, err := http.NewRequestWithContext(t.Context(), method, s.Running().URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fetched{resp.StatusCode, resp.Header.Get("Content-Type"), string(body)}, resp.Header
}

const browser = "Accept: text/html,*/*\r\n"

func TestStatic(t *testing.T) {
	second := t.TempDir()
	write(t, filepath.Join(second, "index.html"), "<second>")
	s := open(t, server.Config{Ephemeral: true, Static: []server.Static{{Path: "/", Dir: page(t)}, {Path: "/ui/two/", Dir: second}}})
	defer closeServer(t, s)
	const html, text = "text/html; charset=utf-8", "text/plain; charset=utf-8"
	index, missing := fetched{200, html, "<page>"}, fetched{404, text, "There is no such file.\n"}
	for _, c := range []struct {
		path, accept string
		want         fetched
	}{
		{"/", "", index},
		{"/index.html", "", index},
		{"/main.js?v=1", "", fetched{200, "text/javascript; charset=utf-8", "js"}},
		{"/style.CSS", "", fetched{200, "text/css; charset=utf-8", "css"}},
		{"/assets/appConfig.json", "", fetched{200, "application/json", "{}"}},
		{"/assets/font.woff2", "", fetched{200, "font/woff2", "f"}},
		{"/odd.coreshed", "", fetched{200, "application/octet-stream", "?"}},
		{"/data/jobs/1", browser, index},
		{"/configuration/job-types/x/1.0.0", browser, index},
		{"/assets/", browser, index},
		{"/data/jobs/1", "", missing},
		{"/missing.js", "Accept: */*\r\n", missing},
		{"/assets", "", missing},
		{"/.secret", browser, missing},
		{"/.git/config", browser, missing},
		{"/assets/../.secret", browser, missing},
		{"/../" + filepath.Base(second) + "/index.html", browser, missing},
		{"/%2e%2e/x", browser, missing},
		{"/a%00b", browser, missing},
		{"/a%5c..%5cb", browser, missing},
		{"//main.js", browser, missing},
		{"/escape.txt", "", missing},
		{"/ui/two/", "", fetched{200, html, "<second>"}},
		{"/ui/two/deep/link", browser, fetched{200, html, "<second>"}},
		{"/ui/three", browser, index},
		// Paths of the API stay the API's.
		{"/healthz", "", fetched{200, text, "ok\n"}},
		{"/v6/files/", browser, fetched{403, "application/json", `{"detail":"Authentication credentials were not provided."}` + "\n"}},
		{"/api/v6/files/", browser, fetched{403, "application/json", `{"detail":"Authentication credentials were not provided."}` + "\n"}},
		{"/api/v7/nothing", browser, fetched{404, "application/json", `{"detail":"Not found."}` + "\n"}},
		{"/api/nothing", browser, fetched{404, text, "404 page not found\n"}},
	} {
		got, header := fetch(t, s, "GET", c.path, c.accept)
		if diff := cmp.Diff(c.want, got); diff != "" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s (-want +got):\n%s%v", c.path, diff, header)
		}
	}
	if got, header := fetch(t, s, "GET", "/ui/two"); got.Status != 301 || header.Get("Location") != "/ui/two/" {
		t.Errorf("without its slash: %v, to %s", got, header.Get("Location"))
	}
	if got, header := fetch(t, s, "POST", "/main.js"); got.Status != 405 || header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %v %v", got, header)
	}
	if got, _ := fetch(t, s, "HEAD", "/main.js"); got.Status != 200 || got.Body != "" {
		t.Errorf("HEAD: %v", got)
	}
	_, header := fetch(t, s, "GET", "/main.js")
	if got, _ := fetch(t, s, "GET", "/main.js", "If-Modified-Since: "+header.Get("Last-Modified")+"\r\n"); got.Status != 304 {
		t.Errorf("again: %v", got)
	}
}

// Whoever serves a folder learns at once that it cannot be one.
func TestStaticRefused(t *testing.T) {
	data := t.TempDir()
	for _, static := range []server.Static{
		{Path: "/v6", Dir: t.TempDir()}, {Path: "/api/x", Dir: t.TempDir()}, {Path: "/file/../metrics", Dir: t.TempDir()},
		{Path: "/00000000-0000-0000-0000-000000000000", Dir: t.TempDir()}, {Path: "ui", Dir: t.TempDir()},
		{Path: "/", Dir: filepath.Join(t.TempDir(), "none")}, {Path: "/", Dir: data}, {Path: "/", Dir: filepath.Dir(data)},
	} {
		s, err := server.Open(t.Context(), server.Config{Data: data, Listen: "127.0.0.1:0", Static: []server.Static{static}})
		if err == nil {
			closeServer(t, s)
			t.Errorf("%s=%s was taken", static.Path, static.Dir)
		}
	}
}

// Without credentials nobody reads, unless whoever runs the server says so.
func TestScaleAnonymous(t *testing.T) {
	for anonymous, want := range map[bool]int{false: 403, true: 200} {
		s := open(t, server.Config{Ephemeral: true, ScaleAnonymous: anonymous})
		if got, _ := fetch(t, s, "GET", "/v6/files/"); got.Status != want {
			t.Errorf("anonymous %v: %v", anonymous, got)
		}
		closeServer(t, s)
	}
}

func TestOrganisation(t *testing.T) {
	if s, err := server.Open(t.Context(), server.Config{Ephemeral: true, Listen: "127.0.0.1:0", Org: "Nobody"}); err == nil {
		closeServer(t, s)
		t.Error("an organisation that is not there is served")
	}
	s := open(t, server.Config{Ephemeral: true, Organisation: "Northern Minerals", Org: "northern minerals"})
	defer closeServer(t, s)
	if got, _ := fetch(t, s, "GET", "/v6/version/"); got.Status != 200 {
		t.Errorf("version: %v", got)
	}
}
