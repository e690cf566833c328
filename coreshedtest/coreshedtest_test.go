package coreshedtest_test

import (
	"bytes"
	"net/http"
	"os"
	"testing"

	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/coreshedtest"
)

func TestStart(t *testing.T) {
	s := coreshedtest.Start(t)
	c, err := client.New(client.Config{Hub: s.URL, Token: s.Token})
	if err != nil {
		t.Fatal(err)
	}
	files := c.Files(s.OrgID, s.WorkspaceID)
	content := []byte("hole,from,to\nDH-1,0,1.5\n")
	up, err := files.Upload(t.Context(), client.Path("assays/dh-1.csv"), bytes.NewReader(content), int64(len(content)), client.UploadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	f, err := files.Download(t.Context(), client.Path("/Assays/DH-1.csv"), &got, client.DownloadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), content) || f.VersionID != up.VersionID {
		t.Errorf("got version %v with %q, want %v with %q", f.VersionID, got.Bytes(), up.VersionID, content)
	}
	if _, err := os.Stat(s.CAFile); err != nil {
		t.Error(err)
	}
}

// Two servers in one process must not know of each other.
func TestStartTwice(t *testing.T) {
	a, b := coreshedtest.Start(t), coreshedtest.Start(t)
	if a.URL == b.URL {
		t.Fatalf("both at %s", a.URL)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+"/evo/identity/v2/discovery?service=evo", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the other server's token gets %s", resp.Status)
	}
}
