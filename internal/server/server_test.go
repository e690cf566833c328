package server_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open starts a server on a data folder; the test closes it.
func open(t *testing.T, c server.Config) *server.Server {
	t.Helper()
	c.Listen, c.Floor = "127.0.0.1:0", 1
	s, err := server.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

func closeServer(t *testing.T, s *server.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// admin returns a client of the server and the files of its first workspace.
func admin(t *testing.T, s *server.Server) (token string, files *client.Files) {
	t.Helper()
	user, err := s.Store().User(t.Context(), auth.AdminEmail)
	if err != nil {
		t.Fatal(err)
	}
	token, err = auth.Mint(t.Context(), s.Store(), user.Person, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Store().WorkspaceByName(t.Context(), "Default")
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{Hub: s.Running().URL, Token: token, HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	if err != nil {
		t.Fatal(err)
	}
	return token, c.Files(w.OrgID, w.UUID)
}

// signedURL asks for the URL to GET or to PUT a file.
func signedURL(t *testing.T, s *server.Server, token, method, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("%s/file/v2/orgs/%s/workspaces/%s/files/path/%s",
		s.Running().URL, s.First.Organisation.ID, s.First.Workspace.UUID, path), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var file struct{ Download, Upload string }
	if err := json.NewDecoder(resp.Body).Decode(&file); err != nil || file.Download+file.Upload == "" {
		t.Fatalf("%s: no URL, %v", resp.Status, err)
	}
	return file.Download + file.Upload
}

func TestEverythingSurvivesARestart(t *testing.T) {
	c := server.Config{Data: filepath.Join(t.TempDir(), "shed")}
	s := open(t, c)
	if s.First == nil {
		t.Fatal("the first start made nothing")
	}
	if password, err := os.ReadFile(s.First.PasswordFile); err != nil || strings.TrimSpace(string(password)) != s.First.Password {
		t.Errorf("password file: %q, %v", password, err)
	}
	_, files := admin(t, s)
	content := bytes.Repeat([]byte("core"), 3<<20)
	up, err := files.Upload(t.Context(), client.Path("a/b.bin"), bytes.NewReader(content), int64(len(content)), client.UploadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	closeServer(t, s)

	s = open(t, c)
	defer closeServer(t, s)
	if s.First != nil {
		t.Error("the second start made a first organisation")
	}
	_, files = admin(t, s)
	var got bytes.Buffer
	f, err := files.Download(t.Context(), client.Path("a/b.bin"), &got, client.DownloadOptions{})
	if err != nil || f.VersionID != up.VersionID || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("got version %v, %d bytes, %v", f.VersionID, got.Len(), err)
	}
}

// The next server need not wait until what the one before had leased is over.
func TestCloseGivesLeasesUp(t *testing.T) {
	dir := t.TempDir()
	s := open(t, server.Config{Data: dir})
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "coreshed.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	leases := func() (n int) {
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM leases`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for end := time.Now().Add(10 * time.Second); leases() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the server does not collect")
		}
	}
	closeServer(t, s)
	if n := leases(); n != 0 {
		t.Errorf("%d leases of the server that was closed go on", n)
	}
}

func TestOneServerPerFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := server.ReadRunning(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the start: %v", err)
	}
	s := open(t, server.Config{Data: dir})
	if r, err := server.ReadRunning(dir); err != nil || r.URL != s.Running().URL {
		t.Errorf("while running: %+v, %v", r, err)
	}
	if _, err := server.Open(t.Context(), server.Config{Data: dir, Listen: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("second server: %v", err)
	}
	closeServer(t, s)
	if _, err := server.ReadRunning(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end: %v", err)
	}
}

func TestRefusesNewerFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "format"), []byte("2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Open(t.Context(), server.Config{Data: dir, Listen: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("opened it: %v", err)
	}
}

func TestRefusesToListen(t *testing.T) {
	for name, c := range map[string]struct {
		config server.Config
		says   string
	}{
		"plain to everyone":         {server.Config{Listen: "0.0.0.0:0"}, "--listen-plain"},
		"everyone, no public URL":   {server.Config{Listen: "0.0.0.0:0", ListenPlain: true}, "--public-url"},
		"public URL with a path":    {server.Config{Listen: "127.0.0.1:0", PublicURL: "https://example.org/files"}, "without a path"},
		"public URL of another way": {server.Config{Listen: "127.0.0.1:0", PublicURL: "ftp://example.org"}, "public URL"},
		"no certificate there":      {server.Config{Listen: "127.0.0.1:0", TLSListen: "127.0.0.1:0", TLSCert: "none.pem", TLSKey: "none.pem"}, "certificate"},
	} {
		c.config.Ephemeral = true
		s, err := server.Open(t.Context(), c.config)
		if err == nil {
			closeServer(t, s)
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever chooses an address at which no Evo client can transfer is told.
func TestWarnsOfAddressesThatEvoClientsRefuse(t *testing.T) {
	for _, tt := range []struct {
		config server.Config
		warns  bool
	}{
		{server.Config{}, false},
		{server.Config{PublicURL: "https://files.example.org"}, false},
		{server.Config{PublicURL: "https://files.example.org:8443"}, true},
		{server.Config{PublicURL: "http://files.example.org"}, true},
		{server.Config{TLSListen: "127.0.0.1:0"}, true},
		{server.Config{TLSListen: "127.0.0.1:0", PublicURL: "https://files.example.org"}, false},
	} {
		var log bytes.Buffer
		tt.config.Ephemeral, tt.config.Log = true, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		closeServer(t, open(t, tt.config))
		if warned := strings.Contains(log.String(), "Evo clients"); warned != tt.warns {
			t.Errorf("public %q, TLS %q: warned %v: %s", tt.config.PublicURL, tt.config.TLSListen, warned, log.String())
		}
	}
}

// A transfer that runs when the server is told to stop is finished first, and
// nothing new is taken.
func TestCloseLetsTransfersEnd(t *testing.T) {
	s := open(t, server.Config{Data: t.TempDir()})
	token, files := admin(t, s)
	content := bytes.Repeat([]byte("x"), 32<<20)
	if _, err := files.Upload(t.Context(), client.Path("x"), bytes.NewReader(content), int64(len(content)), client.UploadOptions{}); err != nil {
		t.Fatal(err)
	}
	conn, r := slowGet(t, signedURL(t, s, token, http.MethodGet, "x"))
	defer conn.Close()
	closed := make(chan struct{})
	go func() { defer close(closed); closeServer(t, s) }()
	waitClosing(t, s)
	n, err := io.Copy(io.Discard, r)
	if err != nil || n != int64(len(content)) {
		t.Errorf("the running transfer got %d of %d bytes, %v", n, len(content), err)
	}
	<-closed
}

// A caller that sends a request slowly is not waited for, unless it uploads.
func TestOnlyTransfersMayBeSlow(t *testing.T) {
	s := open(t, server.Config{Ephemeral: true, RequestTime: 300 * time.Millisecond})
	defer closeServer(t, s)
	token, _ := admin(t, s)
	form := begin(t, "POST", s.Running().URL+"/connect/token", "Content-Type: application/x-www-form-urlencoded")
	defer form.Close()
	form.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := form.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server still waits for the form")
	}
	upload := begin(t, "PUT", signedURL(t, s, token, http.MethodPut, "slow"), "x-ms-blob-type: BlockBlob")
	defer upload.Close()
	for range 10 {
		time.Sleep(100 * time.Millisecond)
		fmt.Fprint(upload, "x")
	}
	if resp, err := http.ReadResponse(bufio.NewReader(upload), nil); err != nil || resp.StatusCode != http.StatusCreated {
		t.Errorf("a slow upload got %+v, %v", resp, err)
	}
}

// begin sends the head of a request with a body of ten bytes.
func begin(t *testing.T, method, raw, header string) net.Conn {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\nContent-Length: 10\r\n\r\n", method, u.RequestURI(), u.Host, header)
	return conn
}

// waitClosing waits until the server takes no connections.
func waitClosing(t *testing.T, s *server.Server) {
	t.Helper()
	address := strings.TrimPrefix(s.Running().URL, "http://")
	for range 1000 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the server still takes connections")
}

// slowGet asks for a URL and reads no more than the header, so that the server
// is still sending a body that no buffer holds.
func slowGet(t *testing.T, raw string) (net.Conn, io.Reader) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", u.RequestURI(), u.Host)
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 4<<10), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s", resp.Status)
	}
	return conn, resp.Body
}

func TestOperationsRoutes(t *testing.T) {
	s := open(t, server.Config{Ephemeral: true})
	defer closeServer(t, s)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/":                       {200, "Coreshed"},
		"/healthz":                {200, "ok"},
		"/readyz":                 {200, "ready"},
		"/metrics":                {200, "coreshed_http_requests_active"},
		"/api/":                   {200, "Evo File API"},
		"/api/evo-file-v2.yaml":   {200, "openapi"},
		"/api/v1/lineage":         {405, "POST"},
		"/file/health_check":      {200, "pass"},
		"/nowhere":                {404, "/api/"},
		"//file/health_check":     {404, "/api/"},
		"/connect/authorize":      {400, ""},
		"/.well-known/jwks.json":  {200, "keys"},
		"/file/v2/nothing":        {404, ""},
		"/file/v2/orgs/%zz/files": {400, "bad-request"},
	} {
		status, body := get(t, s.Running().URL, path)
		if status != want.status || !strings.Contains(body, want.text) {
			t.Errorf("GET %s: %d %.200q; want %d with %q", path, status, body, want.status, want.text)
		}
	}
}

// get writes the request itself: net/http would refuse to send some of them.
func get(t *testing.T, base, path string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// A host name that is not the server's own never gets into a link.
func TestForeignHostStaysOutOfLinks(t *testing.T) {
	s := open(t, server.Config{Ephemeral: true})
	defer closeServer(t, s)
	_, body := get(t, s.Running().URL, "/.well-known/openid-configuration")
	var doc struct{ Issuer string }
	if err := json.Unmarshal([]byte(body), &doc); err != nil || doc.Issuer != s.Running().URL {
		t.Errorf("issuer %q, %v; want %q", doc.Issuer, err, s.Running().URL)
	}
}
