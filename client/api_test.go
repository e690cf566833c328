package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

func (s *shed) put(t *testing.T, path, content string) client.Uploaded {
	t.Helper()
	up, err := s.files.Upload(t.Context(), client.Path(path), bytes.NewReader([]byte(content)), int64(len(content)), client.UploadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return up
}

func (s *shed) paths(t *testing.T, f coreshed.Filter, order ...coreshed.Order) []string {
	t.Helper()
	var paths []string
	for file, err := range s.files.List(t.Context(), f, order...) {
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, file.Path)
	}
	return paths
}

func TestFileLife(t *testing.T) {
	s, ctx := start(t), t.Context()
	first := s.put(t, "a/x.txt", "one")
	second := s.put(t, "A/X.TXT", "two!")
	if first.FileID != second.FileID {
		t.Fatal("another spelling made another file")
	}
	f, err := s.files.Get(ctx, client.Path("a/x.txt"), client.GetOptions{Versions: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Versions) != 2 || f.Versions[0].VersionID != second.VersionID || f.VersionID != second.VersionID || f.Size != 4 {
		t.Errorf("got %+v", f)
	}
	old, err := s.files.Get(ctx, client.ID(f.ID), client.GetOptions{VersionID: first.VersionID})
	if err != nil || old.Size != 3 {
		t.Errorf("got %+v, %v", old, err)
	}
	if err := s.files.Delete(ctx, client.Path("a/x.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.files.Get(ctx, client.ID(f.ID), client.GetOptions{}); !errors.Is(err, coreshed.Gone) {
		t.Errorf("a deleted file is %v", err)
	}
	if got := s.paths(t, coreshed.Filter{Deleted: true}); !slices.Equal(got, []string{"a/x.txt"}) {
		t.Errorf("deleted are %q", got)
	}
	s.put(t, "a/x.txt", "three")
	back, err := s.files.Restore(ctx, f.ID)
	if err != nil || back.Path != "a/x (1).txt" || back.ID != f.ID {
		t.Errorf("restored %+v, %v", back, err)
	}
	if back, err = s.files.Restore(ctx, f.ID); err != nil || back.Path != "a/x (1).txt" {
		t.Errorf("restored again %+v, %v", back, err)
	}
}

func TestList(t *testing.T) {
	s := start(t)
	var want []string
	for i := range 25 {
		path := fmt.Sprintf("Tief/%c/datei %d.csv", 'a'+i%2, i)
		s.put(t, path, path)
		want = append(want, path)
	}
	if diff := cmp.Diff(want, s.paths(t, coreshed.Filter{})); diff != "" {
		t.Error(diff)
	}
	slices.Reverse(want)
	if diff := cmp.Diff(want, s.paths(t, coreshed.Filter{}, coreshed.Order{Field: coreshed.ByCreated, Desc: true})); diff != "" {
		t.Error(diff)
	}
	if got := s.paths(t, coreshed.Filter{Folder: "/tief/B/"}); len(got) != 12 {
		t.Errorf("a folder has %q", got)
	}
	if got := s.paths(t, coreshed.Filter{Name: "I 7.C"}); !slices.Equal(got, []string{"Tief/b/datei 7.csv"}) {
		t.Errorf("a name finds %q", got)
	}
	zero := int64(0)
	if got := s.paths(t, coreshed.Filter{Created: coreshed.TimeRange{Until: &zero}}); len(got) != 0 {
		t.Errorf("before 1970 there was %q", got)
	}
	for _, err := range s.files.List(t.Context(), coreshed.Filter{}) {
		if err != nil {
			t.Error(err)
		}
		break // a reader may stop
	}
}

func TestErrors(t *testing.T) {
	s, ctx := start(t), t.Context()
	up := s.put(t, "x", "x")
	stranger := s.connect(t, client.Config{Token: "none"}).Files(s.OrgID, s.WorkspaceID)
	anonymous, err := client.New(client.Config{Hub: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		do   func() error
		want coreshed.Kind
	}{
		"no file": {func() error { _, err := s.files.Get(ctx, client.Path("y"), client.GetOptions{}); return err }, coreshed.NotFound},
		"no id":   {func() error { return s.files.Delete(ctx, client.ID(uuid.New())) }, coreshed.NotFound},
		"no version": {func() error {
			_, err := s.files.Get(ctx, client.ID(up.FileID), client.GetOptions{VersionID: 1})
			return err
		}, coreshed.NotFound},
		"bad path":  {func() error { _, err := s.files.Get(ctx, client.Path("a/%00/"), client.GetOptions{}); return err }, coreshed.InvalidPath},
		"bad token": {func() error { return stranger.Delete(ctx, client.Path("x")) }, coreshed.InvalidToken},
		"no token": {func() error {
			_, err := anonymous.Files(s.OrgID, s.WorkspaceID).Get(ctx, client.Path("x"), client.GetOptions{})
			return err
		}, coreshed.Unauthenticated},
		"no workspace": {func() error {
			_, err := s.client.Files(s.OrgID, uuid.New()).Get(ctx, client.Path("x"), client.GetOptions{})
			return err
		}, coreshed.NotFound},
		"taken title": {func() error {
			_, err := s.client.CreateWorkspace(ctx, s.OrgID, "Default", client.WorkspaceEdit{})
			return err
		}, coreshed.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.do()
			var e *client.Error
			if !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Status < 400 || e.Title == "" || coreshed.KindOf(err) != tt.want {
				t.Errorf("got %v (%#v), want %v", err, e, tt.want)
			}
		})
	}
}

func TestWorkspaces(t *testing.T) {
	s, ctx := start(t), t.Context()
	orgs, err := s.client.Organisations(ctx)
	if err != nil || len(orgs) != 1 || orgs[0].ID != s.OrgID {
		t.Fatalf("got %v, %v", orgs, err)
	}
	description := "for tests"
	w, err := s.client.CreateWorkspace(ctx, s.OrgID, "Bohrung Süd", client.WorkspaceEdit{Description: &description})
	if err != nil {
		t.Fatal(err)
	}
	if w.Name != "Bohrung Süd" || w.Description != description || w.Role != coreshed.Owner {
		t.Errorf("made %+v", w)
	}
	title := "Bohrung Nord"
	if w, err = s.client.EditWorkspace(ctx, s.OrgID, w.ID, client.WorkspaceEdit{Name: &title}); err != nil || w.Name != title {
		t.Errorf("changed to %+v, %v", w, err)
	}
	if err := s.client.DeleteWorkspace(ctx, s.OrgID, w.ID); err != nil {
		t.Fatal(err)
	}
	if got := names(t, s, false); !slices.Equal(got, []string{"Default"}) {
		t.Errorf("live are %q", got)
	}
	if got := names(t, s, true); !slices.Equal(got, []string{title}) {
		t.Errorf("deleted are %q", got)
	}
	if err := s.client.RestoreWorkspace(ctx, s.OrgID, w.ID); err != nil {
		t.Fatal(err)
	}
	if again, err := s.client.Workspace(ctx, s.OrgID, w.ID); err != nil || again.Name != title {
		t.Errorf("got %+v, %v", again, err)
	}
}

func names(t *testing.T, s *shed, deleted bool) []string {
	t.Helper()
	var list []string
	for w, err := range s.client.Workspaces(t.Context(), s.OrgID, deleted) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, w.Name)
	}
	return list
}

// TestThroughDoor goes the way of the Evo clients: https without a port,
// through the server's own proxy.
func TestThroughDoor(t *testing.T) {
	s := start(t)
	c, err := client.New(client.Config{Hub: s.TLSURL, Token: s.Token, Proxy: s.Proxy, CAFile: s.CAFile})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	files := c.Files(s.OrgID, s.WorkspaceID)
	content := random(9, 10*block)
	up, err := files.Upload(t.Context(), client.Path("x.bin"), bytes.NewReader(content), int64(len(content)), client.UploadOptions{BlockSize: block})
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := files.Download(t.Context(), client.ID(up.FileID), &got, client.DownloadOptions{}); err != nil || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("the file differs (%v)", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []client.Config{{}, {Hub: "localhost:8080"}, {Hub: "ftp://x"}, {Hub: "http://x", Proxy: "::"}, {Hub: "http://x", CAFile: "nowhere.pem"}} {
		if _, err := client.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
