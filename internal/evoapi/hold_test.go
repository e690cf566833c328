package evoapi_test

import (
	"fmt"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// TestHeld: what is held is not deleted, new versions of it are made, and whoever
// does not see the hold is not told its name.
func TestHeld(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "d/a.csv", "1")
		h := s.Hold(t, store.NewHold{File: f.UUID})
		for _, path := range []string{s.files("/" + f.UUID.String()), s.files("/path/d/a.csv")} {
			got := s.send(s.Editor, "DELETE", path).want(400, "/file-api/bad-request").at("detail")
			if s.send(s.Editor, "DELETE", path).want(400).at("held") != true {
				t.Error("nothing tells programs of the hold")
			}
			if want := fmt.Sprintf("Hold %d protects this file: case 17", h.ID); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		s.send(s.Owner, "DELETE", s.here("")).want(400, "/workspace-api/bad-request")
		s.send(s.Viewer, "DELETE", s.files("/path/d/a.csv")).want(403)
		s.send(s.Editor, "PUT", s.files("/path/d/a.csv")).want(200)
		s.Put(t, s.Editor, "d/a.csv", "2")
		_, err := s.DB.LiftHold(t.Context(), s.View(t, s.Owner), h.ID)
		if err != nil {
			t.Fatal(err)
		}

		home := s.Workspace
		s.Workspace = s.AddWorkspace(t, "secret")
		if err := s.DB.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Editor.ID, coreshed.Editor); err != nil {
			t.Fatal(err)
		}
		_, made := s.Made(t, "made.tif", f.Version.ID)
		secret := s.Hold(t, store.NewHold{Version: made, Direction: coreshed.Up, Reason: "secret case"})
		s.Workspace = home
		if err := s.DB.Grant(t.Context(), coreshed.Operator, home.ID, s.Member.ID, coreshed.Editor); err != nil {
			t.Fatal(err)
		}
		if got := s.send(s.Member, "DELETE", s.files("/path/d/a.csv")).want(400).at("detail"); got != "A hold protects this file." {
			t.Errorf("who does not see the hold is told %q", got)
		}
		if got := s.send(s.Editor, "DELETE", s.files("/path/d/a.csv")).want(400).at("detail"); got != fmt.Sprintf("Hold %d protects this file: secret case", secret.ID) {
			t.Errorf("who sees the hold is told %q", got)
		}
		if _, err := s.DB.LiftHold(t.Context(), s.View(t, s.Owner), secret.ID); err != nil {
			t.Fatal(err)
		}
		s.send(s.Editor, "DELETE", s.files("/path/d/a.csv")).want(204)
	})
}
