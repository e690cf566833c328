package server_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/internal/server"
)

// A server reads all bytes by itself, alarms of what is damaged, and ceases to when
// it was put back and somebody asks.
func TestScrub(t *testing.T) {
	dir := t.TempDir()
	config := server.Config{Data: dir}
	s := open(t, config)
	_, files := admin(t, s)
	for _, name := range []string{"a.csv", "b.csv"} {
		if _, err := files.Upload(t.Context(), client.Path(name), strings.NewReader(name), int64(len(name)), client.UploadOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	wantMetrics(t, s, "coreshed_damaged_versions 0", "coreshed_scrub_ended_timestamp_seconds 0")
	closeServer(t, s)
	var file string
	err := filepath.WalkDir(server.Objects(dir), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			file = p
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rot := func(body string) {
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rot("rot")
	config.ScrubEvery = time.Hour
	s = open(t, config)
	defer closeServer(t, s)
	token, _ := admin(t, s)
	c, err := client.New(client.Config{Hub: s.Running().URL, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	wantMetrics(t, s, "coreshed_damaged_versions 1", "coreshed_scrubbed_bytes_total 5")
	rounds, err := c.Scrubs(t.Context(), 10)
	if err != nil || len(rounds) != 1 || rounds[0].Damaged != 1 {
		t.Errorf("rounds %+v, %v", rounds, err)
	}
	rot(string(good))
	if _, err := c.StartScrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantMetrics(t, s, "coreshed_damaged_versions 0")
}

// wantMetrics waits until the server has measured that.
func wantMetrics(t *testing.T, s *server.Server, want ...string) {
	t.Helper()
	var text string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(s.Running().URL + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		text = string(body)
		missing := 0
		for _, line := range want {
			if !strings.Contains(text, "\n"+line+"\n") {
				missing++
			}
		}
		if missing == 0 {
			return
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "coreshed_") && strings.Contains(line, "scrub") || strings.Contains(line, "damaged") {
			t.Log(line)
		}
	}
	t.Fatalf("the metrics have not %q", want)
}
