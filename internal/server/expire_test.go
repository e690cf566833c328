package server_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/server"
)

// A server that starts when their time is over removes deleted files, bytes too.
func TestDeletedFilesExpire(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	config := server.Config{Data: dir, Now: func() time.Time { return now }}
	s := open(t, config)
	_, files := admin(t, s)
	for _, name := range []string{"old.csv", "kept.csv"} {
		if _, err := files.Upload(t.Context(), client.Path(name), strings.NewReader(name), int64(len(name)), client.UploadOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Delete(t.Context(), client.Path("old.csv")); err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	user, err := s.Store().User(t.Context(), auth.AdminEmail)
	if err != nil {
		t.Fatal(err)
	}
	access := coreshed.Access{Actor: coreshed.Actor{ID: user.ID}, Workspace: s.First.Workspace, Role: coreshed.Owner}
	if _, err := s.Store().EditWorkspace(t.Context(), access, coreshed.WorkspaceEdit{Retention: &day}); err != nil {
		t.Fatal(err)
	}
	closeServer(t, s)
	if n := objects(t, dir); n != 2 {
		t.Fatalf("%d objects before", n)
	}

	now = now.Add(day + time.Hour)
	s = open(t, config)
	defer closeServer(t, s)
	for end := time.Now().Add(10 * time.Second); objects(t, dir) != 1; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the bytes of the deleted file are still there")
		}
	}
	resp, err := http.Get(s.Running().URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), "coreshed_expired_files_total 1\n") {
		t.Errorf("no metric of it: %v", err)
	}
}

// objects counts the objects of a data folder.
func objects(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(server.Objects(dir), func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return nil // what is removed meanwhile is not there
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
