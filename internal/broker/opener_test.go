package broker_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/internal/broker"
)

func mkdir(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBoundsRefuse(t *testing.T) {
	top := t.TempDir()
	data, beside := mkdir(t, filepath.Join(top, "data")), mkdir(t, filepath.Join(top, "beside"))
	inside := mkdir(t, filepath.Join(data, "objects"))
	link := filepath.Join(top, "link")
	if err := os.Symlink(data, link); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(top, "file")
	put(t, open(t, top), "file", "x")
	for dir, ok := range map[string]bool{
		beside: true, data: false, inside: false, top: false, link: false,
		filepath.Join(link, "objects"): false, filepath.Join(top, "absent"): false, file: false,
	} {
		if _, err := broker.NewOpener(broker.Bounds{Roots: []string{dir}, Data: data}); (err == nil) != ok {
			t.Errorf("root %s: %v", dir, err)
		}
		mount := broker.Mount{Export: "server:/export", Dir: dir}
		if _, err := broker.NewOpener(broker.Bounds{Mounts: []broker.Mount{mount}, Data: data}); (err == nil) != ok {
			t.Errorf("mount %s: %v", dir, err)
		}
	}
	// A data folder that is yet to be made counts too.
	if _, err := broker.NewOpener(broker.Bounds{Roots: []string{beside}, Data: filepath.Join(beside, "a", "b")}); err == nil {
		t.Error("a root that will hold the data folder is allowed")
	}
	for _, b := range []broker.Bounds{
		{Mounts: []broker.Mount{{Export: "/export", Dir: beside}}},
		{Endpoints: []string{"https://host/path"}},
		{Endpoints: []string{""}},
	} {
		if _, err := broker.NewOpener(b); err == nil {
			t.Errorf("%+v is allowed", b)
		}
	}
}

func TestOpenWithinBounds(t *testing.T) {
	top := t.TempDir()
	allowed := mkdir(t, filepath.Join(top, "allowed"))
	other := mkdir(t, filepath.Join(top, "allowed-not"))
	link := filepath.Join(top, "link")
	if err := os.Symlink(allowed, link); err != nil {
		t.Fatal(err)
	}
	o := opener(t, broker.Bounds{
		Roots: []string{link}, Mounts: []broker.Mount{{Export: "Server:/export/", Dir: allowed}}, Endpoints: []string{"s3.eu-west-1.amazonaws.com", "localhost:9000"},
	})
	host, nfs := `{"broker": {"type": "host", "host_path": %q}}`, `{"broker": {"type": "nfs", "nfs_path": %q}}`
	endpoint := `{"broker": {"type": "s3", "bucket_name": "b", "endpoint_url": %q}}`
	region := `{"broker": {"type": "s3", "bucket_name": "b", "region_name": %q}}`
	for _, tt := range []struct {
		form, value string
		ok          bool
	}{
		{host, allowed, true}, {host, link, true}, {host, filepath.Join(allowed, "a", "b"), true}, {host, allowed + "/", true},
		{host, other, false}, {host, top, false}, {host, filepath.Join(allowed, "..", "allowed-not"), false}, {host, "allowed", false}, {host, "/", false},
		{nfs, "server:/export", true}, {nfs, "SERVER:/export/sub", true}, {nfs, "server:/exports", false}, {nfs, "server:/export/../etc", false},
		{nfs, "other:/export", false}, {nfs, "/export", false}, {nfs, ":/export", false},
		{region, "eu-west-1", true}, {region, "us-east-1", false}, {region, "eu-west-1.evil.example/", false},
		{endpoint, "http://localhost:9000", true}, {endpoint, "https://LOCALHOST:9000/", true}, {endpoint, "https://s3.eu-west-1.amazonaws.com", true},
		{endpoint, "http://localhost", false}, {endpoint, "http://localhost:9001", false}, {endpoint, "http://169.254.169.254", false},
		{endpoint, "ftp://localhost:9000", false}, {endpoint, "http://user@localhost:9000", false}, {endpoint, "http://localhost:9000/x", false},
		{endpoint, "localhost:9000", false}, {endpoint, "http://localhost:9000@evil.example", false}, {endpoint, "http://evil.example#localhost:9000", false},
	} {
		_, err := o.Open(parse(t, fmt.Sprintf(tt.form, tt.value)))
		var invalid *broker.ConfigError
		if (err == nil) != tt.ok || (err != nil && (!errors.As(err, &invalid) || invalid.Name != broker.InvalidBroker)) {
			t.Errorf("%s %q: %v", tt.form, tt.value, err)
		}
	}
	none := &broker.Opener{}
	for _, document := range []string{fmt.Sprintf(host, allowed), fmt.Sprintf(nfs, "server:/export"), fmt.Sprintf(region, "eu-west-1")} {
		if _, err := none.Open(parse(t, document)); err == nil {
			t.Errorf("a server without bounds opens %s", document)
		}
	}
}

func TestMounted(t *testing.T) {
	dir := t.TempDir()
	o := opener(t, broker.Bounds{Mounts: []broker.Mount{{Export: "server:/export", Dir: dir}}})
	b := openConfig(t, o, `{"broker": {"type": "nfs", "nfs_path": "server:/export/survey"}}`)
	mkdir(t, filepath.Join(dir, "survey"))
	put(t, b, "a/hole.las", "depth")
	if got := read(t, open(t, dir), "survey/a/hole.las"); got != "depth" {
		t.Errorf("it reads %q", got)
	}
}

func TestLinksStayInside(t *testing.T) {
	top := t.TempDir()
	dir, secret := mkdir(t, filepath.Join(top, "dir")), mkdir(t, filepath.Join(top, "secret"))
	put(t, open(t, secret), "key", "tell nobody")
	b := open(t, dir)
	put(t, b, "in/hole.las", "depth")
	for link, to := range map[string]string{
		"file": filepath.Join(secret, "key"), "folder": secret, "relative": "../secret/key",
		"inside.las": "in/hole.las", "again": "in", "nowhere": "absent", "loop": "loop",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(t, b, broker.Listing{Recursive: true}); strings.Join(got, " ") != "in/hole.las inside.las" {
		t.Errorf("it lists %q", got)
	}
	for _, path := range []string{"file", "folder/key", "relative", "nowhere", "loop"} {
		if f, err := b.Open(t.Context(), path); err == nil {
			t.Errorf("Open %s finds %+v", path, f.Object())
		}
	}
	for _, path := range []string{"folder/new", "folder/key"} {
		if _, err := b.Put(t.Context(), path, strings.NewReader("x"), 1, broker.PutOptions{Replace: true}); err == nil {
			t.Errorf("Put %s writes outside", path)
		}
		if err := b.Delete(t.Context(), path); err == nil {
			t.Errorf("Delete %s says that it did", path)
		}
		if _, err := b.Move(t.Context(), "in/hole.las", path); err == nil {
			t.Errorf("Move to %s writes outside", path)
		}
	}
	if got := read(t, open(t, secret), "key") + read(t, b, "inside.las"); got != "tell nobodydepth" {
		t.Errorf("they read %q", got)
	}
}

// TestClientReaches tries addresses that no list makes good.
func TestClientReaches(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
	}))
	defer server.Close()
	own := server.Listener.Addr().(*net.TCPAddr)
	for _, tt := range []struct {
		allowed, url string
		ok           bool
	}{
		{own.String(), server.URL, true},
		{fmt.Sprintf("localhost:%d", own.Port), fmt.Sprintf("http://localhost:%d", own.Port), true},
		{"localhost", server.URL, false},
		{"*.example", server.URL, false},
		{"169.254.169.254", "http://169.254.169.254/latest", false},
		{"[fe80::1]:80", "http://[fe80::1%25lo]:80/", false},
		{"::ffff:169.254.169.254", "http://[::ffff:169.254.169.254]/latest", false},
		{"fd00:ec2::254", "http://[fd00:ec2::254]/latest", false},
		{"0.0.0.0", "http://0.0.0.0/", false},
	} {
		client := opener(t, broker.Bounds{Endpoints: []string{tt.allowed}}).Client()
		answer, err := client.Get(tt.url)
		if err == nil {
			answer.Body.Close()
		}
		if (err == nil) != tt.ok || (err != nil && !strings.Contains(err.Error(), "may be reached")) {
			t.Errorf("%s with %s allowed: %v", tt.url, tt.allowed, err)
		}
		if err == nil && answer.StatusCode != http.StatusFound {
			t.Errorf("the redirect was followed: %d", answer.StatusCode)
		}
	}
}
