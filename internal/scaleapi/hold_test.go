package scaleapi_test

import (
	"fmt"
	"testing"

	"github.com/coreshed/coreshed/internal/store"
)

// TestHeldWorkspace: a workspace in which something is held stays active.
func TestHeldWorkspace(t *testing.T) {
	each(t, func(s *shed) {
		f := s.upload("a.csv", "1")
		h := s.Hold(t, store.NewHold{Version: f.Version.ID})
		path := fmt.Sprintf("/v6/workspaces/%d/", s.Workspace.ID)
		s.send(s.Owner, "PATCH", path, `{"is_active": false}`).want(400, fmt.Sprintf("Hold %d protects this workspace, or something in it: case 17", h.ID))
		s.send(s.Owner, "PATCH", path, `{"title": "Other"}`).want(204)
		if _, err := s.DB.LiftHold(t.Context(), s.View(t, s.Owner), h.ID); err != nil {
			t.Fatal(err)
		}
		s.send(s.Owner, "PATCH", path, `{"is_active": false}`).want(204)
	})
}
