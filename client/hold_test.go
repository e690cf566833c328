package client_test

import (
	"errors"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

// TestHeld: whoever is refused because of a hold can tell that from other refusals.
func TestHeld(t *testing.T) {
	s, ctx := start(t), t.Context()
	s.put(t, "a.tif", "one")
	e, err := s.files.Entry(ctx, client.Path("a.tif"), 0)
	if err != nil || e.HeldBy != nil {
		t.Fatalf("%+v, %v", e, err)
	}
	h, err := s.client.AddHold(ctx, client.NewHold{File: e.FileID, Reason: "case 17"})
	if err != nil {
		t.Fatal(err)
	}
	if e, err = s.files.Entry(ctx, client.Path("a.tif"), 0); err != nil || e.HeldBy == nil || *e.HeldBy != (client.HeldBy{Hold: h.Number, Reason: "case 17"}) {
		t.Errorf("it is held by %+v, %v", e.HeldBy, err)
	}
	err = s.files.Delete(ctx, client.Path("a.tif"))
	var refused *client.Error
	if !errors.Is(err, coreshed.Held) || !errors.As(err, &refused) || refused.Status != 400 {
		t.Errorf("delete: %v", err)
	}
	if err := s.client.DeleteWorkspace(ctx, s.OrgID, s.WorkspaceID); !errors.Is(err, coreshed.Held) {
		t.Errorf("delete the workspace: %v", err)
	}
	p, err := s.client.PlanPurge(ctx, client.NewPurge{Files: []coreshed.UUID{e.FileID}})
	if err != nil || p.Held != 1 {
		t.Fatalf("the plan is %+v, %v", p, err)
	}
	if _, err := s.client.ExecutePurge(ctx, p.ID, p.Fingerprint); !errors.Is(err, coreshed.Held) {
		t.Errorf("purge: %v", err)
	}
	if _, err := s.client.LiftHold(ctx, h.Number); err != nil {
		t.Fatal(err)
	}
	if err := s.files.Delete(ctx, client.Path("a.tif")); err != nil {
		t.Fatal(err)
	}
	if gone, err := s.files.Entry(ctx, client.ID(e.FileID), e.VersionID); err != nil || gone.HeldBy != nil {
		t.Errorf("deleted, it is %+v, %v", gone, err)
	}
	if err := s.files.Delete(ctx, client.Path("none")); !errors.Is(err, coreshed.NotFound) {
		t.Errorf("delete nothing: %v", err)
	}
}

func TestRetention(t *testing.T) {
	s, ctx := start(t), t.Context()
	for _, kept := range []time.Duration{36 * time.Hour, 0} {
		set, err := s.client.SetRetention(ctx, s.WorkspaceID, kept)
		got, errGet := s.client.Retention(ctx, s.WorkspaceID)
		if err != nil || errGet != nil || set != kept || got != kept {
			t.Errorf("%v, %v; %v, %v; want %v", set, err, got, errGet, kept)
		}
	}
	for _, bad := range []time.Duration{-time.Second, time.Second + 1} {
		if _, err := s.client.SetRetention(ctx, s.WorkspaceID, bad); !errors.Is(err, coreshed.Invalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := s.client.Retention(ctx, coreshed.UUID{1}); err == nil {
		t.Error("a workspace that is not there has a retention")
	}
}
